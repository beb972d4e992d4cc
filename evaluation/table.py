"""The table of measures: what each is called, which part of the exam it reads, which direction is
good, which axis it counts for, when a reply fails it, and what it means.

Adding a measure is one row here and its function (in `evaluation.replies` for what answers alone
tell, in `evaluation.likelihoods` for what the model's probabilities tell). Grading, the standing,
the faults shown with replies, the page's legend and `mrp evaluate grid` read these rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evaluation import likelihoods
from evaluation import replies as read
from evaluation.exam import DISTANCES, FOLLOW_UPS
from evaluation.likelihoods import Likelihood
from evaluation.measures import boundary, clean, diversity
from evaluation.measures.voices import BAG
from evaluation.replies import Grade, Reference, bags_of, book_likeness, each, text
from evaluation.score import Better


@dataclass(frozen=True, slots=True)
class Fault:
    """When a reply fails a measure: the value that is the fault, and how grave it is (1..5)."""

    value: float
    gravity: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One row. `parts`: parts of the exam that it reads, () for all.

    Exactly one of `grade` (from replies) and `likelihood` (from the model's probabilities) is
    given. `chance`: what somebody gets who knows nothing. `axis`: the axis of the standing that it
    counts for, by `weight`; a negative weight is taken off. `column`: which of Ditto's three
    measures it stands for in `mrp evaluate grid` where nobody judged, the first such row first.
    """

    name: str
    meaning: str
    parts: tuple[str, ...] = ()
    grade: Grade | None = None
    likelihood: Likelihood | None = None
    better: Better = "high"
    chance: Callable[[Reference], float] | None = None
    axis: str = ""
    weight: float = 1.0
    fault: Fault | None = None
    column: str = ""


# The axes of the standing in their order, and what the page says of each. Only what noise cannot
# win is an axis: a model that says nothing never leaks, and one that babbles is the most varied.
AXES: dict[str, str] = {
    "self": "asked who it is, it names itself and nobody else",
    "voice": "five replies together sound like its lines in the book, not like another’s",
    "reply": "something, ended by itself, in one voice and in the language it was asked in",
    "knowledge": "facts of its own story, in its words, and told from three wrong ones",
    "boundary": "rejects what it cannot know, less what it refuses although it knows it",
    "memory": "a fact that a guest told 2 to 50 turns ago",
    "follows": "its reply takes up what was said before: who, what, which, and what has changed",
    "turns": "finds likeliest whoever speaks next in the book",
    "book": "its reply is nearer to the book’s line than to another character’s",
}

