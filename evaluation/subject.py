"""Whoever is examined: a GGUF through the engine, an endpoint, or a file of answers.

    subject = EngineSubject.open(Path("models/xiyou-mini.gguf"))
    answers = await subject.answer(asks, done=bar.advance)      # {ask id: Answer}
    await subject.close()

A subject answers a list of asks, many at once. One that knows its own likelihoods also says how
much it prefers each of several replies; the others return None there, and measures that need it are
left out with a reason.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from characters.card import Cast, Character
from characters.prompt import (
    Span,
    Tail,
    encode,
    lesson,
    next_names,
    prompt,
    stop_strings,
    transcript,
    trimmed,
)
from characters.style import Serving, serving
from characters.thoughts import spoken
from characters.turn import Scene
from engine.sequence import Engine, Sampling
from evaluation.error import EvaluationError

Kind = Literal["gguf", "endpoint", "answers"]

# Fewer tokens than these for what is said, and a prompt is no conversation any more.
LEAST_TALK = 48

_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: no text file can hold it

# Nobody watches these replies being written, so prompts are read in whole batches.
_PATIENT = 1000.0


@dataclass(frozen=True, slots=True)
class Expect:
    """What is known about a good answer.

    `keys`: one of these belongs into it. `forbidden`: terms that only somebody can say who knows
    what the character cannot. `line`: what the book has the character say here. `choices`: replies
    to prefer between, the right one first. `distance`: turns between a fact and the question.
    `as_of`: the chapter of the book in which it is asked; 0: after all of them.
    """

    kind: str = ""
    keys: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    line: str = ""
    choices: tuple[str, ...] = ()
    distance: int = 0
    as_of: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """One reply that is wanted: who speaks next in which scene.

    `part` is the part of the exam, `group` the question behind it (asks of one group are no
    independent evidence). `passages` are handed to the speaker as facts and the book's words,
    `unheard` as what its world does not have, as a room does.
    """

    id: str
    part: str
    group: str
    scene: Scene
    speaker: Character
    seed: int
    passages: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()
    expect: Expect = field(default_factory=Expect)

    @property
    def question(self) -> str:
        """What was said last."""
        return self.scene.turns[-1].text if self.scene.turns else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply. `finish`: "end" by itself, "stop" where another's line began, "length" cut.
    `tokens` were written and `asked` were in the prompt; 0 where nobody counted."""

    text: str
    finish: str = "end"
    tokens: int = 0
    asked: int = 0


Answers = Mapping[str, Answer]
Done = Callable[[Ask, Answer], object]  # called with each answer as it comes


def nothing(ask: Ask, answer: Answer) -> None:
    """Take no notice of an answer."""


class Subject(Protocol):
    """Anything that answers. `name` and `kind` stand in the report."""

    name: str
    kind: Kind

    async def answer(self, asks: Sequence[Ask], done: Done = ...) -> dict[str, Answer]:
        """A reply to each ask; `done` is called once for each, with its answer."""
        ...

    async def prefer(self, ask: Ask, replies: Sequence[str]) -> list[float] | None:
        """How much likelier the ask makes each reply (nats); None from who does not know.

        Log-probability after the ask minus the same without it, so that neither a common word nor
        a reply that takes few tokens is preferred for that alone (Holtzman et al. 2021).
        """
        ...

    async def opinion(self, ask: Ask, among: Sequence[Character]) -> list[float] | None:
        """Log-probability (nats) that each of them speaks next; None from who does not know."""
        ...

    async def close(self) -> None: ...


# How an ask becomes a prompt; `characters.prompt.prompt` unless another renderer is wanted.
Renderer = Callable[[Ask, Serving, Engine, int], Sequence[Span]]


def shared_stage(ask: Ask, served: Serving, engine: Engine, budget: int) -> Sequence[Span]:
    """The house's own prompt, with the oldest turns left out so that it fits `budget` tokens."""
    tail = Tail(passages=ask.passages, unheard=ask.unheard)
    bare = replace(ask.scene, turns=())
    fixed = len(encode(prompt(bare, ask.speaker, tail=tail, style=served.style), engine.encode))
    if budget - fixed < LEAST_TALK:
        raise EvaluationError(
            f"the cards on stage need {fixed} of the {budget} tokens that this model can read; "
            "examine fewer characters (--characters) or take cards that are shorter (--cast)"
        )
    system = len(transcript(bare, ask.speaker, style=served.style))
    lengths = []
    for turn in ask.scene.turns:
        one = transcript(replace(bare, turns=(turn,)), ask.speaker, style=served.style)
        lengths.append(len(encode(one[system:], engine.encode)))
    dropped = trimmed(lengths, budget - fixed)
    scene = replace(ask.scene, turns=ask.scene.turns[dropped:])
    return prompt(scene, ask.speaker, tail=tail, style=served.style)


