"""Keeps what was whispered out of what is said aloud: by the runs of words that tell it. Pure.

    confided = Confided.of(["钥匙藏在井里"], public="…cards, and what was said aloud…")
    confided.told_in("俺知道，钥匙藏在井里！")              ->  True
    confided.without("莫急。俺知道，钥匙藏在井里！")        ->  "莫急。"

A character that was told something in confidence reads it in its own prompt, and may act on it.
What it says to others must not hold the words. A model that hints at it in words of its own is not
caught by this.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from characters.card import Cast, Character
from characters.prompt import Style, card
from characters.turn import Scene

_CJK_RUN = 4  # characters in a row that tell something
_WORDS_RUN = 3  # words in a row
_TELLING_WORD = 8  # letters of a word that tells something by itself
_LONGEST_NAME = 48  # characters
_BETWEEN = "，,：:、 \t\n"  # that stand between a name and the words
_SENTENCE = re.compile(r"[^。！？!?…\n.]*[。！？!?…\n.]*[」』”’\"')）]*")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_GAP = re.compile(r"(?<=[\u3400-\u9fff\uf900-\ufaff]) (?=[\u3400-\u9fff\uf900-\ufaff])")
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
# Characters of which a run says nothing by itself.
_EMPTY = set("我你您他她它们俺咱的了着过在是有和与也都就不没很这那哪个么吗呢吧啊呀哦嗯")


@dataclass(frozen=True, slots=True)
class Confided:
    """Runs of characters that were whispered and never said aloud; `runs` are folded."""

    runs: frozenset[str] = frozenset()

    @classmethod
    def of(cls, whispered: Iterable[str], public: str) -> Confided:
        """What `whispered` texts tell beyond what `public` says anyway."""
        runs = {run for text in whispered for run in _runs(text)}
        if not runs:
            return cls()
        known = _folded(public)
        return cls(frozenset(run for run in runs if run not in known))

    def __bool__(self) -> bool:
        return bool(self.runs)

    def told_in(self, text: str) -> bool:
        """Whether a text tells it."""
        folded = _folded(text)
        return any(run in folded for run in self.runs)

    def without(self, text: str) -> str:
        """The sentences of a text that do not tell it; "" when they do together."""
        kept = "".join(s for s in _SENTENCE.findall(text) if not self.told_in(s)).strip()
        return "" if self.told_in(kept) else kept


def confided_to(
    speaker: Character, scene: Scene, everybody: Iterable[Character], *, but: str = ""
) -> Confided:
    """What the speaker was whispered, by others than the person of the name `but`; what the cards
    of `everybody` say, and what was said aloud, is no secret."""
    whispered = [
        turn.text
        for turn in scene.turns
        if turn.whispered and turn.side == "human" and turn.speaker != but
        if turn.heard_by(speaker.id)
    ]
    if not whispered:
        return Confided()
    known = [text for one in everybody for text in (*one.names, card(one, scene.language, Style()))]
    return Confided.of(whispered, "\n".join((*known, *(t.text for t in scene.aloud().turns))))


def addressed(argument: str, cast: Cast) -> tuple[Character | None, str]:
    """Whom a whisper is for and what it says: 「悟空 有妖怪」, 「悟空，有妖怪」, 「悟空有妖怪」,
    "Monkey King, a demon". The longest name counts; None where it begins with nobody's."""
    text = argument.strip()
    for end in range(min(len(text), _LONGEST_NAME), 0, -1):
        inside = text[end - 1 : end + 1]
        if len(inside) == 2 and inside.isascii() and inside.isalnum():
            continue  # in the middle of a word
        name = text[:end].strip(_BETWEEN)
        if name and (found := cast.owner(name)):
            return found, text[end:].strip().lstrip(_BETWEEN).strip()
    return None, text


def _folded(text: str) -> str:
    """Words in small letters between spaces; Chinese characters in a row, without punctuation."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = " ".join(_WORD.findall(plain))
    # Between two Chinese characters a space or comma is no border: 钥匙，藏在 is 钥匙藏在.
    return f" {_GAP.sub('', words)} "


def _runs(text: str) -> Iterator[str]:
    folded = _folded(text)
    for piece in re.findall(r"[\u3400-\u9fff\uf900-\ufaff]+", folded):
        if len(piece) < _CJK_RUN:
            if len(piece) > 1 and piece == folded.strip():
                yield piece  # all that was whispered
            continue
        for at in range(len(piece) - _CJK_RUN + 1):
            run = piece[at : at + _CJK_RUN]
            if not set(run) <= _EMPTY:
                yield run
    words = [word for word in folded.split() if not _CJK.search(word)]
    mixed = re.findall(r"[a-z]*\d[a-z\d]*", folded)
    yield from (word for word in mixed if len(word) >= 3)  # a number, a password
    yield from (f" {word} " for word in words if len(word) >= _TELLING_WORD)
    for at in range(len(words) - _WORDS_RUN + 1):
        yield f" {' '.join(words[at : at + _WORDS_RUN])} "
    if 0 < len(words) < _WORDS_RUN and " ".join(words) == folded.strip() and len(folded) > 5:
        yield folded
