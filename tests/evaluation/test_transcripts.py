"""The same talks told and taught: every line is answered, kept, and set side by side as it is."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import pytest

from characters.card import CAST_FOLDER, load_cast
from characters.style import Serving
from engine.echo import EchoEngine
from evaluation import transcripts
from evaluation.error import EvaluationError
from evaluation.subject import EngineSubject
from evaluation.transcripts import TALKS, read_talks

CAST = load_cast()
SMALL = """
[[talk]]
title = "一"
language = "zh"
cast = ["wukong"]
lines = [["小甲", "wukong", "你好"], ["小甲", "wukong", "再会"]]
[[talk]]
title = "two"
language = "en"
cast = ["bajie", "wukong"]
lines = [["Bo", "bajie", "Hello"]]
"""


def echo(mark: str) -> EngineSubject:
    """Answers with a mark and the last thing that was said."""

    def script(prompt: str) -> str:
        said = re.findall(r"(?:你好|再会|Hello)", prompt)
        return f"{mark}|{len(said)}`<b>\n{said[-1]}"

    return EngineSubject(EchoEngine(script, context=40_000), Serving(max_tokens=40), name=mark)


@pytest.fixture
def wanted(tmp_path: Path) -> argparse.Namespace:
    (tmp_path / "talks.toml").write_text(SMALL, encoding="utf-8")
    return argparse.Namespace(
        model=tmp_path / "m.gguf",
        voice=tmp_path / "v.gguf",
        talks=tmp_path / "talks.toml",
        cast=CAST_FOLDER,
        out=tmp_path / "page.md",
        seed=1,
        context=4096,
        threads=1,
        markup="",
    )


def opened(
    monkeypatch: pytest.MonkeyPatch, marks: list[str], fail_on: str = "nobody"
) -> dict[str, object]:
    """Models are echoes: `told` without an adapter, `taught` with one."""

    def open_(path: Path, *, adapter: Path | None, **_: object) -> EngineSubject:
        mark = "taught" if adapter else "told"
        if mark == fail_on:
            raise EvaluationError("the power is gone")
        marks.append(mark)
        return echo(mark)

    monkeypatch.setattr(EngineSubject, "open", open_)
    return {}


def test_the_shipped_talks_are_fifteen_and_nobody_speaks_to_who_is_not_there() -> None:
    talks = read_talks(TALKS, CAST)
    assert len(talks) == 15
    assert {talk.language for talk in talks} == {"zh", "en"}
    assert {line.to for talk in talks for line in talk.lines} == {c.id for c in CAST}
    assert len({talk.title for talk in talks}) == len(talks)


def test_both_sides_answer_every_line_and_nothing_is_changed(
    wanted: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks: list[str] = []
    opened(monkeypatch, marks)
    assert transcripts.run(wanted)["transcripts"] == 4
    assert marks == ["told", "taught"]
    page = wanted.out.read_text(encoding="utf-8")
    assert page.count("## ") == 2
    rows = [line for line in page.splitlines() if line.startswith("| **")]
    assert len(rows) == 3
    # The second line stands after the first and its own answer.
    assert "told\\|1" in rows[0]
    assert "taught\\|3" in rows[1] or "taught\\|2" in rows[1]
    assert all("&lt;b>" in row and "<br>" in row for row in rows)
    assert not wanted.out.with_name("page.md.part").exists()


def test_a_call_that_was_stopped_goes_on(
    wanted: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks: list[str] = []
    opened(monkeypatch, marks, fail_on="taught")
    with pytest.raises(EvaluationError, match="power"):
        transcripts.run(wanted)
    kept = json.loads(wanted.out.with_name("page.md.part").read_text(encoding="utf-8"))
    assert [len(replies) for replies in kept["sides"]["told"]] == [2, 1]
    opened(monkeypatch, marks)
    transcripts.run(wanted)
    assert marks == ["told", "taught"]  # told was there already
    wanted.out.with_name("page.md.part").write_text(json.dumps(kept), encoding="utf-8")
    wanted.seed = 2  # another seed is another page
    transcripts.run(wanted)
    assert marks == ["told", "taught", "told", "taught"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense = [", "cannot be read as talks"),
        ("a = 1", "cannot be read as talks"),
        ('[[talk]]\ntitle = "x"', "talk 1: needs title"),
        (SMALL.replace('"zh"', '"fr"'), "talk 1: the language is 'fr'"),
        (SMALL.replace('"Bo", "bajie"', '"Bo", "shaseng"'), "talk 2: 'shaseng' is nobody"),
        (SMALL.replace('["wukong"]\nlines', '["nobody"]\nlines'), "talk 1: 'nobody' is nobody"),
        (SMALL.replace('"Bo", ', ""), "talk 2: needs"),
    ],
)
def test_a_broken_file_of_talks_says_which_talk(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=re.escape(message)):
        read_talks(tmp_path / "t.toml", CAST)