MEASURES: tuple[Measure, ...] = (
    Measure(
        "knows itself",
        "an introduction holds its own name or word for itself, and no other voice's",
        ("self",),
        each(read.knows_itself),
        axis="self",
        fault=Fault(0, 4),
    ),
    Measure(
        "is a reply",
        "not empty, ended by itself, no assistant, no markdown, one voice, its language",
        (),
        each(read.whole),
        axis="reply",
    ),
    Measure(
        "empty", "nothing was said", (), text(lambda t: not t), better="low", fault=Fault(1, 4)
    ),
    Measure(
        "cut at its longest",
        "the reply ran into the limit on its length",
        (),
        each(read.cut),
        better="low",
        fault=Fault(1, 2),
    ),
    Measure(
        "assistant shows",
        "an assistant's turn of phrase",
        (),
        text(clean.assistant),
        better="low",
        fault=Fault(1, 5),
    ),
    Measure(
        "markdown",
        "headings, lists, bold, code or tags",
        (),
        text(clean.markdown),
        better="low",
        fault=Fault(1, 2),
    ),
    Measure(
        "speaks for others",
        "the reply goes on as somebody else of the scene",
        (),
        each(read.speaks_for_others),
        better="low",
        fault=Fault(1, 4),
    ),
    Measure(
        "another language",
        "most letters are of another language than the question's",
        (),
        each(read.another_language),
        better="low",
        fault=Fault(1, 3),
    ),
    Measure(
        "rejects the unknown",
        "says not to know what it cannot know, or puts a false premise right",
        ("unknown",),
        each(read.rejects_unknown),
        axis="boundary",
        fault=Fault(0, 1),
        column="rejection",
    ),
    Measure(
        "tells what it cannot know",
        "a term that only somebody says who knows after all",
        ("unknown",),
        each(read.leaks_unknown),
        better="low",
        fault=Fault(1, 3),
    ),
    Measure(
        "tells the future",
        "a term of what happens later in its own book",
        ("unknown",),
        each(read.leaks_future),
        better="low",
        fault=Fault(1, 3),
    ),
    Measure(
        "refuses the known",
        "says not to know facts of its own story or everyday things",
        ("facts", "everyday"),
        text(boundary.refuses),
        better="low",
        axis="boundary",
        weight=-1.0,
        fault=Fault(1, 1),
    ),
    Measure(
        "knows (choice)",
        "the question raises the right answer's likelihood more than that of three wrong ones",
        ("facts",),
        likelihood=likelihoods.knowledge,
        axis="knowledge",
        weight=0.5,
        column="knowledge",
    ),
    Measure(
        "knows (words)",
        "a reply about its own story holds one of the expected words",
        ("facts",),
        each(read.holds_key),
        axis="knowledge",
        weight=0.5,
        fault=Fault(0, 1),
        column="knowledge",
    ),
    Measure(
        "remembers",
        "a reply holds what a guest told 2 to 50 turns earlier",
        ("memory",),
        each(read.holds_key),
        axis="memory",
        fault=Fault(0, 1),
    ),
    *(
        Measure(
            f"remembers after {distance} turns",
            "the same at one distance",
            ("memory",),
            read.holds_key_after(distance),
        )
        for distance in DISTANCES
    ),
    Measure(
        "follows up",
        "the reply to a scripted talk holds what the talk asks for, and nothing that it rules out",
        ("follows",),
        each(read.follows_up),
        axis="follows",
        fault=Fault(0, 2),
    ),
    *(
        Measure(f"follows up: {kind}", meaning, ("follows",), read.follows_up_on(kind))
        for kind, meaning in FOLLOW_UPS.items()
    ),
    Measure(
        "who speaks next",
        "the book's next speaker is the likeliest of all examined",
        ("book",),
        likelihood=likelihoods.turn_taking,
        axis="turns",
    ),
    Measure(
        "like the book's line",
        "cosine of the reply and what the book has it say here",
        ("book",),
        book_likeness(lambda cosines: cosines.own),
    ),
    Measure(
        "… minus another line of its own",
        "the same less the cosine with another line of the same character",
        ("book",),
        book_likeness(lambda cosines: cosines.ahead),
    ),
    Measure(
        "… minus another's line",
        "the same less the cosine with a line of another character",
        ("book",),
        book_likeness(lambda cosines: cosines.apart),
    ),
    Measure(
        "nearer to its own line than to another's",
        "1 where it is, 0.5 where it is as near to both",
        ("book",),
        book_likeness(lambda cosines: cosines.nearer),
        chance=lambda ref: 0.5,
        axis="book",
    ),
    Measure(
        "Rouge-L with the book's line",
        "longest common subsequence of words as an F measure",
        ("book",),
        each(read.rouge_with_book),
    ),
    Measure(
        "distinct-1",
        "different characters among all characters of ten replies",
        ("everyday",),
        bags_of("distinct", lambda bag: diversity.distinct(bag, 1)),
        better="",
    ),
    Measure(
        "distinct-2",
        "different pairs of characters among all pairs of ten replies",
        ("everyday",),
        bags_of("distinct", lambda bag: diversity.distinct(bag, 2)),
        better="",
    ),
    Measure(
        "says the same again",
        "share of ten replies that are to the letter an earlier one",
        ("everyday",),
        bags_of("again", diversity.said_again),
        better="low",
    ),
    Measure(
        "repeats itself",
        "share of a reply's 4-grams that it has said before",
        ("everyday",),
        text(diversity.repetition),
        better="low",
    ),
    Measure("length (characters)", "of a reply", ("everyday",), text(len), better=""),
    Measure(
        "prompt (tokens)",
        "cards and talk, as the model reads them before it replies",
        (),
        each(read.prompt_tokens),
        better="low",
    ),
    Measure(
        "sounds like the others",
        "common pairs of characters in the replies of two characters to one question",
        ("everyday",),
        read.like_the_others,
        better="low",
    ),
    Measure(
        f"sounds like itself (bags of {BAG})",
        "five everyday replies in a row are given to it by the book's classifier",
        ("everyday",),
        read.sounds_like_itself,
        chance=read.chance_of_voices,
        axis="voice",
        column="consistency",
    ),
    Measure(
        "speaks with another's words",
        "a marker that is another's alone in the book",
        ("self", "everyday"),
        each(read.anothers_words),
        better="low",
        fault=Fault(1, 3),
    ),
    Measure(
        "longest run by heart",
        "characters in a row that stand in the training text",
        (),
        each(read.longest_by_heart),
        better="",
    ),
    Measure(
        f"{read.BY_HEART} characters by heart",
        "that run has as many characters or more",
        (),
        each(read.recites),
        better="low",
    ),
)


def faults() -> dict[str, Fault]:
    """Measure → when a reply fails it."""
    return {measure.name: measure.fault for measure in MEASURES if measure.fault is not None}


def parts_of_axis(axis: str) -> list[tuple[str, float]]:
    """The measures of an axis and their weights."""
    return [(measure.name, measure.weight) for measure in MEASURES if measure.axis == axis]


def columns(column: str) -> list[str]:
    """The measures that stand for one of Ditto's three, the first choice first."""
    return [measure.name for measure in MEASURES if measure.column == column]
