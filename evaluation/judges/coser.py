"""CoSER's given-circumstance acting (arXiv 2502.09082, section 5), in our own words.

A scene of the book is played again: the subject voices its characters, a model picks who speaks
next, and the judge lists the flaws of what came out, on four dimensions:

    score = clip(100 - 5 · (Σ severity - 0.3 · rounds), 0, 100)

Severities are 1..5; a longer play may have more small flaws. A pick that is no character, or who
has just spoken, is replaced by chance; the end is accepted from round 5 on.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from characters.card import Character
from characters.turn import Scene, Turn
from evaluation.judges.verdict import Judge, listed, signature, verdict, verdicts
from evaluation.score import Score, Value
from evaluation.subject import Ask, Subject

ROUNDS, MAY_END = 20, 5
END = "END"

DIMENSIONS: dict[str, str] = {
    "storyline consistency": "where it goes against the circumstances or the original without need",
    "anthropomorphism": "where a character does not act like a person with a mind of its own",
    "character fidelity": "where tone, knowledge or conduct is not that of {characters}",
    "storyline quality": "where it stalls, repeats itself or hurries",
}

NEXT = """A scene is being played by {names}. Who speaks next? Answer with one of these names alone,
or with END when the scene is over.

{talk}"""

CRITIC = """A scene of a book was played again. List the flaws of the play on one dimension only.

Original scene:
{original}

The play:
{talk}

Dimension: {dimension}: {meaning}.

Answer with a JSON list and nothing else, empty if there is no flaw:
[{{"instance": "the words", "type": "what is wrong", "severity": 3}}, …]
Severity is 1 (slight) to 5 (grave)."""


@dataclass(frozen=True, slots=True)
class Play:
    """What was played: the scene with its new turns, and how many rounds were acted."""

    id: str
    scene: Scene
    original: str
    rounds: int


async def act(
    subject: Subject, judge: Judge, start: Ask, original: str, *, rounds: int = ROUNDS
) -> Play:
    """Go on from the ask's scene, its speaker first. `judge` also picks who speaks next."""
    scene, speaker = start.scene, start.speaker
    dice = random.Random(start.id)
    played = 0
    while played < rounds:
        ask = replace(
            start, id=f"{start.id}#{played}", scene=scene, speaker=speaker, seed=start.seed + played
        )
        answers = await subject.answer([ask])
        scene = scene.said(Turn(speaker.id, answers[ask.id].text or "……", "character"))
        played += 1
        following = await _next(judge, scene, speaker, dice, may_end=played >= MAY_END)
        if following is None:
            break
        speaker = following
    return Play(start.id, scene, original, played)


async def _next(
    judge: Judge, scene: Scene, last: Character, dice: random.Random, *, may_end: bool
) -> Character | None:
    names = {character.name[scene.language]: character for character in scene.cast}
    told = NEXT.format(names=", ".join(names), talk=talk_of(scene))
    said = (await verdict(judge, told, room=32)).strip().strip("。.「」[]")
    if said.upper() == END and may_end:
        return None
    picked = names.get(said)
    others = [character for character in scene.cast if character != last]
    if picked is None or picked == last:
        return dice.choice(others) if others else last
    return picked


def talk_of(scene: Scene) -> str:
    """The scene as lines."""
    ids = {character.id: character.name[scene.language] for character in scene.cast}
    return "\n".join(f"{ids.get(turn.speaker, turn.speaker)}: {turn.text}" for turn in scene.turns)


def points(flaws: Sequence[dict[str, Any]], rounds: int) -> float | None:
    """100 less five for each severity beyond what the length excuses; None for no severities."""
    total = 0.0
    for flaw in flaws:
        severity = flaw.get("severity")
        if isinstance(severity, bool) or not isinstance(severity, int | float):
            return None
        if not 1 <= severity <= 5:
            return None
        total += severity
    return min(100.0, max(0.0, 100 - 5 * (total - 0.3 * rounds)))


async def criticise(judge: Judge, plays: Sequence[Play]) -> list[Score]:
    """A score of 0..100 for each dimension; their mean is the benchmark's."""
    scores = []
    for dimension, meaning in DIMENSIONS.items():
        texts = await verdicts(
            judge, (_critic(play, dimension, meaning) for play in plays), room=2048
        )
        values, unparsed = [], 0
        for play, text in zip(plays, texts, strict=True):
            flaws = listed(text)
            found = None if flaws is None else points(flaws, play.rounds)
            if found is None:
                unparsed += 1
            else:
                values.append(Value(f"{play.id}/{dimension}", "", play.id, found))
        mark = signature(judge, NEXT, CRITIC, *DIMENSIONS.values())
        name = f"acting: {dimension} (0..100)"
        scores.append(Score(name, tuple(values), "high", None, mark, unparsed))
    return scores


def _critic(play: Play, dimension: str, meaning: str) -> str:
    names = ", ".join(c.name[play.scene.language] for c in play.scene.cast)
    return CRITIC.format(
        original=play.original,
        talk=talk_of(play.scene),
        dimension=dimension,
        meaning=meaning.format(characters=names),
    )
