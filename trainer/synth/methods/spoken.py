"""One reply in a character's voice, checked: what most methods ask the teacher for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from characters.script import sentences_within
from trainer.synth.faults import fault, tidy
from trainer.synth.harvest import Harvest
from trainer.synth.ledger import Given, Ledger, NoAnswer
from trainer.synth.shape import Object, Text
from trainer.synth.teacher import Ask, Message
from trainer.synth.world import Assignment

LONGEST_REPLY = 120  # characters that are asked for


async def spoken(
    work: Assignment,
    messages: Sequence[Message],
    ledger: Ledger,
    harvest: Harvest,
    *,
    question: str,
    later: int = 0,
    **told: Any,
) -> tuple[str, Given] | None:
    """A reply and its call, or None; what was wrong with it is then in `harvest`.

    `question`: what is answered. `later`: which call of the assignment it is, so that each has a
    seed of its own. `told` stands beside a reply that is dropped, as the question does.
    """
    world, character, language = work.world, work.character, work.language
    longest = min(LONGEST_REPLY, max(40, world.room // 4))
    shape = Object({"reply": Text(longest, "A-Za-z" if language == "zh" else "")})
    told = {"character": character.id, "question": question, **told}
    try:
        voice = work.name + ("：" if language == "zh" else ":")
        seed = work.seed + later
        given = await ledger.ask(Ask(tuple(messages), shape, work.temperature, seed, voice))
    except NoAnswer as problem:
        harvest.drop(f"no answer: {problem}", **told)
        return None
    reply = tidy(given.value["reply"], character)
    if len(given.value["reply"]) >= longest:
        reply = sentences_within(reply, longest - 1)  # the grammar cut it in mid sentence
    if wrong := fault(reply, character, world.cast, language, question):
        harvest.drop(wrong, reply=reply, prompt=given.key, **told)
        return None
    return reply, given
