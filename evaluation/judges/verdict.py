"""Asking a judge and understanding what it says.

Every judge's score carries `MODEL#HASH`: who judged, and the hash of the words it was asked with.
Scores with different ones are never set against each other (a benchmark's numbers move by 30 points
with the judge).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, Protocol


class Judge(Protocol):
    """A model that is asked: `evaluation.endpoint.Chat`."""

    model: str

    async def ask(
        self, messages: list[dict[str, str]], *, temperature: float, max_tokens: int
    ) -> tuple[str, str, int]:
        """Text, why it ended, tokens."""
        ...


async def verdict(judge: Judge, prompt: str, *, room: int = 1024) -> str:
    """What the judge says, at temperature 0."""
    text, _, _ = await judge.ask(
        [{"role": "user", "content": prompt}], temperature=0.0, max_tokens=room
    )
    return text


async def verdicts(judge: Judge, prompts: Iterable[str], *, room: int = 1024) -> list[str]:
    """The same for many prompts at once, in their order; the judge bounds how many fly."""
    return list(await asyncio.gather(*(verdict(judge, told, room=room) for told in prompts)))


def signature(judge: Judge, *templates: str) -> str:
    """Who judged, and the first ten digits of the prompt's SHA-256."""
    digest = hashlib.sha256("\0".join(templates).encode()).hexdigest()[:10]
    return f"{judge.model}#{digest}"


def last_number(text: str, low: int, high: int) -> int | None:
    """The last whole number of the last line that has one, 8 for "8/10"; None out of range."""
    for line in reversed(text.strip().splitlines()):
        found = re.findall(r"(\d+)(?:\.\d+)?(?:\s*/\s*\d+)?", line)
        if found:
            number = int(found[-1])
            return number if low <= number <= high else None
    return None


def last_choice(text: str, choices: list[str]) -> str | None:
    """The choice that is named last: in brackets if any is, else as a word; None without one."""
    bracketed = re.findall(r"[\[【「]\s*(.+?)\s*[\]】」]", text)
    for said in reversed(bracketed):
        if said in choices:
            return str(said)
    places = {choice: text.rfind(choice) for choice in choices}
    best = max(choices, key=lambda choice: (places[choice], len(choice)), default=None)
    return best if best is not None and places[best] >= 0 else None


def listed(text: str) -> list[dict[str, Any]] | None:
    """The first list of objects in a text, with or without a fence around; None without one."""
    decoder = json.JSONDecoder()
    for match in re.finditer(r"\[", text):
        try:
            value, _ = decoder.raw_decode(text[match.start() :])
        except ValueError:
            continue
        if isinstance(value, list) and all(isinstance(row, dict) for row in value):
            return value
    return None
