"""From a novel to a canon folder.

The folder is written beside its place and then renamed: a build that is stopped leaves either
the old folder or nothing, never half of one.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canon.book import Book
from canon.canon import FORMAT, unit
from canon.error import FolderUnreadable, NoQuotes
from canon.lexicon import Lexicon, tokens
from canon.names import NameTable, write_table
from canon.passages import LONGEST, STEP, Passage, cut_passages
from canon.presence import find_chapters
from canon.scenes import BookScene, find_scenes, write_scenes
from canon.search import Embed, save_field, save_vocabulary
from canon.speakers import UNDECIDED, Quote, attribute
from canon.traditional import fold_words

# On how many passages of its chapter an event's words are laid.
_PASSAGES_AN_EVENT = 5
# How many passages before and after one are its neighbours: about 900 characters each way.
_AROUND = 6
_AT_ONCE = 64  # texts handed to the embedding function in one call
_DRAFT = (
    "Names that the book's own speech tags gave away. Correct it (join two names of one\n"
    "person as aliases, remove what is no name) and hand it back with --names."
)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Built:
    """What a build found."""

    sections: int
    characters: int
    quotes: int
    undecided: int
    scenes: int
    passages: int


def build(
    book: Book,
    table: NameTable,
    folder: Path,
    *,
    embed: Embed | None = None,
    progress: Progress | None = None,
) -> Built:
    """Read, attribute and index a book, and write the canon folder.

    embed: makes unit vectors of texts, shape (texts, d); with it a dense index is written too.
    progress: called as (what, done, of).
    Raises NoQuotes, and FolderUnreadable when `folder` is something else than a canon folder.
    """
    if folder.exists() and not folder.is_dir():
        raise FolderUnreadable(f"{folder} is a file; choose another place")
    if folder.exists() and any(folder.iterdir()) and not (folder / "card.json").exists():
        raise FolderUnreadable(f"{folder} exists and is no canon folder; choose another place")
    say = progress or (lambda what, done, of: None)
    total = len(book.sections)
    quotes = attribute(book, table, progress=lambda n: say("who says what", n, total))
    if not any(quote.kind != "text" for quote in quotes):
        raise NoQuotes(
            f'{book.title} has no quotes: none of “ ” 「 」 『 』 or " " marks a speech in it'
        )
    scenes = find_scenes(book, quotes, table)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}"
    aside.mkdir()
    try:
        passages = _write(book, table, quotes, scenes, aside, embed, say)
        built = Built(
            total,
            book.characters,
            len(quotes),
            sum(quote.speaker == UNDECIDED for quote in quotes),
            len(scenes),
            passages,
        )
        card = {"format": FORMAT, "kind": "canon", "title": table.title or book.title}
        card |= {"embedded": embed is not None, **asdict(built)}
        _write_json(aside / "card.json", card)
        _replace(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return built


def _replace(aside: Path, folder: Path) -> None:
    if not folder.exists():
        aside.rename(folder)
        return
    old = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}"
    folder.rename(old)
    aside.rename(folder)
    shutil.rmtree(old)


def _write(
    book: Book,
    table: NameTable,
    quotes: Sequence[Quote],
    scenes: Sequence[BookScene],
    folder: Path,
    embed: Embed | None,
    say: Progress,
) -> int:
    write_scenes(scenes, folder / "scenes.jsonl")
    write_table(table, folder / "names.toml", comment="" if table.detect else _DRAFT)
    letters = "".join(section.text for section in book.sections)
    np.save(folder / "text.npy", np.frombuffer(letters.encode("utf-32-le"), dtype="<u4"))
    starts = np.cumsum([0, *(len(section.text) for section in book.sections)]).tolist()
    speakers = sorted({quote.speaker for quote in quotes} - {"", UNDECIDED})
    number = {name: i for i, name in enumerate(speakers)}
    np.save(
        folder / "quotes.npy",
        np.array(
            [(q.section, q.start, q.end, number.get(q.speaker, -1)) for q in quotes],
            dtype=np.int32,
        ).reshape(-1, 4),
    )
    chapters, first = find_chapters(book, quotes, table)
    cast = _cast(table, speakers)
    passages = _write_index(book, table, quotes, cast, folder, embed, say)
    _write_json(
        folder / "chapters.json",
        {
            "starts": starts,
            "speakers": speakers,
            "people": cast,
            "chapters": [asdict(chapter) for chapter in chapters],
            "first": [[m.name, m.section, m.start] for m in first],
        },
    )
    return passages


def _cast(table: NameTable, speakers: Sequence[str]) -> list[str]:
    """Everybody who can be asked for: the table's people, then whoever else speaks."""
    names = dict.fromkeys(person.name for person in table.people)
    for speaker in speakers:
        names.update(dict.fromkeys(speaker.split("、")))
    return list(names)


@dataclass
class _Documents:
    """Token lists as numbers; a token's number is when it was first seen."""

    vocabulary: dict[str, int]
    passages: list[NDArray[np.int32]]
    chapters: list[NDArray[np.int32]]

    def number(self, words: Iterable[str]) -> NDArray[np.int32]:
        """Tokens as their numbers, in order."""
        known = self.vocabulary
        return np.fromiter((known.setdefault(w, len(known)) for w in words), dtype=np.int32)


