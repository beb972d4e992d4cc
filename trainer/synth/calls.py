"""Every answer that was paid for, kept by the hash of its prompt. A killed run loses none."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from trainer.synth.error import SynthError
from trainer.synth.teacher import Completion

_TABLE = """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY, teacher TEXT NOT NULL, text TEXT NOT NULL,
    read INTEGER NOT NULL, written INTEGER NOT NULL, made REAL NOT NULL
)
"""


class Calls:
    """Answers in one SQLite file, which several runs may share."""

    def __init__(self, file: Path) -> None:
        """Open or make the file. Raises SynthError when it is something else."""
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._base = sqlite3.connect(file, timeout=30, isolation_level=None)
            # Each answer is on disk before the next is asked for: SQLite survives kill -9, and with
            # FULL also a power cut.
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            self._base.execute(_TABLE)
        except sqlite3.Error as problem:
            raise SynthError(
                f"{file}: cannot be used to keep answers ({problem}); name another with --cache"
            ) from problem

    def get(self, key: str) -> Completion | None:
        """The answer kept under a hash."""
        row = self._base.execute("SELECT text, read, written FROM calls WHERE key=?", (key,))
        found = row.fetchone()
        return Completion(*found) if found else None

    def put(self, key: str, teacher: str, answer: Completion) -> None:
        """Keep an answer; it is on disk when this returns. Raises SynthError when it cannot be."""
        row = (key, teacher, answer.text, answer.read, answer.written, time.time())
        try:
            self._base.execute("INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?, ?)", row)
        except sqlite3.Error as problem:
            raise SynthError(
                f"an answer cannot be kept ({problem}); is the disk full?"
            ) from problem

    def __len__(self) -> int:
        (count,) = self._base.execute("SELECT COUNT(*) FROM calls").fetchone()
        return int(count)

    def close(self) -> None:
        """Close the file."""
        self._base.close()
