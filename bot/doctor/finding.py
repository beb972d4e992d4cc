"""Findings: what one check of `mrp doctor` says, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["well", "warning", "fault"]

_MARKS: dict[Level, str] = {"well": "✓", "warning": "!", "fault": "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what it is about, how it is, and what to do where it is not well."""

    level: Level
    about: str
    says: str
    do: str = ""

    def __str__(self) -> str:
        line = f"{_MARKS[self.level]} {self.about}: {self.says}"
        return f"{line}. → {self.do}" if self.do else line


@dataclass(slots=True)
class Checkup:
    """Findings about one platform, and facts for `--json`, such as an invitation link."""

    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