def _write_index(
    book: Book,
    table: NameTable,
    quotes: Sequence[Quote],
    cast: Sequence[str],
    folder: Path,
    embed: Embed | None,
    say: Progress,
) -> int:
    lexicon = Lexicon(table, cast)
    passages = cut_passages(book, longest=LONGEST, step=STEP)
    documents = _Documents({}, [], [])
    people = np.zeros((len(cast), len(passages)), dtype=np.uint8)
    row = {name: i for i, name in enumerate(cast)}
    column = 0
    for done, section in enumerate(book.sections, 1):
        said = [quote for quote in quotes if quote.section == section.number]
        named = lexicon.people_in(section.plain)
        entities = [f"@{name}" for _, _, name in named]
        documents.chapters.append(documents.number([*tokens(section.plain), *entities]))
        while column < len(passages) and passages[column].section == section.number:
            passage = passages[column]
            text = section.plain[passage.start : passage.end]
            here = [n for a, b, n in named if passage.start <= a and b <= passage.end]
            documents.passages.append(
                documents.number([*tokens(text), *(f"@{name}" for name in here)])
            )
            for quote in said:
                if quote.start < passage.end and quote.end > passage.start:
                    here += quote.speaker.split("、")
            for name in here:
                if name in row:
                    people[row[name], column] = 1
            column += 1
        say("index", done, len(book.sections))
    told, at = _lay(book, table, lexicon, passages, documents)
    by_chapter: dict[int, list[int]] = {}
    for number, event in enumerate(table.events):
        by_chapter.setdefault(event.chapter, []).append(number)
    chapter_notes = [_joined(by_chapter.get(s.number, ()), told) for s in book.sections]
    rows = save_vocabulary(documents.vocabulary, folder / "keys.npy")
    for field, content in (
        ("passages", documents.passages),
        ("notes", [_joined(ids, told) for ids in at]),
        ("around", [_joined(ids, told) for ids in _around(at, passages)]),
        ("chapters", documents.chapters),
        ("chapter_notes", chapter_notes),
    ):
        save_field(folder, field, [rows[numbers] for numbers in content], len(rows))
    np.save(
        folder / "passages.npy",
        np.array([(p.section, p.start, p.end) for p in passages], dtype=np.int32).reshape(-1, 3),
    )
    np.save(folder / "people.npy", people)
    if embed is not None:
        _write_vectors(book, passages, folder, embed, say)
    return len(passages)


def _lay(
    book: Book,
    table: NameTable,
    lexicon: Lexicon,
    passages: Sequence[Passage],
    documents: _Documents,
) -> tuple[list[NDArray[np.int32]], list[list[int]]]:
    """The words of every event, and which events belong to each passage.

    An event is laid on the passages where it says that it happens, else on those of its chapter
    that share most of its rarer words.
    """
    seen = np.zeros(len(documents.vocabulary), dtype=np.int64)
    places: dict[int, list[int]] = {}
    for index, numbers in enumerate(documents.passages):
        places.setdefault(passages[index].section, []).append(index)
        seen[np.unique(numbers)] += 1
    texts = {section.number: fold_words(section.text) for section in book.sections}
    told: list[NDArray[np.int32]] = []
    at: list[list[int]] = [[] for _ in passages]
    for number, event in enumerate(table.events):
        words = [*tokens(event.told), *tokens(event.english)]
        words += [f"@{name}" for _, _, name in lexicon.people_in(event.told)]
        told.append(documents.number(words))
        here = places.get(event.chapter, [])
        found = _standing(
            texts.get(event.chapter, ""), fold_words(event.where), [passages[i] for i in here]
        )
        if found:
            here = [here[i] for i in found]
        else:
            rare = np.zeros(len(seen), dtype=np.float64)
            for token, weight in lexicon.read(event.told).weights.items():
                row = documents.vocabulary.get(token)
                if row is not None and row < len(seen) and seen[row]:
                    rare[row] = weight * np.log(1 + len(passages) / seen[row])
            shared = {i: -rare[np.unique(documents.passages[i])].sum() for i in here}
            here = sorted(shared, key=lambda i: (shared[i], i))[:_PASSAGES_AN_EVENT]
        for index in here:
            at[index].append(number)
    return told, at


def _around(at: Sequence[Sequence[int]], passages: Sequence[Passage]) -> list[list[int]]:
    """The events of each passage and of its neighbours in the chapter, each once."""
    found: list[list[int]] = []
    for index, passage in enumerate(passages):
        near = range(max(0, index - _AROUND), min(len(passages), index + _AROUND + 1))
        events: dict[int, None] = {}
        for other in near:
            if passages[other].section == passage.section:
                events.update(dict.fromkeys(at[other]))
        found.append(list(events))
    return found


def _joined(events: Iterable[int], told: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    words = [told[event] for event in events]
    return np.concatenate(words) if words else np.zeros(0, dtype=np.int32)


def _standing(text: str, where: str, passages: Sequence[Passage]) -> list[int]:
    """Which passages of a chapter hold these words, or lie half in a stretch that is named by its
    first and last words; [] when they do not stand in it."""
    first, stretch, last = where.partition("…")
    begin = text.find(first) if first else -1
    end = text.find(last, begin) if begin >= 0 else -1
    if end < 0:
        return []
    end += len(last) if stretch else len(first)
    return [
        index
        for index, p in enumerate(passages)
        if (p.start <= begin and end <= p.end)
        or 2 * (min(p.end, end) - max(p.start, begin)) >= p.end - p.start
    ]


def _write_vectors(
    book: Book, passages: Sequence[Passage], folder: Path, embed: Embed, say: Progress
) -> None:
    texts_of = {section.number: section.text for section in book.sections}
    vectors = []
    for done in range(0, len(passages), _AT_ONCE):
        texts = [texts_of[p.section][p.start : p.end] for p in passages[done : done + _AT_ONCE]]
        vectors.append(np.asarray(embed(texts), dtype=np.float32))
        say("vectors", done + len(texts), len(passages))
    np.save(folder / "vectors.npy", unit(np.concatenate(vectors)))


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
