"""Who comes next and what a batch holds: fair, and never a stall."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from engine.schedule import PATIENCE_S, Pace, Queue, plan


@dataclass(eq=False)
class Ask:
    name: str
    room: str = ""
    person: str = ""
    waiting: bool = True
    arrived: float = 0.0


@dataclass(eq=False)
class Work:
    left: int
    writing: bool = False
    limit: int = 10**6
    writes: bool = True


def order(queue: Queue[Ask], now: float, running: list[Ask] | None = None) -> str:
    return "".join(ask.name for ask in queue.order(now, running or []))


def test_first_come_first_served_among_equals() -> None:
    queue = Queue([Ask("b", arrived=2), Ask("a", arrived=1), Ask("c", arrived=3)])
    assert order(queue, 4) == "abc"


def test_a_human_who_waits_comes_before_characters_among_themselves() -> None:
    queue = Queue([Ask("a", waiting=False, arrived=1), Ask("b", arrived=2)])
    assert order(queue, 3) == "ba"


def test_characters_among_themselves_do_not_starve() -> None:
    queue = Queue([Ask("a", waiting=False, arrived=0), Ask("b", arrived=PATIENCE_S + 1)])
    assert order(queue, PATIENCE_S + 2) == "ab"


def test_who_was_served_least_comes_first_by_room_and_by_person() -> None:
    queue = Queue([Ask("a", room="1"), Ask("b", room="2", arrived=1)])
    queue.served(Ask("x", room="1"), 500, now=2)
    assert order(queue, 2) == "ba"
    queue = Queue([Ask("a", room="1", person="p"), Ask("b", room="1", person="q", arrived=1)])
    queue.served(Ask("x", room="9", person="p"), 500, now=2)
    assert order(queue, 2) == "ba"


def test_old_service_is_forgotten() -> None:
    queue = Queue([Ask("a", room="1"), Ask("b", room="2", arrived=1)])
    queue.served(Ask("x", room="1"), 500, now=0)
    queue.served(Ask("x", room="2"), 100, now=600)
    assert order(queue, 600) == "ab"


def test_a_room_being_served_waits_for_the_others() -> None:
    queue = Queue([Ask("a", room="1"), Ask("b", room="2", arrived=1)])
    assert order(queue, 2, [Ask("x", room="1")]) == "ba"


def test_a_flood_from_one_room_delays_that_room_only() -> None:
    queue = Queue([Ask("x", room="flood", arrived=n / 100) for n in range(50)])
    other = Ask("o", room="quiet", arrived=1)
    queue.waiting.append(other)
    turns = []
    for now in range(2, 12):
        first = queue.order(now)[0]
        queue.served(first, 100, now)
        queue.waiting.remove(first)
        turns.append(first.name)
    assert turns.index("o") <= 1


def test_replies_always_get_their_token() -> None:
    reading, writing = Work(left=900), Work(left=1, writing=True)
    assert plan([reading, writing], batch=512, chunk=16) == [(writing, 1), (reading, 16)]


def test_the_first_prompt_gets_the_batch_when_nobody_writes() -> None:
    first, second = Work(left=700), Work(left=500)
    assert plan([first, second], batch=512, chunk=16) == [(first, 512)]


def test_the_first_reply_does_not_wait_for_the_other_prompts() -> None:
    prompts = [Work(left=40) for _ in range(4)]
    assert plan(prompts, batch=512, chunk=16) == [(prompts[0], 40)]
    short = [Work(left=5) for _ in range(4)]
    assert plan(short, batch=512, chunk=16) == [(work, 5) for work in short[:3]] + [(short[3], 1)]


def test_texts_to_be_scored_are_read_in_one_batch() -> None:
    texts = [Work(left=40, writes=False) for _ in range(4)]
    assert plan(texts, batch=512, chunk=16) == [(work, 40) for work in texts]


def test_nobody_takes_more_than_its_limit() -> None:
    work = Work(left=500, limit=40)
    assert plan([work], batch=512, chunk=16) == [(work, 40)]


works = st.lists(
    st.builds(Work, st.integers(0, 900), st.booleans(), st.integers(1, 900), st.booleans()),
    max_size=20,
)


@given(works, st.integers(1, 600), st.integers(1, 600))
def test_a_plan_keeps_its_bounds(works: list[Work], batch: int, chunk: int) -> None:
    shares = plan(works, batch=batch, chunk=chunk)
    assert sum(n for _, n in shares) <= batch
    assert all(0 < n <= work.left for work, n in shares)
    assert len({id(work) for work, _ in shares}) == len(shares)
    if any(work.writing for work, _ in shares):
        assert sum(n for work, n in shares if not work.writing) <= chunk


def test_the_pace_keeps_a_batch_within_its_stretch() -> None:
    pace = Pace(stretch=2.5, least=4, most=512)
    for _ in range(30):
        pace.learn(0.080, replies=8, prompt=0)
        pace.learn(0.080 + 64 * 0.005, replies=8, prompt=64)
    assert 20 <= pace.chunk <= 26  # 0.080 s × 1.5 ÷ 0.005 s
    assert Pace(stretch=2.5, least=4).chunk == 32
