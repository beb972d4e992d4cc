"""Event files: chapter, what happens, the same in English."""

from __future__ import annotations

from pathlib import Path

import pytest

from canon.error import BadNameTable
from canon.events import Event, read_events


def test_events_are_read_and_notes_left_out(tmp_path: Path) -> None:
    file = tmp_path / "n.events.tsv"
    file.write_text("# note\n2\t下棋\tchess\n\n3\t借火\tfire\n", encoding="utf-8")
    assert read_events(file) == (Event(2, "下棋", "chess"), Event(3, "借火", "fire"))


def test_a_place_may_be_told(tmp_path: Path) -> None:
    file = tmp_path / "n.events.tsv"
    file.write_text("2\t下棋\tchess\t那局棋\n", encoding="utf-8")
    assert read_events(file) == (Event(2, "下棋", "chess", "那局棋"),)
    lines = tmp_path / "notes.jsonl"
    lines.write_text('{"chapter": 2, "told": "下棋", "where": "那局棋…罢了"}\n', encoding="utf-8")
    assert read_events(lines) == (Event(2, "下棋", "", "那局棋…罢了"),)


@pytest.mark.parametrize(
    "line",
    ["[]", "{", '{"chapter": "2", "told": "a"}', '{"chapter": 2}', '{"told": "a"}', "[" * 9999],
)
def test_a_broken_row_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "notes.jsonl"
    file.write_text('{"chapter": 1, "english": "x"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(BadNameTable, match="line 2"):
        read_events(file)


@pytest.mark.parametrize(
    "line", ["two\t下棋\tchess", "2\t下棋", "2 下棋 chess", "2\t\t", "2\ta\tb\tc\td"]
)
def test_a_broken_line_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "n.events.tsv"
    file.write_text(f"1\ta\tb\n{line}\n", encoding="utf-8")
    with pytest.raises(BadNameTable, match="line 2"):
        read_events(file)
