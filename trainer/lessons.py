"""`mrp lessons RECIPE`: scenes of the book and our own talk become lessons.

    mrp lessons trainer/recipes/mini.toml --canon build/canon -o build/lessons

    mrp lessons mix --help            lessons out of conversations that others kept

A lesson is a scene with its last line as the reply. It is kept as words, not as tokens: the one
renderer (`characters.prompt.lesson`) turns it into what the model reads, so the same lessons serve
every model and markup. Three sources:

canon      scenes of the book in training chapters; every line of the cast is learned
talk       people ask, characters answer, by topic (trainer/talk/*.toml); several people, several
           characters, greetings, English and Chinese; `identity` and `unknown` topics have shares
           of their own
held_out   the same from held-out chapters and held-out phrasings, never trained on
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from characters.card import LANGUAGES, Cast, Character, Language, load_cast
from characters.prompt import Span, Style, Tail, lesson
from characters.script import read_script, sentences_within, speaking
from characters.turn import Scene, Side, Turn
from trainer.recipe import Recipe, load_recipe
from trainer.talk import IDENTITY, UNKNOWN, Talk, load_talk

Split = Literal["train", "held_out"]
SPLITS: tuple[Split, ...] = ("train", "held_out")


class LessonError(ValueError):
    """Lessons or scenes that are not there or broken; the message says what to run."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Lesson:
    """A scene and the reply that ends it. `speaker` says `reply`; `learn` as in the renderer;
    `provenance` is what a method of `mrp synth` wrote down about how it was made."""

    id: str
    source: str
    scene: Scene
    speaker: Character
    reply: str
    tail: Tail | None = None
    learn: Literal["reply", "all"] = "all"
    provenance: Mapping[str, Any] | None = None

    def spans(self, style: Style) -> tuple[Span, ...]:
        """What the model reads."""
        return lesson(
            self.scene, self.speaker, self.reply, tail=self.tail, style=style, learn=self.learn
        )

    def without_oldest_turn(self) -> Lesson:
        """The same with one turn less. Raises LessonError when there is none to leave out."""
        if not self.scene.turns:
            raise LessonError(f"lesson {self.id}: cards and reply are longer than a row may be")
        return dataclasses.replace(
            self, scene=dataclasses.replace(self.scene, turns=self.scene.turns[1:])
        )

    def to_row(self) -> dict[str, Any]:
        """As one JSON object."""
        row = {
            "id": self.id,
            "source": self.source,
            "language": self.scene.language,
            "cast": [character.id for character in self.scene.cast],
            "place": self.scene.place,
            "turns": [
                {"side": turn.side, "speaker": turn.speaker, "text": turn.text}
                for turn in self.scene.turns
            ],
            "passages": list(self.tail.passages) if self.tail else [],
            "memory": list(self.tail.memory) if self.tail else [],
            "speaker": self.speaker.id,
            "reply": self.reply,
            "learn": self.learn,
        }
        return row if self.provenance is None else row | {"provenance": dict(self.provenance)}

    @classmethod
    def from_row(cls, row: Mapping[str, Any], known: Cast) -> Lesson:
        """The lesson of one JSON object. Raises KeyError or UnknownCharacter when it is broken."""
        return cls(
            id=row["id"],
            source=row["source"],
            scene=Scene(
                cast=tuple(known[name] for name in row["cast"]),
                turns=tuple(
                    Turn(turn["speaker"], turn["text"], cast(Side, turn["side"]))
                    for turn in row["turns"]
                ),
                place=row["place"],
                language=row["language"],
            ),
            speaker=known[row["speaker"]],
            reply=row["reply"],
            tail=Tail(tuple(row["passages"]), tuple(row["memory"])),
            learn=row["learn"],
            provenance=row.get("provenance"),
        )


def load(folder: Path, split: Split, known: Cast | None = None) -> list[Lesson]:
    """The lessons of one split of a folder that `mrp lessons` wrote.

    Raises:
        LessonError: the file is missing or a row is broken.
    """
    known = known or load_cast()
    file = folder / f"{split}.jsonl"
    if not file.exists():
        raise LessonError(f"{file}: no lessons there; run `mrp lessons` first")
    made = []
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                made.append(Lesson.from_row(json.loads(line), known))
            except (ValueError, LookupError, TypeError, AttributeError) as problem:
                raise LessonError(f"{file}:{number}: broken lesson: {problem}") from problem
    return made


