"""What happens in the book, in today's Chinese and in English, for its search (`mrp canon notes`).

Readers ask in today's words; an old novel has others. The teacher reads the whole book in windows,
notes up to three things that happen in each, in both languages, and asks what a reader might ask.
A note that names somebody who is not in its window, copies the book or repeats another is refused.
The rows are for `mrp canon build --notes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from canon import Canon
from canon.lexicon import Lexicon
from trainer.synth.harvest import Harvest, Row, Task, provenance, seed_of
from trainer.synth.ledger import Ledger, NoAnswer
from trainer.synth.rouge import Novelty
from trainer.synth.shape import Items, Object, Text
from trainer.synth.teacher import Ask, Message
from trainer.synth.wording import language_of, say
from trainer.synth.world import World

NAME = "notes"
TEMPERATURE = 0.3
WINDOW = 480  # characters: longer ones are summed up, not noted
LEAST = 6  # letters of a note that says anything
BY_HEART = 12  # characters in a row that are the book's
_CHINESE = "A-Za-z"  # what a Chinese note does without
_ENGLISH = "\u3000-\u303f\u3400-\u9fff\uff00-\uffef"
ROOMY = 1000  # characters of material for which three notes in either language fit, too
_SENTENCE = re.compile(r".+?(?:[。！？!?.；;][”」』’]*|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a chapter that is read at once."""

    chapter: int
    text: str

    @property
    def where(self) -> str:
        """Its first and last words, as an event says where it happens."""
        words = self.text.split()
        return f"{words[0][:10]}…{words[-1][-10:]}"


def shape(room: int) -> Object:
    """What is asked for: as many notes as a teacher with this room can end within its context."""
    most = 3 if room >= ROOMY else 1
    return Object(
        {
            "zh": Items(Text(48, _CHINESE), 1, most),
            "en": Items(Text(140, _ENGLISH), 1, most),
            "questions": Items(Text(40, _CHINESE), 1, min(2, most)),
        }
    )


def windows(book: Canon, longest: int) -> Iterator[Window]:
    """The book in stretches of whole sentences, at most `longest` characters where sentences
    allow it."""
    for chapter in book.chapters():
        held = ""
        for sentence in _SENTENCE.findall(book.text(chapter.number)):
            if held.strip() and len(held) + len(sentence) > longest:
                yield Window(chapter.number, held.strip())
                held = ""
            held += sentence
        if held.strip():
            yield Window(chapter.number, held.strip())


def tasks(world: World) -> list[Task]:
    """One call a window, all chapters: nobody learns to speak from notes."""
    book = world.canon
    named = (name for c in book.chapters() for name in (*c.says, *c.named))
    lexicon = Lexicon(book.names, [name for name in named if len(name) > 1])
    longest = min(WINDOW, max(120, world.room // 2))
    return [
        Task(key, partial(_ask, world, lexicon, window, key))
        for number, window in enumerate(windows(book, longest))
        for key in (f"{window.chapter:03}-{number:05}",)
    ]


async def _ask(world: World, lexicon: Lexicon, window: Window, key: str, ledger: Ledger) -> Harvest:
    harvest = Harvest()
    seed = seed_of(world.seed, NAME, key)
    there = {name for _, _, name in lexicon.people_in(window.text)}
    names = "、".join(sorted(there)) or "—"
    rules = say(NAME, "system", "zh", title=world.canon.title, names=names)
    messages = (
        Message("system", rules),
        Message("user", say(NAME, "user", "zh", text=window.text)),
    )
    try:
        given = await ledger.ask(
            Ask(messages, shape(world.room), world.temperature(TEMPERATURE), seed)
        )
    except NoAnswer as problem:
        harvest.drop(f"no answer: {problem}", chapter=window.chapter)
        return harvest
    told = provenance(NAME, ledger, seed, [given], [key])
    value = given.value
    for kind, text in [
        *(("told", text) for text in (*value["zh"], *value["questions"])),
        *(("english", text) for text in value["en"]),
    ]:
        reason = refused(kind, text, window.text + rules, lexicon, there)
        if reason:
            harvest.drop(reason, chapter=window.chapter, text=text)
            continue
        row: Row = {"chapter": window.chapter, "told": "", "english": "", "where": window.where}
        harvest.rows.append(row | {kind: text, "provenance": told})
    return harvest


def refused(kind: str, text: str, read: str, lexicon: Lexicon, there: set[str]) -> str:
    """Why a note is no good; "" when it is. `read` is what the teacher had before it, `there` who
    is named in it."""
    if language_of(text) != ("zh" if kind == "told" else "en"):
        return "in another language"
    if sum(letter.isalnum() for letter in text) < LEAST:
        return "says nothing"
    if any(text[i : i + BY_HEART] in read for i in range(len(text) - BY_HEART + 1)):
        return "copies what it read"
    if kind == "told" and {name for _, _, name in lexicon.people_in(text)} - there:
        return "names somebody who is not there"
    return ""


def settle(world: World, harvest: Harvest) -> Harvest:
    """Near duplicates within a chapter go."""
    kept, new = Harvest(dropped=list(harvest.dropped)), Novelty(0.8)
    for row in harvest.rows:
        text = row["told"] or row["english"]
        if like := new.like(str(row["chapter"]), text):
            kept.drop("near duplicate", chapter=row["chapter"], text=text, like=like)
        else:
            kept.rows.append(row)
    return kept
