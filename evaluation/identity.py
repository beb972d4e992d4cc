"""Does a character know who it is? 「你是谁？」 and its kin, at the sampling the model comes with.

    mrp evaluate identity --model models/xiyou-mini.gguf --samples 40 --json
    mrp evaluate identity --characters all --language en --voice FILE

Every question is asked of a character alone on stage and of one among four: the leads, or the
character and three of them. A reply names the right self when it holds the character's own name or
its exclusive self-reference and no other's (in the novel 老孙 350/355, 贫僧 82/90, 老猪 52/53 of
all uses are the character's own).

A room asks once more for a line that is said as somebody else (`characters.selves`); `in_a_room` is
the share of right ones when that is done, and so what people see.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from characters.card import Cast, Character, Language, load_cast
from characters.prompt import encode, prompt, stop_strings
from characters.selves import mistaken
from characters.style import Serving
from characters.turn import Scene, Turn
from engine.sequence import Engine, Sampling
from evaluation.served import model_options, opened_for, show

_WARMER = 1.5  # of the temperature when a room asks once more (bot/room/speech.py)
LEADS = ("wukong", "tangseng", "bajie", "shaseng")

# None of these is an ask of the lessons to the letter.
QUESTIONS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "你是谁？",
        "你是谁呢？",
        "请问你是谁？",
        "敢问你是何人？",
        "你究竟是谁？",
        "你叫什么名字呢？",
        "你的名字是什么？",
        "请问怎么称呼你？",
        "介绍一下你自己。",
        "请你自我介绍一下吧。",
        "你是哪一位？",
        "我不认识你，请问你是谁？",
    ),
    "en": (
        "Who are you?",
        "Could you tell me who you are?",
        "What is your name?",
        "Please introduce yourself.",
    ),
}
# What only this character calls itself, or is called; the names of others are those of their cards.
SELVES: dict[str, tuple[str, ...]] = {
    "wukong": ("老孙", "孙悟空", "悟空", "齐天大圣", "美猴王", "Wukong", "Old Sun"),
    "tangseng": (
        "贫僧",
        "唐三藏",
        "三藏",
        "唐僧",
        "Sanzang",
        "Tripitaka",
        "this poor monk",
        "This poor monk",
    ),
    "bajie": ("老猪", "猪八戒", "八戒", "悟能", "天蓬", "Bajie", "Old Pig"),
    "shaseng": ("老沙", "沙僧", "沙悟净", "悟净", "沙和尚", "Wujing", "Friar Sand", "Old Sand"),
}
EXCLUSIVE: dict[str, tuple[str, ...]] = {
    "wukong": ("老孙", "Old Sun"),
    "tangseng": ("贫僧", "this poor monk", "This poor monk"),
    "bajie": ("老猪", "Old Pig"),
    "shaseng": ("老沙", "Old Sand"),
    "longma": ("小龙", "ittle dragon", "Little Dragon"),
    "niumowang": ("Old Bull",),  # 老牛 is also what others call him
    "honghaier": ("小爷",),
    "baigu": ("奴家", "this humble lady"),
}


@dataclass(frozen=True, slots=True)
class Introduction:
    """One sampled reply to a question for its speaker's name.

    `ended`: by itself, not cut by its length and not into another's line. `again`: what it said
    when it was asked once more, as a room does, or "".
    """

    character: str
    question: str
    company: bool
    text: str
    ended: bool
    tokens: int
    selves: tuple[str, ...] = ()
    again: str = ""

    @property
    def right(self) -> bool:
        return self._names_itself(self.text)

    @property
    def right_in_a_room(self) -> bool:
        return self._names_itself(self.again or self.text)

    def _names_itself(self, text: str) -> bool:
        own = any(mark in text for mark in self.selves)
        other = any(
            mark in text
            for name, marks in EXCLUSIVE.items()
            if name != self.character
            for mark in marks
        )
        return own and not other


async def ask(
    engine: Engine,
    serving: Serving,
    cast: Cast,
    *,
    samples: int,
    language: Language,
    seed: int,
    characters: Sequence[str] = LEADS,
) -> list[Introduction]:
    """`samples` replies a character; half of them with four on stage.

    Raises UnknownCharacter for an id that nobody in the cast has.
    """
    rng = random.Random(seed)
    leads = tuple(cast[name] for name in LEADS if any(name == known.id for known in cast))
    asked = []
    for character in (cast[name] for name in characters):
        company = leads if character in leads else (character, *leads[:3])
        for number in range(samples):
            question = QUESTIONS[language][number % len(QUESTIONS[language])]
            stage = company if number % 2 == 1 else (character,)
            asked.append(
                (character, _scene(question, character, stage, language), rng.randrange(2**31))
            )
    limit = asyncio.Semaphore(8)

    async def one(who: Character, scene: Scene, dice: int) -> Introduction:
        async with limit:
            return await _introduce(engine, serving, cast, who, scene, dice)

    return list(await asyncio.gather(*(one(*call) for call in asked)))


def selves_of(character: Character) -> tuple[str, ...]:
    """What shows in a reply that it is this character: names, and its own word for itself."""
    names = SELVES.get(character.id) or tuple(sorted(character.names))
    return (*names, *EXCLUSIVE.get(character.id, ()))


def _scene(
    question: str, character: Character, stage: tuple[Character, ...], language: Language
) -> Scene:
    if len(stage) > 1:  # somebody has to be asked
        called = character.name[language]
        question = f"{called}，{question}" if language == "zh" else f"{called}, {question}"
    person = "客人" if language == "zh" else "Guest"
    return Scene(stage, (Turn(person, question),), language=language)


async def _introduce(
    engine: Engine, serving: Serving, cast: Cast, who: Character, scene: Scene, dice: int
) -> Introduction:
    tokens = encode(prompt(scene, who, style=serving.style), engine.encode)
    sampling = Sampling(
        temperature=serving.temperature_for(who),
        **serving.dials(),
        max_tokens=120,
        seed=dice,
        stop=(*stop_strings(scene), *serving.style.markup.plain),
    )
    reply = engine.stream(tokens, sampling)
    text = "".join([piece async for piece in reply]).strip()
    again = ""
    people = [turn.speaker for turn in scene.turns]
    if mistaken(text, who, cast, language=scene.language, people=people):
        warmer = replace(sampling, temperature=_WARMER * sampling.temperature, seed=dice ^ 1)
        again = "".join([piece async for piece in engine.stream(tokens, warmer)]).strip()
    return Introduction(
        who.id,
        scene.turns[-1].text,
        len(scene.cast) > 1,
        text,
        reply.finish == "end",
        reply.usage.generated,
        selves_of(who),
        again,
    )


def summary(answers: list[Introduction]) -> dict[str, object]:
    """Shares in 0..1 by character and over all; `examples` are the first replies of each."""
    by_character: dict[str, object] = {}
    for name in dict.fromkeys(answer.character for answer in answers):
        own = [answer for answer in answers if answer.character == name]
        by_character[name] = _shares(own)
    return {
        **_shares(answers),
        "characters": by_character,
        "wrong": [_told(answer) for answer in answers if not answer.right][:12],
    }


def _told(answer: Introduction) -> dict[str, object]:
    return {key: value for key, value in asdict(answer).items() if key != "selves"}


def _shares(answers: list[Introduction]) -> dict[str, object]:
    return {
        "n": len(answers),
        "right": round(statistics.fmean(answer.right for answer in answers), 4),
        "in_a_room": round(statistics.fmean(answer.right_in_a_room for answer in answers), 4),
        "empty": sum(not answer.text for answer in answers),
        "ended": round(statistics.fmean(answer.ended for answer in answers), 4),
        "tokens": round(statistics.fmean(answer.tokens for answer in answers), 1),
        "example": answers[0].text,
    }


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate identity`."""
    model_options(verb)
    verb.add_argument("--samples", type=int, default=40, help="replies a character")
    verb.add_argument(
        "--characters", default="", help="ids or names, or all (default: the four leads)"
    )
    verb.add_argument("--language", choices=("zh", "en"), default="zh")
    verb.add_argument("--seed", type=int, default=1)
    verb.add_argument("--show", action="store_true", help="print every reply")


def _asked(names: str, cast: Cast) -> Sequence[str]:
    """Ids of the characters that are asked. Raises UnknownCharacter."""
    if names.strip() == "all":
        return [character.id for character in cast]
    named = [name.strip() for name in names.split(",") if name.strip()]
    return [cast.find(name).id for name in named] or LEADS


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Ask, and print shares. Raises ModelError and StyleError."""

    async def asked() -> list[Introduction]:
        async with opened_for(args) as (engine, served):
            cast = load_cast(args.cast)
            return await ask(
                engine,
                served,
                cast,
                samples=args.samples,
                language=args.language,
                seed=args.seed,
                characters=_asked(args.characters, cast),
            )

    answers = asyncio.run(asked())
    if args.show:
        for answer in answers:
            mark = "✓" if answer.right else "✗"
            more = f" ↻ {answer.again}" if answer.again else ""
            print(f"{mark} {answer.character:<9} {answer.question} → {answer.text}{more}")
    result = summary(answers)
    show(result)
    return result