def save(folder: Path, split: Split, made: Sequence[Lesson]) -> Path:
    """Write one split as JSON lines; the file appears when it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{split}.jsonl"
    aside = file.with_suffix(".part")
    with aside.open("w", encoding="utf-8") as lines:
        for one in made:
            lines.write(json.dumps(one.to_row(), ensure_ascii=False) + "\n")
    aside.rename(file)
    return file


# --- canon -----------------------------------------------------------------------------------

_LEADS = ("wukong", "tangseng", "bajie", "shaseng")
_LONGEST_LINE = 110  # characters; longer speeches are cut at a sentence end
_LONGEST_SCENE = 620  # characters of all lines; about as many tokens with the markup


def _canon_lessons(
    scenes: Path, chapters: Sequence[int], known: Cast, rng: random.Random
) -> list[Lesson]:
    """One pass over the scenes, each cut into windows that fit a small context."""
    made = []
    leads = [known[name] for name in _LEADS]
    for count, stretch in enumerate(read_script(scenes, known, chapters)):
        lines = [
            dataclasses.replace(turn, text=sentences_within(turn.text, _LONGEST_LINE))
            for turn in stretch.turns
        ]
        for number, window in enumerate(_windows(lines, rng)):
            while window and window[-1].side != "character":
                window = window[:-1]
            present = [known[name] for name in speaking(window)]
            if not present:
                continue
            if rng.random() < 0.6:  # more are on stage than speak, as in a chat
                present += [character for character in leads if character not in present]
            rng.shuffle(present)
            made.append(
                Lesson(
                    id=f"canon-{stretch.scene}-{count}-{number}",
                    source="canon",
                    scene=Scene(tuple(present), tuple(window[:-1])),
                    speaker=known[window[-1].speaker],
                    reply=window[-1].text,
                )
            )
    return made


def _windows(lines: Sequence[Turn], rng: random.Random) -> Iterator[list[Turn]]:
    start = 0
    while start < len(lines):
        size, end = 0, start
        limit = rng.randint(_LONGEST_SCENE // 2, _LONGEST_SCENE)
        while end < len(lines) and (end == start or size + len(lines[end].text) <= limit):
            size += len(lines[end].text)
            end += 1
        yield list(lines[start:end])
        start = end


# --- talk ------------------------------------------------------------------------------------

PEOPLE: dict[Language, list[str]] = {
    "zh": [
        "小明",
        "小红",
        "阿强",
        "小李",
        "老王",
        "晓雯",
        "佳佳",
        "大刘",
        "阿芳",
        "小宇",
        "思思",
        "子涵",
        "老陈",
        "阿杰",
        "婷婷",
        "小虎",
        "雨桐",
        "浩然",
        "阿梅",
        "小周",
        "一诺",
        "阿福",
        "青青",
        "小马",
        "文文",
        "阿乐",
        "老赵",
        "客人",
        "夜猫子",
        "路人甲",
        "书虫",
        "月月",
    ],
    "en": [
        "Amy",
        "Tom",
        "Lily",
        "Jack",
        "Mia",
        "Ben",
        "Zoe",
        "Sam",
        "Kate",
        "Leo",
        "Emma",
        "Max",
        "Anna",
        "Bob",
        "Iris",
        "guest",
        "Nora",
    ],
}
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


class _TalkShow:
    """Makes up conversations from asks and answers. All randomness comes from `rng`."""

    def __init__(
        self, talk: Talk, known: Cast, recipe: Recipe, split: Split, rng: random.Random
    ) -> None:
        self.talk, self.known, self.recipe, self.rng = talk, known, recipe, rng
        self.asks = {
            topic: {language: tuple(_part(phrases[language], split)) for language in LANGUAGES}
            for topic, phrases in talk.asks.items()
        }
        share = recipe.lessons.share
        kinds = (share.identity, share.talk, share.unknown)
        plain = [topic for topic in self.asks if topic not in IDENTITY and topic not in UNKNOWN]
        self.topics = [*IDENTITY, *plain, *UNKNOWN]
        self.weights = [
            weight / len(group)
            for weight, group in zip(kinds, (IDENTITY, plain, UNKNOWN), strict=True)
            for _ in group
        ]

    def lesson(self, number: int, passages: Sequence[str]) -> Lesson:
        """One conversation of 3 to 7 questions."""
        rng = self.rng
        language: Language = "en" if rng.random() < self.recipe.lessons.english else "zh"
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
        for _ in range(rng.randint(3, 7)):
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
            picked = [self.known[name] for name in _LEADS]
        else:
            weights = {c.id: 4.0 if c.id in _LEADS else 1.0 for c in self.known}
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


# --- the verb --------------------------------------------------------------------------------


def compose(recipe: Recipe, scenes: Path, split: Split) -> list[Lesson]:
    """All lessons of one split, in random order.

    Canon lessons are taken in whole passes (each with other casts and cuts) until their share of
    `recipe.lessons.tokens` is full, talk until theirs is. A token is reckoned as 0.85 characters
    of text plus the markup; the report of `mrp lessons` says what came out.
    """
    rng = random.Random(f"{recipe.seed}-{split}")
    known, talk = load_cast(), load_talk()
    chapters = [number for number in range(1, 1000) if number not in recipe.data.held_out]
    if split == "held_out":
        chapters = list(recipe.data.held_out)
    tokens = recipe.lessons.tokens if split == "train" else 60_000
    made: list[Lesson] = []
    budget = recipe.lessons.share.canon * tokens
    while budget > 0:
        passed = _canon_lessons(scenes, chapters, known, rng)
        if not passed:
            raise LessonError(f"{scenes}: no line of a character with a card in these chapters")
        rng.shuffle(passed)
        for one in passed:
            if budget <= 0:
                break
            budget -= _reckoned(one, recipe.prompt.style)
            made.append(one)
    passages = [
        sentences_within(turn.text, 60)
        for stretch in read_script(scenes, known, chapters)
        for turn in stretch.turns
        if len(turn.text) > 12
    ]
    show = _TalkShow(talk, known, recipe, split, rng)
    budget = (1 - recipe.lessons.share.canon) * tokens
    number = 0
    while budget > 0:
        one = show.lesson(number, passages)
        budget -= _reckoned(one, recipe.prompt.style)
        made.append(one)
        number += 1
    rng.shuffle(made)
    return made


def _reckoned(one: Lesson, style: Style) -> float:
    return sum(2.0 if span.control else 0.85 * len(span.text) for span in one.spans(style))


def report(lessons: Sequence[Lesson]) -> dict[str, Any]:
    """Counts: lessons by source and language, learned lines and characters by speaker."""
    lines: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for one in lessons:
        taught = [turn for turn in one.scene.turns if turn.side == "character"]
        for speaker, text in [(t.speaker, t.text) for t in taught] + [(one.speaker.id, one.reply)]:
            lines[speaker] += 1
            letters[speaker] += len(text)
    return {
        "lessons": len(lessons),
        "sources": dict(Counter(one.source for one in lessons)),
        "languages": dict(Counter(one.scene.language for one in lessons)),
        "lines": dict(lines.most_common()),
        "characters": dict(letters.most_common()),
        "empty": sum(not one.reply.strip() for one in lessons),
    }


def main(argv: list[str]) -> int:
    if argv[:1] == ["mix"]:
        # By name: mix.py builds on this file.
        return int(importlib.import_module("trainer.mix").main(argv[1:]))
    parser = argparse.ArgumentParser(prog="mrp lessons", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--canon", type=Path, help="instead of the recipe's data.canon")
    parser.add_argument("-o", "--out", type=Path, help="instead of the recipe's data.lessons")
    parser.add_argument("--sample", type=int, default=0, help="print so many random lessons")
    parser.add_argument("--json", action="store_true", help="print the counts as the last line")
    args = parser.parse_args(argv)
    recipe = load_recipe(args.recipe)
    scenes = (args.canon or Path(recipe.data.canon)) / "scenes.jsonl"
    out = args.out or Path(recipe.data.lessons)
    counts = {}
    for split in SPLITS:
        made = compose(recipe, scenes, split)
        file = save(out, split, made)
        counts[split] = report(made)
        print(f"{file}: {counts[split]['lessons']} lessons, {counts[split]['sources']}")
        for speaker, number in counts[split]["lines"].items():
            print(f"  {speaker:<10} {number:>6} lines")
        for one in random.Random(recipe.seed).sample(made, min(args.sample, len(made))):
            print("".join(span.text for span in one.spans(recipe.prompt.style)), "\n" + "-" * 60)
    if args.json:
        print(json.dumps(counts, ensure_ascii=False))
    return 0
