"""A report that was stopped goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mrp
from characters.card import load_cast
from characters.style import Serving
from engine.echo import EchoEngine
from evaluation import exam
from evaluation import run as exam_run
from evaluation.error import EvaluationError
from evaluation.resume import PARTIAL, Kept
from evaluation.subject import Ask, EngineSubject, leads

ASKS = exam.build(leads(load_cast(), ["wukong"]), exam.read_questions(), size=exam.QUICK)[:12]


class Stopped(Exception):
    """Somebody pulled the plug."""


def subject(asked: list[str], *, stop_after: int = 1000) -> EngineSubject:
    def script(prompt: str) -> str:
        if len(asked) == stop_after:
            raise Stopped
        asked.append(prompt)
        return "老孙来也。"

    engine = EchoEngine(script, context=40_000)
    return EngineSubject(engine, Serving(max_tokens=20), name="m", at_once=1)


async def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    asked: list[str] = []
    kept = Kept(subject(asked, stop_after=5), tmp_path, exam="e", resume=False)
    with pytest.raises(BaseException):  # noqa: B017, PT011  however an engine dies
        await kept.answer(ASKS)
    with (tmp_path / PARTIAL).open("a", encoding="utf-8") as file:
        file.write('["cut", "老')
    asked = []
    again = Kept(subject(asked), tmp_path, exam="e", resume=True)
    assert again.resumed >= 4
    before = again.resumed
    seen: list[Ask] = []
    answers = await again.answer(ASKS, lambda ask, answer: seen.append(ask))
    assert len(asked) == len(ASKS) - before
    assert set(answers) == {ask.id for ask in ASKS}
    assert len(seen) == len(ASKS)
    whole = Kept(subject([]), tmp_path, exam="e", resume=True)
    assert whole.resumed == len(ASKS)
    again.forget()
    assert not (tmp_path / PARTIAL).exists()


async def test_a_reply_is_whole_or_asked_again_wherever_the_file_was_cut(tmp_path: Path) -> None:
    def script(prompt: str) -> str:
        return "老孙\u2028来也。"  # a separator that is no end of a line here

    engine = EchoEngine(script, context=40_000)
    first = EngineSubject(engine, Serving(max_tokens=20), name="m", at_once=1)
    answers = await Kept(first, tmp_path, exam="e", resume=False).answer(ASKS[:2])
    file = tmp_path / PARTIAL
    whole = file.read_bytes()
    last = whole.rindex(b"[", 0, -2)
    for cut in range(last, len(whole)):
        file.write_bytes(whole[:cut])
        kept = Kept(subject([]), tmp_path, exam="e", resume=True)
        assert kept.resumed == (2 if cut == len(whole) - 1 else 1), whole[:cut]
    assert {answer.text for answer in answers.values()} == {"老孙\u2028来也。"}


async def test_answers_of_another_model_or_exam_are_not_taken(tmp_path: Path) -> None:
    await Kept(subject([]), tmp_path, exam="e", resume=False).answer(ASKS)
    with pytest.raises(EvaluationError, match="--resume"):
        Kept(subject([]), tmp_path, exam="another", resume=True)
    anew = Kept(subject([]), tmp_path, exam="another", resume=False)
    assert anew.resumed == 0


def test_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "everyday.toml").write_text('zh = ["你平生最怕甚么？", "今日可累？"]')
    said = tmp_path / "said.jsonl"
    out = tmp_path / "r"
    words = ["evaluate", "report", str(said), "-o", str(out), "--questions", str(tmp_path / "q")]
    words += ["--characters", "wukong"]
    asks = tmp_path / "asks.jsonl"
    assert mrp.main(["evaluate", "asks", "-o", str(asks), *words[5:]]) == 0
    rows = [json.loads(line) for line in asks.read_text("utf-8").splitlines()]
    lines = [json.dumps({"id": row["id"], "text": "老孙来也"}) for row in rows]
    said.write_text("\n".join(lines), encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(exam_run, "write_record", lambda *a: (_ for _ in ()).throw(OSError))
        with pytest.raises(OSError):  # noqa: PT011
            mrp.main(words)
    assert (out / PARTIAL).exists()
    capsys.readouterr()
    assert mrp.main([*words, "--resume"]) == 0
    assert "asking said: " in capsys.readouterr().err
    assert not (out / PARTIAL).exists()
    assert (out / "report.html").exists()
