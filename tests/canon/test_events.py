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


@pytest.mark.parametrize("line", ["two\t下棋\tchess", "2\t下棋", "2 下棋 chess"])
def test_a_broken_line_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "n.events.tsv"
    file.write_text(f"1\ta\tb\n{line}\n", encoding="utf-8")
    with pytest.raises(BadNameTable, match="line 2"):
        read_events(file)
