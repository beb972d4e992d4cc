"""From answers to scores, by the table of measures.

scores = grade(asks, answers, voices=voices)
scores += await ask_likelihoods(subject, asks) or ()
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from evaluation import table
from evaluation.measures.likeness import Embed
from evaluation.measures.memorised import Training
from evaluation.measures.voices import Voices
from evaluation.progress import Step
from evaluation.replies import reference
from evaluation.score import Score
from evaluation.subject import Answer, Answers, Ask, Subject


def grade(
    asks: Sequence[Ask],
    answers: Answers,
    *,
    voices: Voices | None = None,
    embed: Embed | None = None,
    training: Training | None = None,
) -> list[Score]:
    """All scores that the answers alone allow; those without a value are left out."""
    parts: dict[str, list[tuple[Ask, Answer]]] = defaultdict(list)
    for ask in asks:
        parts[ask.part].append((ask, answers[ask.id]))
    everything = [(ask, answers[ask.id]) for ask in asks]
    ref = reference(asks, answers, voices=voices, embed=embed, training=training)
    scores = []
    for measure in table.MEASURES:
        if measure.grade is None:
            continue
        wanted = [pair for part in measure.parts for pair in parts[part]]
        values = tuple(measure.grade(wanted if measure.parts else everything, ref))
        chance = measure.chance(ref) if measure.chance else None
        scores.append(Score(measure.name, values, measure.better, chance))
    return [score for score in scores if score.values]


async def ask_likelihoods(subject: Subject, asks: Sequence[Ask], step: Step) -> list[Score] | None:
    """The scores that need the subject's probabilities; None from a subject that has none."""
    scores = []
    for measure in table.MEASURES:
        if measure.likelihood is None:
            continue
        found = await measure.likelihood(subject, asks, partial(step, measure.name))
        if found is None:
            return None
        if found.values:
            scores.append(Score(measure.name, found.values, measure.better, found.chance))
    return scores