class EngineSubject:
    """A GGUF, served as it was taught, with `at_once` replies in flight.

    Another renderer may end its replies with a mark of its own (`closing`).
    """

    kind: Kind = "gguf"

    def __init__(
        self,
        engine: Engine,
        served: Serving,
        *,
        name: str = "",
        at_once: int = 16,
        render: Renderer = shared_stage,
        closing: str = "",
    ) -> None:
        self.name = name or engine.metadata.get("general.name", "model")
        self.engine = engine
        self.served = served
        self._render = render
        self._closing = closing
        self._at_once = at_once
        self._context = min(engine.context, served.context or engine.context)
        self._longest = min(served.max_tokens, max(self._context // 4, 16))

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        at_once: int = 16,
        context: int = 4096,
        threads: int | None = None,
        adapter: Path | None = None,
        markup: str = "",
        asked: tuple[Renderer, str] = (shared_stage, ""),
    ) -> EngineSubject:
        """Load the model, with a LoRA `adapter` on it. `threads` of the processor (None: its
        physical cores); `markup` names the family of a model whose file does not tell it.
        `asked` is what renders a prompt, and the mark that ends its replies.

        Raises:
            ModelError: the file is missing or cannot be served.
            StyleError: it does not say how it wants to be asked.
        """
        from engine.llama import LlamaEngine  # loads llama.cpp; the other subjects need none of it

        engine = LlamaEngine.open(
            path,
            context=context,
            replies=at_once,
            threads=threads,
            stretch=_PATIENT,
            adapter=adapter,
        )
        name = engine.metadata.get("general.name") or path.stem
        served = serving(engine.metadata, engine, markup=markup)
        render, closing = asked
        return cls(engine, served, name=name, at_once=at_once, render=render, closing=closing)

    def show_cards(self, cards: Literal["full", "brief", "name"]) -> None:
        """Show so much of the cards from now on, whatever the model was taught with."""
        self.served = replace(self.served, style=replace(self.served.style, cards=cards))

    async def answer(self, asks: Sequence[Ask], done: Done = nothing) -> dict[str, Answer]:
        room = asyncio.Semaphore(self._at_once)

        async def one(ask: Ask) -> tuple[str, Answer]:
            async with room:
                answer = await self._answer(ask)
            done(ask, answer)
            return ask.id, answer

        # Whoever is on stage stands first in the prompt, then what was said: asked in this order,
        # most of each prompt is in the cache already.
        ordered = sorted(asks, key=_beginning)
        return dict(await asyncio.gather(*(one(ask) for ask in ordered)))

    async def _answer(self, ask: Ask) -> Answer:
        spans = self._render(ask, self.served, self.engine, self._context - self._longest)
        tokens = encode(spans, self.engine.encode)
        reply = self.engine.stream(tokens, self._sampling(ask))
        text = "".join([piece async for piece in reply])
        finish = reply.finish or "end"
        if self._closing and finish == "stop":
            finish = "end"  # its mark is how this prompt's replies end
        return Answer(bare(text, ask.speaker), finish, reply.usage.generated, len(tokens))

    def _sampling(self, ask: Ask) -> Sampling:
        own = own_openings(ask.speaker)
        stops = tuple(stop for stop in stop_strings(ask.scene) if stop not in own)
        stops += self.served.style.markup.plain
        return Sampling(
            temperature=self.served.temperature_for(ask.speaker),
            **self.served.dials(),
            max_tokens=self._longest,
            seed=ask.seed,
            stop=(self._closing,) if self._closing else stops,
        )

    async def prefer(self, ask: Ask, replies: Sequence[str]) -> list[float] | None:
        asked = await self.scores(ask.scene, ask.speaker, replies)
        unasked = await self.scores(replace(ask.scene, turns=()), ask.speaker, replies)
        return [one - other for one, other in zip(asked, unasked, strict=True)]

    async def scores(self, scene: Scene, speaker: Character, replies: Sequence[str]) -> list[float]:
        """Log-probability (nats) of each reply of the speaker after the scene."""
        style, encoder = self.served.style, self.engine.encode
        shared = encode(prompt(scene, speaker, style=style), encoder)
        whole = [encode(lesson(scene, speaker, reply, style=style), encoder) for reply in replies]
        return await self.engine.score(shared, [tokens[len(shared) :] for tokens in whole])

    async def opinion(self, ask: Ask, among: Sequence[Character]) -> list[float] | None:
        encoder = self.engine.encode
        shared, names = next_names(ask.scene, among, style=self.served.style)
        return await self.engine.score(
            encode(shared, encoder), [encode(name, encoder) for name in names]
        )

    async def close(self) -> None:
        await self.engine.close()


def _beginning(ask: Ask) -> tuple[list[str], list[tuple[str, str]]]:
    return (
        [character.id for character in ask.scene.cast],
        [(turn.speaker, turn.text) for turn in ask.scene.turns],
    )


class FileSubject:
    """Answers that somebody else collected: JSON lines with `id` and `text`.

    `mrp evaluate asks` writes the questions with their ids. An ask without an answer counts as
    one that was answered with nothing; `missing` holds how many there were.
    """

    kind: Kind = "answers"

    def __init__(self, answers: Mapping[str, Answer], *, name: str) -> None:
        self.name = name
        self.missing = 0
        self._answers = answers

    @classmethod
    def open(cls, path: Path) -> FileSubject:
        """Read the file. Raises EvaluationError, naming the line that is wrong."""
        return cls(read_answers(path), name=path.stem)

    async def answer(self, asks: Sequence[Ask], done: Done = nothing) -> dict[str, Answer]:
        wanted = {ask.id for ask in asks}
        if asks and not wanted & self._answers.keys():
            raise EvaluationError(
                f"{self.name}: none of its answers belongs to this exam; write the questions with "
                "`mrp evaluate asks` and answer them under the same ids"
            )
        self.missing = len(wanted - self._answers.keys())
        found = {ask.id: self._answers.get(ask.id, Answer("")) for ask in asks}
        for ask in asks:
            done(ask, found[ask.id])
        return found

    async def prefer(self, ask: Ask, replies: Sequence[str]) -> list[float] | None:
        return None

    async def opinion(self, ask: Ask, among: Sequence[Character]) -> list[float] | None:
        return None

    async def close(self) -> None:
        return None


class Swapped:
    """A control that must fail: everybody on stage speaks with the next one's voice.

    What is asked of 孙悟空 is asked of the next of `characters`, and its reply counts as 孙悟空's.
    """

    def __init__(self, subject: Subject, characters: Sequence[Character]) -> None:
        self.name = f"{subject.name}, characters swapped"
        self.kind: Kind = subject.kind
        self._subject = subject
        following = [*characters[1:], *characters[:1]]
        self._next = {here.id: after for here, after in zip(characters, following, strict=True)}

    def _swap(self, ask: Ask) -> Ask:
        other = self._next.get(ask.speaker.id, ask.speaker)
        on_stage = ask.scene.cast
        if other not in on_stage:
            # Whoever has spoken before stays, so that their lines keep their name.
            spoke = any(turn.speaker == ask.speaker.id for turn in ask.scene.turns)
            stays = on_stage if spoke else tuple(c for c in on_stage if c != ask.speaker)
            on_stage = (*stays, other)
        return replace(ask, scene=replace(ask.scene, cast=on_stage), speaker=other)

    async def answer(self, asks: Sequence[Ask], done: Done = nothing) -> dict[str, Answer]:
        return await self._subject.answer([self._swap(ask) for ask in asks], done)

    async def prefer(self, ask: Ask, replies: Sequence[str]) -> list[float] | None:
        return await self._subject.prefer(self._swap(ask), replies)

    async def opinion(self, ask: Ask, among: Sequence[Character]) -> list[float] | None:
        swapped = [self._next.get(character.id, character) for character in among]
        return await self._subject.opinion(ask, swapped)

    async def close(self) -> None:
        await self._subject.close()


def own_openings(speaker: Character) -> tuple[str, ...]:
    """The speaker's own names with a colon: no other's line, only a repetition."""
    return tuple(f"{name}{mark}" for name in speaker.names for mark in "：:")


def bare(text: str, speaker: Character) -> str:
    """A reply without a thought, and without the speaker's own name before it."""
    text = spoken(text).strip()
    for opening in own_openings(speaker):
        if text.startswith(opening):
            return text[len(opening) :].strip()
    return text


def read_answers(path: Path) -> dict[str, Answer]:
    """Rows of `id`, `text` and perhaps `finish`. Raises EvaluationError."""
    if not path.is_file():
        raise EvaluationError(f"there is no file of answers {path}")
    answers: dict[str, Answer] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            identity, text = row["id"], row["text"]
            finish = row.get("finish") or "end"
            counts = [row.get(key) for key in ("tokens", "asked")]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            identity, text, finish, counts = None, None, None, []
        if not (isinstance(identity, str) and isinstance(text, str) and isinstance(finish, str)):
            raise EvaluationError(
                f"{path}, line {number}: an answer is a JSON object with the texts id and text"
            )
        if identity in answers:
            raise EvaluationError(f"{path}, line {number}: a second answer to {identity!r}")
        text = spoken(_HALF.sub("\ufffd", text)).strip()
        answers[identity] = Answer(text, finish, *(n if type(n) is int else 0 for n in counts))
    if not answers:
        raise EvaluationError(f"{path} has no answers")
    return answers


def write_answers(path: Path, asks: Iterable[Ask], answers: Answers) -> None:
    """What `read_answers` reads, with the speaker and the question beside it."""
    partial = path.with_suffix(f".{os.getpid()}")
    with partial.open("w", encoding="utf-8") as file:
        for ask in asks:
            answer = answers[ask.id]
            row = {
                "id": ask.id,
                "character": ask.speaker.id,
                "question": ask.question,
                "text": answer.text,
                "finish": answer.finish,
                "tokens": answer.tokens,
                "asked": answer.asked,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    partial.replace(path)


def leads(cast: Cast, names: Sequence[str]) -> tuple[Character, ...]:
    """The characters to examine, by any of their names. Raises UnknownCharacter."""
    return tuple(dict.fromkeys(cast.find(name) for name in names))
