"""CharacterEval's dimensions (arXiv 2401.01275) by a judge, 1..5 each.

Theirs are scored by a reward model of their own; a judge's numbers are not comparable with it.
The thirteenth (MBTI) needs a questionnaire and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.judges.verdict import Judge, last_number, signature, verdicts
from evaluation.score import Score, Value
from evaluation.subject import Answer, Ask

DIMENSIONS: dict[str, str] = {
    "fluency": "The language is correct and easy to read.",
    "coherence": "It answers what was said and keeps to the subject.",
    "consistency": "It contradicts neither itself nor what was said before.",
    "exposure": "It shows knowledge that is this character's own.",
    "accuracy": "What it says of the character and its world agrees with the profile.",
    "hallucination": "It claims nothing that goes beyond the profile (5: nothing at all).",
    "behaviour": "What the character does, in brackets or words, fits it.",
    "utterance": "Tone, self-reference and wording are the character's.",
    "human likeness": "It sounds like a living person, not like a machine.",
    "communication": "It draws the other on: it asks, offers, reacts.",
    "diversity": "The expression is varied, not made of set phrases.",
    "empathy": "It notices what the other feels and takes it up.",
}

PROMPT = """Judge one reply of a role-play on one dimension only.

Profile of {role}: {profile}

Conversation:
{context}
Reply of {role}: {answer}

Dimension: {dimension}. {meaning}

1 is very poor, 5 very good. Think in a few sentences, then end with a line that holds the whole
number alone."""


async def dimensions(
    judge: Judge, replies: Sequence[tuple[Ask, Answer]], *, each: int = 2
) -> list[Score]:
    """A score for each dimension; every reply is judged on `each` of them, in turn."""
    names = list(DIMENSIONS)
    asked = [
        (ask, answer, names[(number * each + step) % len(names)])
        for number, (ask, answer) in enumerate(replies)
        for step in range(each)
    ]
    texts = await verdicts(judge, (_prompt(*one) for one in asked))
    values: dict[str, list[Value]] = {name: [] for name in names}
    unparsed = dict.fromkeys(names, 0)
    for (ask, _, dimension), text in zip(asked, texts, strict=True):
        said = last_number(text, 1, 5)
        if said is None:
            unparsed[dimension] += 1
        else:
            values[dimension].append(Value(ask.id, ask.speaker.id, ask.group, float(said)))
    mark = signature(judge, PROMPT, *DIMENSIONS.values())
    return [
        Score(f"character: {name} (1..5)", tuple(values[name]), "high", None, mark, unparsed[name])
        for name in names
        if values[name] or unparsed[name]
    ]


def _prompt(ask: Ask, answer: Answer, dimension: str) -> str:
    language = ask.scene.language
    return PROMPT.format(
        role=ask.speaker.name[language],
        profile=f"{ask.speaker.persona[language]} {ask.speaker.style[language]}",
        context="\n".join(f"{turn.speaker}: {turn.text}" for turn in ask.scene.turns[-6:]),
        answer=answer.text,
        dimension=dimension,
        meaning=DIMENSIONS[dimension],
    )
