"""Who speaks next? The bot's own choice on scenes of the book that nobody learned from.

    mrp evaluate turns --model models/xiyou-mini.gguf --canon build/canon --json

For each line of a character with a card in the held-out chapters, all with a card who speak in that
stretch are on stage, and the bot says who goes on after the lines before: whom the last line
called, else the model's opinion of each name × talkativeness × recency. Lines before which there
is nobody to choose between (fewer than two on stage who did not just speak) do not count.

Beside it stand, with the same choice of people: a fair die, who speaks most in the other chapters,
and alternation (who spoke before the last speaker). The bot's rules come from the front door, as
the arrows of the house do not lead from here to them.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import Progress

from characters.card import Cast, Character, load_cast
from characters.prompt import encode, next_names
from characters.script import read_script, sentences_within, speaking
from characters.style import Serving
from characters.turn import Scene, Turn
from engine.sequence import Engine
from evaluation.asks import chapters, held_out_option
from evaluation.error import EvaluationError
from evaluation.served import model_options, opened_for, show

_CONTEXT = 8  # turns of the scene that are read
_LONGEST = 110  # characters of a line, as in the lessons


class NothingToAsk(ValueError):
    """The held-out chapters have no place where it is open who speaks."""

    for_user = True


class Casting(Protocol):
    """What `bot.casting` decides."""

    def candidates(
        self, scene: Scene, everybody: Sequence[Character], /
    ) -> tuple[Character, ...]: ...

    def choose(
        self, scores: Sequence[float], among: Sequence[Character], scene: Scene, /
    ) -> Character: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a scene of the book, and the id of the character that speaks next there."""

    scene: Scene
    next: str

    @property
    def open(self) -> tuple[Character, ...]:
        """Who may go on: all on stage but the one who just spoke."""
        return tuple(c for c in self.scene.cast if c.id != self.scene.turns[-1].speaker)


def places(scenes: Path, cast: Cast, chapters: Collection[int]) -> Iterator[Place]:
    """All places of these chapters where it is open who speaks next.

    Raises:
        ScriptError: the canon is missing.
    """
    for stretch in read_script(scenes, cast, frozenset(chapters)):
        present = set(speaking(stretch.turns))
        on_stage = tuple(c for c in cast if c.id in present)
        turns = [
            Turn(turn.speaker, sentences_within(turn.text, _LONGEST), turn.side)
            for turn in stretch.turns
        ]
        for index in range(1, len(turns)):
            if turns[index].side != "character":
                continue
            before = tuple(turns[max(0, index - _CONTEXT) : index])
            place = Place(Scene(on_stage, before), turns[index].speaker)
            if len(place.open) >= 2:
                yield place


async def opinion(
    engine: Engine, serving: Serving, scene: Scene, among: Sequence[Character]
) -> list[float]:
    """How likely the model finds each name here: natural-log probabilities."""
    shared, names = next_names(scene, among, style=serving.style)
    return await engine.score(
        encode(shared, engine.encode), [encode(name, engine.encode) for name in names]
    )


def alternation(place: Place, often: Counter[str]) -> str:
    """Who spoke before the last speaker, else before him …; the most frequent if nobody did."""
    ids = {character.id for character in place.open}
    earlier = (turn.speaker for turn in reversed(place.scene.turns) if turn.speaker in ids)
    return next(earlier, most_frequent(place, often))


def most_frequent(place: Place, often: Counter[str]) -> str:
    """Who of those that may go on says most in the other chapters."""
    return max(place.open, key=lambda character: often[character.id]).id


async def measure(
    engine: Engine,
    serving: Serving,
    cast: Cast,
    scenes: Path,
    held_out: Sequence[int],
    casting: Casting,
    *,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, object]:
    """Top-1 accuracies in 0..1 over `n` places of the held-out chapters; `asked`: share of them
    where the model was asked. `told` hears of the progress.

    Raises:
        ScriptError: the canon is missing, or holds no such place.
    """
    test = list(places(scenes, cast, held_out))
    if not test:
        raise NothingToAsk(f"{scenes}: nowhere in chapters {list(held_out)} is it open who speaks")
    others = frozenset(range(1, 1000)) - frozenset(held_out)
    often = Counter(
        turn.speaker
        for stretch in read_script(scenes, cast, others)
        for turn in stretch.turns
        if turn.side == "character"
    )
    right: Counter[str] = Counter()
    asked, dice = 0, 0.0
    for number, place in enumerate(test, start=1):
        among = casting.candidates(place.scene, tuple(cast))
        if len(among) > 1:
            asked += 1
            scores = await opinion(engine, serving, place.scene, among)
            alone = among[max(range(len(among)), key=scores.__getitem__)]
            right["model"] += alone.id == place.next
        else:
            scores = [0.0] * len(among)
            right["model"] += bool(among) and among[0].id == place.next
        right["casting"] += bool(among) and (
            casting.choose(scores, among, place.scene).id == place.next
        )
        right["alternation"] += alternation(place, often) == place.next
        right["most_frequent"] += most_frequent(place, often) == place.next
        dice += (place.next in {c.id for c in place.open}) / len(place.open)
        told(number, len(test))
    n = len(test)
    return {
        "accuracy": round(right["casting"] / n, 4),
        "random": round(dice / n, 4),
        "most_frequent": round(right["most_frequent"] / n, 4),
        "alternation": round(right["alternation"] / n, 4),
        "model_alone": round(right["model"] / n, 4),
        "asked": round(asked / n, 4),
        "n": n,
    }


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate turns`."""
    model_options(verb)
    verb.add_argument("--canon", type=Path, default=Path("build/canon"))
    held_out_option(verb)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and print; `args.casting` opens the bot's rules.

    Raises:
        NothingToAsk: the chapters have no place where it is open who speaks.
        EvaluationError: the chapters are no numbers, or nobody handed the bot's rules in.
    """
    if args.casting is None:
        raise EvaluationError("who speaks next is the bot's choice: ask through `mrp evaluate`")
    held_out = chapters(args.held_out)
    result = asyncio.run(_measure(args, held_out, args.casting()))
    show(result)
    return result


async def _measure(
    args: argparse.Namespace, held_out: Sequence[int], casting: Casting
) -> dict[str, object]:
    scenes = args.canon / "scenes.jsonl"
    async with opened_for(args) as (engine, served):
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("who speaks next", total=None)
            return await measure(
                engine,
                served,
                load_cast(args.cast),
                scenes,
                held_out,
                casting,
                told=lambda done, of: progress.update(task, completed=done, total=of),
            )
