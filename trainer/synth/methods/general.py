"""General talk in role, refusals in voice, and the control against declining too much.

retell     a general answer told again in voice (OpenCharacter's rewriting): of `--chat FILE`
           (ShareGPT, messages or Alpaca), which keeps what the base model can
refusal    something that the character's world does not have is declined in voice
control    a question that looks alike and has an answer is answered: one for each refusal
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from characters.card import Character, Language
from characters.turn import Scene
from trainer.synth.error import FormatError, OptionError
from trainer.synth.faults import leaks
from trainer.synth.formats import alpaca, chat
from trainer.synth.formats.dialogue import Dialogue, exchanges
from trainer.synth.formats.rows import read_rows
from trainer.synth.harvest import Harvest, Task, asked, lesson_row, provenance
from trainer.synth.ledger import Ledger
from trainer.synth.methods.spoken import spoken
from trainer.synth.teacher import Message
from trainer.synth.wording import language_of, say, table
from trainer.synth.world import Assignment, World

NAME = "general"
TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True)
class Talk:
    """What is asked. `answer`: the general answer to retell; `forbidden`: what a refusal that gives
    nothing away does not say."""

    part: str
    question: str
    answer: str = ""
    forbidden: tuple[str, ...] = ()


def tasks(world: World) -> list[Task]:
    """A refusal and its control for every pair and character; then `count` retellings each."""
    made: list[Task] = []

    def add(character: Character, language: Language, number: str, talk: Talk) -> None:
        key = f"{character.id}-{language}-{talk.part}-{number}"
        work = Assignment(world, character, language, NAME, key, TEMPERATURE)
        made.append(Task(key, partial(_ask, work, talk)))

    for character in world.characters:
        for number, pair in enumerate(table("refusals")["pair"]):
            for language in world.languages:
                forbidden = tuple(pair["forbidden"])
                for part, question in (
                    ("refusal", pair["unknown"][language]),
                    ("control", pair["control"][language]),
                ):
                    talk = Talk(part, question, forbidden=forbidden)
                    add(character, language, f"{number:02}", talk)
        if world.options.chat:
            exchanged = _chat(world, world.options.chat, character)
            for number, (question, answer) in enumerate(exchanged):
                talk = Talk("retell", question, answer)
                add(character, language_of(question), f"{number:04}", talk)
    return made


def _chat(world: World, file: Path, character: Character) -> list[tuple[str, str]]:
    """`count` exchanges of a file, others for every character."""
    found = [
        pair
        for dialogue in _dialogues(file)
        for pair in list(exchanges(dialogue.lines))[:1]
        if all(pair)
        and sum(map(len, pair)) <= world.room
        and language_of(pair[0]) in world.languages
    ]
    if not found:
        raise OptionError(f"{file}: no exchange in it that fits a prompt")
    world.dice(NAME, character.id).shuffle(found)
    return found[: world.options.count]


def _dialogues(file: Path) -> Iterator[Dialogue]:
    for where, row in read_rows(file):
        if "conversations" in row:
            yield chat.dialogue(row, where, chat.SHAREGPT)
        elif "messages" in row:
            yield chat.dialogue(row, where, chat.MESSAGES)
        elif "instruction" in row:
            yield alpaca.dialogue(row, where)
        else:
            raise FormatError(f"{where}: neither ShareGPT, messages nor Alpaca")


async def _ask(work: Assignment, talk: Talk, ledger: Ledger) -> Harvest:
    harvest = Harvest()
    character, language, part = work.character, work.language, talk.part
    person = work.person()
    words = {"name": work.name, "card": work.card, "answer": talk.answer}
    messages = (
        Message("system", say(NAME, part, language, **words)),
        Message("user", say(NAME, "user", language, person=person, question=talk.question)),
    )
    got = await spoken(work, messages, ledger, harvest, question=talk.question, label=part)
    if not got:
        return harvest
    reply, given = got
    if part == "refusal" and (term := leaks(reply, talk.forbidden)):
        harvest.drop(f"gives away: {term}", character=character.id, reply=reply, label=part)
    elif part == "control" and leaks(reply, table("refusals")["declines"][language]):
        harvest.drop("declines what it knows", character=character.id, reply=reply, label=part)
    else:
        label = {"refusal": "unknown"}.get(part, "known")
        chat_file = work.world.options.chat
        source = f"chat:{chat_file.name}" if part == "retell" and chat_file else "refusals"
        told = provenance(NAME, ledger, work.seed, [given], [source], part=part, label=label)
        scene = Scene((character,), (asked(person, talk.question),), language=language)
        harvest.rows.append(lesson_row(f"{NAME}-{work.key}", scene, character, reply, told))
    return harvest


def settle(world: World, harvest: Harvest) -> Harvest:
    """Refusals never outnumber their controls: what has lost its partner goes."""
    ids = {row["id"] for row in harvest.rows}
    kept = Harvest(dropped=list(harvest.dropped))
    for row in harvest.rows:
        partner = row["id"].replace("-refusal-", "-control-")
        if row["provenance"]["part"] == "refusal" and partner not in ids:
            kept.drop("its control was dropped", id=row["id"], reply=row["reply"])
        else:
            kept.rows.append(row)
    return kept
