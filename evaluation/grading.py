"""From answers to scores: which measure reads which part of the exam.

    scores = grade(asks, answers, voices=voices)

Pure; what needs the subject again (its likelihoods) is asked in `evaluation.run`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from evaluation.measures import boundary, clean, diversity
from evaluation.measures.likeness import Embed, likeness, tfidf
from evaluation.measures.memorised import Training
from evaluation.measures.rouge import rouge_l
from evaluation.measures.selfhood import introduces_itself
from evaluation.measures.voices import BAG, Voices
from evaluation.score import Better, Score, Value
from evaluation.subject import Answer, Answers, Ask

# A run this long in the training text is no chance: the longest that held-out lines of the novel
# share with the other chapters is in docs/evaluation.md.
BY_HEART = 20

_DISTINCT_BAG = 10

Replies = Sequence[tuple[Ask, Answer]]


def grade(
    asks: Sequence[Ask],
    answers: Answers,
    *,
    voices: Voices | None = None,
    embed: Embed | None = None,
    training: Training | None = None,
) -> list[Score]:
    """All scores that the answers alone allow; those without a value are left out."""
    replies = [(ask, answers[ask.id]) for ask in asks]
    parts: dict[str, list[tuple[Ask, Answer]]] = defaultdict(list)
    for ask, answer in replies:
        parts[ask.part].append((ask, answer))
    talk = [*parts["self"], *parts["everyday"]]
    found = [
        *_selves(parts["self"], voices),
        *_cleanness(replies),
        *_within(parts["unknown"], [*parts["facts"], *parts["everyday"]]),
        _each("knows (words)", parts["facts"], lambda a, r: boundary.holds(r.text, a.expect.keys)),
        *_memory(parts["memory"]),
        *_book(parts["book"], embed),
        *_variety(parts["everyday"]),
    ]
    if voices is not None:
        found += _voices(parts["everyday"], talk, voices)
    if training is not None:
        found += _by_heart(replies, training)
    return [score for score in found if score.values]


def _each(
    name: str,
    replies: Replies,
    measure: Callable[[Ask, Answer], float],
    better: Better = "high",
    chance: float | None = None,
) -> Score:
    values = (
        Value(ask.id, ask.speaker.id, ask.group, float(measure(ask, answer)))
        for ask, answer in replies
    )
    kept = tuple(value for value in values if not math.isnan(value.value))
    return Score(name, kept, better, chance)


def _selves(replies: Replies, voices: Voices | None) -> Iterable[Score]:
    examined = {ask.speaker.id: ask.speaker for ask, _ in replies}.values()
    yield _each(
        "knows itself",
        replies,
        lambda ask, answer: introduces_itself(
            answer.text, ask.speaker, examined, ask.scene.language, voices
        ),
    )


def _others(ask: Ask) -> list[str]:
    language = ask.scene.language
    names = [c.name[language] for c in ask.scene.cast if c != ask.speaker]
    return names + [turn.speaker for turn in ask.scene.turns if turn.side == "human"]


def whole(ask: Ask, answer: Answer) -> bool:
    """Whether a reply is one: something, ended by itself, one voice, no assistant, its language."""
    return (
        bool(answer.text)
        and answer.finish == "end"
        and not clean.assistant(answer.text)
        and not clean.markdown(answer.text)
        and not clean.speaks_for(answer.text, answer.finish, _others(ask))
        and clean.in_language(answer.text, ask.scene.language)
    )


def _cleanness(replies: Replies) -> Iterable[Score]:
    yield _each("is a reply", replies, whole)
    yield _each("empty", replies, lambda _, r: not r.text, "low")
    yield _each("cut at its longest", replies, lambda _, r: r.finish == "length", "low")
    yield _each("assistant shows", replies, lambda _, r: clean.assistant(r.text), "low")
    yield _each("markdown", replies, lambda _, r: clean.markdown(r.text), "low")
    yield _each(
        "speaks for others",
        replies,
        lambda a, r: clean.speaks_for(r.text, r.finish, _others(a)),
        "low",
    )
    yield _each(
        "another language",
        [pair for pair in replies if pair[1].text],
        lambda a, r: not clean.in_language(r.text, a.scene.language),
        "low",
    )


def _within(unknown: Replies, known: Replies) -> Iterable[Score]:
    timeless = [pair for pair in unknown if pair[0].expect.kind != "future"]
    future = [pair for pair in unknown if pair[0].expect.kind == "future"]

    def right(ask: Ask, answer: Answer) -> bool:
        expect = ask.expect
        return boundary.stays_within(
            answer.text,
            expect.kind,
            forbidden=expect.forbidden,
            keys=expect.keys,
            question=ask.question,
        )

    def leak(ask: Ask, answer: Answer) -> bool:
        return bool(boundary.leaks(answer.text, ask.expect.forbidden, ask.question))

    yield _each("rejects the unknown", timeless, right)
    yield _each("tells what it cannot know", timeless, leak, "low")
    yield _each("tells the future", future, leak, "low")
    yield _each("refuses the known", known, lambda _, r: boundary.refuses(r.text), "low")


def _memory(replies: Replies) -> Iterable[Score]:
    def kept(ask: Ask, answer: Answer) -> bool:
        return boundary.holds(answer.text, ask.expect.keys)

    yield _each("remembers", replies, kept)
    for distance in sorted({ask.expect.distance for ask, _ in replies}):
        these = [pair for pair in replies if pair[0].expect.distance == distance]
        yield _each(f"remembers after {distance} turns", these, kept)


def _book(replies: Replies, embed: Embed | None) -> Iterable[Score]:
    lines = [(ask.speaker.id, answer.text, ask.expect.line) for ask, answer in replies]
    embed = embed or tfidf(line for _, _, line in lines)
    found = dict(zip((ask.id for ask, _ in replies), likeness(lines, embed), strict=True))
    yield _each("like the book's line", replies, lambda a, _: found[a.id].own)
    yield _each("… minus another line of its own", replies, lambda a, _: found[a.id].ahead)
    yield _each("… minus another's line", replies, lambda a, _: found[a.id].apart)
    yield _each(
        "nearer to its own line than to another's",
        replies,
        lambda a, _: found[a.id].nearer,
        chance=0.5,
    )
    yield _each(
        "Rouge-L with the book's line", replies, lambda a, r: rouge_l(r.text, a.expect.line)
    )


def _variety(replies: Replies) -> Iterable[Score]:
    """Of the everyday part: how varied, how long, how alike the characters are."""
    said: dict[str, list[tuple[Ask, Answer]]] = defaultdict(list)
    asked: dict[str, dict[str, str]] = defaultdict(dict)
    for ask, answer in replies:
        said[ask.speaker.id].append((ask, answer))
        repeat = ask.id.rsplit("/", 1)[-1]
        asked[f"{ask.group}/{repeat}"][ask.speaker.id] = answer.text
    for n in (1, 2):
        yield Score(
            f"distinct-{n}",
            tuple(
                Value(
                    f"distinct/{name}/{number}",
                    name,
                    f"distinct/{number}",
                    diversity.distinct([answer.text for _, answer in bag], n),
                )
                for name, mine in said.items()
                for number, bag in enumerate(_bags(mine, _DISTINCT_BAG))
            ),
            "",
        )
    yield Score(
        "says the same again",
        tuple(
            Value(
                f"again/{name}/{number}",
                name,
                f"again/{number}",
                diversity.said_again([answer.text for _, answer in bag]),
            )
            for name, mine in said.items()
            for number, bag in enumerate(_bags(mine, _DISTINCT_BAG))
        ),
        "low",
    )
    yield _each("repeats itself", replies, lambda _, r: diversity.repetition(r.text), "low")
    yield _each("length (characters)", replies, lambda _, r: len(r.text), "")
    yield Score(
        "sounds like the others",
        tuple(
            Value(f"alike/{question}/{name}", name, question, _alike(texts, name))
            for question, texts in asked.items()
            if len(texts) > 1
            for name in texts
        ),
        "low",
    )


def _alike(texts: Mapping[str, str], name: str) -> float:
    others = [diversity.overlap(texts[name], text) for who, text in texts.items() if who != name]
    return sum(others) / len(others)


def _bags(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Whole bags only: a smaller one would be measured by another yardstick."""
    return [items[i : i + size] for i in range(0, len(items) - size + 1, size)]


