"""Who says what, by a teacher, where rules cannot tell (XiYou's data kinds B and C, ChatHaruhi).

The prose is read in windows of at most 600 characters. Only names that stand in a window can be
speakers. A quote that is not in the book word for word is refused, and so is a speaker that
contradicts a plain speech tag. What the rules are sure of is kept as it is and stands between the
found lines, so that no lesson has a hole. One lesson is an unbroken run of speech: nobody answers
himself, and no run goes over the end of a window or a long stretch of narration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from canon import read_book, read_scenes, table_of
from canon.names import NameTable, read_table
from canon.quotes import without_layout
from canon.scenes import LONG_NARRATION
from canon.speakers import attribute
from characters.script import SURE, TAG_LENGTH
from characters.turn import Scene, Turn, safe_name
from trainer.synth.error import OptionError
from trainer.synth.harvest import Harvest, Task, lesson_row, provenance, seed_of
from trainer.synth.ledger import Ledger, NoAnswer
from trainer.synth.shape import Choice, Items, Object, Text, longest
from trainer.synth.teacher import Ask, Message
from trainer.synth.wording import language_of, say
from trainer.synth.world import World

NAME = "dialogue"
TEMPERATURE = 0.3
WINDOW = 600  # characters; XiYou cut at 600 tokens
OTHER = {"zh": "某人", "en": "somebody"}
_MOST = 20
_MARKS = re.compile('[“”「」『』‘’"\\s\u3000]')


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the book: span in the section's text, who says it, and how sure that is.

    `taught`: the teacher says so, not the rules.
    """

    start: int
    end: int
    text: str
    speaker: str
    confidence: float
    taught: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a section: where it begins in it, its text, and what the rules read there."""

    section: int
    start: int
    text: str
    said: tuple[Said, ...]


def tasks(world: World) -> list[Task]:
    """One call a window; only windows in which the rules are unsure, unless `--all`.

    Raises:
        OptionError: neither a canon folder nor a novel was named, or no window is unsure.
    """
    made: list[Task] = []
    names = _names(world)
    for window in _windows(world):
        unsure = [one for one in window.said if one.confidence < SURE]
        if window.said and not unsure and not world.options.everything:
            continue
        candidates = _candidates(world, names, window)
        if not candidates:
            continue
        key = f"{window.section:03}-{window.start:06}"
        made.append(Task(key, partial(_extract, world, window, candidates, key)))
    if not made:
        raise OptionError("the rules are sure of every quote here; --all has the teacher read all")
    return made


def _names(world: World) -> dict[str, str]:
    """alias → shown name, of the book's people and of the cast."""
    table: NameTable | None = None
    if world.options.names:
        table = read_table(world.options.names)
    elif world.folder is not None:
        table = world.canon.names
    elif world.options.novel:
        table = table_of(read_book(world.options.novel))
    names: dict[str, str] = {}
    for person in table.people if table else ():
        names |= dict.fromkeys(person.aliases, person.name)
    for character in world.cast:
        own = dict.fromkeys((character.name.zh, *character.aliases.zh), character.name.zh)
        names = own | names if table else names | own
        names |= dict.fromkeys((character.name.en, *character.aliases.en), character.name.zh)
    return {alias: name for alias, name in names.items() if len(alias) > 1}


def _candidates(world: World, names: dict[str, str], window: Window) -> tuple[str, ...]:
    """Shown names of all who are named in a window, or speak in it; () when nobody of the cast."""
    found = dict.fromkeys(name for alias, name in names.items() if alias in window.text)
    found |= dict.fromkeys(
        one.speaker for one in window.said if one.confidence >= SURE and "、" not in one.speaker
    )
    own = {character.name.zh for character in world.characters}
    if own.isdisjoint(found):
        return ()
    return (*found, OTHER[language_of(window.text)])


def _windows(world: World) -> Iterator[Window]:
    limit = min(WINDOW, world.room)
    if world.options.novel:
        book = read_book(world.options.novel)
        quotes = attribute(book, table_of(book))
        for section in book.sections:
            said = tuple(
                Said(q.start, q.end, q.text, q.speaker, q.confidence)
                for q in quotes
                if q.section == section.number and q.kind == "speech"
            )
            if section.number not in world.left_out:
                yield from cut(section.number, section.text, said, limit)
        return
    canon = world.canon
    by_section: dict[int, list[Said]] = {}
    for scene in read_scenes(world.folder / "scenes.jsonl") if world.folder else ():
        by_section.setdefault(scene.chapter, []).extend(
            Said(t.start, t.end, t.text, t.speaker, t.confidence)
            for t in scene.turns
            if t.kind == "speech"
        )
    for number in world.chapters:
        yield from cut(number, canon.text(number), tuple(by_section.get(number, ())), limit)


def cut(section: int, text: str, said: Sequence[Said], limit: int) -> Iterator[Window]:
    """Pieces of a section of at most `limit` characters, cut between sentences, not in a quote."""
    places = [0]
    for match in re.finditer(r"[。！？!?.][”’」』\"]*\s*|\n+", text):
        if not any(one.start < match.end() < one.end for one in said):
            places.append(match.end())
    places.append(len(text))
    start = 0
    for place, following in zip(places, [*places[1:], len(text) + limit + 1], strict=True):
        if place > start and following - start > limit:
            # One sentence may be longer than a window; it is cut where it must be.
            for begin in range(start, place, limit):
                end = min(place, begin + limit)
                inside = tuple(one for one in said if begin <= one.start and one.end <= end)
                yield Window(section, begin, text[begin:end], inside)
            start = place


