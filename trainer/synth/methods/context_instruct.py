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
from trainer.synth.faults import asks, fault, tidy
from trainer.synth.harvest import Harvest, Task, asked, lesson_row, provenance
from trainer.synth.ledger import Ledger, NoAnswer
from trainer.synth.methods.profile import Profile, profile_of
from trainer.synth.rouge import Novelty
from trainer.synth.shape import Choice, Items, Object, Shape, Text
from trainer.synth.teacher import Ask, Message
from trainer.synth.wording import say, table
from trainer.synth.world import Assignment, World, told

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

    def add(
        character: Character, language: Language, source: str, number: int, stretch: Stretch | None
    ) -> None:
        key = f"{character.id}-{language}-{source}"
        work = Assignment(world, character, language, NAME, key, TEMPERATURE)
        made.append(Task(key, partial(_ask, work, number, stretch)))

    for character in world.characters:
        for language in world.languages:
            for number in range(-(-AGNOSTIC // at_once)):
                add(character, language, f"profile-{number}", at_once, None)
            if language != "zh":
                continue  # the scenes are in the book's language
            scenes = [s for s in world.stories(character) if len(s.turns) >= _LEAST_TURNS]
            world.dice(NAME, character.id).shuffle(scenes)
            for number, stretch in enumerate(scenes[: world.options.count]):
                add(character, language, f"scene-{number}", min(BASED, at_once), stretch)
    return made


async def _ask(work: Assignment, number: int, stretch: Stretch | None, ledger: Ledger) -> Harvest:
    """`number` questions from a scene, or from the profile where there is none."""
    harvest = Harvest()
    world, character, language = work.world, work.character, work.language
    kind: Kind = "based" if stretch else "agnostic"
    profile = profile_of(world, character, language)
    messages = _messages(work, profile, number, stretch)
    seed = work.seed
    sources = [f"canon:{stretch.scene}"] if stretch else [profile.source]
    try:
        given = await ledger.ask(Ask(messages, _shape(work, number), work.temperature, seed))
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
        wrong = fault(reply, character, world.cast, language, item["question"])
        if not asks(item["question"]):
            wrong = "is no question"
        elif _is_exemplar(item["question"], language):
            wrong = "copied from an exemplar"
        if item["confidence"] != CONFIDENCE[language][0]:
            wrong = "low confidence"
        if wrong:
            harvest.drop(wrong, character=character.id, reply=reply, prompt=given.key, **about_it)
            continue
        person = work.person(place)
        scene = Scene((character,), (asked(person, item["question"]),), language=language)
        row_told = provenance(NAME, ledger, seed, [given], sources, **about_it)
        name = f"{NAME}-{work.key}-{place}"
        harvest.rows.append(lesson_row(name, scene, character, reply, row_told))
    return harvest


def _messages(
    work: Assignment, profile: Profile, number: int, stretch: Stretch | None
) -> tuple[Message, ...]:
    language, kind = work.language, "based" if stretch else "agnostic"
    about = "\n".join((profile.description, *profile.catchphrases))
    system = say(
        "context",
        kind,
        language,
        name=work.name,
        profile="" if stretch else about,
        number=number,
        examples=_examples(kind, language, work.world.room // 2),
    )
    if stretch is None:
        return (Message("system", system),)
    script = _script(work.world, stretch)
    return (
        Message("system", system),
        Message("user", say("context", "user", language, material=script)),
    )


def _shape(work: Assignment, number: int) -> Object:
    triplet: dict[str, Shape] = {
        "question": Text(50),
        "why": Text(40),
        "confidence": Choice(CONFIDENCE[work.language]),
        "answer": Text(min(100, max(40, work.world.room // 5))),
    }
    return Object({"items": Items(Object(triplet), 1, number)})


def _script(world: World, stretch: Stretch) -> str:
    room = world.room // 2
    lines: list[str] = []
    for turn in stretch.turns:
        line = told(world.name(turn), turn.text, 100)
        if lines and sum(map(len, lines)) + len(line) > room:
            break
        lines.append(line)
    return "\n".join(lines)


def _examples(kind: str, language: Language, room: int) -> str:
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


def _is_exemplar(question: str, language: Language) -> bool:
    known = Novelty()
    exemplars = [exemplar for some in table("exemplars").values() for exemplar in some]
    for exemplar in exemplars:
        known.like("", exemplar[language]["question"])
    return bool(known.like("", question))


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
