"""Takes typed values out of the table of a foreign card; what is wrong names file and field."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from typing import Any

from characters.card import CardError

LONGEST_NAME = 60  # characters of a file's name in an error
_KINDS = {str: "text", list: "list", dict: "table", bool: "true or false", type(None): "null"}
# Marks that turn the direction of what follows, and that nobody sees.
_TURNING = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def wrong(where: str, key: str, what: str) -> CardError:
    """The error for a field of a file."""
    name = plain(where).replace("\n", " ").strip() or "the card"
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME - 20]}…{name[-19:]}"
    return CardError(f"{name}: {plain(key)}: {what}" if key else f"{name}: {what}")


def plain(text: str) -> str:
    """The text without control characters, half characters, and marks that turn its direction."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (
        c
        for c in text
        if c in "\n\t" or (unicodedata.category(c) not in ("Cc", "Cs") and c not in _TURNING)
    )
    return "".join(kept)


class Fields:
    """The fields of one table. `where` is the file's name, `path` what stands before a key."""

    def __init__(self, where: str, raw: Mapping[str, Any], path: str = "") -> None:
        self.where = where
        self.raw = raw
        self.path = path

    def wrong(self, key: str, what: str) -> CardError:
        return wrong(self.where, f"{self.path}{key}", what)

    def __contains__(self, key: str) -> bool:
        return self.raw.get(key) is not None

    def text(self, key: str, most: int = 1 << 20) -> str:
        """A text, "" where there is none. Numbers are taken as they are written."""
        value = self.raw.get(key)
        if value is None:
            return ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        return self._text(key, value, most)

    def texts(self, key: str, most: int = 1 << 20, many: int = 10_000) -> tuple[str, ...]:
        """A list of texts; nothing where there is none."""
        value = self.raw.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.wrong(key, f"must be a list of texts, not a {kind(value)}")
        if len(value) > many:
            raise self.wrong(key, f"holds {len(value)} texts; at most {many} are taken")
        return tuple(self._text(f"{key}[{n}]", each, most) for n, each in enumerate(value))

    def _text(self, key: str, value: object, most: int) -> str:
        if not isinstance(value, str):
            raise self.wrong(key, f"must be a text, not a {kind(value)}")
        if len(value) > most:
            raise self.wrong(key, f"has {len(value)} characters; at most {most} are taken")
        return plain(value)

    def table(self, key: str) -> Fields:
        """A table within; an empty one where there is none."""
        value = self.raw.get(key)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise self.wrong(key, f"must be a table, not a {kind(value)}")
        return Fields(self.where, value, f"{self.path}{key}.")

    def flag(self, key: str, otherwise: bool = False) -> bool:
        value = self.raw.get(key)
        if value is None:
            return otherwise
        if isinstance(value, bool) or value in (0, 1):
            return bool(value)
        raise self.wrong(key, f"must be true or false, not a {kind(value)}")

    def number(self, key: str, otherwise: float, low: float, high: float) -> float:
        """A number, held within low..high. One that is written as a text counts."""
        value = self.raw.get(key)
        if isinstance(value, str):
            try:
                value = float(value) if value.strip() else None
            except ValueError as problem:
                raise self.wrong(key, "must be a number, not a text") from problem
        if value is None:
            return otherwise
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, f"must be a number, not a {kind(value)}")
        if isinstance(value, float) and not math.isfinite(value):
            raise self.wrong(key, "must be a finite number")
        return float(max(low, min(high, value)))

    def whole(self, key: str, otherwise: int, low: int, high: int) -> int:
        return int(self.number(key, otherwise, low, high))


def kind(value: object) -> str:
    """What a value is, in a word."""
    return _KINDS.get(type(value), "number")
