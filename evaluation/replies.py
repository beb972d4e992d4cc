"""Functions from replies to values: what the rows of the table of measures call.

A measure of single replies is a function of (ask, answer, reference) that returns a number (nan
where it does not apply), made into a grade by `each`. A measure of several replies together is a
grade itself: a function of (replies, reference) that returns values.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from characters.card import Character
from evaluation.measures import boundary, clean, diversity
from evaluation.measures.likeness import Embed, Likeness, likeness, tfidf
from evaluation.measures.memorised import Training
from evaluation.measures.rouge import rouge_l
from evaluation.measures.selfhood import introduces_itself
from evaluation.measures.voices import BAG, Voices
from evaluation.score import Value
from evaluation.subject import Answer, Answers, Ask

# A run this long in the training text is no chance: the longest that held-out lines of the novel
# share with the other chapters is in docs/evaluation.md.
BY_HEART = 20

_DISTINCT_BAG = 10
_LINE = 6  # letters of a line that nobody repeats by chance

Replies = Sequence[tuple[Ask, Answer]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reference:
    """What replies are held against besides their own question.

    `voices` and `training` are None where none were given; measures that need them are left out.
    `likenesses`: ask id → cosines with the book's lines; `by_heart`: ask id → length of the longest
    run, in characters, that stands in the training text.
    """

    examined: tuple[Character, ...] = ()
    voices: Voices | None = None
    training: Training | None = None
    likenesses: Mapping[str, Likeness] = field(default_factory=dict)
    by_heart: Mapping[str, int] = field(default_factory=dict)


Grade = Callable[[Replies, Reference], Iterable[Value]]


def reference(
    asks: Sequence[Ask],
    answers: Answers,
    *,
    voices: Voices | None = None,
    embed: Embed | None = None,
    training: Training | None = None,
) -> Reference:
    """The reference for one exam; embeds the book's lines and looks replies up in the training."""
    book = [(ask, answers[ask.id]) for ask in asks if ask.part == "book"]
    lines = [(ask.speaker.id, answer.text, ask.expect.line) for ask, answer in book]
    cosines = likeness(lines, embed or tfidf(line for _, _, line in lines))
    runs = {ask.id: len(training.longest(answers[ask.id].text)) for ask in asks} if training else {}
    return Reference(
        tuple({ask.speaker.id: ask.speaker for ask in asks}.values()),
        voices,
        training,
        dict(zip((ask.id for ask, _ in book), cosines, strict=True)),
        runs,
    )


def each(measure: Callable[[Ask, Answer, Reference], float]) -> Grade:
    """A grade of single replies; where the measure is nan the reply is left out."""

    def grade(replies: Replies, ref: Reference) -> Iterable[Value]:
        for ask, answer in replies:
            value = float(measure(ask, answer, ref))
            if not math.isnan(value):
                yield Value(ask.id, ask.speaker.id, ask.group, value)

    return grade


def text(measure: Callable[[str], float]) -> Grade:
    """A grade of a reply's text alone."""
    return each(lambda ask, answer, ref: measure(answer.text))


# -- single replies --------------------------------------------------------------------------------


