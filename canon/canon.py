"""A book that can be asked: the folder a build writes, opened.

canon = Canon.open(Path("canon-xiyouji"))
now = canon.as_of(27)                       # later chapters do not exist
found = now.search("…", character="wukong", k=5)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canon.error import (
    BadNameTable,
    CanonError,
    ChapterOutOfRange,
    FolderUnreadable,
    UnknownCharacter,
)
from canon.lexicon import OWN, Lexicon, Question, tokens
from canon.names import NameTable, read_table
from canon.nothing import Signs, fits, holds, later, share, strength
from canon.premise import astray, holding, miscounted, unmet
from canon.presence import Chapter, FirstMention
from canon.ranking import ranking
from canon.scenes import BookScene, read_scenes
from canon.search import (
    BY_CHAPTER,
    FIELDS,
    Embed,
    Field,
    Index,
    best,
    mapped,
    merge_ranks,
)
from canon.worlds import World, named, stands

# Raised when the folder's layout or the meaning of its numbers changes.
FORMAT = 2

# In how many of the best passages a question's words are looked for.
_LOOKED_AT = 5
# In how many of the passages that its words alone lead to the character asked is looked for.
_LED_TO = 3


@dataclass(frozen=True)
class Hit:
    """One passage found.

    section, start, end: a span of at most 400 characters of the section's text.
    speakers: canonical names of those who speak in it, in order.
    score: higher is better; comparable within one search only.
    """

    section: int
    start: int
    end: int
    text: str
    speakers: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Found:
    """What a search returns. `nothing_fits`: the book has no answer; do not quote the hits."""

    passages: tuple[Hit, ...]
    nothing_fits: bool


class Canon:
    """An opened canon folder, or a view of it up to a chapter.

    A view (`as_of`) is the same object with fewer chapters: nothing it returns lies later.
    """

    def __init__(self, store: _Store, last: int) -> None:
        self._store = store
        self.last = last

    @classmethod
    def open(cls, folder: Path, *, embed: Embed | None = None) -> Canon:
        """Open what `build` wrote; arrays are mapped, not read.

        embed: makes unit vectors of texts, shape (texts, d); needed to use a dense index.
        Raises FolderUnreadable when the folder is missing, incomplete, or of another version.
        """
        store = _Store(folder, embed)
        return cls(store, store.numbers[-1])

    def as_of(self, chapter: int) -> Canon:
        """The book as it is after `chapter`: later chapters do not exist.

        Raises ChapterOutOfRange for a chapter that this view does not have.
        """
        self._check(chapter)
        return Canon(self._store, chapter)

    @property
    def title(self) -> str:
        """The book's title."""
        return str(self._store.card["title"])

    @property
    def noted(self) -> bool:
        """Whether the book has notes on what happens."""
        return self._store.index.noted

    @property
    def names(self) -> NameTable:
        """The people, places and things of the book (of the whole book, in any view)."""
        return self._store.table

    def text(self, section: int, start: int = 0, end: int | None = None) -> str:
        """Characters start..end of a section's text. Raises ChapterOutOfRange."""
        self._check_held(section)
        return self._store.text(section, start, end)

    def chapters(self) -> list[Chapter]:
        """Who is in each chapter and which names are new in it, in order."""
        return [chapter for chapter in self._store.chapters if chapter.number <= self.last]

    def present(self, chapter: int) -> tuple[str, ...]:
        """Canonical names of those who speak in a chapter. Raises ChapterOutOfRange."""
        self._check_held(chapter)
        return self._store.chapters[self._store.place[chapter]].present

    def scenes(self, character: str | None = None) -> Iterator[BookScene]:
        """All scenes of this view, or those in which a character takes part."""
        name = self.character(character) if character else None
        for scene in read_scenes(self._store.folder / "scenes.jsonl"):
            if scene.chapter > self.last:
                return
            if name is None or name in scene.participants:
                yield scene

    def character(self, word: str) -> str:
        """The canonical name for an id, a name or an alias. Raises UnknownCharacter."""
        person = self._store.table.person(word)
        if person is not None:
            return person.name
        if word in self._store.first or any(word in c.says for c in self._store.chapters):
            return word
        known = [p.id or p.name for p in self._store.table.people[:12]]
        raise UnknownCharacter(
            f"{self.title} has no character {word!r}; for example it has {', '.join(known)}"
        )

    def search(
        self, text: str, *, character: str | None = None, present: bool = False, k: int = 5
    ) -> Found:
        """The passages that a message is about, best first.

        character: whom the message is for (an id, name or alias): passages with it count a
            little more. present: take only chapters in which it speaks.
        Raises UnknownCharacter.
        """
        store = self._store
        name = self.character(character) if character else None
        question = store.lexicon.read(text)
        allowed = store.index.passages[:, 0] <= self.last
        if present and name:
            there = [c.number for c in self.chapters() if name in c.says]
            allowed &= np.isin(store.index.passages[:, 0], there)
        scores = store.scores(question, name)
        signs = self._signs(question, name, scores, allowed)
        model = ranking(noted=store.index.noted)
        answered = signs is not None and fits(signs, model.fits) and holds(signs, model.holds)
        if store.index.vectors is not None and store.embed is not None:
            vector = np.asarray(store.embed([text]), dtype=np.float32)[0]
            if vector.shape != store.index.vectors.shape[1:]:
                raise CanonError(
                    f"{store.folder} was built with another embedding model "
                    f"({store.index.vectors.shape[1]} dimensions, not {vector.size}); build again"
                )
            dense = np.asarray(store.index.vectors @ vector, dtype=np.float32)
            scores = merge_ranks([np.where(allowed, scores, 0), np.where(allowed, dense + 1, 0)])
        chosen = best(scores, store.index.passages, allowed, k)
        hits = tuple(store.hit(index, float(scores[index])) for index in chosen)
        return Found(hits, not (answered and hits))

    def unheard(self, text: str, names: Sequence[str]) -> tuple[str, ...]:
        """What a message names that whoever answers to `names` cannot know, as it is written there:
        things of today (a telephone), heroes of other works, famous names (`canon.worlds`), less
        what the book has; in a view, people, places and things that come later, too. Nothing for
        who is not in the book, and nothing of today in a book of our own days."""
        if not any(map(self._has, names)):
            return ()
        ahead = (first.name for first in self._store.first.values() if first.section > self.last)
        found = named(text, ahead)
        texts = [self.text(each.number) for each in self.chapters()] if found else []
        later = (name for name in found if not stands(name, texts))
        return (*self._store.world.unheard(text), *later)

    def _has(self, name: str) -> bool:
        try:
            return bool(self.character(name))
        except UnknownCharacter:
            return False

    def signs(self, text: str, *, character: str | None = None) -> list[float] | None:
        """The signs by which a search says "nothing fits" (`canon.nothing.SIGNS`), for learning
        their weights; None where a word of the question decides alone. Raises UnknownCharacter."""
        store = self._store
        name = self.character(character) if character else None
        question = store.lexicon.read(text)
        allowed = store.index.passages[:, 0] <= self.last
        signs = self._signs(question, name, store.scores(question, name), allowed)
        return None if signs is None else signs.values()

    def _signs(
        self,
        question: Question,
        name: str | None,
        scores: NDArray[np.float32],
        allowed: NDArray[np.bool_],
    ) -> Signs | None:
        """What tells whether the question has an answer here; None where there can be none."""
        store = self._store
        if any(not store.has(word) for word in question.elsewhere):
            return None  # a telephone, or a hero of another book
        for person in question.people:
            if person in store.first and store.first[person].section > self.last:
                return None  # somebody whom nobody has met yet
        if not question.weights or not allowed.any():
            return None
        index = store.index
        top = np.array(best(scores, index.passages, allowed, _LOOKED_AT), dtype=np.int64)
        own = [token for token, kind in question.kinds.items() if kind in OWN]
        found = [bool(index.stands(token, top).any()) for token in own]
        unheard = sum(not store.has(word) for word in question.content)
        named = [forms for forms in question.named if forms != ((f"@{name}",),)]
        together = np.zeros(len(top))
        for forms in named:
            here = np.zeros(len(top), dtype=np.bool_)
            for form in forms:
                here |= np.all([index.stands(token, top) for token in form], axis=0)
            together += here
        apart = 1 - float(together.max()) / len(named) if named and len(top) else 0.0
        away, other, held = self._premise(question, name, scores, allowed)
        return Signs(
            strength(scores[allowed], len(question.weights)),
            share(found, [index.rarity(token) for token in own]),
            unheard / max(1, len(question.content)),
            apart,
            float(name is not None and not self._named(name, question, allowed)),
            float(any(not store.has(w) for w in (*question.strangers, *question.called))),
            later(scores, allowed),
            away,
            other,
            unmet(held),
            miscounted(index, question.numbers, top),
        )

    def _premise(
        self,
        question: Question,
        name: str | None,
        scores: NDArray[np.float32],
        allowed: NDArray[np.bool_],
    ) -> tuple[float, float, list[NDArray[np.bool_]]]:
        """How far the question leads from those it names, and from the character asked, where it
        says something of it; and in which allowed passages each of them is."""
        store, index = self._store, self._store.index
        worst, held = 0.0, []
        for forms in dict.fromkeys(question.named):
            token = forms[0][0]
            if token == f"@{name}":
                continue
            acts = store.people_row(token[1:]) if token.startswith("@") else None
            held.append(holding(index, forms, acts)[allowed])
            rest = scores - index.scores(question.tokens_of(forms))
            worst = max(worst, astray(rest[allowed], held[-1]))
        if name is None or not question.you:
            return worst, 0.0, held
        held.append(holding(index, ((f"@{name}",),), store.people_row(name))[allowed])
        rest = index.scores(question.asked_of(None))
        return worst, astray(rest[allowed], held[-1]), held

    def _named(self, name: str, question: Question, allowed: NDArray[np.bool_]) -> bool:
        """Whether a character is named in the passages, or their notes, that the words lead to."""
        index = self._store.index
        scores = index.scores(question.asked_of(None))
        top = np.array(best(scores, index.passages, allowed, _LED_TO), dtype=np.int64)
        return bool(index.stands(f"@{name}", top, around=False).any())

    def _check_held(self, chapter: int) -> None:
        if chapter > self.last or chapter not in self._store.place:
            numbers = [n for n in self._store.numbers if n <= self.last]
            raise ChapterOutOfRange(
                f"{self.title} has chapters {numbers[0]} to {numbers[-1]} here, not {chapter}"
            )

    def _check(self, chapter: int) -> None:
        if not 1 <= chapter <= self.last:
            raise ChapterOutOfRange(
                f"{self.title} has chapters 1 to {self.last} here, not {chapter}"
            )


