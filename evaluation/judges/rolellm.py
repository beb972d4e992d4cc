"""RoleLLM's ranking (arXiv 2310.00746): who plays the role best, among several answers.

    shares, unparsed = await ranking(judge, items)       {"ours": Score, "theirs": Score}

Theirs asks once, in one order, and its published shares do not add up to 100; here the order is
turned round and asked again, and a tie for the first place is split, so that shares add up to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.judges.verdict import Judge, listed, signature, verdicts
from evaluation.score import Score, Value

PROMPT = """Several models played {role} and answered the same question. Rank them: whose tone is
most clearly {role}'s, and whose answer holds most of what {role} knows. Length is no merit.

{role}: {profile}

Question: {question}
{answers}

Answer with a JSON list and nothing else, one object for each model:
[{{"model": "model name", "reason": "…", "rank": 1}}, …]
Models that are equally good get the same rank."""


@dataclass(frozen=True, slots=True)
class Item:
    """One question and everybody's answer to it."""

    id: str
    group: str
    character: str
    role: str
    profile: str
    question: str
    answers: Mapping[str, str]


async def ranking(judge: Judge, items: Sequence[Item]) -> dict[str, Score]:
    """The share of first places of each model, 0..1, over both orders of every question."""
    asked: list[tuple[Item, int, dict[str, str]]] = []
    for item in items:
        names = list(item.answers)
        for turn, order in enumerate((names, names[::-1])):
            # Models are numbered, so that no name is known to the judge.
            numbered = {name: f"model-{number}" for number, name in enumerate(order, 1)}
            asked.append((item, turn, numbered))
    texts = await verdicts(judge, (_prompt(item, numbered) for item, _, numbered in asked))
    values: dict[str, list[Value]] = {}
    unparsed = 0
    for (item, turn, numbered), text in zip(asked, texts, strict=True):
        first = firsts(text, list(numbered.values()))
        if first is None:
            unparsed += 1
            continue
        for name, alias in numbered.items():
            share = 1 / len(first) if alias in first else 0.0
            value = Value(f"{item.id}#{turn}", item.character, item.group, share)
            values.setdefault(name, []).append(value)
    mark = signature(judge, PROMPT)
    return {
        name: Score(
            f"ranked first of {len(values)}", tuple(rows), "high", 1 / len(values), mark, unparsed
        )
        for name, rows in values.items()
    }


def _prompt(item: Item, numbered: Mapping[str, str]) -> str:
    return PROMPT.format(
        role=item.role,
        profile=item.profile,
        question=item.question,
        answers="\n".join(f"{alias}: {item.answers[name]}" for name, alias in numbered.items()),
    )


def firsts(text: str, models: Sequence[str]) -> list[str] | None:
    """Who has the best rank; None unless every model was ranked, once, by a number."""
    rows = listed(text)
    if rows is None:
        return None
    ranks: dict[str, float] = {}
    for row in rows:
        name, rank = row.get("model"), row.get("rank")
        if name not in models or name in ranks or isinstance(rank, bool):
            return None
        if not isinstance(rank, int | float):
            return None
        ranks[str(name)] = float(rank)
    if set(ranks) != set(models):
        return None
    return [name for name in models if ranks[name] == min(ranks.values())]