def knows_itself(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when it names its speaker, or the speaker's own word for itself, and nobody else's."""
    return introduces_itself(answer.text, ask.speaker, ref.examined, ask.scene.language, ref.voices)


def whole(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 for a reply that is one: something, ended by itself, one voice, no assistant, in its
    language."""
    return (
        bool(answer.text)
        and answer.finish == "end"
        and not clean.assistant(answer.text)
        and not clean.markdown(answer.text)
        and not speaks_for_others(ask, answer, ref)
        and clean.in_language(answer.text, ask.scene.language)
    )


def speaks_for_others(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when the reply goes on as somebody else of the scene."""
    language = ask.scene.language
    names = [c.name[language] for c in ask.scene.cast if c != ask.speaker]
    names += [turn.speaker for turn in ask.scene.turns if turn.side == "human"]
    return clean.speaks_for(answer.text, answer.finish, names)


def another_language(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when most letters are of another language than the question's; nan for an empty reply."""
    if not answer.text:
        return math.nan
    return not clean.in_language(answer.text, ask.scene.language)


def cut(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when the reply ran into the limit on its length."""
    return answer.finish == "length"


def rejects_unknown(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when it says not to know, or puts a false premise right; nan for the book's own future."""
    expect = ask.expect
    if expect.kind == "future":
        return math.nan
    return boundary.stays_within(
        answer.text,
        expect.kind,
        forbidden=expect.forbidden,
        keys=expect.keys,
        question=ask.question,
    )


def leaks_unknown(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when it uses a term that the character cannot know; nan for the book's own future."""
    return math.nan if ask.expect.kind == "future" else _leaks(ask, answer)


def leaks_future(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when it tells what happens later in its book; nan for other unknown questions."""
    return _leaks(ask, answer) if ask.expect.kind == "future" else math.nan


def _leaks(ask: Ask, answer: Answer) -> float:
    return bool(boundary.leaks(answer.text, ask.expect.forbidden, ask.question))


def prompt_tokens(ask: Ask, answer: Answer, ref: Reference) -> float:
    """Tokens of the prompt; nan where nobody counted them."""
    return answer.asked or math.nan


def holds_key(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when the reply holds one of the expected words."""
    return boundary.holds(answer.text, ask.expect.keys)


def holds_key_after(distance: int) -> Grade:
    """The same, of the questions asked so many turns after the fact was told."""
    return each(
        lambda ask, answer, ref: (
            holds_key(ask, answer, ref) if ask.expect.distance == distance else math.nan
        )
    )


def follows_up(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when it holds what the talk asks for and claims nothing that the talk rules out; a reply
    that repeats what somebody else has said has followed nothing."""
    expect = ask.expect
    said = [turn.text for turn in ask.scene.turns if turn.speaker != ask.speaker.id]
    right = boundary.holds(answer.text, expect.keys) and not parrots(answer.text, said)
    return right and not boundary.claims(answer.text, expect.forbidden)


def parrots(reply: str, said: Iterable[str]) -> bool:
    """Whether a reply holds a whole line of somebody else, of six characters or more."""
    plain = _letters(reply)
    return any(len(line) >= _LINE and line in plain for line in map(_letters, said))


def _letters(words: str) -> str:
    return "".join(filter(str.isalnum, words.casefold()))


def follows_up_on(kind: str) -> Grade:
    """The same, of one kind of follow-up."""
    return each(
        lambda ask, answer, ref: (
            follows_up(ask, answer, ref) if ask.expect.kind == kind else math.nan
        )
    )


def book_likeness(pick: Callable[[Likeness], float]) -> Grade:
    """One of the cosines with the book's lines."""
    return each(lambda ask, answer, ref: pick(ref.likenesses[ask.id]))


def rouge_with_book(ask: Ask, answer: Answer, ref: Reference) -> float:
    """Rouge-L with what the book has the character say here, 0..1."""
    return rouge_l(answer.text, ask.expect.line)


def anothers_words(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when it holds a marker of another voice; nan for a speaker whose voice is not known."""
    if ref.voices is None or ask.speaker.id not in ref.voices.speakers:
        return math.nan
    return bool(ref.voices.foreign(answer.text, ask.speaker.id))


def longest_by_heart(ask: Ask, answer: Answer, ref: Reference) -> float:
    """Length in characters of the longest run that stands in the training text."""
    return ref.by_heart.get(ask.id, math.nan)


def recites(ask: Ask, answer: Answer, ref: Reference) -> float:
    """1 when that run has `BY_HEART` characters or more."""
    run = ref.by_heart.get(ask.id)
    return math.nan if run is None else run >= BY_HEART


# -- several replies together ----------------------------------------------------------------------


def bags_of(name: str, measure: Callable[[list[str]], float]) -> Grade:
    """A grade of ten replies of one character at a time."""

    def grade(replies: Replies, ref: Reference) -> Iterable[Value]:
        for who, texts in _by_character(replies).items():
            for number, bag in enumerate(_bags(texts, _DISTINCT_BAG)):
                yield Value(f"{name}/{who}/{number}", who, f"{name}/{number}", measure(bag))

    return grade


def sounds_like_itself(replies: Replies, ref: Reference) -> Iterable[Value]:
    """1 for a bag of replies that the book's classifier gives to its speaker."""
    voices = ref.voices
    if voices is None:
        return
    for who, texts in _by_character(replies).items():
        if who not in voices.speakers:
            continue
        for number, bag in enumerate(_bags(texts, BAG)):
            # Where nothing is known of any text, nobody is recognised.
            right = any(voices.scores(bag)) and voices.pick(bag) == who
            yield Value(f"bag/{who}/{number}", who, f"bag/{number}", float(right))


def chance_of_voices(ref: Reference) -> float:
    """What somebody gets who guesses one of the book's voices."""
    return 1 / len(ref.voices.speakers) if ref.voices else 0.0


def like_the_others(replies: Replies, ref: Reference) -> Iterable[Value]:
    """How alike the characters' replies to the same question are, 0..1."""
    asked: dict[str, dict[str, str]] = defaultdict(dict)
    for ask, answer in replies:
        repeat = ask.id.rsplit("/", 1)[-1]
        asked[f"{ask.group}/{repeat}"][ask.speaker.id] = answer.text
    for question, texts in asked.items():
        for name in texts if len(texts) > 1 else ():
            others = [diversity.overlap(texts[name], t) for who, t in texts.items() if who != name]
            yield Value(f"alike/{question}/{name}", name, question, sum(others) / len(others))


def _by_character(replies: Replies) -> dict[str, list[str]]:
    said: dict[str, list[str]] = defaultdict(list)
    for ask, answer in replies:
        said[ask.speaker.id].append(answer.text)
    return said


def _bags(items: Sequence[T], size: int) -> list[list[T]]:
    """Whole bags only: a smaller one would be measured by another yardstick."""
    return [list(items[i : i + size]) for i in range(0, len(items) - size + 1, size)]
