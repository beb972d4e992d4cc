"""General instructions answered in role (RoleGPT): a profile, and the role's own lines as examples.

The five pairs whose questions are nearest by BM25 stand before the instruction as turns of user
and assistant ("dialogue engineering"); never the item itself, nor what is nearly the item. With
`--shots 0` the profile alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import bm25s

from canon.lexicon import tokens
from characters.card import Character, Language
from characters.script import sentences_within
from characters.turn import Scene
from trainer.synth.harvest import Harvest, Task, asked, lesson_row, provenance, seed_of
from trainer.synth.ledger import Ledger
from trainer.synth.methods.profile import profile_of
from trainer.synth.methods.spoken import spoken
from trainer.synth.rouge import rouge_l
from trainer.synth.teacher import Message
from trainer.synth.wording import Question, language_of, say
from trainer.synth.world import Assignment, Pair, World
from trainer.talk import load_talk

NAME = "rolegpt"
TEMPERATURE = 0.7
_ITSELF = 0.7  # Rouge-L from which a pair counts as the item


class Nearest:
    """The role's pairs, searched by question. BM25 over characters, pairs of them, and words."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.pairs = list(pairs)
        self._index: Any = None
        texts = [tokens(pair.question) for pair in self.pairs]
        if any(texts):
            self._index = bm25s.BM25(method="lucene")
            self._index.index(texts, show_progress=False)

    def to(self, question: str, k: int) -> list[Pair]:
        """The `k` pairs nearest to a question, best first, the item itself left out.

        Fewer only where there are fewer pairs; those that share no word come last.
        """
        if self._index is None or k < 1:
            return []
        scores = self._index.get_scores(tokens(question) or [""])
        order = sorted(range(len(self.pairs)), key=lambda n: (-float(scores[n]), n))
        found: list[Pair] = []
        for number in order:
            pair = self.pairs[number]
            likeness = max(rouge_l(question, pair.question), rouge_l(question, pair.answer))
            if likeness < _ITSELF:
                found.append(pair)
            if len(found) == k:
                break
        return found


def pool(world: World, character: Character, language: Language) -> list[Pair]:
    """The role's pairs in a language: the book's where it has some, else our own talk."""
    found = [pair for pair in world.pairs(character) if language_of(pair.question) == language]
    talk = load_talk()
    if found or character.id not in talk.answers:
        return found
    return [
        Pair("", ask, answer, f"talk:{topic}")
        for topic, answers in talk.answers[character.id].items()
        for ask, answer in zip(talk.asks[topic][language], answers[language], strict=False)
    ]


def messages(
    world: World,
    character: Character,
    question: Question,
    person: str,
    near: Sequence[Pair],
) -> tuple[Message, ...]:
    """The prompt: profile, pairs as alternating turns, the instruction last."""
    language = question.language
    profile = profile_of(world, character, language)
    told = [
        Message(
            "system",
            say(
                NAME,
                "system",
                language,
                name=character.name[language],
                description=profile.description,
                catchphrases="、".join(profile.catchphrases) or "…",
            ),
        )
    ]
    longest = max(20, world.room // 12)
    for pair in near:
        said = sentences_within(pair.question, longest)
        asker = pair.asker or person
        told.append(Message("user", say(NAME, "user", language, person=asker, question=said)))
        told.append(Message("assistant", sentences_within(pair.answer, longest)))
    user = say(NAME, "user", language, person=person, question=question.text)
    return (*told, Message("user", user))


def tasks(world: World) -> list[Task]:
    """One call a task: every general question, every character."""
    questions = world.questions("general")
    made: list[Task] = []
    for character in world.characters:
        nearest = {
            language: Nearest(pool(world, character, language) if world.options.shots else [])
            for language in world.languages
        }
        for question in world.asked_of(character, questions):
            key = f"{character.id}-{seed_of(question.text):08x}"
            near = nearest[question.language].to(question.text, world.options.shots)
            work = Assignment(world, character, question.language, NAME, key, TEMPERATURE)
            made.append(Task(key, partial(_ask, work, question, near)))
    return made


async def _ask(
    work: Assignment, question: Question, near: Sequence[Pair], ledger: Ledger
) -> Harvest:
    harvest = Harvest()
    world, character, person = work.world, work.character, work.person()
    prompt = messages(world, character, question, person, near)
    got = await spoken(work, prompt, ledger, harvest, question=question.text)
    if got:
        reply, given = got
        profile = profile_of(world, character, question.language)
        sources = [f"questions:{question.kind}", profile.source, *(p.source for p in near)]
        told = provenance(NAME, ledger, work.seed, [given], sources, shots=len(near))
        turn = asked(person, question.text)
        scene = Scene((character,), (turn,), language=question.language)
        harvest.rows.append(lesson_row(f"{NAME}-{work.key}", scene, character, reply, told))
    return harvest


def settle(world: World, harvest: Harvest) -> Harvest:
    """Nothing to look over: every instruction is asked once a character."""
    return harvest
