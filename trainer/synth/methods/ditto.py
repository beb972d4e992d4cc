"""Self-alignment (Ditto): queries about what a character knows and cannot know, and its answers.

For a pair of the character and a stranger the teacher writes two questions that the character can
answer, one about the stranger, and one that takes something false for granted. Known questions are
answered as reading comprehension of the evidence; the stranger is denied in voice; the falsehood is
put right. The lesson holds none of the evidence: only the card that the model is served with stands
before it. The questions of one pair are chained into one conversation. A chain keeps at least one
unknown or false premise for two known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from characters.card import Character, Language
from characters.turn import Scene, Turn
from trainer.synth.faults import leaks
from trainer.synth.harvest import Harvest, Row, Task, asked, lesson_row, provenance, seed_of
from trainer.synth.ledger import Ledger, NoAnswer
from trainer.synth.methods.spoken import spoken
from trainer.synth.records import Record as Facts
from trainer.synth.records import read_records
from trainer.synth.shape import Items, Record, Text
from trainer.synth.teacher import Ask, Message
from trainer.synth.wording import say, table
from trainer.synth.world import World, told

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
                made.append(Task(key, partial(_pair, world, character, language, other, key)))
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


def _is(record: Facts, character: Character) -> bool:
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
    """Facts of a record, else a scene of the book, else the card alone."""
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


async def _pair(
    world: World,
    character: Character,
    language: Language,
    other: Stranger,
    key: str,
    ledger: Ledger,
) -> Harvest:
    harvest = Harvest()
    evidence = _evidence(world, character, language, key)
    name, card = character.name[language], world.card(character, language)
    seed = seed_of(world.seed, NAME, key)
    temperature = world.temperature(TEMPERATURE)
    queries = Record(
        {
            "known": Items(Text(40), KNOWN, KNOWN),
            "unknown": Text(40),
            "premise": Text(40),
            "truth": Text(40),
        }
    )
    system = say(
        NAME, "queries", language, name=name, other=other.name, about=other.about[: world.room // 4]
    )
    messages = (Message("system", system), Message("user", f"{card}\n{evidence.text}"))
    try:
        wanted = await ledger.ask(Ask(messages, queries, temperature, seed))
    except NoAnswer as problem:
        harvest.drop(f"no answer: {problem}", character=character.id, other=other.name)
        return harvest
    value: dict[str, Any] = wanted.value
    asks = [("known", question) for question in value["known"]]
    # An unknown comes between two known: that it is declined must not depend on its place.
    asks[1:1] = [("unknown", value["unknown"])]
    asks.append(("premise", value["premise"]))
    person = world.person(language, NAME, key)
    turns: list[Turn] = []
    labels: list[Row] = []
    for place, (label, question) in enumerate(asks):
        named = other.name.casefold() in question.casefold()
        if label == "unknown" and not named:
            harvest.drop("does not name the stranger", character=character.id, question=question)
            question = say(NAME, "ask", language, other=other.name)  # ours, in its place
        if label != "unknown" and named:
            harvest.drop("is about the stranger", character=character.id, question=question)
            continue
        words = {
            "name": name,
            "card": card,
            "evidence": evidence.text,
            "other": other.name,
            "truth": value["truth"],
        }
        prompt = (
            Message("system", say(NAME, label, language, **words)),
            Message("user", say(NAME, "user", language, person=person, question=question)),
        )
        got = await spoken(
            ledger,
            world,
            harvest,
            prompt,
            character,
            language,
            seed=seed + place,
            temperature=temperature,
            question=question,
            label=label,
        )
        if not got:
            continue
        reply, given = got
        term = leaks(reply, other.forbidden) if label == "unknown" else ""
        if term:
            harvest.drop(f"gives away: {term}", character=character.id, reply=reply, label=label)
            continue
        turns += [asked(person, question), Turn(character.id, reply, "character")]
        backing = {"known": evidence.text, "premise": value["truth"], "unknown": ""}
        labels.append({"label": label, "evidence": backing[label], "prompt": given.key})
    balanced(turns, labels, harvest)
    if turns:
        *before, last = turns
        row_told = provenance(
            NAME,
            ledger,
            seed,
            [wanted],
            [evidence.source, f"stranger:{other.name}"],
            turns=labels,
        )
        scene = Scene((character,), tuple(before), language=language)
        harvest.rows.append(lesson_row(f"{NAME}-{key}", scene, character, last.text, row_told))
    return harvest


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
