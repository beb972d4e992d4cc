"""New questions from old ones (ChatHaruhi's synthesis, step two, after Self-Instruct).

Ten are asked for at a time; only questions are kept, and only those unlike all others of the
character (Rouge-L below .7). The file is for `--questions` of the other methods.
"""

from __future__ import annotations

from functools import partial

from characters.card import Character, Language
from trainer.synth.harvest import Harvest, Task, provenance, seed_of
from trainer.synth.ledger import Ledger, NoAnswer
from trainer.synth.rouge import Novelty
from trainer.synth.shape import Items, Object, Text
from trainer.synth.teacher import Ask, Message
from trainer.synth.wording import language_of, our_questions, say
from trainer.synth.world import World

NAME = "questions"
TEMPERATURE = 0.8
AT_ONCE = 10
_SEEDS = 8


def tasks(world: World) -> list[Task]:
    """`count` calls a character and language."""
    return [
        Task(key, partial(_ask, world, character, language, key))
        for character in world.characters
        for language in world.languages
        for number in range(world.options.count)
        for key in (f"{character.id}-{language}-{number:03}",)
    ]


def _seeds(world: World, character: Character, language: Language) -> list[str]:
    if world.options.questions:
        ours = world.asked_of(character, world.questions())
    else:
        ours = our_questions(("everyday", "journey"))
    texts = [one.text for one in ours if one.language == language]
    if language == "zh":
        texts += [p.question for p in world.pairs(character) if p.question[-1:] in "？?"]
    return texts


async def _ask(
    world: World, character: Character, language: Language, key: str, ledger: Ledger
) -> Harvest:
    harvest = Harvest()
    seeds = _seeds(world, character, language)
    chosen = world.dice(NAME, key).sample(seeds, min(_SEEDS, len(seeds)))
    shown: list[str] = []
    for text in chosen:
        if sum(map(len, shown)) + len(text) > world.room // 2:
            break
        shown.append(text)
    number = min(AT_ONCE, max(2, world.room // 100))
    words = {
        "name": character.name[language],
        "card": world.card(character, language),
        "number": number,
        "seeds": "\n".join(f"- {text}" for text in shown),
    }
    messages = (Message("user", say(NAME, "system", language, **words)),)
    shape = Object({"questions": Items(Text(40), 1, number)})
    seed = seed_of(world.seed, NAME, key)
    try:
        given = await ledger.ask(Ask(messages, shape, world.temperature(TEMPERATURE), seed))
    except NoAnswer as problem:
        harvest.drop(f"no answer: {problem}", character=character.id)
        return harvest
    told = provenance(NAME, ledger, seed, [given], [f"seed:{text}" for text in shown])
    for text in given.value["questions"]:
        if language_of(text) != language:
            harvest.drop("in another language", character=character.id, question=text)
            continue
        row = {"question": text, "language": language, "character": character.id}
        harvest.rows.append(row | {"provenance": told})
    return harvest


def settle(world: World, harvest: Harvest) -> Harvest:
    """Only what is unlike every seed and every question before it."""
    known = Novelty()
    kept = Harvest(dropped=list(harvest.dropped))
    for character in world.characters:
        for language in world.languages:
            for seed in _seeds(world, character, language):
                known.like(character.id, seed)
    for row in harvest.rows:
        if like := known.like(row["character"], row["question"]):
            kept.drop("near duplicate", question=row["question"], like=like)
        else:
            kept.rows.append(row)
    return kept