def _voices(everyday: Replies, talk: Replies, voices: Voices) -> Iterable[Score]:
    said: dict[str, list[str]] = defaultdict(list)
    for ask, answer in everyday:
        if ask.speaker.id in voices.speakers:
            said[ask.speaker.id].append(answer.text)
    yield Score(
        f"sounds like itself (bags of {BAG})",
        tuple(
            # Where nothing is known of any text, nobody is recognised.
            Value(
                f"bag/{name}/{number}",
                name,
                f"bag/{number}",
                float(any(voices.scores(bag)) and voices.pick(bag) == name),
            )
            for name, texts in said.items()
            for number, bag in enumerate(_bags(texts, BAG))
        ),
        "high",
        1 / len(voices.speakers),
    )
    yield _each(
        "speaks with another's words",
        [pair for pair in talk if pair[0].speaker.id in voices.speakers],
        lambda a, r: bool(voices.foreign(r.text, a.speaker.id)),
        "low",
    )


def _by_heart(replies: Replies, training: Training) -> Iterable[Score]:
    runs = {ask.id: len(training.longest(answer.text)) for ask, answer in replies}
    yield _each("longest run by heart", replies, lambda a, _: runs[a.id], "")
    yield _each(
        f"{BY_HEART} characters by heart", replies, lambda a, _: runs[a.id] >= BY_HEART, "low"
    )
