"""A streamed reply: what of it may be shown so far, and how often to show it.

The engine gives pieces; a platform shows snapshots that only grow. Pure: no clock of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from bot.labels import Labels
from characters.card import Character, Language
from characters.prompt import name_of, orders
from characters.thoughts import spoken
from characters.turn import Scene
from text.runs import Runs

_SENTENCE_END = "。！？!?…—.～~」』”\"'）)"
_BREAK = re.compile(r"[ \t]*\n\s*")
# Bidirectional overrides turn the line round; zero-width joiners and emoji selectors stay.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0xFEFF])


def plain(text: str) -> str:
    """The text without what a terminal or chat window would obey: escapes, controls, overrides."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").translate(_TURNING)
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs"))


# Chinese characters and English words in a row of what the model was told, that nobody says by
# chance. "I do not know" in the rules is shorter, in both languages.
_RECITED: dict[Language, int] = {"zh": 6, "en": 6}


def orders_for(scene: Scene, speaker: Character) -> Runs:
    """What a model may have been told to do before the speaker's reply, for `Draft`."""
    heard = next((turn for turn in reversed(scene.turns) if turn.heard_by(speaker.id)), None)
    other = name_of(heard, scene) if heard else ""
    told = orders(scene.language, name=speaker.name[scene.language], other=other)
    return Runs.of(told, _RECITED[scene.language])


class Draft:
    """One reply as it grows. `text` is what may be shown; it gets longer with every piece.

    Left out are white space at either end, the speaker's own label at the start, all that a
    reasoning model thinks aloud, and everything from where somebody else begins to speak or where
    it `recites` what the model was told to do (`orders`): from there on the reply has `ended`. What
    may become one of these is held back, and so is everything until the first letter, digit or
    symbol that says something.

    `thinking`: the model is known to begin with a thought. Where that is not known, a thought may
    have been shown before the tag that ends it comes: the text begins anew then (`restarts`).
    """

    def __init__(
        self, labels: Labels, *, orders: Runs | None = None, thinking: bool = False
    ) -> None:
        self._labels = labels
        self._orders = orders
        self._thinking = thinking
        self._raw = ""
        self.text = ""
        self.ended = False
        self.recites = False
        self.restarts = 0

    def add(self, piece: str) -> str:
        """Take a piece; return what may be shown by now."""
        if not self.ended:
            self._raw += plain(piece)
            self._read(growing=True)
        return self.text

    def end(self) -> str:
        """No more pieces: the whole reply, "" when it says nothing."""
        if not self.ended:
            self._read(growing=False)
        return self.text

    def _read(self, *, growing: bool) -> None:
        said = spoken(self._raw, growing=growing, thinking=self._thinking).lstrip()
        begin = self._labels.own_end(said, growing=growing)
        if begin is None:
            return
        said = said[begin:]
        end, self.ended = self._labels.cut(said, growing=growing)
        end = self._unrecited(said[:end], growing=growing)
        text = _BREAK.sub("\n", said[:end]).strip()
        text = text if _says_something(text) else ""
        if self.text and not text.startswith(self.text):
            self.restarts += 1
        self.text = text

    def _unrecited(self, said: str, *, growing: bool) -> int:
        """How much of it is not what the model was told to do."""
        if self._orders is None:
            return len(said)
        at = self._orders.find(said)
        if at is not None:
            self.recites = self.ended = True
            return at
        return self._orders.begun(said) if growing and not self.ended else len(said)


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