class _Store:
    """The files of a canon folder; shared by all views of it."""

    def __init__(self, folder: Path, embed: Embed | None) -> None:
        self.folder = folder
        self.embed = embed
        self.card = _read_card(folder)
        try:
            self.table = read_table(folder / "names.toml")
            chapters = json.loads((folder / "chapters.json").read_text(encoding="utf-8"))
            self.numbers: list[int] = [row["number"] for row in chapters["chapters"]]
            self._letters = np.load(folder / "text.npy", mmap_mode="r")
            self._quotes = np.load(folder / "quotes.npy", mmap_mode="r")
            passages = np.load(folder / "passages.npy", mmap_mode="r")
            vectors = folder / "vectors.npy"
            self.index = Index(
                mapped(folder / "keys.npy"),
                {
                    field: Field(
                        folder, field, len(self.numbers if field in BY_CHAPTER else passages)
                    )
                    for field in FIELDS
                },
                np.asarray(self.numbers, dtype=np.int32),
                np.asarray(passages),
                mapped(folder / "people.npy"),
                mapped(vectors) if vectors.exists() else None,
            )
        except (OSError, ValueError, KeyError, BadNameTable) as problem:
            raise FolderUnreadable(
                f"the canon folder {folder} is incomplete ({problem}); build it again"
            ) from None
        self._starts: list[int] = chapters["starts"]
        self.place = {number: index for index, number in enumerate(self.numbers)}
        self.speakers: list[str] = chapters["speakers"]
        self._people: dict[str, int] = {n: i for i, n in enumerate(chapters["people"])}
        self.chapters = [
            Chapter(row["number"], row["heading"], row["says"], row["named"], tuple(row["first"]))
            for row in chapters["chapters"]
        ]
        self.first = {row[0]: FirstMention(*row) for row in chapters["first"]}
        self.lexicon = Lexicon(self.table, self._people)

    def text(self, section: int, start: int, end: int | None) -> str:
        """Characters start..end of a section's text."""
        place = self.place[section]
        begin, stop = self._starts[place], self._starts[place + 1]
        stop = stop if end is None else min(stop, begin + end)
        letters: NDArray[np.uint32] = self._letters[begin + start : stop]
        return letters.astype("<u4").tobytes().decode("utf-32-le")

    def scores(self, question: Question, name: str | None) -> NDArray[np.float32]:
        """The evidence for every passage, for a question that is put to a character."""
        found = self.index.scores(question.asked_of(name))
        here = self.people_row(name)
        return found if here is None else found + ranking(noted=self.index.noted).here * here

    def has(self, word: str) -> bool:
        """Whether the book, or a note on it, has a word: each pair of its characters."""
        pairs = [token for token in tokens(word) if len(token) > 1] or tokens(word)
        return all(
            (row := self.index.row(token)) is not None
            and any(self.index.fields[f].frequency(row) for f in ("passages", "notes"))
            for token in pairs
        )

    @cached_property
    def world(self) -> World:
        """What the book's own text has; notes are written today."""
        return World(self.lexicon, "\n".join(self.text(n, 0, None) for n in self.numbers))

    def row_of(self, name: str | None) -> int | None:
        """The row of a person in `index.people`."""
        return self._people.get(name) if name else None

    def people_row(self, name: str | None) -> NDArray[np.float32] | None:
        """1 for every passage in which the person acts or is named."""
        column = self.row_of(name)
        return None if column is None else self.index.people[column].astype(np.float32)

    def hit(self, index: int, score: float) -> Hit:
        """A passage with its text and who speaks in it."""
        section, start, end = self.index.passages[index].tolist()
        quotes = self._quotes
        a, b = (int(x) for x in np.searchsorted(quotes[:, 0], [section, section + 1]))
        inside = quotes[a:b]
        inside = inside[(inside[:, 1] < end) & (inside[:, 2] > start)]
        speakers = dict.fromkeys(self.speakers[i] for i in inside[:, 3].tolist() if i >= 0)
        return Hit(section, start, end, self.text(section, start, end), tuple(speakers), score)


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / "card.json"
    if not path.exists():
        raise FolderUnreadable(
            f"{folder} is no canon folder: it has no card.json. "
            "Write one with: mrp canon build NOVEL -o DIR"
        )
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        found = card["format"]
    except (ValueError, KeyError, TypeError):
        raise FolderUnreadable(f"{path} cannot be read; build the folder again") from None
    if found != FORMAT:
        raise FolderUnreadable(
            f"{folder} was written by another version (format {found}, this one reads {FORMAT}); "
            "build it again"
        )
    return dict(card)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to length 1; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
