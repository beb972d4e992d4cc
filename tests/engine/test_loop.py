"""Schedule, evaluate, sample, deliver: with a machine that checks every rule of the cache."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from engine.loop import SHARED_WORTH_WAITING
from engine.offload import HostCache
from engine.restarts import Restarts
from engine.sequence import BadRequest, EngineError, PromptTooLong, Sampling

CARDS = "rules, world and cards of everybody on stage, told at some length|"


async def test_replies_are_what_the_model_alone_would_write(fake: Any, alone: Any) -> None:
    one = fake()
    prompts = [CARDS + f"room {n}: hello" for n in range(9)]
    assert await asyncio.gather(*map(one.read, prompts)) == [alone(p) for p in prompts]
    one.check()


async def test_a_common_prefix_is_read_once_even_when_all_come_at_once(fake: Any) -> None:
    one = fake()
    await asyncio.gather(*(one.read(CARDS + f"{n} asks") for n in range(8)))
    stats = one.loop.snapshot()
    assert stats.evaluated <= len(CARDS) + 8 * (len("n asks") + SHARED_WORTH_WAITING)


async def test_a_room_grows_in_place_with_its_replies(fake: Any, alone: Any) -> None:
    one = fake()
    prompt, fresh = CARDS, 0
    for turn in range(5):
        said = f"<{turn}>"
        prompt, fresh = prompt + said, fresh + len(said)
        text = await one.read(prompt, room="r")
        assert text == alone(prompt)
        prompt += text
    # The last token of each reply was written but not read.
    assert one.loop.snapshot().evaluated == len(CARDS) + fresh + 4
    assert one.machine.used == len(prompt) - 1
    assert len(one.loop.cache.slots.idle) == 1


async def test_a_tail_is_forgotten_with_its_reply(fake: Any) -> None:
    one = fake()
    await one.read(CARDS + "[tail]", room="r", stable=len(CARDS))
    assert one.machine.used == len(CARDS)
    one.check()


async def test_queue_positions_are_known(fake: Any) -> None:
    one = fake(replies=1, delay=0.001)
    replies = [one.stream(f"prompt {n}", max_tokens=100) for n in range(3)]
    await anext(replies[0])
    assert [reply.position for reply in replies] == [0, 1, 2]
    for reply in replies:
        await reply.aclose()
    await one.rest()
    one.check()


async def test_a_human_overtakes_characters_among_themselves(fake: Any) -> None:
    one = fake(replies=1, delay=0.001)
    ends: list[str] = []

    async def ask(name: str, waiting: bool) -> None:
        await one.read(f"{name}: hello", waiting=waiting)
        ends.append(name)

    first = one.stream("somebody: begins", max_tokens=150)
    await anext(first)
    chatter = [asyncio.create_task(ask(f"chat{n}", False)) for n in range(3)]
    await asyncio.sleep(0)
    human = asyncio.create_task(ask("human", True))
    await asyncio.gather(*chatter, human)
    assert ends[0] == "human"


async def test_stop_length_and_end(fake: Any, alone: Any) -> None:
    one = fake()
    text = alone("prompt", 40)
    reply = one.stream("prompt", max_tokens=40, stop=(text[20:23],))
    assert "".join([piece async for piece in reply]) == text[: text.index(text[20:23])]
    assert reply.finish == "stop"
    assert bytes(reply.tokens).decode() == text[: text.index(text[20:23])]
    reply = one.stream("prompt", max_tokens=5)
    assert "".join([piece async for piece in reply]) == text[:5]
    assert reply.finish == "length"
    one.machine.end_after = 9
    reply = one.stream("prompt", max_tokens=40)
    assert "".join([piece async for piece in reply]) == text[:3]
    assert reply.finish == "end"
    one.check()


async def test_usage_and_statistics_add_up(fake: Any) -> None:
    one = fake()
    reply = one.stream(CARDS + "a")
    assert len([piece async for piece in reply]) == 8
    assert (reply.usage.evaluated, reply.usage.reused) == (len(CARDS) + 1, 0)
    reply = one.stream(CARDS + "b")
    assert [piece async for piece in reply]
    assert (reply.usage.evaluated, reply.usage.reused, reply.usage.generated) == (1, len(CARDS), 8)
    stats = one.loop.snapshot()
    assert (stats.evaluated, stats.reused, stats.generated) == (len(CARDS) + 2, len(CARDS), 16)
    assert (stats.replies, stats.queued, stats.writing) == (2, 0, 0)
    assert (stats.first_token.count, stats.gap.count) == (2, 14)


async def test_walking_away_frees_the_slot(fake: Any) -> None:
    one = fake(delay=0.001)
    reply = one.stream("prompt", max_tokens=150)
    await anext(reply)
    await reply.aclose()
    assert reply.finish == "left"
    assert [piece async for piece in reply] == []
    one.check()


async def test_dropping_a_reply_frees_its_slot_too(fake: Any) -> None:
    one = fake(delay=0.001)
    async for _ in one.stream("prompt", max_tokens=190):
        break
    await one.rest()
    one.check()
    assert one.loop.snapshot().generated < 190


async def test_leaving_before_the_start(fake: Any) -> None:
    one = fake(replies=1, delay=0.001)
    first = one.stream("first", max_tokens=100)
    await anext(first)
    second = one.stream("second")
    await second.aclose()
    assert second.finish == "left"
    assert second.usage.evaluated == 0
    await first.aclose()
    one.check()


async def test_an_error_reaches_everybody_in_the_batch_and_the_next_reply_works(
    fake: Any, alone: Any
) -> None:
    one = fake()

    def trouble(entries: list[Any]) -> None:
        if len(entries) == 3:
            raise EngineError("no luck")

    one.machine.trouble = trouble
    results = await asyncio.gather(
        *(one.read(f"{n} asks something") for n in range(3)), return_exceptions=True
    )
    assert [str(result) for result in results] == ["no luck"] * 3
    one.check()
    assert one.machine.used == 0
    assert await one.read("prompt") == alone("prompt")


async def test_the_thread_starts_once_more_and_tells_everybody(fake: Any, alone: Any) -> None:
    one = fake()
    await one.read(CARDS)

    def trouble(entries: list[Any]) -> None:
        one.machine.trouble = lambda entries: None
        raise ZeroDivisionError("a bug")

    one.machine.trouble = trouble
    results = await asyncio.gather(one.read("a"), one.read("b"), return_exceptions=True)
    failed = [result for result in results if isinstance(result, EngineError)]
    assert failed
    assert "a bug" in str(failed[0])
    assert await one.read("prompt") == alone("prompt")
    assert one.loop.snapshot().restarts == 1
    one.check()


async def test_a_second_death_is_told_to_everybody_for_good(fake: Any) -> None:
    one = fake()

    def trouble(entries: list[Any]) -> None:
        raise ZeroDivisionError("a bug")

    one.machine.trouble = trouble
    for _ in range(4):
        with pytest.raises(EngineError, match="a bug"):
            await one.read("prompt")
    reply = one.stream("prompt")
    await reply.aclose()


async def test_what_is_wrong_with_a_request_is_told_by_its_reply(fake: Any, alone: Any) -> None:
    one = fake()
    wrong: list[tuple[type[EngineError], dict[str, Any]]] = [
        (PromptTooLong, {"prompt": "x" * 195}),
        (PromptTooLong, {"prompt": "x", "max_tokens": 200}),
        (BadRequest, {"prompt": ""}),
        (BadRequest, {"prompt": [5, 128]}),
        (BadRequest, {"prompt": [-1]}),
        (BadRequest, {"prompt": "x", "stop": "abc"}),
        (BadRequest, {"prompt": "x", "stop": (1,)}),
        (BadRequest, {"prompt": "x", "temperature": float("nan")}),
        (BadRequest, {"prompt": "x", "stop": None}),
        (BadRequest, {"prompt": "x", "bias": 3}),
    ]
    for error, request in wrong:
        with pytest.raises(error):
            await one.read(**request)
    assert await one.read("prompt") == alone("prompt")
    one.check()


async def test_a_full_cache_makes_requests_wait_never_abort(fake: Any, alone: Any) -> None:
    one = fake(context=200, cells=220, replies=8)
    prompts = [f"{n}" * 60 for n in range(8)]
    texts = await asyncio.gather(*(one.read(p, max_tokens=40) for p in prompts))
    assert texts == [alone(p, 40) for p in prompts]
    one.check()


async def test_prompts_in_chunks_do_not_stall_replies(fake: Any) -> None:
    one = fake(context=400, cells=900, delay=0.001)
    one.machine.batch = 512
    reply = one.stream("first", max_tokens=60)
    await anext(reply)
    other = asyncio.create_task(one.read("x" * 300))
    assert len([piece async for piece in reply]) == 59
    await other
    assert max(one.machine.evaluated[1:]) <= 65


@pytest.mark.parametrize("resting", [None, 60, 0])
async def test_a_pile_of_random_requests_leaves_nothing_behind(
    fake: Any, alone: Any, resting: int | None
) -> None:
    one = fake(context=120, cells=260, slots=7, replies=4, host=HostCache(400), resting=resting)
    chance = random.Random(7)

    async def request(n: int) -> None:
        prompt = chance.choice([CARDS, CARDS[:40], "other"]) + "xy"[n % 2] * chance.randint(1, 9)
        reply = one.stream(
            prompt,
            max_tokens=chance.randint(1, 30),
            room=chance.choice(["", "a", "b"]),
            person=chance.choice(["", "p"]),
            waiting=chance.random() < 0.5,
            stable=chance.choice([None, len(prompt) - 1]),
        )
        whole = alone(prompt, 30)
        if chance.random() < 0.1:
            await reply.aclose()
            return
        text, leave = "", chance.randint(0, 60)
        async for piece in reply:
            text += piece
            if len(text) >= leave:
                await reply.aclose()
        assert whole.startswith(text)

    for _ in range(3):
        await asyncio.gather(*(request(n) for n in range(60)))
        await one.rest()
        one.check()
    assert one.loop.snapshot().failed == 0


async def score(one: Any, prompt: str, texts: list[str]) -> list[list[float]]:
    lines = [
        one.loop.ask(
            list((prompt + text).encode()),
            Sampling(),
            room="",
            person="",
            waiting=True,
            stable=None,
            scored=len(prompt),
        )
        for text in texts
    ]
    for line in lines:
        while not line.mailbox.closed:
            await line.mailbox.news()
    return [line.logprobs for line in lines]


@pytest.mark.parametrize("can_truncate", [True, False])
async def test_scores_read_the_prompt_once(fake: Any, alone: Any, can_truncate: bool) -> None:
    one = fake(can_truncate=can_truncate)
    right = alone(CARDS, 3)
    assert await score(one, CARDS, [right, "abc", right[:2] + "!", "zzz", "x"]) == [
        [-1.0, -1.0, -1.0],
        [-2.0, -2.0, -2.0],
        [-1.0, -1.0, -2.0],
        [-2.0, -2.0, -2.0],
        [-2.0],
    ]
    assert sum(one.machine.evaluated) <= len(CARDS) + 5 * (3 + SHARED_WORTH_WAITING)
    one.check()


async def test_a_long_text_is_scored_in_parts(fake: Any) -> None:
    one = fake()
    (logprobs,) = await score(one, "p", ["x" * 100])
    assert len(logprobs) == 100
    one.check()


async def test_idle_rooms_come_back_from_host_memory(fake: Any, alone: Any) -> None:
    one = fake(context=150, cells=150, host=HostCache(10_000))
    first, second = "a" * 100, "b" * 100
    assert await one.read(first, room="1") == alone(first)
    assert await one.read(second, room="2") == alone(second)
    assert one.loop.snapshot().offloaded_bytes > 100
    assert await one.read(first + "!", room="1") == alone(first + "!")
    stats = one.loop.snapshot()
    assert stats.restored == 100
    assert stats.evaluated == 201
    one.check()


async def test_idle_rooms_beyond_what_may_rest_make_way_at_once(fake: Any, alone: Any) -> None:
    one = fake(context=150, cells=2000, host=HostCache(10_000), resting=120)
    rooms = "abcdef"
    for room in rooms:
        assert await one.read(room * 100, room=room) == alone(room * 100)
    assert one.loop.snapshot().cells_used < 3 * 110
    for room in rooms:
        assert await one.read(room * 100 + "!", room=room) == alone(room * 100 + "!")
    stats = one.loop.snapshot()
    assert stats.evaluated == len(rooms) * 101
    assert stats.restored >= (len(rooms) - 1) * 100
    one.check()


async def test_idle_rooms_rest_where_host_memory_has_no_room_for_them(fake: Any) -> None:
    one = fake(context=150, cells=2000, host=HostCache(150), resting=0)
    for room in "abcdef":
        await one.read(room * 100, room=room)
    for room in "abcdef":
        await one.read(room * 100 + "!", room=room)
    assert one.loop.snapshot().evaluated == 6 * 101
    one.check()


async def test_cards_and_turns_come_back_one_after_the_other(fake: Any, alone: Any) -> None:
    one = fake(context=200, cells=2000, host=HostCache(10_000), resting=0)
    cards = "c" * 100
    # Two rooms share the cards: the one that is evicted last takes them along.
    for room in "ab":
        await one.read(cards + room * 50, room=room)
    await one.read("x" * 40)  # nobody is at work in the two rooms any more
    for room in "ab":
        prompt = cards + room * 50 + "!"
        assert await one.read(prompt, room=room) == alone(prompt)
    assert one.loop.snapshot().evaluated == 150 + 50 + 40 + 1 + 1
    one.check()


async def test_host_memory_that_fails_costs_reading_anew(fake: Any, alone: Any) -> None:
    one = fake(context=150, cells=150, host=HostCache(10_000))
    one.machine.load = lambda *args: False
    await one.read("a" * 100)
    await one.read("b" * 100)
    assert await one.read("a" * 100 + "!") == alone("a" * 100 + "!")
    one.check()


async def test_memory_that_cannot_be_cut_goes_on_from_copies(fake: Any, alone: Any) -> None:
    one = fake(can_truncate=False)
    prompt = CARDS
    for turn in range(4):
        prompt += f"<{turn}>"
        asked = prompt + "[tail]"
        assert await one.read(asked, room="r", stable=len(prompt)) == alone(asked)
    tails = 4 * len("[tail]")
    assert one.loop.snapshot().evaluated == len(CARDS) + 4 * len("<n>") + tails
    one.check()


async def test_memory_that_cannot_be_cut_learns_where_prompts_part(fake: Any, alone: Any) -> None:
    one = fake(can_truncate=False)
    for n in range(4):
        asked = CARDS + f"{n}, asks"
        assert await one.read(asked) == alone(asked)
    # The second reads everything again and keeps a copy where the two part; then it is there.
    assert one.loop.snapshot().evaluated <= 2 * len(CARDS) + 4 * len("n, asks")
    assert await asyncio.gather(*(one.read("x" * 40 + str(n)) for n in range(3))) == [
        alone("x" * 40 + str(n)) for n in range(3)
    ]
    one.check()


async def test_closing_ends_every_reply_with_an_error(fake: Callable[..., Any]) -> None:
    one = fake(delay=0.001)
    reply = one.stream("prompt", max_tokens=150)
    await anext(reply)
    await asyncio.to_thread(one.loop.close)
    with pytest.raises(EngineError, match="closed"):
        [piece async for piece in reply]
    with pytest.raises(EngineError, match="closed"):
        await one.read("prompt")


def failing(one: Any) -> None:
    def trouble(entries: list[Any]) -> None:
        raise ZeroDivisionError("a bug")

    one.machine.trouble = trouble


async def test_a_loop_that_fails_for_good_says_so(fake: Any) -> None:
    one = fake()
    assert one.loop.failure is None
    failing(one)
    for _ in range(6):
        with pytest.raises(EngineError, match="a bug"):
            await one.read("prompt")
    one.loop._thread.join(5)
    assert not one.loop._thread.is_alive()
    assert "a bug" in str(one.loop.failure)
    assert one.machine.closed


async def test_everybody_who_waits_is_told_when_it_fails_for_good(fake: Any) -> None:
    one = fake(replies=1, delay=0.001)
    one.loop._restarts = Restarts(most=0)
    replies = [one.stream(f"prompt {n}", max_tokens=100) for n in range(5)]
    await anext(replies[0])
    failing(one)
    for reply in replies:
        with pytest.raises(EngineError, match="a bug"):
            [piece async for piece in reply]
    with pytest.raises(EngineError, match="a bug"):
        await one.read("later")


async def test_a_cache_that_cannot_be_cleared_is_a_failure_too(fake: Any) -> None:
    one = fake()
    failing(one)

    def clear() -> None:
        raise ZeroDivisionError("another bug")

    one.machine.clear = clear
    with pytest.raises(EngineError):
        await one.read("prompt")
    one.loop._thread.join(5)
    assert "another bug" in str(one.loop.failure)
    with pytest.raises(EngineError, match="another bug"):
        await one.read("prompt")


async def test_restarts_of_long_ago_do_not_count(fake: Any, alone: Any) -> None:
    one = fake()
    one.loop._restarts = Restarts(most=1, window=0.0)
    for _ in range(5):
        failing(one)
        with pytest.raises(EngineError, match="a bug"):
            await one.read("prompt")
        one.machine.trouble = lambda chunks: None
        assert await one.read("prompt") == alone("prompt")
    assert one.loop.failure is None
    assert one.loop.snapshot().restarts == 5
