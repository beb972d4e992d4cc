"""Retrieval for a reply: facts of the cast and passages of the book that fit what is said, within a
token budget. Pure but for the search."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from canon import Canon, Hit
from canon.error import ChapterOutOfRange, UnknownCharacter
from characters.card import Cast, Character
from characters.facts import Fact
from characters.told import told
from characters.turn import Scene

# Tokens; a smaller context has no space for a book beside the talk.
LEAST_CONTEXT = 512
_SHARE = 8  # a passage budget is this part of the context
_MOST = 600  # tokens
_K = 4
# A shorter message may leave out what it is about; so many characters of each line before it help.
_FEW_CHARACTERS, _FEW_WORDS, _BEFORE = 16, 9, 60
# Reciprocal ranks of two searches: the message alone counts less than with the exchange before it.
_ALONE, _RANK, _DEPTH = 0.7, 60, 20
_LATIN = re.compile("[\\x00-\u024f\u2010-\u203a]*")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the book: its chapter, and the text as the model reads it."""

    chapter: int
    text: str


def query_of(scene: Scene) -> str:
    """What is talked about: the last thing a person said, with a shorter one before it."""
    said = [turn.text for turn in scene.turns if turn.side != "character"][-2:]
    if not said:
        return scene.turns[-1].text if scene.turns else ""
    return said[-1] if len(said[-1]) >= 12 or len(said) < 2 else f"{said[0][-60:]} {said[-1]}"


def searches(scene: Scene, listener: str) -> tuple[tuple[str, float], ...]:
    """What the book is searched for, each with its weight; of what `listener` (an id) heard.

    A short message (那后来呢？ What did he do?) is about what was said before: it is searched for
    together with the exchange before it, and by itself as well, in case the subject has changed.
    docs/canon.md has the figures.
    """
    heard = replace(scene, turns=tuple(t for t in scene.turns if t.heard_by(listener)))
    people = [n for n, turn in enumerate(heard.turns) if turn.side == "human"]
    if len(people) < 2 or not _is_short(heard.turns[people[-1]].text):
        return ((query_of(heard), 1.0),)
    before = heard.turns[people[-2] : people[-1]]
    if not any(turn.side == "character" for turn in before):
        return ((query_of(heard), 1.0),)
    last = heard.turns[people[-1]].text
    exchange = " ".join(turn.text[-_BEFORE:] for turn in before[:1] + before[1:][-2:])
    return ((f"{exchange} {last}", 1.0), (last, _ALONE))


def _is_short(text: str) -> bool:
    """Whether a message may leave out what it is about."""
    words = text.split()
    return len(words) < _FEW_WORDS if _LATIN.fullmatch(text) else len(text) < _FEW_CHARACTERS


def _found(book: Canon, scene: Scene, speaker: Character) -> list[Hit]:
    """The passages that the searches find together, best first; none where nothing fits."""
    asked = searches(scene, speaker.id)
    merged: dict[tuple[int, str], float] = {}
    hits: dict[tuple[int, str], Hit] = {}
    for query, weight in asked:
        if not query:
            continue
        k = _K if len(asked) == 1 else _DEPTH
        try:
            found = book.search(query, character=speaker.id, k=k)
        except UnknownCharacter:  # a character of one's own, or of another book
            found = book.search(query, k=k)
        if found.nothing_fits:
            continue
        for rank, hit in enumerate(found.passages):
            key = (hit.section, hit.text)
            hits.setdefault(key, hit)
            merged[key] = merged.get(key, 0.0) + weight / (_RANK + rank)
    best = sorted(merged, key=lambda key: -merged[key])[:_K]
    return [hits[key] for key in best]


def passages(
    book: Canon | None,
    scene: Scene,
    speaker: Character,
    *,
    chapter: int,
    context: int,
    length: Callable[[str], int],
    spent: int = 0,
) -> tuple[Passage, ...]:
    """What the speaker has before it for this reply, best first.

    `chapter` 0 is the whole book, else what lies later does not exist. `context` and `length` count
    tokens; `spent` of the budget are taken already. Nothing where the book has no answer, or the
    context no room.
    """
    if book is None or context < LEAST_CONTEXT:
        return ()
    if chapter:
        try:
            book = book.as_of(min(chapter, book.last))
        except ChapterOutOfRange:
            return ()
    budget = budget_of(context) - spent
    chosen: list[Passage] = []
    for hit in _found(book, scene, speaker):
        text = within(hit.text, budget, length)
        if text:
            chosen.append(Passage(hit.section, text))
            budget -= length(text)
    return tuple(chosen)


def facts_of(
    cast: Cast,
    scene: Scene,
    speaker: Character,
    *,
    chapter: int,
    context: int,
    length: Callable[[str], int],
    spent: int = 0,
) -> tuple[Fact, ...]:
    """The cast's own facts about what was just asked, as far as the budget goes; the numbers are as
    in `passages`."""
    budget = budget_of(context) - spent
    chosen: list[Fact] = []
    for fact in told(cast.facts, scene, speaker, chapter):
        if (cost := length(fact.text[scene.language])) <= budget:
            chosen.append(fact)
            budget -= cost
    return tuple(chosen)


def budget_of(context: int) -> int:
    """Tokens of a context that facts, lore and passages of the book may take together."""
    return min(context // _SHARE, _MOST) if context >= LEAST_CONTEXT else 0


def leaning(reply: str, before: Sequence[Passage]) -> list[tuple[int, str]]:
    """Chapter and quote of each passage that was before the speaker, the one that the reply takes
    most from first. The quote is its sentence that the reply is nearest to."""
    grams = _pairs(reply)

    def shared(text: str) -> float:
        own = _pairs(text)
        return len(own & grams) / (len(own) ** 0.5) if own else 0.0

    rows = []
    for passage in before:
        sentences = [
            s for s in re.findall(r"[^。！？!?\n]+[。！？!?]?[”」』]?", passage.text) if s.strip()
        ]
        best = max(sentences or [passage.text], key=shared).strip()
        rows.append((shared(passage.text), passage.chapter, best[:80]))
    rows.sort(key=lambda row: -row[0])
    return [(chapter, quote) for _, chapter, quote in rows]


def within(text: str, budget: int, length: Callable[[str], int]) -> str:
    """The text, or as many of its first sentences as fit; "" when not even one does."""
    text = " ".join(text.split())
    if length(text) <= budget:
        return text
    kept = ""
    for sentence in re.findall(r"[^。！？!?]+[。！？!?][”」』]?", text):
        if length(kept + sentence) > budget:
            break
        kept += sentence
    return kept.strip()


def _pairs(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1) if text[i : i + 2].isalnum()}
