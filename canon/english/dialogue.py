"""Who speaks in each unit of an English chapter: the likeliest run of turns.

Clues for each person around (`canon.english.evidence`) are added to who speaks after whom: mostly
two by turns. That is a Markov chain over pairs of speakers; forward and backward give each person a
probability, so a bare line is decided by the tags before it and behind it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from canon.english.cast import Cast
from canon.english.evidence import NARRATOR, Mention, Unit
from canon.english.grammar import gender_of_role
from canon.english.weights import CLUES, SAME, TURNS

UNDECIDED = "?"

_NEAR, _MOST, _TALK_ENDS = 14, 10, 3  # paragraphs, persons, paragraphs
_AROUND = 6  # units on both sides
_SOMEBODY = 3.0  # "the man" alone makes nobody a person of his own
_SUREST, _HEARD, _LEAST = 0.97, 0.8, 0.55

Scores = NDArray[np.float64]
Clues = defaultdict[str, float]


def decide(
    units: Sequence[Unit], mentions: Sequence[Mention], cast: Cast
) -> list[tuple[str, float]]:
    """(speaker, probability) of each unit; the speaker is UNDECIDED where nobody is likelier."""
    if not units:
        return []
    seen = [unit.seen for unit in units]
    said = _decided(units, mentions, cast, seen)
    # Who says "he said" for pages is there, too: once more, with who was heard.
    longer, seen = _heard(units, mentions, said)
    return _decided(units, longer, cast, seen)


def _decided(
    units: Sequence[Unit], mentions: Sequence[Mention], cast: Cast, seen: Sequence[int]
) -> list[tuple[str, float]]:
    people = list(weighed(units, mentions, cast, seen))
    odds = [
        np.array([sum(CLUES[clue] * n for clue, n in clues.items()) for clues in one.values()])
        for one in people
    ]
    pairs = [pair_clues(units, index) for index in range(len(units))]
    return _chain([list(one) for one in people], odds, pairs)


def _heard(
    units: Sequence[Unit], mentions: Sequence[Mention], said: Sequence[tuple[str, float]]
) -> tuple[list[Mention], list[int]]:
    """The mentions with who surely speaks, though no tag names them; and how many stand before
    each unit."""
    longer: list[Mention] = []
    seen: list[int] = []
    at = 0
    for unit, (name, sure) in zip(units, said, strict=True):
        longer += mentions[at : unit.seen]
        at = max(at, unit.seen)
        seen.append(len(longer))
        if sure >= _HEARD and name != UNDECIDED and unit.tag != "name":
            longer.append(Mention(unit.place, name, acts=True))
    return longer + list(mentions[at:]), seen


def weighed(
    units: Sequence[Unit], mentions: Sequence[Mention], cast: Cast, seen: Sequence[int]
) -> Iterator[dict[str, Clues]]:
    """For each unit: who may speak in it (UNDECIDED is somebody else), with the clues of each."""
    places = [mention.place for mention in mentions]
    scores = [unit.scores for unit in units]
    here = Counter(mention.name for mention in mentions)
    for index, unit in enumerate(units):
        near = mentions[
            bisect_left(places, unit.place - _NEAR) : bisect_left(places, unit.place + 3)
        ]
        people = _around(index, units, scores, near)
        for name, clues in people.items():
            clues["here"] = float(np.log1p(here[name]))
            _own_clues(name, clues, unit, cast)
        _answers(people, units, index, cast)
        _in_focus(people, unit, mentions[: seen[index]], here, cast)
        # Clues of presence and of the unit itself choose who stays in the running.
        best = sorted(people, key=lambda n: -sum(CLUES[c] * k for c, k in people[n].items()))
        kept = {name: people[name] for name in best[:_MOST]}
        yield {**kept, UNDECIDED: _stranger(unit, crowd=_crowd(units, index))}


def _crowd(units: Sequence[Unit], index: int) -> bool:
    """Whether more than two are said to speak around a unit."""
    around = units[max(0, index - _AROUND) : index + _AROUND + 1]
    tags = (clue for unit in around for clue in unit.clues)
    return len({name for name, clue in tags if clue in ("tagged", "tagged_role")}) > 2


def _stranger(unit: Unit, *, crowd: bool) -> Clues:
    """The clues of somebody else."""
    role = any(clue == "tagged_anybody" for _, clue in unit.clues)
    kind = "role" if role else "bare" if not unit.tag else "he" if unit.tag != "name" else "name"
    clues = Clues(float, {"stranger": 1.0, "stranger_" + kind: 1.0})
    if kind != "name":
        clues["stranger_crowd"] = float(crowd)
    return clues


def _around(
    index: int,
    units: Sequence[Unit],
    scores: Sequence[Mapping[str, float]],
    near: Sequence[Mention],
) -> dict[str, Clues]:
    """Who may speak in a unit, with how present each of them is."""
    unit = units[index]
    often: Counter[str] = Counter()
    people: dict[str, Clues] = {}
    for mention in near:
        often[mention.name] += 1
        clues = people.setdefault(mention.name, Clues(float))
        distance = unit.place - mention.place
        if distance >= 0:
            clues["recent"] = max(clues["recent"], 1 / (1 + distance))
    for place in range(max(0, index - 25), min(len(units), index + 4)):
        other = units[place]
        distance = unit.place - other.place
        if abs(distance) > 2 * _NEAR:
            continue
        for name, score in scores[place].items():
            if score >= _SOMEBODY:
                clues = people.setdefault(name, Clues(float))
                often[name] += 1
                if place < index:
                    clues["spoke"] = max(clues["spoke"], 1 / (1 + distance))
        if other.called:
            people.setdefault(other.called, Clues(float))
    for name, score in scores[index].items():
        if score > 0 and name not in people:
            people[name] = Clues(float, far=1.0)
    for name, clues in people.items():
        clues["often"] = float(np.log1p(often[name]))
        if not clues["recent"] and not clues["spoke"] and not clues["far"]:
            clues["later" if unit.tag == "name" else "not_yet"] = 1
    return people


def _own_clues(name: str, clues: Clues, unit: Unit, cast: Cast) -> None:
    """Add the clues of the unit itself: for and against this person, and by he or she."""
    for (of, clue), times in unit.clues.items():
        if of == name:
            clues[clue] += times
    if name == NARRATOR:
        clues["narrator"] = 1
        clues["narrator_is_not_he"] = float(any(c == "tag_sex" for _, c in unit.sex_clues))
        return
    clues["role"] = float(name[:1].islower())
    known = sex_of(name, cast)
    for (sex, clue), times in unit.sex_clues.items():
        if known and known != sex:
            clues[clue] += times
        elif not known:
            clues["tag_sex_unknown" if clue == "tag_sex" else "acts_sex_unknown"] += times


def sex_of(name: str, cast: Cast) -> str:
    """he or she of a person, "" where that is not known."""
    return cast.pronouns.get(name) or gender_of_role(name.split()[-1])


def _answers(people: Mapping[str, Clues], units: Sequence[Unit], index: int, cast: Cast) -> None:
    """Whom the unit right before calls, or is said to; and he or she by what the neighbours say."""
    unit = units[index]
    if index and unit.gap in (0, 1):
        before = units[index - 1]
        if before.called in people:
            people[before.called]["called_answers_later" if unit.gap else "called_answers"] = 1
        if before.told in people:
            people[before.told]["told_answers"] = 1
    for other, clue in ((index - 1, "called_sex"), (index + 1, "called_sex_back")):
        if not 0 <= other < len(units) or units[max(other, index)].gap != 0:
            continue
        if sex := units[other].calls:
            for name, clues in people.items():
                known = "" if name == NARRATOR else sex_of(name, cast)
                clues[clue] = float(bool(known) and known != sex)


def _in_focus(
    people: Mapping[str, Clues],
    unit: Unit,
    before: Sequence[Mention],
    here: Collection[str],
    cast: Cast,
) -> None:
    """Of whom the narration told last: whom he or she means, or who speaks without a tag."""
    acted = [m.name for m in reversed(before[-40:]) if m.acts and m.name in people]
    if unit.tag == "name" or not acted:
        return
    if not unit.tag:
        if unit.gap:
            people[acted[0]]["focus_bare"] = 1
        return
    fitting = [n for n in dict.fromkeys(acted) if sex_of(n, cast) == unit.tag]
    for name, clue in zip(fitting, ("focus", "focus_second"), strict=False):
        people[name][clue] = 1
    there = [n for n in here if n != NARRATOR and sex_of(n, cast) == unit.tag]
    if len(there) == 1 and there[0] in people:
        people[there[0]]["only_one"] = 1


def pair_clues(units: Sequence[Unit], index: int) -> tuple[Clues, Clues]:
    """What speaks for the last speaker to speak again, and for the one before the last."""
    unit = units[index]
    if not index:
        return Clues(float), Clues(float)
    if unit.goes_on:
        return Clues(float, goes_on=1.0), Clues(float)
    if unit.gap < 0:
        return Clues(float, one_paragraph=1.0), Clues(float)
    if unit.gap > _TALK_ENDS:
        return Clues(float), Clues(float)
    tagged = "_tagged" if unit.tag else ""
    if unit.gap == 0:
        same = Clues(float, {"at_once" + tagged: 1.0})
        same["after_question"] = float(units[index - 1].asks)
        broken = units[index - 1].gap != 0
        turns = Clues(float, {"broken" if broken else "at_once" + tagged: 1.0})
        turns["after_call"] = float(bool(units[index - 1].called))
        turns["crowd"] = float(_crowd(units, index))
        return same, turns
    if unit.gap == 1:
        soon = Clues(float, {"soon" + tagged: 1.0})
        return soon, soon
    later = Clues(float, later=1.0)
    return later, later


def _chain(
    names: Sequence[Sequence[str]], odds: Sequence[Scores], pairs: Sequence[tuple[Clues, Clues]]
) -> list[tuple[str, float]]:
    """Forward and backward over pairs of speakers: (who spoke before, who speaks)."""
    ahead = [np.exp(odds[0] - odds[0].max())[None, :]]
    links: list[tuple[Scores, Scores]] = []
    for index in range(1, len(names)):
        last, now = names[index - 1], names[index]
        same, turns = (
            sum(weights[clue] * n for clue, n in clues.items())
            for weights, clues in zip((SAME, TURNS), pairs[index], strict=True)
        )
        two_back = [UNDECIDED] if index == 1 else names[index - 2]
        again = np.exp(_equal(last, now) * same)  # last × now
        back = np.exp(_equal(two_back, now) * turns)  # two back × now
        own = np.exp(odds[index] - odds[index].max())
        links.append((again * own, back))
        forward = np.einsum("ij,ik->jk", ahead[-1], back) * again * own
        ahead.append(forward / forward.sum())
    behind = np.ones_like(ahead[-1])
    result: list[tuple[str, float]] = []
    for index in range(len(names) - 1, -1, -1):
        both = (ahead[index] * behind).sum(axis=0)
        both /= both.sum()
        best = int(both.argmax())
        sure = min(_SUREST, float(both[best]))
        result.append((names[index][best] if sure >= _LEAST else UNDECIDED, sure))
        if index:
            own_again, back = links[index - 1]
            behind = np.einsum("ik,jk->ij", back, own_again * behind)
            behind /= behind.max()
    return result[::-1]


def _equal(some: Sequence[str], others: Sequence[str]) -> Scores:
    """1 where two are the same known person."""
    return np.array([[float(a == b and a != UNDECIDED) for b in others] for a in some])
