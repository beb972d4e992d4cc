"""A reply while it is being written: what of it may be shown, and when.

The engine gives pieces; a platform shows snapshots that only grow. Pure: no clock of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from characters.card import Character, Language

_SENTENCE_END = "。！？!?…—.～~」』”\"'）)"
_THOUGHT, _THOUGHT_OVER = "<think>", "</think>"
_BREAK = re.compile(r"[ \t]*\n\s*")
# Bidirectional overrides turn the line round; zero-width joiners and emoji selectors stay.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0xFEFF])


def plain(text: str) -> str:
    """The text without what a terminal or chat window would obey: escapes, controls, overrides."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").translate(_TURNING)
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs"))


class Draft:
    """One reply as it grows. `text` is what may be shown; it only ever gets longer.

    Held back: white space at either end, the speaker's own name repeated at the start, all that a
    model thinks aloud (<think>…</think>), and everything until the first letter, digit or symbol
    that says something.
    """

    def __init__(self, speaker: Character) -> None:
        names = sorted(speaker.names, key=len, reverse=True)
        self._labels = tuple(f"{name}{colon}" for name in names for colon in "：:")
        self._raw = ""
        self._held = ""  # of what may be a thought
        self._begun = False
        self.text = ""

    def add(self, piece: str) -> str:
        """Take a piece; return what may be shown by now."""
        self._raw += self._spoken(plain(piece))
        if not self._begun:
            self._raw = self._without_label(self._raw.lstrip())
            if self._may_become_label(self._raw) or not _says_something(self._raw):
                return self.text
            self._begun = True
        self.text = _BREAK.sub("\n", self._raw).rstrip()
        return self.text

    def end(self) -> str:
        """No more pieces: the whole reply, "" when it says nothing."""
        if self._held and not self._held.startswith(_THOUGHT):
            held, self._held = self._held, ""
            self._raw += held  # it only looked like one
            self.add("")
        if not self._begun:
            rest = self._without_label(self._raw.strip())
            self.text = rest if _says_something(rest) else ""
        return self.text

    def _spoken(self, piece: str) -> str:
        """The piece without thoughts; what may become one waits."""
        text, self._held = self._held + piece, ""
        spoken = ""
        while text:
            before, found, rest = text.partition(_THOUGHT)
            if found:
                spoken += before
                _, ended, text = rest.partition(_THOUGHT_OVER)
                if not ended:
                    # The thought itself is of no use, only where it ends.
                    self._held = _THOUGHT + rest[-len(_THOUGHT_OVER) + 1 :]
                    break
            else:
                cut = next(
                    (n for n in range(len(_THOUGHT) - 1, 0, -1) if text.endswith(_THOUGHT[:n])), 0
                )
                spoken += text[: len(text) - cut]
                self._held = text[len(text) - cut :]
                break
        return spoken

    def _without_label(self, text: str) -> str:
        for label in self._labels:
            if text[: len(label)].casefold() == label.casefold():
                return self._without_label(text[len(label) :].lstrip())
        return text

    def _may_become_label(self, text: str) -> bool:
        begun = text.casefold()
        return any(len(begun) < len(la) and la.casefold().startswith(begun) for la in self._labels)


def _says_something(text: str) -> bool:
    return any(unicodedata.category(c)[0] in "LNS" for c in text)


def broken_off(text: str) -> str:
    """A reply that was stopped from outside, marked as such."""
    return text if text.endswith("——") else f"{text}——"


def run_out(text: str, language: Language) -> str:
    """A reply that reached its longest length, marked unless it ends a sentence anyway."""
    if text.endswith(tuple(_SENTENCE_END)):
        return text
    return text + ("……" if language == "zh" else "…")


@dataclass(slots=True)
class Pace:
    """When a growing draft is worth showing again: every `seconds`, or `characters` more.

    A terminal shows every piece (0 seconds); a chat platform allows an edit a second or so.
    """

    seconds: float = 0.0
    characters: int = 0
    _at: float = float("-inf")
    _shown: int = 0

    def due(self, text: str, now: float) -> bool:
        """Whether to show `text` at the time `now`; a yes counts as shown."""
        more = len(text) - self._shown
        if more <= 0:
            return False
        soon = now - self._at >= self.seconds
        if not soon and not (self.characters and more >= self.characters):
            return False
        self._at, self._shown = now, len(text)
        return True


def joined(names: Iterable[str], language: Language) -> str:
    """Names as they stand in a sentence."""
    return ("、" if language == "zh" else ", ").join(names)
