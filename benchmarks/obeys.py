"""What a chat model is asked beside talk: how often it is right, wrong or empty, and how long.

    python -m benchmarks.obeys --model FILE.gguf [--voice FILE] [--half tuning|fresh] [--only facts]

The talks of benchmarks/obeys.toml are put to the model with the bot's own prompts, and its answers
go through the bot's own checks: what people told about themselves (facts), the sentence on how a
person and a character stand (bonds), the summary of a talk (summaries), and who speaks next
(turns). By key words, each answer is one of these:

right   facts: something of what was to be learned of the person is kept, and nothing else; of who
        tells nothing, nothing. bonds: says something of the talk. summaries: all names and plans
        are in it. turns: one of those who may well speak next
wrong   holds what was not said, or of somebody else
thin    nothing wrong, but what was to be in it is not
empty   nothing is kept: the model wrote nothing, or the checks refused it

Beside it stands how often the bot is right without asking: it learns nothing, a summary is how the
last lines begin, and the partner or the most talkative speaks next. The answers are printed; the
last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from bot.casting import answerers, candidates, choose
from bot.learning import (
    GRAMMAR,
    LONGEST_ANSWER,
    LONGEST_BOND,
    ask_for_bond,
    ask_for_facts,
    bond_in,
    facts_in,
    telling,
    uncalled,
)
from bot.summary import LONGEST, beginnings, is_about
from bot.voice import Voice, open_voice
from characters.card import Cast, Language, load_cast
from characters.turn import Scene, Turn

TALKS = Path(__file__).with_suffix(".toml")
ROOM = "bench"


@dataclass(frozen=True)
class Talk:
    """A talk and what is to come of it; see benchmarks/obeys.toml."""

    name: str
    language: Language
    half: str
    cast: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]
    facts: dict[str, list[str]] = field(default_factory=dict)
    may: dict[str, list[str]] = field(default_factory=dict)
    never: dict[str, list[str]] = field(default_factory=dict)
    summary: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    next: tuple[str, ...] = ()

    def scene(self, cast: Cast) -> Scene:
        """The talk as the characters have it before them."""
        turns = tuple(
            Turn(who, text, "character" if who in self.cast else "human")
            for who, text in self.turns
        )
        return Scene(tuple(cast[id] for id in self.cast), turns, language=self.language)


@dataclass(frozen=True)
class Answer:
    """One answer: the model's words, what the bot keeps of them, and the seconds they took.

    `without`: whether the bot is right without it. `told`, `learned`: facts that were to be learned
    of this person, and how many of them were.
    """

    kind: str
    talk: str
    verdict: str
    said: str
    kept: str
    seconds: float
    without: bool
    told: int = 0
    learned: int = 0


def read_talks(half: str) -> list[Talk]:
    """The talks of a half, of both for ""."""
    rows = tomllib.loads(TALKS.read_text(encoding="utf-8"))["talk"]
    talks = [Talk(**row) for row in rows]
    return [talk for talk in talks if half in ("", talk.half)]


def holds(patterns: Sequence[str], text: str) -> bool:
    """Whether a text holds one of the patterns."""
    return any(re.search(pattern, text) for pattern in patterns)


def of_facts(
    kept: Sequence[str], wanted: Sequence[str], may: Sequence[str], never: Sequence[str]
) -> str:
    """The verdict on what was kept of a person."""
    if any(holds(never, fact) or not holds((*wanted, *may), fact) for fact in kept):
        return "wrong"
    if not kept:
        return "empty" if wanted else "right"
    return "right" if not wanted or any(holds(wanted, fact) for fact in kept) else "thin"


def of_text(text: str, wanted: Sequence[str], lacks: Sequence[str], *, all_of: bool) -> str:
    """The verdict on a sentence or summary that is to hold one of the patterns, or all."""
    if not text:
        return "empty"
    if holds(lacks, text):
        return "wrong"
    return "right" if (all if all_of else any)(holds([one], text) for one in wanted) else "thin"


async def facts(talk: Talk, voice: Voice, cast: Cast) -> AsyncIterator[Answer]:
    """What is learned of each person of a talk."""
    names = [name for character in cast for name in character.names]
    for who, wanted in talk.facts.items():
        named = rf"(?:我叫|我是|I['’]m|I am|[Mm]y name is) ?{who}\W*$"
        said, kept, began = [], [], time.monotonic()
        for told in telling(text for speaker, text in talk.turns if speaker == who):
            line = uncalled(told, names)
            spans = ask_for_facts(line, talk.language, voice.served.style.markup)
            answer = await voice.answer(spans, LONGEST_ANSWER, grammar=GRAMMAR, room=ROOM) or ""
            said.append(answer)
            kept += [fact.text for fact in facts_in(answer, [line])]
        took = (time.monotonic() - began) / max(len(said), 1)
        yield Answer(
            "facts",
            f"{talk.name}, {who}",
            of_facts(kept, wanted, (*talk.may.get(who, []), named), talk.never.get(who, [])),
            " ".join(said),
            "; ".join(kept),
            took if said else 0.0,
            without=not wanted,
            told=len(wanted),
            learned=sum(any(re.search(one, fact) for fact in kept) for one in wanted),
        )


async def bonds(talk: Talk, voice: Voice, cast: Cast) -> AsyncIterator[Answer]:
    """How the first person of a talk and the first character who speaks stand."""
    if not talk.summary:
        return
    who = talk.turns[0][0]
    character = cast[next(one for one, _ in talk.turns if one in talk.cast)]
    shown = character.name[talk.language]
    turns = [
        (shown if speaker == character.id else who, text)
        for speaker, text in talk.turns
        if speaker in (who, character.id)
    ]
    spans = ask_for_bond(turns, who, shown, talk.language, voice.served.style.markup)
    began = time.monotonic()
    said = await voice.answer(spans, LONGEST_BOND, room=ROOM) or ""
    took = time.monotonic() - began
    kept = bond_in(said, turns)
    verdict = of_text(kept, talk.facts[who], talk.lacks, all_of=False)
    yield Answer("bonds", talk.name, verdict, said, kept, took, without=False)


async def summaries(talk: Talk, voice: Voice, cast: Cast) -> AsyncIterator[Answer]:
    """The summary of a talk."""
    if not talk.summary:
        return
    scene = talk.scene(cast)
    began = time.monotonic()
    said = await voice.summed_up(scene, "", longest=LONGEST, room=ROOM)
    took = time.monotonic() - began
    kept = said if is_about(said, scene, "") else ""
    verdict = of_text(kept, talk.summary, talk.lacks, all_of=True)
    plain = of_text(beginnings(scene, ""), talk.summary, talk.lacks, all_of=True)
    yield Answer("summaries", talk.name, verdict, said, kept, took, without=plain == "right")


async def turns(talk: Talk, voice: Voice, cast: Cast) -> AsyncIterator[Answer]:
    """Who speaks next, where no rule decides."""
    if not talk.next:
        return
    scene = talk.scene(cast)
    last, before = scene.turns[-1], replace(scene, turns=scene.turns[:-1])
    among = candidates(scene, cast)
    if last.side == "human":
        plain = answerers(last, before, cast)[0]
    else:
        plain = max(among, key=lambda character: character.talkativeness)
    began = time.monotonic()
    scores = await voice.opinions(scene, among, room=ROOM, person="")
    took = time.monotonic() - began
    chosen = choose(scores, among, scene)
    yield Answer(
        "turns",
        talk.name,
        "right" if chosen.id in talk.next else "wrong",
        ", ".join(f"{c.id} {score:.2f}" for c, score in zip(among, scores, strict=True)),
        f"{chosen.id}; without the model {plain.id}",
        took,
        without=plain.id in talk.next,
    )


KINDS = {kind.__name__: kind for kind in (facts, bonds, summaries, turns)}


async def measure(voice: Voice, talks: Sequence[Talk], kinds: Sequence[str]) -> list[Answer]:
    """Ask for everything of these kinds, and print each answer."""
    cast, answers = load_cast(), []
    for kind in kinds:
        for talk in talks:
            async for answer in KINDS[kind](talk, voice, cast):
                answers.append(answer)
                print(f"{kind} · {answer.talk}: {answer.verdict}, {answer.seconds:.1f} s")
                print(f"    said: {answer.said!r}\n    kept: {answer.kept!r}", flush=True)
    return answers


def figures(answers: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    """Verdicts, the median seconds of one ask, and how the bot does without, of each kind."""
    table: dict[str, dict[str, Any]] = {}
    for kind in dict.fromkeys(answer.kind for answer in answers):
        mine = [answer for answer in answers if answer.kind == kind]
        took = [answer.seconds for answer in mine if answer.seconds]
        table[kind] = {
            **Counter(answer.verdict for answer in mine),
            "seconds": round(median(took), 1) if took else 0.0,
            "right without the model": sum(answer.without for answer in mine),
        }
        if kind == "facts":
            table[kind]["learned"] = f"{sum(a.learned for a in mine)}/{sum(a.told for a in mine)}"
    return table


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Open the model and measure it."""
    voice = open_voice(
        options.model, adapter=options.voice, context=4096, seed=1, threads=options.threads
    )
    try:
        answers = await measure(voice, read_talks(options.half), options.only or list(KINDS))
    finally:
        await voice.close()
    return {"model": voice.name, "half": options.half or "both", **figures(answers)}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", required=True, help="a chat GGUF, or 'echo'")
    parser.add_argument("--voice", type=Path, help="a LoRA adapter that goes onto it")
    parser.add_argument("--half", choices=("tuning", "fresh"), default="", help="(default: both)")
    parser.add_argument("--only", action="append", choices=KINDS, help="(default: all)")
    parser.add_argument("--threads", type=int, default=1)
    print(json.dumps(asyncio.run(run(parser.parse_args())), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
