"""All judged measures over one examination: who is shown what, and how much of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from characters.card import Character
from evaluation.judges import charactereval, coser, ditto, rolellm
from evaluation.judges.verdict import Judge
from evaluation.run import Record
from evaluation.score import Score
from evaluation.subject import Answer, Answers, Ask, Subject

PLAYS, PLAY_ROUNDS = 4, 8  # scenes that are played, and rounds in each


async def judge(
    judge: Judge,
    subject: Subject,
    asks: Sequence[Ask],
    answers: Answers,
    cast: Sequence[Character],
    *,
    most: int = 200,
) -> list[Score]:
    """Ditto's three, CharacterEval's twelve and CoSER's four, over at most `most` replies each.

    Acting needs a subject that still answers (no file) and the book's scenes; it is left out else.
    """
    said = [(ask, answers[ask.id]) for ask in asks]
    everyday = _some([pair for pair in said if pair[0].part == "everyday"], most)
    known = _some([pair for pair in said if pair[0].part == "facts"], most // 2)
    unknown = _some([pair for pair in said if pair[0].part == "unknown"], most // 2)
    one, two, three, twelve = await asyncio.gather(
        ditto.consistency(judge, everyday, cast),
        ditto.knowledge(judge, known),
        ditto.rejection(judge, [*known, *unknown]),
        charactereval.dimensions(judge, everyday),
    )
    scores = [one, two, three, *twelve]
    starts = [ask for ask in asks if ask.part == "book" and len(ask.scene.cast) > 1][:PLAYS]
    if starts and subject.kind != "answers":
        plays = [
            await coser.act(
                subject,
                judge,
                start,
                f"{coser.talk_of(start.scene)}\n{start.speaker.name.zh}: {start.expect.line}",
                rounds=PLAY_ROUNDS,
            )
            for start in starts
        ]
        scores += await coser.criticise(judge, plays)
    return [score for score in scores if score.values or score.unparsed]


async def rank(
    judge: Judge,
    records: Sequence[Record],
    names: Sequence[str],
    cast: Sequence[Character],
    *,
    most: int = 60,
) -> dict[str, Score]:
    """Who plays best, on everyday questions that all reports have."""
    by_id = [{sample.id: sample for sample in record.samples} for record in records]
    cards = {character.id: character for character in cast}
    items = [
        rolellm.Item(
            sample.id,
            sample.id,
            sample.character,
            sample.name,
            cards[sample.character].persona.zh if sample.character in cards else "",
            sample.question,
            {name: ids[sample.id].text for name, ids in zip(names, by_id, strict=True)},
        )
        for sample in sorted(records[0].samples, key=lambda s: s.id)
        if sample.part == "everyday" and all(sample.id in ids for ids in by_id)
    ]
    step = max(1, len(items) // max(1, most))
    return await rolellm.ranking(judge, items[::step][:most])


def _some(pairs: Sequence[tuple[Ask, Answer]], most: int) -> Sequence[tuple[Ask, Answer]]:
    """Evenly spread over the exam, so that every character is among them."""
    step = max(1, -(-len(pairs) // max(1, most)))
    return pairs[::step]
