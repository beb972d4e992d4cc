"""All quotes of an English section with their speakers, as the rest of the package reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canon.book import Section
from canon.english.cast import Cast
from canon.english.dialogue import UNDECIDED, decide
from canon.english.evidence import Evidence, Unit


@dataclass(frozen=True)
class Utterance:
    """One quote. start, end: with its marks; first, last: the words. speaker: as in `Quote`."""

    start: int
    end: int
    first: int
    last: int
    speaker: str
    addressee: str
    kind: str
    confidence: float


def attribute_english(section: Section, marks: tuple[str, str], cast: Cast) -> list[Utterance]:
    """All quotes of one section in order, with their speakers."""
    read = Evidence(section.text, section.body, marks, cast)
    speaking = [unit for unit in read.units if any(not quote[3] for quote in unit.quotes)]
    found = dict(zip(map(id, speaking), decide(speaking, read.mentions, cast), strict=True))
    said: list[Utterance] = []
    for unit in read.units:
        name, sure = found.get(id(unit), (UNDECIDED, 0.0))
        if unit.several:
            name, sure = UNDECIDED, 0.0
        for start, stop, closed, only_quoted, thinks in unit.quotes:
            first, last = start + 1, stop - (1 if closed else 0)
            if only_quoted:
                said.append(Utterance(start, stop, first, last, "", "", "text", 0.9))
                continue
            kind = "thought" if thinks else "speech"
            to = _addressee(unit, said, name)
            sure_of = 0.0 if name == UNDECIDED else sure
            said.append(Utterance(start, stop, first, last, name, to, kind, sure_of))
    return said


def _addressee(unit: Unit, said: Sequence[Utterance], speaker: str) -> str:
    """Who is called by name in the quotes, else the other of two."""
    if unit.called and unit.called != speaker:
        return unit.called
    near = {one.speaker for one in said[-4:] if one.speaker not in ("", UNDECIDED)}
    near.discard(speaker)
    return near.pop() if len(near) == 1 else ""
