"""Speakers' labels in a reply: 「猪八戒：」 at the start of a line, in whatever dress. Pure.

    labels = labels_for(scene, wukong)
    labels.own_end("**孙悟空：** 俺来也")      ->  9      the label goes
    labels.cut("去也。\\nzhu bajie: me too")   ->  4      there somebody else speaks: the reply ends

A label is a name at the start of a line with a colon of any form after it, plain or dressed:
「猪八戒 ：」, 「**猪八戒：**」, 「猪八戒（挠头）：」, 「[猪八戒]：」, 「<b>猪八戒：</b>」, and in
brackets also without a colon: 「【猪八戒】」. Names are compared as people read them. Inside a
line a name ends a reply only after the end of a sentence, with a colon, and when it is long
enough to be no other word: a member called 道 must not cut 「那老者说道：」.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from characters.card import Character
from characters.prompt import name_of
from characters.turn import GUEST, Scene
from text.folding import fold

_COLONS = ":：﹕︰∶꞉"
_DRESS = "*_~`# \t　•·"  # Markdown and blanks
_LEAD = _DRESS + "->–—"  # also at the start of a line: lists, quotes, dashes
# Brackets that make a label of a name by themselves, and others.
_PAIRS = {"【": "】", "[": "]", "［": "］", "〔": "〕", "〖": "〗", "（": "）", "(": ")", "{": "}"}
_CLOSERS = _PAIRS | {"「": "」", "『": "』", "《": "》", "“": "”", '"': '"', "<": ">", "＜": "＞"}
_ARROWS = ">＞"
_ELEMENT = re.compile(r"</?[A-Za-z]{1,8}>")
_ASIDE = re.compile(r"（[^（）()\n]{0,24}）|\([^（）()\n]{0,24}\)")
_ASIDE_BEGUN = re.compile(r"[（(][^（）()\n]{0,24}$")
_LONGEST = 40  # characters of a name as it is written
# Where a sentence ends inside a line.
_SENTENCE_END = re.compile(r"[。！？…；」』”](?=\s?[^\s])|[.!?;\"]\s+(?=[^\s])")
# Who speaks in the chats that models were taught with.
_ROLES = ("user", "assistant", "system", "human", "model", "用户", "助手", "系统")
_HELD = "held"  # whether it is a label will show

_Found = int | str | None  # where a label ends, _HELD, or None: there is none


@dataclass(frozen=True, slots=True)
class Labels:
    """Whose labels a reply may hold, as folded names: the speaker's `own`, those of `others`, of
    `everybody`, and those that end a reply `inside` a line."""

    own: frozenset[str]
    others: frozenset[str]
    everybody: frozenset[str]
    inside: frozenset[str]

    def own_end(self, text: str, *, growing: bool = False) -> int | None:
        """Where the speaker's own label at the very start ends, 0 without one. None: while the text
        is `growing` it cannot be said yet."""
        at = 0
        while True:
            found = _label(text, at, self.own, bare_line=_ROLE_NAMES)
            if found is None or (found == _HELD and not growing):
                return at
            if not isinstance(found, int):
                return None
            at = found
            while at < len(text) and (text[at].isspace() or text[at] in _COLONS):
                at += 1

    def cut(self, text: str, *, growing: bool = False) -> tuple[int, bool]:
        """How much of a text (after its own label) is the speaker's, and whether somebody else
        begins to speak there. While it is growing, what may become a label is left out."""
        for at, line_start in _starts(text):
            if line_start:
                found = _label(text, at, self.everybody if at else self.others)
            else:
                found = _label_inside(text, at, self.inside)
            if isinstance(found, int):
                return at, True
            if found == _HELD and growing:
                return at, False
        return len(text), False


def labels_for(scene: Scene, speaker: Character) -> Labels:
    """The labels of all on stage, of all that the transcript holds, and of the narrator."""
    others = {name for c in scene.cast if c.id != speaker.id for name in c.names}
    shown = {name_of(turn, scene) for turn in scene.turns} - {speaker.name[scene.language]}
    return _labels(tuple(speaker.names), frozenset({*others, *shown, "旁白", "Narrator"}))


@lru_cache(maxsize=256)
def _labels(own: tuple[str, ...], others: frozenset[str]) -> Labels:
    ours = frozenset(map(fold, own))
    others_ = frozenset(map(_folded, others)) - ours - {""}
    long = {name for name in others_ if len(name) >= (3 if name.isascii() else 2)}
    theirs = others_ | _ROLE_NAMES
    return Labels(ours, theirs, theirs | ours, frozenset(long))


def _folded(name: str) -> str:
    """A name for comparison; that of a guest never equals a character's."""
    return fold(name.removesuffix(GUEST)) + GUEST if name.endswith(GUEST) else fold(name)


