"""What a paragraph with quotes tells about who speaks in it: tags, narration, the words said.

A `Unit` is a run of quotes of one paragraph that one person says, mostly all of them. Its evidence
is log-odds for and against persons.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from canon.english.cast import Cast
from canon.english.grammar import (
    Subject,
    actor,
    gender_of_role,
    may_be_anybody,
    sentences,
    tag_before,
    tag_behind,
    words,
)
from canon.english.marks import paragraphs, quotes_in

NARRATOR = "I"

# Log-odds, tried one after the other on the novels that docs/canon.md names as seen.
TAGGED, ROLE_TAGGED, KIN = 9.0, 1.0, 4.0
ACTS_LAST, ACTS_BEFORE, ACTS_BEHIND, ACTS_AFTER = 3.0, 1.5, 3.0, 1.5
ANOTHER = -1.0
TOLD_LAST, TOLD_BEFORE = 2.0, 0.5  # in a paragraph of narration right before
SPOKEN_TO, CALLED, NAMED = 4.0, 5.0, 2.5
TAG_SEX, ACT_SEX = 12.0, 1.5

_TO = re.compile(
    r"\b(?:to|at|towards?|upon|asked|told|addressed|addressing|addressing|interrupted)\s+(?:the\s+)?$"
)


@dataclass
class Unit:
    """A run of quotes of one speaker while it is read.

    place: which paragraph of the section it is. gap: paragraphs of narration since the unit before;
    -1 in the same paragraph. goes_on: whether the quote before was never closed. quotes: (start,
    end, closed, only quoted, thought) of each. scores: log-odds of the persons that something
    speaks for or against. sexes: log-odds against who is not he, or not she. several: several speak
    together. called: whom the words address.
    """

    place: int
    gap: int
    goes_on: bool
    quotes: list[tuple[int, int, bool, bool, bool]] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    sexes: dict[str, float] = field(default_factory=dict)
    several: bool = False
    called: str = ""

    def add(self, name: str, score: float) -> None:
        """More evidence for (or against) one person."""
        self.scores[name] = self.scores.get(name, 0.0) + score

    def is_of(self, sex: str, score: float) -> None:
        """More evidence that a man (he) or a woman (she) speaks."""
        self.sexes[sex] = self.sexes.get(sex, 0.0) + score


@dataclass(frozen=True)
class Mention:
    """A person named in the narration of a paragraph."""

    place: int
    name: str


class Evidence:
    """One section, read from its first paragraph to its last: `units` and `mentions`."""

    def __init__(self, text: str, body: int, marks: tuple[str, str], cast: Cast) -> None:
        self.text = text.replace("_", " ")  # _said_: a mark of italics is no letter
        self.cast = cast
        self.marks = marks
        self.units: list[Unit] = []
        self.mentions: list[Mention] = []
        self.last_he = ""  # the man whose wife "his wife" is
        gap, goes_on, told = 0, False, ""
        for place, (begin, end) in enumerate(paragraphs(text, body)):
            spans = list(quotes_in(text, marks, begin, end))
            if not spans:
                told = self.text[begin:end]
                self._mention(place, told)
                gap, goes_on = gap + 1, False
                continue
            before = len(self.units)
            self._paragraph(place, begin, end, spans, gap, goes_on)
            if told and before < len(self.units):
                self._told(self.units[before], told)
            goes_on = not spans[-1][2]
            if any(not q[3] for unit in self.units[before:] for q in unit.quotes):
                gap, told = 0, ""

    def _mention(self, place: int, narration: str) -> None:
        for match in self.cast.pattern.finditer(narration):
            name = self.cast.canonical(match.group())
            self.mentions.append(Mention(place, name))
            if self.cast.pronouns.get(name) == "he":
                self.last_he = name
        if self.cast.narrated and re.search(r"\b(?:I|me|my)\b", narration):
            self.mentions.append(Mention(place, NARRATOR))

    def _paragraph(
        self,
        place: int,
        begin: int,
        end: int,
        spans: Sequence[tuple[int, int, bool]],
        gap: int,
        goes_on: bool,
    ) -> None:
        """Cut a paragraph's quotes into units and weigh each."""
        unit: Unit | None = None
        named = ""  # whom the tags of this unit name
        for index, (start, stop, closed) in enumerate(spans):
            before = spans[index - 1][1] if index else begin
            after = spans[index + 1][0] if index + 1 < len(spans) else end
            front, behind = self.text[before:start], self.text[stop:after]
            tag_of = self._tag(front, behind)
            who = self._named(tag_of) if tag_of else ""
            said = self.text[start + 1 : stop - (1 if closed else 0)]
            text = closed and _is_text(said, front.strip(), tag_of is not None)
            if unit is None or (who and named and who != named):
                unit = Unit(place, gap if unit is None else -1, goes_on and unit is None)
                self.units.append(unit)
                named = ""
                self._front(unit, front, tag_of)
            named = named or who
            thinks = tag_of is not None and tag_of.verb in words("thinking")
            unit.quotes.append((start, stop, closed, text, thinks))
            if text:
                continue
            self._words(unit, said)
            if tag_of:
                self._weigh(unit, tag_of, TAGGED, TAG_SEX)
                for name, score in unit.scores.items():
                    if score >= TAGGED:
                        self.mentions.append(Mention(place, name))
                unit.several = unit.several or tag_of.pronoun == "they" or bool(tag_of.also)
            acts = self._behind(unit, behind, tag_of, last=index + 1 == len(spans))
            named = named or acts
            self._mention(place, front if index == 0 else "")
            self._mention(place, behind)

    def _tag(self, front: str, behind: str) -> Subject | None:
        """The tag of a quote: in front of it where that leads on to it, else behind it."""
        lead = front.rstrip()
        if lead and (lead[-1] in ",:" or lead[-1].isalpha() or lead.endswith(("—", "--"))):
            found = tag_before(lead, self.cast.knows)
            if found:
                return found
        return tag_behind(behind[:240])

    def _named(self, found: Subject) -> str:
        if found.name:
            return self.cast.canonical(found.name)
        if found.pronoun in ("I", "they"):
            return found.pronoun
        return found.role if found.role and not may_be_anybody(found.role) else ""

    def _weigh(self, unit: Unit, found: Subject, score: float, sex: float) -> None:
        """Add what it means that somebody speaks or acts there."""
        if found.name:
            unit.add(self.cast.canonical(found.name), score)
        elif found.pronoun in ("he", "she"):
            unit.is_of(found.pronoun, sex)
        elif found.pronoun == "I":
            unit.add(NARRATOR, score)
        elif found.role:
            self._role(unit, found, score, sex)

    def _role(self, unit: Unit, found: Subject, score: float, sex: float) -> None:
        noun = found.role
        for form in (noun, noun.capitalize()):  # the duchess, called Duchess
            if form in self.cast.names:
                unit.add(self.cast.names[form], score)
                return
        if noun in ("wife", "lady") and found.whose == "his":
            he = unit.called if self.cast.pronouns.get(unit.called) == "he" else self.last_he
            wives = [n for n in self.cast.pronouns if n == f"Mrs. {_last(he)}"]
            if wives:
                unit.add(wives[0], score)
                return
        name = found.whose + " " + noun if found.whose[-2:] in ("’s", "'s") else noun
        if gender := gender_of_role(noun):
            unit.is_of(gender, sex)
        free = may_be_anybody(noun) and found.whose not in ("a", "an", "another", "one")
        unit.add(name, min(ROLE_TAGGED, score) if free else score)
        if noun in ("mother", "father", "aunt", "uncle", "mamma", "papa"):
            for person in self.cast.pronouns:
                if person.split()[0].rstrip(".") in ("Mr", "Mrs", "Aunt", "Uncle", "Lady"):
                    unit.add(person, KIN)

    def _front(self, unit: Unit, front: str, tag_of: Subject | None) -> None:
        """Who does something in the sentences before the first quote."""
        found = sentences(front)
        for place, sentence in enumerate(found):
            one = actor(sentence, self.cast.knows)
            if one is None:
                continue
            last = place == len(found) - 1
            self._weigh(unit, one, ACTS_LAST if last else ACTS_BEFORE, ACT_SEX)
        self._spoken_to(unit, front)

    def _behind(self, unit: Unit, behind: str, tag_of: Subject | None, *, last: bool) -> str:
        """Who does something behind a quote, in a sentence of its own; returns a name, or ""."""
        self._spoken_to(unit, sentences(behind)[0] if tag_of and behind.strip() else "")
        found = sentences(behind)[1 if tag_of else 0 :][:1]
        if not found or not found[0].lstrip()[:1].isupper():
            return ""
        one = actor(found[0], self.cast.knows)
        if one is None:
            return ""
        score = ACTS_AFTER if last and tag_of else ACTS_BEHIND
        if tag_of and tag_of.pronoun in ("he", "she") and one.name:
            score = ANOTHER  # “…” he cried. Jem, much amused, …: Jem is not he
        self._weigh(unit, one, score, ACT_SEX / 2)
        return self.cast.canonical(one.name) if one.name and not last else ""

    def _told(self, unit: Unit, told: str) -> None:
        """Who acts in the paragraph of narration right before."""
        found = sentences(told)
        for place, sentence in enumerate(found[-3:]):
            if one := actor(sentence, self.cast.knows):
                ends = place == len(found[-3:]) - 1
                score = TOLD_LAST if ends else TOLD_BEFORE
                score += ACTS_LAST if ends and told.rstrip()[-1:] in ":,—" else 0.0
                self._weigh(unit, one, score, score / 2)

    def _spoken_to(self, unit: Unit, narration: str) -> None:
        for match in self.cast.pattern.finditer(narration):
            if _TO.search(narration[: match.start()]):
                unit.add(self.cast.canonical(match.group()), -SPOKEN_TO)

    def _words(self, unit: Unit, said: str) -> None:
        """Whom the words call, and whom they only name."""
        flat = " ".join(said.split())
        for match in self.cast.pattern.finditer(flat):
            name = self.cast.canonical(match.group())
            if _called(flat, match.start(), match.end()):
                unit.called = unit.called or name
                unit.add(name, -CALLED)
            elif match.start() == 0 or flat[match.start() - 1] != "‘":
                unit.add(name, -NAMED)


def _last(name: str) -> str:
    return name.split()[-1] if name else ""


_SOFT = "oh ah well yes no my dear dearest old poor but and come now o thank you good"
_BEFORE_CALL = re.compile(
    rf"(?:^|[,.!?;:—–-])[\s‘'“\"]*(?:(?:{'|'.join(_SOFT.split())}),?\s+)*$", re.IGNORECASE
)
_BEHIND_CALL = re.compile(r"(?:\s+(?:dear|darling|love|my \w+|old \w+))?\s*(?:[,.!?;:—–-]|$)")


def _called(said: str, start: int, end: int) -> bool:
    """Whether a name is a call: marks on both sides of it."""
    return bool(_BEHIND_CALL.match(said, end)) and bool(_BEFORE_CALL.search(said[:start]))


def _is_text(said: str, before: str, tagged: bool) -> bool:
    """A word or title that is only quoted: within a sentence, without a mark at its end."""
    ended = said.rstrip()[-1:] in tuple(".,!?…—–-")
    return bool(before) and not tagged and not ended and before[-1] not in ",:"
