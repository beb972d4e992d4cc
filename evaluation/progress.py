"""How far an examination is: a bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

Step = Callable[[str, int, int], None]  # what, how many are done, of how many

# Seconds between two lines where there is no terminal: a log is to be read, not to be scrolled.
EVERY = 20.0


@contextlib.contextmanager
def shown(out: TextIO | None = None, *, every: float = EVERY) -> Iterator[Step]:
    """Show steps on stderr, or on `out`: a bar for each `what` if it is a terminal, else lines."""
    stream = out or sys.stderr
    if stream.isatty():
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(file=stream),
        ) as bars:
            tasks: dict[str, TaskID] = {}

            def bar(what: str, done: int, of: int) -> None:
                if what not in tasks:
                    tasks[what] = bars.add_task(what, total=of)
                bars.update(tasks[what], completed=done, total=of)

            yield bar
        return
    yield _Lines(stream, every)


class _Lines:
    """A line at the beginning and the end of each `what`, and between at most one a while."""

    def __init__(self, stream: TextIO, every: float) -> None:
        self._stream = stream
        self._every = every
        self._began: dict[str, tuple[float, int]] = {}
        self._last = 0.0

    def __call__(self, what: str, done: int, of: int) -> None:
        now = time.monotonic()
        first = what not in self._began
        began, before = self._began.setdefault(what, (now, done))
        if not first and done < of and now - self._last < self._every:
            return
        self._last = now
        spent, fresh = now - began, done - before
        left = f", about {spent / fresh * (of - done):.0f} s left" if fresh and done < of else ""
        print(f"{what}: {done} of {of}, {spent:.0f} s{left}", file=self._stream, flush=True)