class Finder:
    """Finds words in a window whatever its layout and quotation marks."""

    def __init__(self, text: str) -> None:
        self._places = [at for at, letter in enumerate(text) if not _MARKS.match(letter)]
        self._plain = "".join(text[at] for at in self._places)

    def find(self, words: str, begin: int = 0) -> tuple[int, int] | None:
        """(start, end) of the words in the window, the first from `begin` on; None if absent."""
        plain = _MARKS.sub("", words)
        if len(plain) < 2:
            return None
        at = -1
        while (at := self._plain.find(plain, at + 1)) >= 0:
            if self._places[at] >= begin:
                return self._places[at], self._places[at + len(plain) - 1] + 1
        return None


async def _extract(
    world: World, window: Window, candidates: tuple[str, ...], key: str, ledger: Ledger
) -> Harvest:
    harvest = Harvest()
    language = language_of(window.text)
    # Where the book has quotation marks the quote is one of those; else any words of the window.
    quoted = tuple(dict.fromkeys(one.text for one in window.said))
    quote = Choice(quoted) if quoted else Text(200)
    one = Object({"quote": quote, "speaker": Choice(candidates)})
    # A small context has no room for many lines; what is not answered stays a hole.
    most = min(_MOST, len(quoted) or _MOST, max(1, world.room // longest(one)))
    shape = Object({"lines": Items(one, 0, most)})
    messages = (
        Message("system", say(NAME, "system", language, names="、".join(candidates))),
        Message("user", say(NAME, "user", language, text=without_layout(window.text))),
    )
    seed = seed_of(world.seed, NAME, key)
    try:
        given = await ledger.ask(Ask(messages, shape, world.temperature(TEMPERATURE), seed))
    except NoAnswer as problem:
        harvest.drop(f"no answer: {problem}", section=window.section, start=window.start)
        return harvest
    found = checked(window, given.value["lines"], harvest)
    book = world.options.novel.name if world.options.novel else world.canon.title
    for number, (run, spoken) in enumerate(_runs(world, window, found)):
        if not any(one.taught for one in spoken):
            continue  # what the rules read by themselves is in the canon's own lessons
        present = dict.fromkeys(turn.speaker for turn in run if turn.side == "character")
        told = provenance(
            NAME,
            ledger,
            seed,
            [given],
            [f"book:{book}"],
            section=window.section,
            spans=[[one.start, one.end, one.speaker, one.taught] for one in spoken],
        )
        *before, last = run
        scene = Scene(tuple(world.cast[name] for name in present), tuple(before), language=language)
        name = f"{NAME}-{key}-{number}"
        harvest.rows.append(lesson_row(name, scene, world.cast[last.speaker], last.text, told))
    return harvest


def checked(window: Window, lines: Iterable[dict[str, str]], harvest: Harvest) -> list[Said]:
    """The lines that stand in the window, in its order, with what the rules are sure of."""
    finder = Finder(window.text)
    sure = [one for one in window.said if one.confidence >= SURE]
    found: dict[int, Said] = {one.start: one for one in sure}
    after: dict[str, int] = {}
    for line in lines:
        quote, speaker = line["quote"], line["speaker"]
        place = finder.find(quote, after.get(quote, 0))
        if place is None:
            reason = "given twice" if finder.find(quote) else "not in the book"
            harvest.drop(reason, section=window.section, quote=quote, speaker=speaker)
            continue
        start, end = (window.start + at for at in place)
        after[quote] = place[1]
        met = [one for one in found.values() if one.start < end and start < one.end]
        against = next((one for one in met if one.speaker != speaker), None)
        if against is not None:
            told = f"the tag says another: {against.speaker}"
            harvest.drop(told, section=window.section, quote=quote, speaker=speaker)
        elif not met:
            text = without_layout(window.text[place[0] : place[1]])
            found[start] = Said(start, end, text, speaker, SURE, taught=True)
    # A quote that nobody could give to anybody leaves a hole where it stands.
    for one in window.said:
        if not any(s.start < one.end and one.start < s.end for s in found.values()):
            found[one.start] = Said(one.start, one.end, one.text, "", 0.0)
    return [found[start] for start in sorted(found)]


def _runs(
    world: World, window: Window, said: Sequence[Said]
) -> Iterator[tuple[list[Turn], list[Said]]]:
    """Unbroken runs of at least two turns that end with a chosen character, and their lines."""
    ids = {character.name.zh: character.id for character in world.cast}
    chosen = {character.id for character in world.characters}
    run: list[tuple[Turn, list[Said]]] = []
    end = 0
    for one in [*said, None]:
        name = (ids.get(one.speaker) or safe_name(one.speaker)) if one else ""
        again = bool(run) and run[-1][0].speaker == name
        gap = one.start - end if one else 0
        hole = one is None or not one.confidence
        if hole or gap > LONG_NARRATION or (again and gap > TAG_LENGTH):
            while run and run[-1][0].speaker not in chosen:
                run.pop()
            if len(run) > 1:
                yield [turn for turn, _ in run], [line for _, lines in run for line in lines]
            run, again = [], False
        if one is None or hole:
            continue
        if again:
            turn, lines = run[-1]
            run[-1] = (replace(turn, text=turn.text + one.text), [*lines, one])
        elif one.speaker in ids:
            run.append((Turn(name, one.text, "character"), [one]))
        else:
            run.append((Turn(name, one.text, "human"), [one]))
        end = one.end


def settle(world: World, harvest: Harvest) -> Harvest:
    """Nothing to look over: windows do not overlap."""
    return harvest
