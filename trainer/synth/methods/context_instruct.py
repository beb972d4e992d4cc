"""Questions with their answers out of profile and scenes (RoleLLM's Context-Instruct).

Script-agnostic: ten questions a role from its profile; each is marked by whether it can truly be
answered. Script-based: questions from a scene, marked by whether they stand alone. Only those
marked high are kept; of what is nearly the same within a role (character Rouge-L from .7) the first
stays. The low ones are in the file of dropped rows, label and reason with them.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from characters.card import Character, Language
from characters.script import Stretch
from characters.turn import Scene
from trainer.synth.faults import fault, tidy
from trainer.synth.harvest import Harvest, Task, asked, lesson_row, provenance, seed_of
from trainer.synth.ledger import Ledger, NoAnswer
from trainer.synth.methods.profile import profile_of
from trainer.synth.rouge import Novelty
from trainer.synth.shape import Choice, Items, Record, Shape, Text
from trainer.synth.teacher import Ask, Message
from trainer.synth.wording import say, table
from trainer.synth.world import World, told

NAME = "context-instruct"
TEMPERATURE = 0.7
AGNOSTIC = 10  # questions a role
BASED = 3  # questions a scene
CONFIDENCE: dict[Language, tuple[str, str]] = {"zh": ("高", "低"), "en": ("high", "low")}
_LEAST_TURNS = 4
Kind = Literal["agnostic", "based"]


def tasks(world: World) -> list[Task]:
    """Ten questions a role from the profile, then `count` scenes a role."""
    made: list[Task] = []
    at_once = min(AGNOSTIC, max(1, world.room // 120))
    for character in world.characters:
        for language in world.languages:
            for number in range(-(-AGNOSTIC // at_once)):
                key = f"{character.id}-{language}-profile-{number}"
                run = partial(_ask, world, character, language, "agnostic", at_once, None, key)
                made.append(Task(key, run))
            if language != "zh":
                continue  # the scenes are in the book's language
            scenes = [s for s in world.stories(character) if len(s.turns) >= _LEAST_TURNS]
            world.dice(NAME, character.id).shuffle(scenes)
            for number, stretch in enumerate(scenes[: world.options.count]):
                key = f"{character.id}-{language}-scene-{number}"
                most = min(BASED, at_once)
                run = partial(_ask, world, character, language, "based", most, stretch, key)
                made.append(Task(key, run))
    return made


async def _ask(
    world: World,
    character: Character,
    language: Language,
    kind: Kind,
    number: int,
    stretch: Stretch | None,
    key: str,
    ledger: Ledger,
) -> Harvest:
    harvest = Harvest()
    profile = profile_of(world, character, language)
    about = "\n".join((profile.description, *profile.catchphrases))
    material = _script(world, stretch) if stretch else about
    system = say(
        "context",
        kind,
        language,
        name=character.name[language],
        profile=about if kind == "agnostic" else "",
        number=number,
        examples=_examples(kind, language, world.room // 2),
    )
    answer = Text(min(100, max(40, world.room // 5)))
    triplet: dict[str, Shape] = {
        "question": Text(50),
        "why": Text(40),
        "confidence": Choice(CONFIDENCE[language]),
        "answer": answer,
    }
    shape = Record({"items": Items(Record(triplet), 1, number)})
    messages = [Message("system", system)]
    if kind == "based":
        messages.append(Message("user", say("context", "user", language, material=material)))
    seed = seed_of(world.seed, NAME, key)
    sources = [f"canon:{stretch.scene}"] if stretch else [profile.source]
    try:
        given = await ledger.ask(Ask(tuple(messages), shape, world.temperature(TEMPERATURE), seed))
    except NoAnswer as problem:
        harvest.drop(f"no answer: {problem}", character=character.id, kind=kind)
        return harvest
    for place, item in enumerate(given.value["items"]):
        about_it = {
            "kind": kind,
            "question": item["question"],
            "why": item["why"],
            "confidence": item["confidence"],
        }
        reply = tidy(item["answer"], character)
        wrong = fault(reply, character, world.cast, language)
        if item["confidence"] != CONFIDENCE[language][0]:
            wrong = "low confidence"
        if wrong:
            harvest.drop(wrong, character=character.id, reply=reply, prompt=given.key, **about_it)
            continue
        person = world.person(language, NAME, key, place)
        scene = Scene((character,), (asked(person, item["question"]),), language=language)
        row_told = provenance(NAME, ledger, seed, [given], sources, **about_it)
        harvest.rows.append(lesson_row(f"{NAME}-{key}-{place}", scene, character, reply, row_told))
    return harvest


def _script(world: World, stretch: Stretch) -> str:
    room = world.room // 2
    lines: list[str] = []
    for turn in stretch.turns:
        line = told(world.name(turn), turn.text, 100)
        if lines and sum(map(len, lines)) + len(line) > room:
            break
        lines.append(line)
    return "\n".join(lines)


def _examples(kind: Kind, language: Language, room: int) -> str:
    """As many of the exemplars as fit: six without a scene, five with one."""
    lines: list[str] = []
    for exemplar in table("exemplars")[kind]:
        one = exemplar[language]
        line = f"[{one['who']}] {one['question']} | {one['why']} | {one['confidence']} | "
        line += one["answer"]
        if sum(map(len, lines)) + len(line) > room:
            break
        lines.append(line)
    return "\n".join(lines)


def settle(world: World, harvest: Harvest) -> Harvest:
    """Of questions that are nearly the same within a role the first stays."""
    known = Novelty()
    kept = Harvest(dropped=list(harvest.dropped))
    for row in harvest.rows:
        question = row["turns"][-1]["text"]
        if like := known.like(row["speaker"], question):
            kept.drop("near duplicate", id=row["id"], question=question, like=like)
        else:
            kept.rows.append(row)
    return kept
