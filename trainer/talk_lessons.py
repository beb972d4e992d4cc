"""Made-up talk as lessons: people ask by topic, characters answer (trainer/talk/*.toml).

Questions and answers are put together at random, so what was said before does not matter in them:
they teach who is who and what nobody there can know. How a conversation goes on is taught by
scenes (`trainer/scenes.py`).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from characters.card import LANGUAGES, Cast, Character, Language
from characters.prompt import Tail
from characters.turn import Scene, Turn
from trainer.canon_lessons import LEADS
from trainer.lessons import Lesson, Split
from trainer.people import PEOPLE
from trainer.talk import IDENTITY, UNKNOWN, Talk

# What only people on the road may call them, beside the aliases of the cards.
_CALLED: dict[str, tuple[str, ...]] = {
    "wukong": ("悟空", "猴哥", "大圣", "孙悟空", "行者", "孙大圣"),
    "tangseng": ("师父", "唐僧", "唐长老", "三藏", "圣僧"),
    "bajie": ("八戒", "猪八戒", "老猪", "呆子", "二师兄"),
    "shaseng": ("沙僧", "沙师弟", "悟净", "沙和尚"),
}
_LEADING = ("请问", "对了，", "话说", "哎，", "那个，", "我想问问，", "喂，", "嗨，")


def _call(character: Character, language: Language, rng: random.Random) -> str:
    if language == "zh" and character.id in _CALLED:
        return rng.choice(_CALLED[character.id])
    return rng.choice((character.name[language], *character.aliases[language][:3]))


@dataclass(frozen=True, slots=True)
class TalkDials:
    """What is asked about: weights of identity, other topics and things nobody there can know; the
    share of talk in English; fewest and most questions of one conversation."""

    identity: float
    talk: float
    unknown: float
    english: float
    questions: tuple[int, int] = (3, 7)


class TalkShow:
    """Makes up conversations from asks and answers. All randomness comes from `rng`."""

    def __init__(
        self, talk: Talk, known: Cast, dials: TalkDials, split: Split, rng: random.Random
    ) -> None:
        self.talk, self.known, self.dials, self.rng = talk, known, dials, rng
        self.asks = {
            topic: {language: tuple(_part(phrases[language], split)) for language in LANGUAGES}
            for topic, phrases in talk.asks.items()
        }
        kinds = (dials.identity, dials.talk, dials.unknown)
        plain = [topic for topic in self.asks if topic not in IDENTITY and topic not in UNKNOWN]
        self.topics = [*IDENTITY, *plain, *UNKNOWN]
        self.weights = [
            weight / len(group)
            for weight, group in zip(kinds, (IDENTITY, plain, UNKNOWN), strict=True)
            for _ in group
        ]

    def endless(self, passages: Sequence[str]) -> Iterator[Lesson]:
        """One conversation after another. `passages` of the book stand in some tails, unasked."""
        for number in itertools.count():
            yield self.lesson(number, passages)

    def lesson(self, number: int, passages: Sequence[str]) -> Lesson:
        """One conversation."""
        rng = self.rng
        language: Language = "en" if rng.random() < self.dials.english else "zh"
        cast = self._cast()
        people = rng.sample(PEOPLE[language], rng.choice((1, 1, 2, 3)))
        if rng.random() < 0.05:
            people.append(rng.choice(PEOPLE["en" if language == "zh" else "zh"]))
        turns: list[Turn] = []
        if rng.random() < 0.15:
            # Seldom: there are few greetings, and a small model soon answers everything with one.
            for character in cast:
                greeting = rng.choice(character.greeting[language])
                turns.append(Turn(character.id, greeting, "character"))
        last = rng.choice(cast)
        for _ in range(rng.randint(*self.dials.questions)):
            last = self._exchange(turns, cast, rng.choice(people), last, language)
            if len("".join(turn.text for turn in turns)) > 420:
                break
        reply = turns.pop()
        tail = None
        if rng.random() < 0.12 and passages:
            # Something stands in the tail that does not help: the answer must not follow it.
            picked = tuple(rng.sample(list(passages), rng.choice((1, 2))))
            tail = Tail(passages=picked) if rng.random() < 0.5 else Tail(memory=picked[:1])
        return Lesson(
            id=f"talk-{number:05}",
            source="talk",
            scene=Scene(tuple(cast), tuple(turns), language=language),
            speaker=self.known[reply.speaker],
            reply=reply.text,
            tail=tail,
        )

    def _cast(self) -> list[Character]:
        rng = self.rng
        size = rng.choices((1, 2, 3, 4, 5), (30, 25, 15, 25, 5))[0]
        if size == 4 and rng.random() < 0.7:
            picked = [self.known[name] for name in LEADS]
        else:
            weights = {c.id: 4.0 if c.id in LEADS else 1.0 for c in self.known}
            picked = []
            while len(picked) < size:
                names = list(weights)
                name = rng.choices(names, [weights[n] for n in names])[0]
                del weights[name]
                picked.append(self.known[name])
        rng.shuffle(picked)
        return picked

    def _exchange(
        self,
        turns: list[Turn],
        cast: Sequence[Character],
        person: str,
        last: Character,
        language: Language,
    ) -> Character:
        """A person asks, one or two answer. Returns who spoke last."""
        rng = self.rng
        spoken: Language = language
        if rng.random() < (0.06 if language == "zh" else 0.1):
            spoken = "en" if language == "zh" else "zh"
        topic = rng.choices(self.topics, self.weights)[0]
        while not self.asks[topic][spoken]:
            topic = rng.choices(self.topics, self.weights)[0]
        ask = rng.choice(self.asks[topic][spoken])
        answering = [last]
        if rng.random() < 0.55 or last not in cast:
            answering = [rng.choice(cast)]
            names = [_call(answering[0], spoken, rng)]
            if len(cast) > 1 and rng.random() < 0.12:
                answering.append(rng.choice([c for c in cast if c is not answering[0]]))
                names.append(_call(answering[1], spoken, rng))
            ask = _addressed(names, ask, spoken, rng)
        elif spoken == "zh" and rng.random() < 0.12:
            ask = rng.choice(_LEADING) + ask
        if len(answering) == 1 and len(cast) > 1 and rng.random() < 0.22:
            answering.append(rng.choice([c for c in cast if c is not answering[0]]))
        turns.append(Turn(person, ask, "human"))
        for character in answering:
            lines = self.talk.answers[character.id][topic][spoken]
            turns.append(Turn(character.id, rng.choice(lines), "character"))
        return answering[-1]


def _part(phrases: Sequence[str], split: Split) -> Sequence[str]:
    """The last tenth of a topic's phrasings, one at least, is held out."""
    held = max(1, len(phrases) // 10) if len(phrases) > 1 else 0
    return phrases[len(phrases) - held :] if split == "held_out" else phrases[: len(phrases) - held]


def _addressed(names: Sequence[str], ask: str, language: Language, rng: random.Random) -> str:
    if language == "en":
        called = " and ".join(names)
        return f"{called}, {ask}" if rng.random() < 0.7 else f"{ask.rstrip('?.!')}, {called}?"
    called = "、".join(names)
    draw = rng.random()
    if draw < 0.7:
        return f"{called}{rng.choice('，，，！ ')}{ask}"
    if draw < 0.85 and ask[-1] in "？?":
        return f"{ask[:-1]}，{called}？"
    return f"@{called} {ask}"
