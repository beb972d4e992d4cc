"""Questions × characters × repeats, answered in voice (Roleplay-with-XiYou, its data kind A).

The seed asks every question five times at temperature 0.3 and keeps everything; here what says
nearly the same to the same question is dropped, and each answer stands under its character.
"""

from __future__ import annotations

from functools import partial

from characters.turn import Scene
from trainer.synth.harvest import Harvest, Task, asked, lesson_row, provenance, seed_of
from trainer.synth.ledger import Ledger
from trainer.synth.methods.spoken import spoken
from trainer.synth.rouge import Novelty
from trainer.synth.teacher import Message
from trainer.synth.wording import Question, say
from trainer.synth.world import Assignment, World

NAME = "qa"
TEMPERATURE = 0.3


def tasks(world: World) -> list[Task]:
    """One call a task."""
    questions = world.questions("everyday", "journey")
    return [
        Task(
            key,
            partial(
                _ask,
                Assignment(world, character, question.language, NAME, key, TEMPERATURE),
                question,
            ),
        )
        for character in world.characters
        for question in world.asked_of(character, questions)
        for repeat in range(world.options.repeats)
        for key in (f"{character.id}-{seed_of(question.text):08x}-{repeat}",)
    ]


async def _ask(work: Assignment, question: Question, ledger: Ledger) -> Harvest:
    harvest = Harvest()
    character, language = work.character, work.language
    person = work.person()
    words = {"name": work.name, "card": work.card}
    user = say(NAME, "user", language, person=person, question=question.text)
    messages = (
        Message("system", say(NAME, "system", language, **words)),
        Message("user", user),
    )
    got = await spoken(work, messages, ledger, harvest, question=question.text)
    if got:
        reply, given = got
        told = provenance(
            NAME, ledger, work.seed, [given], [f"questions:{question.kind}", f"card:{character.id}"]
        )
        scene = Scene((character,), (asked(person, question.text),), language=language)
        harvest.rows.append(lesson_row(f"{NAME}-{work.key}", scene, character, reply, told))
    return harvest


def settle(world: World, harvest: Harvest) -> Harvest:
    """Repeats that say nearly the same are dropped, wherever they stand."""
    known = Novelty()
    kept = Harvest(dropped=list(harvest.dropped))
    for row in harvest.rows:
        question = row["turns"][-1]["text"]
        if like := known.like(f"{row['speaker']}\0{question}", row["reply"]):
            kept.drop("near duplicate", id=row["id"], reply=row["reply"], like=like)
        else:
            kept.rows.append(row)
    return kept
