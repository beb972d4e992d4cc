"""Progress where nobody has a terminal."""

from __future__ import annotations

import io

from evaluation import progress


def test_without_a_terminal_there_is_a_line_now_and_then() -> None:
    out = io.StringIO()
    with progress.shown(out, every=0.0) as step:
        for done in range(1, 4):
            step("asking mini", done, 3)
    lines = out.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == [f"asking mini: {n} of 3" for n in (1, 2, 3)]
    assert "left" not in lines[-1]


def test_lines_are_few_but_the_first_and_the_last_are_there() -> None:
    out = io.StringIO()
    with progress.shown(out, every=3600.0) as step:
        for done in range(1, 501):
            step("asking", done, 500)
        step("who speaks next", 1, 2)
    told = [line.split(",")[0] for line in out.getvalue().splitlines()]
    assert told == ["asking: 1 of 500", "asking: 500 of 500", "who speaks next: 1 of 2"]


def test_on_a_terminal_it_is_a_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    with progress.shown(out) as step:
        step("asking mini", 2, 2)
    assert "2/2" in out.getvalue()
