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
from evaluation.judges.verdict import Judge, last_choice, last_number, signature, verdict
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
    values, unparsed = [], 0
    for ask, answer in replies:
        language = ask.scene.language
        dice = random.Random(ask.id)
        others = [character for character in cast if character != ask.speaker]
        four = [ask.speaker, *dice.sample(others, min(3, len(others)))]
        dice.shuffle(four)
        told = CONSISTENCY.format(
            question=ask.question,
            answer=answer.text,
            candidates="\n".join(f"- {c.name[language]}: {c.brief[language]}" for c in four),
        )
        said = last_choice(await verdict(judge, told), [c.name[language] for c in four])
        if said is None:
            unparsed += 1
        else:
            right = float(said == ask.speaker.name[language])
            values.append(Value(ask.id, ask.speaker.id, ask.group, right))
    mark = signature(judge, CONSISTENCY)
    return Score("ditto consistency", tuple(values), "high", 0.25, mark, unparsed)


async def knowledge(judge: Judge, replies: Replies) -> Score:
    """Over replies with a known right answer (the first of the ask's choices)."""
    values, unparsed = [], 0
    for ask, answer in replies:
        language = ask.scene.language
        told = KNOWLEDGE.format(
            role=ask.speaker.name[language],
            evidence=f"{ask.speaker.persona[language]} {ask.expect.choices[0]}",
            question=ask.question,
            answer=answer.text,
        )
        said = last_number(await verdict(judge, told), 1, 10)
        if said is None:
            unparsed += 1
        else:
            values.append(Value(ask.id, ask.speaker.id, ask.group, float(said)))
    mark = signature(judge, KNOWLEDGE)
    return Score("ditto knowledge (1..10)", tuple(values), "high", None, mark, unparsed)


async def rejection(judge: Judge, replies: Replies) -> Score:
    """Over known and unknown questions: whether it refused exactly where it should."""
    values, unparsed = [], 0
    for ask, answer in replies:
        told = REJECTION.format(question=ask.question, answer=answer.text)
        said = last_number(await verdict(judge, told), 0, 1)
        if said is None:
            unparsed += 1
        else:
            right = float(said == int(ask.part == "unknown"))
            values.append(Value(ask.id, ask.speaker.id, ask.group, right))
    mark = signature(judge, REJECTION)
    return Score("ditto rejection", tuple(values), "high", None, mark, unparsed)
