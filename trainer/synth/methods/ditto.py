"""Self-alignment (Ditto): queries about what a character knows and cannot know, and its answers.

For a pair of the character and a stranger the teacher writes two questions that the character can
answer, one about the stranger, and one that takes something false for granted. Known questions are
answered as reading comprehension of the evidence; the stranger is denied in voice; the falsehood is
put right. The lesson holds none of the evidence: only the card that the model is served with stands
before it. The questions of one pair are chained into one conversation. A chain keeps at least one
unknown or false premise for two known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from characters.card import Character, Language
from characters.turn import Scene, Turn
from trainer.synth.faults import asks, leaks
from trainer.synth.harvest import Harvest, Row, Task, asked, lesson_row, provenance
from trainer.synth.ledger import Ledger, NoAnswer
from trainer.synth.methods.spoken import spoken
from trainer.synth.records import PersonRecord, read_records
from trainer.synth.shape import Items, Object, Text
from trainer.synth.teacher import Ask, Message
from trainer.synth.wording import say, table
from trainer.synth.world import Assignment, World, told

NAME = "ditto"
TEMPERATURE = 0.7
KNOWN = 2  # questions a pair that can be answered


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody or something that the character cannot know."""

    name: str
    about: str
    forbidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the character's answers rest on, and where it is from."""

    text: str
    source: str


def tasks(world: World) -> list[Task]:
    """`count` pairs a character and language; five calls a pair."""
    made: list[Task] = []
    for character in world.characters:
        for language in world.languages:
            strangers = _strangers(world, character, language)
            world.dice(NAME, character.id, language).shuffle(strangers)
            for number in range(world.options.count):
                key = f"{character.id}-{language}-{number:03}"
                other = strangers[number % len(strangers)]
                work = Assignment(world, character, language, NAME, key, TEMPERATURE)
                made.append(Task(key, partial(_pair, work, other)))
    return made


def _strangers(world: World, character: Character, language: Language) -> list[Stranger]:
    found = [
        Stranger(one["name"][language], one["about"][language], tuple(one["forbidden"]))
        for one in table("strangers")["stranger"]
    ]
    if world.options.records:
        records = read_records(world.options.records)
        # Of one book they know each other; and whoever one's own record names is no stranger.
        known = {name for one in world.cast if _together(one, character) for name in one.names}
        known = {name.casefold() for name in known}
        facts = "\n".join(
            fact for r in records if _is(r, character) for fact in (r.description, *r.facts)
        )
        others = [
            Stranger(record.label, record.description, tuple(_details(record.facts)))
            for record in records
            if record.language == language
            and record.label.casefold() not in known
            and record.label not in facts
            and not _is(record, character)
        ]
        found = others or found
    return found


def _together(one: Character, other: Character) -> bool:
    return one is other or (one.first_chapter > 0 and other.first_chapter > 0)


def _is(record: PersonRecord, character: Character) -> bool:
    names = {name.casefold() for name in (record.label, *record.aliases)}
    return bool(names & {name.casefold() for name in character.names})


def _details(facts: tuple[str, ...]) -> list[str]:
    """What stands behind the colons of claims: the details that a denial must not give away."""
    return [
        detail
        for fact in facts
        if ": " in fact
        for detail in fact.partition(": ")[2].split("、")
        if len(detail) > 1
    ]


def _evidence(world: World, character: Character, language: Language, key: str) -> Evidence:
    """PersonRecord of a record, else a scene of the book, else the card alone."""
    room = world.room // 2
    dice = world.dice(NAME, "evidence", key)
    if world.options.records:
        for record in read_records(world.options.records):
            if record.facts and record.language == language and _is(record, character):
                facts = list(record.facts)
                dice.shuffle(facts)
                return Evidence(_within(facts, room), f"record:{record.source}")
    scenes = world.stories(character) if language == "zh" else []
    if scenes:
        stretch = dice.choice(scenes)
        lines = [told(world.name(turn), turn.text, 100) for turn in stretch.turns]
        return Evidence(_within(lines, room), f"canon:{stretch.scene}")
    return Evidence(character.persona[language][:room], f"card:{character.id}")


def _within(lines: list[str], room: int) -> str:
    kept: list[str] = []
    for line in lines:
        if kept and sum(map(len, kept)) + len(line) > room:
            break
        kept.append(line[:room])
    return "\n".join(kept)


