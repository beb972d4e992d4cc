"""What a paragraph with quotes tells about who speaks in it: tags, narration, the words said.

A `Unit` is a run of quotes of one paragraph that one person says, mostly all of them. Its evidence
is log-odds for and against persons.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from canon.english.cast import Cast
from canon.english.grammar import (
    NAME,
    Subject,
    actor,
    gender_of_role,
    last_actor,
    may_be_anybody,
    sentences,
    tag_before,
    tag_behind,
    words,
)
from canon.english.marks import paragraphs, quotes_in
from canon.english.weights import CLUES

NARRATOR = "I"

# Clues that others count by name, too; what each weighs is `canon.english.weights`.
TAGGED, TAG_SEX = "tagged", "tag_sex"

_TO = re.compile(
    r"\b(?:to|at|towards?|upon|asked|told|addressed|addressing|addressing|interrupted)\s+(?:the\s+)?$"
)


@dataclass
class Unit:
    """A run of quotes of one speaker while it is read.

    place: which paragraph of the section it is. gap: paragraphs of narration since the unit before;
    -1 in the same paragraph. goes_on: whether the quote before was never closed. quotes: (start,
    end, closed, only quoted, thought) of each. clues: how often each clue speaks of a person.
    sex_clues: how often each clue speaks of he or she. several: several speak together. called:
    whom the words address; told: whom the tag says they are said to. asks: it ends with a question.
    calls: "he" or "she" where the words call somebody sir, or madam. seen: how many mentions of
    the section stand before its first quote.
    """

    place: int
    gap: int
    goes_on: bool
    quotes: list[tuple[int, int, bool, bool, bool]] = field(default_factory=list)
    clues: Counter[tuple[str, str]] = field(default_factory=Counter)
    sex_clues: Counter[tuple[str, str]] = field(default_factory=Counter)
    several: bool = False
    called: str = ""
    told: str = ""
    asks: bool = False
    calls: str = ""
    seen: int = 0

    def add(self, name: str, clue: str) -> None:
        """One more clue for (or against) a person."""
        self.clues[name, clue] += 1

    def is_of(self, sex: str, clue: str) -> None:
        """One more clue that a man (he) or a woman (she) speaks."""
        self.sex_clues[sex, clue] += 1

    @property
    def scores(self) -> dict[str, float]:
        """Log-odds of each person that some clue speaks of."""
        found: dict[str, float] = {}
        for (name, clue), times in self.clues.items():
            found[name] = found.get(name, 0.0) + CLUES[clue] * times
        return found

    @property
    def sexes(self) -> dict[str, float]:
        """Log-odds against everybody who is not he, or not she."""
        found: dict[str, float] = {}
        for (sex, clue), times in self.sex_clues.items():
            found[sex] = found.get(sex, 0.0) - CLUES[clue] * times
        return found

    @property
    def tag(self) -> str:
        """What the tag says of the speaker: "name", "he", "she" or "" (no tag, or a role)."""
        if any(clue in ("tagged", "tagged_role") for _, clue in self.clues):
            return "name"
        return next((sex for sex, clue in self.sex_clues if clue == TAG_SEX), "")


@dataclass(frozen=True)
class Mention:
    """A person named in the narration of a paragraph. acts: as who does or says something."""

    place: int
    name: str
    acts: bool = False


class Evidence:
    """One section, read from its first paragraph to its last: `units` and `mentions`."""

    def __init__(self, text: str, body: int, marks: tuple[str, str], cast: Cast) -> None:
        self.text = text.replace("_", " ")  # _said_: a mark of italics is no letter
        self.cast = cast
        self.marks = marks
        self.units: list[Unit] = []
        self.mentions: list[Mention] = []
        self.last_he = ""  # the man whose wife "his wife" is
        gap, goes_on, told, tail = 0, False, "", list[str]()
        for place, (begin, end) in enumerate(paragraphs(text, body)):
            spans = list(quotes_in(text, marks, begin, end))
            if not spans:
                told = self.text[begin:end]
                self._mention(place, told)
                gap, goes_on, tail = gap + 1, False, []
                continue
            before = len(self.units)
            self._paragraph(place, begin, end, spans, gap, goes_on)
            if told and before < len(self.units):
                self._told(self.units[before], told)
            elif tail and before < len(self.units) and (one := actor(tail[0], self.cast.knows)):
                self._weigh(self.units[before], one, "tail", "tail_sex")
            tail = sentences(self.text[spans[-1][1] : end])[-1:]
            goes_on = not spans[-1][2]
            if any(not q[3] for unit in self.units[before:] for q in unit.quotes):
                gap, told = 0, ""

    def _mention(self, place: int, narration: str) -> None:
        """Note who is named in a stretch of narration, in order, and who of them acts."""
        for sentence in sentences(narration):
            one = actor(sentence, self.cast.knows)
            acting = self._named(one) if one else ""
            if one and one.role:
                name = self._holder(one.role, one.whose) or one.role
                if name != one.role or one.whose in _NEW:
                    self.mentions.append(Mention(place, name, acts=True))
            for match in self.cast.pattern.finditer(sentence):
                name = self.cast.canonical(match.group())
                self.mentions.append(Mention(place, name, name == acting))
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
            self._mention(place, front if index == 0 else "")
            tag_of = self._tag(front, behind, after=index > 0)
            who = self._named(tag_of) if tag_of else ""
            said = self.text[start + 1 : stop - (1 if closed else 0)]
            text = closed and _is_text(said, front.strip(), tag_of is not None)
            if unit is None or (who and named and who != named):
                unit = Unit(place, gap if unit is None else -1, goes_on and unit is None)
                unit.seen = len(self.mentions)
                self.units.append(unit)
                named = ""
                self._front(unit, front)
            named = named or who
            thinks = tag_of is not None and tag_of.verb in words("thinking")
            unit.quotes.append((start, stop, closed, text, thinks))
            if text:
                continue
            self._words(unit, said)
            if tag_of:
                self._tagged(unit, tag_of, place)
            acts = self._behind(unit, behind, tag_of, last=index + 1 == len(spans))
            named = named or acts
            self._mention(place, behind)

    def _tagged(self, unit: Unit, tag_of: Subject, place: int) -> None:
        before = set(unit.clues)
        self._weigh(unit, tag_of, TAGGED, TAG_SEX)
        for name, clue in unit.clues:
            if clue in ("tagged", "tagged_role") and (name, clue) not in before:
                self.mentions.append(Mention(place, name, acts=True))
        unit.several = unit.several or tag_of.pronoun == "they" or bool(tag_of.also)

    def _tag(self, front: str, behind: str, *, after: bool) -> Subject | None:
        """The tag of a quote: in front of it where that leads on to it, else behind it."""
        lead = front.rstrip()
        leads = lead[-1:] not in tuple(".!?…")
        if after and leads and len(sentences(front)) == 1 and (found := tag_behind(front[:240])):
            return found  # “Well,” said Ann, when Ben had gone, “…”: Ann’s still
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
        if found.role and (name := self._holder(found.role, found.whose)):
            return name
        return found.role if found.role and not may_be_anybody(found.role) else ""

    def _weigh(self, unit: Unit, found: Subject, clue: str, sex: str) -> None:
        """Note the clue that somebody speaks or acts there."""
        if found.name:
            unit.add(self.cast.canonical(found.name), clue)
        elif found.pronoun in ("he", "she"):
            unit.is_of(found.pronoun, sex)
        elif found.pronoun == "I":
            told = "I_told" if clue.startswith("told") else "I_acts"
            unit.add(NARRATOR, clue if clue == TAGGED else told)
        elif found.role:
            self._role(unit, found, clue, sex)

    def _role(self, unit: Unit, found: Subject, clue: str, sex: str) -> None:
        noun = found.role
        if name := self._holder(noun, found.whose):
            unit.add(name, clue)
            return
        if noun in ("wife", "lady") and found.whose == "his":
            he = unit.called if self.cast.pronouns.get(unit.called) == "he" else self.last_he
            wives = [n for n in self.cast.pronouns if n == f"Mrs. {_last(he)}"]
            if wives:
                unit.add(wives[0], clue)
                return
        name = found.whose + " " + noun if found.whose[-2:] in ("’s", "'s") else noun
        if gender := gender_of_role(noun):
            unit.is_of(gender, sex)
        for person, age in self.cast.ages.items():
            if found.age and age == found.age:
                unit.add(person, "age_fits")
            elif found.age and (age != "grown" or found.age == "young"):
                unit.add(person, "age_differs")
        free = may_be_anybody(noun) and found.whose not in _NEW
        if clue == TAGGED:
            unit.add(name, "tagged_anybody" if free else "tagged_role")
            if noun in ("mother", "father", "aunt", "uncle", "mamma", "papa"):
                for person in self.cast.pronouns:
                    if person.split()[0].rstrip(".") in ("Mr", "Mrs", "Aunt", "Uncle", "Lady"):
                        unit.add(person, "tagged_kin")
        else:
            unit.add(name, "role_acts" if free else clue)

    def _holder(self, noun: str, whose: str) -> str:
        """Who is called so: the duchess, called Duchess; the doctor, of whom there is one."""
        for form in (noun, noun.capitalize()):
            if form in self.cast.names:
                return self.cast.names[form]
        if whose != "the":
            return ""
        holders = self.cast.titled.get(noun, set())
        if len(holders) > 1:
            holders = holders & {mention.name for mention in self.mentions}
        return next(iter(holders)) if len(holders) == 1 else ""

    def _front(self, unit: Unit, front: str) -> None:
        """Who does something in the sentences before the first quote."""
        found = sentences(front)
        for place, sentence in enumerate(found):
            if one := actor(sentence, self.cast.knows):
                leads = front.rstrip()[-1:] not in tuple(".!?…")
                last = "front_leads" if leads else "front_last"
                self._weigh(unit, one, last if place == len(found) - 1 else "front", "front_sex")
        self._last_clause(unit, found, "front_clause")
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
        clue = (
            ("after" if last else "between_tagged") if tag_of else "behind" if last else "between"
        )
        if tag_of and tag_of.pronoun in ("he", "she") and one.name:
            clue = "another"  # “…” he cried. Jem, much amused, …: Jem is not he
        self._weigh(unit, one, clue, "behind_sex")
        return self.cast.canonical(one.name) if one.name and not last else ""

    def _told(self, unit: Unit, told: str) -> None:
        """Who acts in the paragraph of narration right before."""
        if told.rstrip()[-1:] in (",", ":") and (tag := tag_before(told, self.cast.knows)):
            self._tagged(unit, tag, unit.place)
            return
        found = sentences(told)[-3:]
        for place, sentence in enumerate(found):
            if one := actor(sentence, self.cast.knows):
                ends = place == len(found) - 1
                leads = ends and told.rstrip()[-1:] in ":,—"
                clue = "told_colon" if leads else "told_last" if ends else "told"
                self._weigh(unit, one, clue, "told_sex")
        self._last_clause(unit, found, "told_clause")

    def _last_clause(self, unit: Unit, found: Sequence[str], clue: str) -> None:
        """Who acts at the end of the last sentence, if that is not its first subject."""
        one = last_actor(found[-1], self.cast.knows) if found else None
        first = actor(found[-1], self.cast.knows) if found else None
        if one and (first is None or first.name != one.name):
            unit.add(self.cast.canonical(one.name), clue)

    def _spoken_to(self, unit: Unit, narration: str) -> None:
        for match in self.cast.pattern.finditer(narration):
            name = self.cast.canonical(match.group())
            # “…?” asked Ann: it is she who asks
            if _TO.search(narration[: match.start()]) and (name, TAGGED) not in unit.clues:
                unit.told = name
                unit.add(name, "spoken_to")
        if self.cast.narrated and not unit.told and _TO_ME.search(narration):
            unit.told = NARRATOR
            unit.add(NARRATOR, "spoken_to")

    def _words(self, unit: Unit, said: str) -> None:
        """Whom the words call, and whom they only name."""
        flat = " ".join(said.split())
        unit.asks = flat.rstrip(_INNER)[-1:] == "?"
        unit.calls = unit.calls or next(
            (sex for sex, word in _CALLS.items() if word.search(flat)), ""
        )
        called = {unit.called} - {""}
        for match in self.cast.pattern.finditer(flat):
            name = self.cast.canonical(match.group())
            if _called(flat, match.start(), match.end()):
                called.add(name)
                unit.add(name, "called")
            elif match.start() == 0 or flat[match.start() - 1] != "‘":
                unit.add(name, "named")
        unit.called = called.pop() if len(called) == 1 else ""  # of two that are called, either
        # Who is called by a name that nobody in the narration has is who tells it.
        if self.cast.narrated and not called and not unit.called:
            for match in _NAME.finditer(flat):
                within = flat[: match.start()].endswith(", ")
                if (
                    within
                    and not self.cast.pattern.search(match.group())
                    and _called(flat, *match.span())
                ):
                    unit.called = NARRATOR
                    unit.add(NARRATOR, "called")
                    break


_TO_ME = re.compile(r"\b(?:to|at|towards?|upon|asked|told|addressed|addressing)\s+me\b")
_NAME = re.compile(NAME)
_DEAR = r"(?:,\s+|^)(?:[Mm]y (?:good |dear )?)?"
_CALLS = {
    "he": re.compile(_DEAR + r"(?:[Ss]ir|[Pp]apa|[Ff]ather|[Ll]ord|[Bb]oy|[Ll]ad)\b[,.!?]"),
    "she": re.compile(
        _DEAR + r"(?:[Mm]a[’']am|[Mm]adam|[Mm]amma|[Mm]other|[Mm]iss|[Ll]ady|[Gg]irl)\b[,.!?]"
    ),
}
_NEW = ("a", "an", "another", "one")  # determiners of somebody who was not there before
_INNER = " ’”'\""


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
    ended = said.rstrip(_INNER)[-1:] in tuple(".,!?…—–-")
    if not before or tagged or before[-1] in ",:":
        return False
    return not ended or before.split()[-1] in ("of", "the", "a", "an", "as", "called", "at")
