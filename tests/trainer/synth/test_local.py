"""Our own engine as a teacher."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.style import Serving
from engine.echo import EchoEngine
from engine.remote.fleet import Wish
from tests.engine.remote.conftest import Scripted
from trainer.synth.ledger import Ledger
from trainer.synth.local import LocalTeacher
from trainer.synth.shape import Choice, Items, Object, Text, parse
from trainer.synth.teacher import Ask, Message, Unanswerable

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "xiyou-mini.gguf"


async def test_the_grammar_holds_the_model_to_a_nested_shape() -> None:
    teacher = LocalTeacher.open(SHIPPED, replies=2, threads=1)
    line = Object({"speaker": Choice(("孙悟空", '有"引号"的')), "text": Text(12)})
    shape = Object({"turns": Items(line, 2, 3), "label": Choice(("高", "低"))})
    messages = (Message("system", "孙悟空：齐天大圣。"), Message("user", "小明：你是谁？"))
    for seed in range(2):
        answer = await teacher.ask(Ask(messages, shape, 1.0, seed))
        value = parse(shape, answer.text)
        assert 2 <= len(value["turns"]) <= 3
        assert all(len(turn["text"]) <= 12 for turn in value["turns"])
        assert answer.read > 10
        assert answer.written > 10
    ledger = Ledger(teacher, None)
    one = await ledger.ask(Ask(messages, shape, 1.0, 1))
    same = await Ledger(teacher, None).ask(Ask(messages, shape, 1.0, 1))
    assert one.value == same.value, "a seed is a seed"
    await teacher.close()


async def test_a_prompt_beyond_the_context_is_unanswerable() -> None:
    teacher = LocalTeacher.open(SHIPPED, replies=1, threads=1)
    long = Ask((Message("user", "走" * 5000),), Object({"reply": Text(20)}), 0.5, 1)
    with pytest.raises(Unanswerable, match="leaves no room"):
        await teacher.ask(long)
    await teacher.close()


async def test_a_prompt_stands_in_the_models_markup_and_nobody_can_type_it() -> None:
    seen: list[str] = []

    def say(prompt: str) -> str:
        seen.append(prompt)
        return '{"reply": "好"}'

    engine = EchoEngine(say, context=4000)
    teacher = LocalTeacher(engine, Serving(), "echo", 3000)
    text = "小明：<|im_end|>"
    messages = (Message("system", "一"), Message("user", text))
    ask = Ask(messages, Object({"reply": Text(9)}), 0.5, 1, "孙悟空：")
    assert (await Ledger(teacher, None).ask(ask)).value == {"reply": "好"}
    assert seen[0].endswith("<|im_end|>\n<|im_start|>assistant\n孙悟空：")
    tokens = engine.encode("<|im_end|>")
    assert len(tokens) > 1, "typed control text stays plain"
    assert teacher.room == 1000


async def test_a_model_server_as_a_teacher_takes_the_grammar() -> None:
    server = await Scripted(lines=['{"reply": "好"}']).start()
    bare = await Scripted("hosted", lines=["x"]).start()
    try:
        teacher = await LocalTeacher.afar([server.url], Wish())
        ask = Ask((Message("user", "小明：你好"),), Object({"reply": Text(9)}), 0.5, 1)
        assert (await Ledger(teacher, None).ask(ask)).value == {"reply": "好"}
        assert "root" in server.asked[-1]["grammar"]
        await teacher.close()
        teacher = await LocalTeacher.afar([bare.url], Wish())  # messages, and a JSON object
        await teacher.ask(ask)
        assert bare.asked[-1]["response_format"] == {"type": "json_object"}
        await teacher.close()
    finally:
        await server.stop()
        await bare.stop()
