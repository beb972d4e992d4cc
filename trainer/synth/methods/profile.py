"""What marks a character: a description and catchphrases, from card and book (RoleLLM's profiles).

A person audits RoleLLM's profiles; here a catchphrase that stands neither in the character's lines
nor on the card is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from characters.card import Character, Language
from trainer.synth.faults import fault
from trainer.synth.formats.rows import list_of, read_rows, text_of
from trainer.synth.harvest import Harvest, Task, provenance, seed_of
from trainer.synth.ledger import Ledger, NoAnswer
from trainer.synth.rouge import folded
from trainer.synth.shape import Items, Object, Text
from trainer.synth.teacher import Ask, Message
from trainer.synth.wording import say
from trainer.synth.world import World, told

NAME = "profile"
TEMPERATURE = 0.3


@dataclass(frozen=True, slots=True)
class Profile:
    """A character as RoleGPT's prompt tells it."""

    description: str
    catchphrases: tuple[str, ...]
    source: str


def tasks(world: World) -> list[Task]:
    """One call a character and language."""
    return [
        Task(key, partial(_ask, world, character, language, key))
        for character in world.characters
        for language in world.languages
        for key in (f"{character.id}-{language}",)
    ]


async def _ask(
    world: World, character: Character, language: Language, key: str, ledger: Ledger
) -> Harvest:
    harvest = Harvest()
    said = [pair.answer for pair in world.pairs(character)] if language == "zh" else []
    said += character.lines[language]
    world.dice(NAME, key).shuffle(said)
    material = world.card(character, language)
    sources = [f"card:{character.id}"]
    for line in said:
        line = told(character.name[language], line, 60)
        if len(material) + len(line) > world.room:
            break
        material += "\n" + line
    if world.folder is not None:
        sources.append(f"canon:{world.canon.title}")
    most = 5 if world.room > 600 else 2
    shape = Object(
        {
            "description": Text(min(300, max(60, world.room // 4))),
            "catchphrases": Items(Text(20), 1, most),
        }
    )
    messages = (
        Message("system", say(NAME, "system", language, name=character.name[language])),
        Message("user", say(NAME, "user", language, material=material)),
    )
    seed = seed_of(world.seed, NAME, key)
    try:
        given = await ledger.ask(Ask(messages, shape, world.temperature(TEMPERATURE), seed))
    except NoAnswer as problem:
        harvest.drop(f"no answer: {problem}", character=character.id)
        return harvest
    description = given.value["description"]
    if wrong := fault(description, character, world.cast, language):
        harvest.drop(wrong, character=character.id, description=description, prompt=given.key)
        return harvest
    heard = "\n".join(folded(line) for line in (*said, world.card(character, language), material))
    phrases: list[str] = []
    for phrase in dict.fromkeys(given.value["catchphrases"]):
        if folded(phrase) and folded(phrase) in heard:
            phrases.append(phrase)
        else:
            harvest.drop("catchphrase not in card or book", character=character.id, phrase=phrase)
    harvest.rows.append(
        {
            "character": character.id,
            "language": language,
            "description": description,
            "catchphrases": phrases,
            "provenance": provenance(NAME, ledger, seed, [given], sources),
        }
    )
    return harvest


def profile_of(world: World, character: Character, language: Language) -> Profile:
    """The profile of a file (`--profiles`), else one made from the card.

    Raises:
        FormatError: the file is broken.
    """
    if world.options.profiles:
        found = _read(world.options.profiles).get((character.id, language))
        if found:
            return found
    description = character.brief[language]
    if len(character.persona[language] + character.style[language]) <= world.room // 2:
        description = f"{character.persona[language]}{character.style[language]}"
    lines = character.lines[language][:2]
    return Profile(description, tuple(lines if world.room > 600 else ()), f"card:{character.id}")


def _read(file: Path) -> dict[tuple[str, str], Profile]:
    return {
        (text_of(row, "character", where), text_of(row, "language", where)): Profile(
            text_of(row, "description", where),
            tuple(map(str, list_of(row, "catchphrases", where))),
            f"profiles:{file.name}",
        )
        for where, row in read_rows(file)
    }


def settle(world: World, harvest: Harvest) -> Harvest:
    """Nothing to look over."""
    return harvest
