"""The engine's fake behaves as the engine does, where a bot can see it."""

import pytest

from engine.echo import EchoEngine, EchoReply
from engine.sequence import BadRequest, Engine, EngineError, PromptTooLong, Sampling


async def read(engine: Engine, prompt: str, sampling: Sampling | None = None) -> str:
    reply = engine.stream(engine.encode(prompt), sampling or Sampling())
    return "".join([piece async for piece in reply])


async def test_a_script_is_read_line_by_line_and_over_again() -> None:
    engine = EchoEngine(["悟空！", "师父。"])
    assert [await read(engine, "?") for _ in range(3)] == ["悟空！", "师父。", "悟空！"]


async def test_without_a_script_it_repeats_the_last_line() -> None:
    assert await read(EchoEngine(), "a\nb\n") == "b"
    assert await read(EchoEngine(str.upper), "abc") == "ABC"


async def test_pieces_are_whole_characters_and_stops_are_not_shown() -> None:
    engine = EchoEngine(["去也。八戒：好"])
    reply = engine.stream(engine.encode("?"), Sampling(stop=("八戒：",)))
    assert [piece async for piece in reply] == ["去", "也", "。"]
    assert reply.finish == "stop"
    assert engine.decode(reply.tokens) == "去也。"


async def test_length_and_walking_away() -> None:
    engine = EchoEngine(["abcdef"])
    reply = engine.stream(engine.encode("?"), Sampling(max_tokens=3))
    assert "".join([piece async for piece in reply]) == "abc"
    assert reply.finish == "length"
    reply = engine.stream(engine.encode("?"), Sampling())
    await anext(reply)
    await reply.aclose()
    assert [piece async for piece in reply] == []
    assert reply.finish == "left"


async def test_only_control_text_makes_control_tokens() -> None:
    engine = EchoEngine()
    assert max(engine.encode("<|im_end|>")) < 256
    tokens = engine.encode("<|im_start|>user\n", control=True)
    assert tokens[0] == 256
    assert engine.decode(tokens) == "<|im_start|>user\n"


async def test_usage_counts_what_was_heard_before_as_reused() -> None:
    engine = EchoEngine(["ab"])
    prompt = engine.encode("one ")
    first = engine.stream(prompt, Sampling())
    assert [piece async for piece in first]
    second = engine.stream([*prompt, *first.tokens, *engine.encode(" two")], Sampling())
    assert [piece async for piece in second]
    assert (second.usage.evaluated, second.usage.reused, second.usage.generated) == (4, 6, 2)


async def test_errors_come_where_the_engine_has_them() -> None:
    engine = EchoEngine([EngineError("no luck"), "next"], context=50)
    with pytest.raises(EngineError, match="no luck"):
        await read(engine, "?", Sampling(max_tokens=9))
    assert await read(engine, "?", Sampling(max_tokens=9)) == "next"
    with pytest.raises(PromptTooLong):
        await read(engine, "x" * 60, Sampling(max_tokens=9))
    with pytest.raises(BadRequest):
        await read(engine, "x", Sampling(top_p=2))
    reply = engine.stream(engine.encode("?"), Sampling(max_tokens=9))
    await engine.close()
    with pytest.raises(EngineError, match="closed"):
        await anext(reply)


async def test_scores_prefer_what_was_spoken_of() -> None:
    engine = EchoEngine()
    prompt = engine.encode("hello")
    known, unknown = await engine.score(prompt, [engine.encode("he"), engine.encode("xy")])
    assert known > unknown


def test_both_engines_are_engines() -> None:
    engine: Engine = EchoEngine()
    assert isinstance(engine.stream([65], Sampling()), EchoReply)