async def _pair(work: Assignment, other: Stranger, ledger: Ledger) -> Harvest:
    """The queries of one character and one stranger, answered one after the other."""
    harvest = Harvest()
    world, character = work.world, work.character
    evidence = _evidence(world, character, work.language, work.key)
    try:
        wanted = await ledger.ask(_queries(work, other, evidence))
    except NoAnswer as problem:
        harvest.drop(f"no answer: {problem}", character=character.id, other=other.name)
        return harvest
    value: dict[str, Any] = wanted.value
    asks = [("known", question) for question in value["known"]]
    # An unknown comes between two known: that it is declined must not depend on its place.
    asks[1:1] = [("unknown", value["unknown"])]
    asks.append(("premise", value["premise"]))
    person = work.person()
    backing = {"known": evidence.text, "premise": value["truth"], "unknown": ""}
    turns: list[Turn] = []
    labels: list[Row] = []
    for place, (label, told_question) in enumerate(asks):
        question = _about(work, other, label, told_question, harvest)
        if not question:
            continue
        prompt = _prompt(work, other, label, backing, person, question)
        got = await spoken(
            work, prompt, ledger, harvest, later=place, question=question, label=label
        )
        if not got:
            continue
        reply, given = got
        term = leaks(reply, other.forbidden) if label == "unknown" else ""
        if term:
            harvest.drop(f"gives away: {term}", character=character.id, reply=reply, label=label)
            continue
        turns += [asked(person, question), Turn(character.id, reply, "character")]
        labels.append({"label": label, "evidence": backing[label], "prompt": given.key})
    balanced(turns, labels, harvest)
    if turns:
        *before, last = turns
        sources = [evidence.source, f"stranger:{other.name}"]
        row_told = provenance(NAME, ledger, work.seed, [wanted], sources, turns=labels)
        scene = Scene((character,), tuple(before), language=work.language)
        row = lesson_row(f"{NAME}-{work.key}", scene, character, last.text, row_told)
        harvest.rows.append(row)
    return harvest


def _queries(work: Assignment, other: Stranger, evidence: Evidence) -> Ask:
    """The call that writes the questions."""
    shape = Object(
        {
            "known": Items(Text(40), KNOWN, KNOWN),
            "unknown": Text(40),
            "premise": Text(40),
            "truth": Text(40),
        }
    )
    about = other.about[: work.world.room // 4]
    system = say(NAME, "queries", work.language, name=work.name, other=other.name, about=about)
    messages = (Message("system", system), Message("user", f"{work.card}\n{evidence.text}"))
    return Ask(messages, shape, work.temperature, work.seed)


def _about(work: Assignment, other: Stranger, label: str, question: str, harvest: Harvest) -> str:
    """The question if it is one and names the stranger exactly where it should; in its place ours
    about the stranger, or ""."""
    named = other.name.casefold() in question.casefold()
    wrong = "" if asks(question) else "is no question"
    if not wrong and named != (label == "unknown"):
        wrong = "is about the stranger" if named else "does not name the stranger"
    if not wrong:
        return question
    harvest.drop(wrong, character=work.character.id, question=question, label=label)
    return say(NAME, "ask", work.language, other=other.name) if label == "unknown" else ""


def _prompt(
    work: Assignment,
    other: Stranger,
    label: str,
    backing: Mapping[str, str],
    person: str,
    question: str,
) -> tuple[Message, ...]:
    words = {
        "name": work.name,
        "card": work.card,
        "evidence": backing["known"],
        "other": other.name,
        "truth": backing["premise"],
    }
    return (
        Message("system", say(NAME, label, work.language, **words)),
        Message("user", say(NAME, "user", work.language, person=person, question=question)),
    )


def balanced(turns: list[Turn], labels: list[Row], harvest: Harvest) -> None:
    """Known exchanges go, last first, until one unknown or false premise stands for two known."""
    while True:
        known = [n for n, told in enumerate(labels) if told["label"] == "known"]
        if len(known) <= 2 * (len(labels) - len(known)):
            return
        place = known[-1]
        harvest.drop("too few unknown beside it", question=turns[2 * place].text)
        del turns[2 * place : 2 * place + 2]
        del labels[place]


def settle(world: World, harvest: Harvest) -> Harvest:
    """Nothing to look over: chains are balanced one by one."""
    return harvest
