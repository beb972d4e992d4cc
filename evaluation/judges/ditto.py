"""Ditto's three measures (arXiv 2401.12474, section 5), in our own words.

consistency   of four characters, whose reply is it?           share of right picks
knowledge     1..10, how well it agrees with the evidence       mean
rejection     did it refuse?                                    share that agrees with the label

What the judge says and nobody understands is left out and counted.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from characters.card import Character
from evaluation.judges.verdict import Judge, last_choice, last_number, signature, verdicts
from evaluation.score import Score, Value
from evaluation.subject import Answer, Ask

CONSISTENCY = """Below is a question and what one of four characters answered.

Question: {question}
Answer: {answer}

The characters:
{candidates}

Judge by manner, self-reference and standpoint. Think in a few sentences, then end with a line of
exactly this form: The most suitable role is [name]"""

KNOWLEDGE = """A character was asked something. Judge how well the answer agrees with what is known.

Character: {role}
Known: {evidence}

Question: {question}
Answer: {answer}

1 is wrong or empty of content, 10 is right in every particular. Think in a few sentences, then end
with a line that holds the whole number alone."""

REJECTION = """A character was asked something. Did the answer refuse, deny knowing, or correct a
false assumption of the question, rather than going along with it?

Question: {question}
Answer: {answer}

End with a line that holds 1 for yes or 0 for no, alone."""

Replies = Sequence[tuple[Ask, Answer]]


async def consistency(judge: Judge, replies: Replies, cast: Sequence[Character]) -> Score:
    """Over any replies; the three others are drawn from the cast by the ask's id."""
    prompts, shown = [], []
    for ask, answer in replies:
        language = ask.scene.language
        dice = random.Random(ask.id)
        others = [character for character in cast if character != ask.speaker]
        four = [ask.speaker, *dice.sample(others, min(3, len(others)))]
        dice.shuffle(four)
        shown.append([c.name[language] for c in four])
        prompts.append(
            CONSISTENCY.format(
                question=ask.question,
                answer=answer.text,
                candidates="\n".join(f"- {c.name[language]}: {c.brief[language]}" for c in four),
            )
        )
    texts = await verdicts(judge, prompts)
    picked = [last_choice(text, names) for text, names in zip(texts, shown, strict=True)]
    found = [
        None if name is None else float(name == ask.speaker.name[ask.scene.language])
        for (ask, _), name in zip(replies, picked, strict=True)
    ]
    return _score("ditto consistency", replies, found, signature(judge, CONSISTENCY), 0.25)


async def knowledge(judge: Judge, replies: Replies) -> Score:
    """Over replies with a known right answer (the first of the ask's choices)."""
    prompts = [
        KNOWLEDGE.format(
            role=ask.speaker.name[ask.scene.language],
            evidence=f"{ask.speaker.persona[ask.scene.language]} {ask.expect.choices[0]}",
            question=ask.question,
            answer=answer.text,
        )
        for ask, answer in replies
    ]
    found = [last_number(text, 1, 10) for text in await verdicts(judge, prompts)]
    return _score("ditto knowledge (1..10)", replies, found, signature(judge, KNOWLEDGE))


async def rejection(judge: Judge, replies: Replies) -> Score:
    """Over known and unknown questions: whether it refused exactly where it should."""
    prompts = [
        REJECTION.format(question=ask.question, answer=answer.text) for ask, answer in replies
    ]
    said = [last_number(text, 0, 1) for text in await verdicts(judge, prompts)]
    found = [
        None if number is None else float(number == int(ask.part == "unknown"))
        for (ask, _), number in zip(replies, said, strict=True)
    ]
    return _score("ditto rejection", replies, found, signature(judge, REJECTION))


def _score(
    name: str,
    replies: Replies,
    found: Sequence[float | None],
    mark: str,
    chance: float | None = None,
) -> Score:
    values = tuple(
        Value(ask.id, ask.speaker.id, ask.group, float(number))
        for (ask, _), number in zip(replies, found, strict=True)
        if number is not None
    )
    return Score(name, values, "high", chance, mark, len(found) - len(values))