_ROLE_NAMES = frozenset(map(fold, _ROLES))


def _starts(text: str) -> Iterable[tuple[int, bool]]:
    """Where a label may stand: (position, whether a line begins there)."""
    begin = 0
    while True:
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        yield begin, True
        for match in _SENTENCE_END.finditer(text, begin, end):
            at = match.end()
            while at < end and text[at].isspace():
                at += 1
            yield at, False
        if end == len(text):
            return
        begin = end + 1


def _label(
    text: str, at: int, names: frozenset[str], *, bare_line: frozenset[str] = frozenset()
) -> _Found:
    """A label at the start of a line. A line that is nothing but one of `bare_line` is one too."""
    at, dress = _undressed(text, at)
    if at < 0:
        return _HELD
    closer, by_itself = "", False
    if at < len(text) and text[at] in _CLOSERS:
        by_itself = text[at] in _PAIRS
        closer = _CLOSERS[text[at]]
        at, _ = _undressed(text, at + 1)
        if at < 0:
            return _HELD
    name, end = _name(text, at, names | bare_line if bare_line else names)
    if name is None:
        return _HELD if end < 0 else None
    after = end
    closed = not closer
    while after < len(text):
        char = text[after]
        if char in _DRESS or (match := _ELEMENT.match(text, after)):
            after = after + 1 if char in _DRESS else match.end()  # type: ignore[union-attr]
        elif not closed and char == closer:
            closed, after = True, after + 1
            if by_itself and name in names:
                return _after_colon(text, after, "")
        elif aside := _ASIDE.match(text, after):
            after = aside.end()
        elif _ASIDE_BEGUN.match(text, after):
            return _HELD
        elif char in _COLONS and name in names:
            left = "" if any(mark in text[end:after] for mark in dress) else dress
            return _after_colon(text, after + 1, left + ("" if closed else closer))
        elif char in _ARROWS and closed and name in names:
            return after + 1
        elif char == "\n" and closed and (name in bare_line or set(dress) & set("*_#")):
            return after + 1  # a line of its own: **猪八戒**
        else:
            return None
    return _HELD


def _label_inside(text: str, at: int, names: frozenset[str]) -> _Found:
    """A label inside a line: undressed."""
    name, end = _name(text, at, names)
    if name is None:
        return _HELD if end < 0 else None
    while end < len(text) and text[end] == " ":
        end += 1
    if end >= len(text):
        return _HELD
    return end + 1 if text[end] in _COLONS else None


def _undressed(text: str, at: int) -> tuple[int, str]:
    """Past Markdown and elements (-1: the text ends before that is clear), and the marks."""
    dress = ""
    while at < len(text):
        if text[at] in _LEAD:
            dress += text[at].strip(" \t　")
            at += 1
        elif match := _ELEMENT.match(text, at):
            at = match.end()
        elif text[at] == "<" and re.fullmatch(r"</?[A-Za-z]{0,8}", text[at : at + 11]):
            return -1, dress
        else:
            return at, dress
    return -1, dress


def _name(text: str, at: int, names: frozenset[str]) -> tuple[str | None, int]:
    """The longest name that stands at a place, and where it ends. (None, -1): one may yet."""
    begun = _beginnings(names)
    best: tuple[str | None, int] = (None, 0)
    end = at
    while end < len(text) and end - at < _LONGEST:
        if text[end] == "（" and end > at:
            if text.startswith(GUEST, end):
                guest = fold(text[at:end]) + GUEST
                return (guest, end + len(GUEST)) if guest in names else (None, 0)
            if GUEST.startswith(text[end:]):
                return None, -1
        if text[end] in _COLONS or text[end] == "\n":
            return best
        end += 1
        folded = fold(text[at:end])
        if folded not in begun:
            return best
        if folded in names and folded != best[0]:  # marks after a name are not of it
            best = (folded, end)
    # The text ends inside what may be a name, or one that is a beginning of a longer one.
    return (None, -1) if end >= len(text) else best


@lru_cache(maxsize=256)
def _beginnings(names: frozenset[str]) -> frozenset[str]:
    return frozenset({""} | {name[:n] for name in names for n in range(1, len(name) + 1)})


def _after_colon(text: str, at: int, left: str) -> int:
    """Past what closes the dress that was opened before the name."""
    while at < len(text):
        if text[at] in " \t　":
            at += 1
        elif left and text[at] in left:
            left = left.replace(text[at], "", 1)
            at += 1
        elif (match := _ELEMENT.match(text, at)) and match[0].startswith("</"):
            at = match.end()
        else:
            break
    return at
