"""What is known of one person: facts, bonds with characters, wishes; and how two become one.

    known, stored = with_fact(known, Fact("我对花生过敏"))
    one = united(theirs, mine)

Values only, nothing here talks to Redis. Each function takes what is known and returns what is
known then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from characters.card import Language

DAYS = 180  # without use, until what is known of somebody is erased, unless they say otherwise
LEAST_DAYS, MOST_DAYS = 1, 3650

MOST_FACTS = 200
LONGEST_FACT = 300  # characters
MOST_BONDS = 128
MOST_PERSONAS = 64
LONGEST_PERSONA = 500  # characters
LONGEST_SUMMARY = 300  # characters
MOST_ACCOUNTS = 8


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about a person, in the words it was told.

    `room` is where it was said, `private` whether only the person and characters heard it. `heard`
    are the ids of the characters that were there, None where it is for all of them. `sure` is in
    0..1. `pinned` facts were given on purpose. `turn` is the id of the turn it comes from, `at`
    the time in seconds since 1970, `by` the account it was told with.
    """

    text: str
    room: str = ""
    private: bool = False
    heard: frozenset[str] | None = None
    sure: float = 1.0
    pinned: bool = False
    turn: str = ""
    at: int = 0
    id: int = 0
    by: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Bond:
    """How a person gets on with one character: how many talks, from when to when (seconds since
    1970), and a sentence about it."""

    talks: int = 0
    first: int = 0
    last: int = 0
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A person's wishes and accounts.

    `in_groups`: may be remembered in groups. `shared`: what was said in private may be used in
    groups. `lessons`: what was said aloud may be taken as lessons to train on. `aloud`: whose
    answers to them are read aloud ("on", "off", ids of characters, "" as the room has it). `days`:
    how long all is kept without being used. `leaving`: to be forgotten. `joining` are the roots
    whose memory is on its way into this one, `clearing` those that it was taken from and may still
    be there, `parting` the accounts that are leaving.
    """

    in_groups: bool = True
    shared: bool = False
    lessons: bool = False
    aloud: str = ""
    days: int = DAYS
    accounts: tuple[str, ...] = ()
    leaving: bool = False
    joining: tuple[str, ...] = ()
    clearing: tuple[str, ...] = ()
    parting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a person: `person` is the account that it is kept under, `name` and
    `language` are those of the account that was asked for. `bonds` are by (character, private),
    `personas` by room."""

    person: str
    name: str = ""
    language: Language | None = None
    profile: Profile = field(default_factory=Profile)
    facts: tuple[Fact, ...] = ()
    bonds: Mapping[tuple[str, bool], Bond] = field(default_factory=dict)
    personas: Mapping[str, str] = field(default_factory=dict)

    @property
    def accounts(self) -> tuple[str, ...]:
        """All accounts of the person, the root first."""
        return tuple(dict.fromkeys((self.person, *self.profile.accounts)))

    def fact(self, number: int) -> Fact | None:
        """The fact with this number."""
        return next((fact for fact in self.facts if fact.id == number), None)


def clipped(text: str, longest: int) -> str:
    """One line of at most `longest` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def same(text: str) -> str:
    """What two ways of writing one fact have in common: letters and digits, small."""
    return "".join(c for c in text.casefold() if c.isalnum())


def with_fact(known: Known, fact: Fact) -> tuple[Known, Fact]:
    """The fact added, or the one that says the same made surer; and the fact as it is then."""
    for old in known.facts:
        if same(old.text) != same(fact.text):
            continue
        heard = None
        if old.heard is not None and fact.heard is not None:
            heard = old.heard | fact.heard
        merged = replace(
            old,
            private=old.private and fact.private,  # said in a room too: no secret any more
            room=fact.room if old.private and not fact.private else old.room,
            heard=heard,
            sure=max(old.sure, fact.sure),
            pinned=old.pinned or fact.pinned,
            at=max(old.at, fact.at),
        )
        others = tuple(merged if each is old else each for each in known.facts)
        return replace(known, facts=others), merged
    new = replace(fact, id=max((f.id for f in known.facts), default=0) + 1)
    facts = (*known.facts, new)
    if len(facts) > MOST_FACTS:
        # The oldest of the least sure goes; what was given on purpose goes last.
        loser = min(known.facts, key=lambda f: (f.pinned, f.sure, f.at, f.id))
        facts = tuple(f for f in facts if f is not loser)
    return replace(known, facts=facts), new


def without_facts(known: Known, numbers: Iterable[int]) -> Known:
    """The facts with these numbers gone, and the bonds' summaries, which may tell them."""
    gone = frozenset(numbers)
    left = tuple(fact for fact in known.facts if fact.id not in gone)
    if len(left) == len(known.facts):
        return known
    bonds = {key: replace(bond, summary="") for key, bond in known.bonds.items()}
    return replace(known, facts=left, bonds=bonds)


def newest_bonds(bonds: Mapping[tuple[str, bool], Bond]) -> dict[tuple[str, bool], Bond]:
    """The bonds of the last talks, as many as are kept."""
    return dict(sorted(bonds.items(), key=lambda item: item[1].last)[-MOST_BONDS:])


def newest_personas(personas: Mapping[str, str]) -> dict[str, str]:
    """The personas that were said last, as many as are kept."""
    return dict(list(personas.items())[-MOST_PERSONAS:])


def united(theirs: Known, mine: Known) -> Known:
    """Two people who are one, under the first one's root: the stricter of their wishes, all facts.

    Whoever of them was being forgotten, both are.
    """
    profile = Profile(
        in_groups=theirs.profile.in_groups and mine.profile.in_groups,
        shared=theirs.profile.shared and mine.profile.shared,
        lessons=theirs.profile.lessons and mine.profile.lessons,
        aloud=theirs.profile.aloud or mine.profile.aloud,
        days=min(theirs.profile.days, mine.profile.days),
        accounts=tuple(dict.fromkeys((*theirs.accounts, *mine.accounts))),
        leaving=theirs.profile.leaving or mine.profile.leaving,
        joining=tuple(dict.fromkeys((*theirs.profile.joining, *mine.profile.joining))),
        clearing=tuple(dict.fromkeys((*theirs.profile.clearing, *mine.profile.clearing))),
        parting=tuple(dict.fromkeys((*theirs.profile.parting, *mine.profile.parting))),
    )
    known = replace(_signed(theirs), profile=profile)
    for fact in _signed(mine).facts:
        known, _ = with_fact(known, fact)
    bonds = dict(known.bonds)
    for key, bond in mine.bonds.items():
        other = bonds.get(key, Bond(first=bond.first))
        bonds[key] = Bond(
            talks=other.talks + bond.talks,
            first=min(other.first, bond.first),
            last=max(other.last, bond.last),
            summary=other.summary or bond.summary,
        )
    personas = {**mine.personas, **known.personas}
    return replace(known, bonds=newest_bonds(bonds), personas=newest_personas(personas))


def _signed(known: Known) -> Known:
    """Each fact with the account that told it, so that the two can part again."""
    return replace(known, facts=tuple(replace(f, by=f.by or known.person) for f in known.facts))


def parted(known: Known, leaves: Iterable[str]) -> tuple[Known, Known]:
    """One person as two: the accounts that stay with the root, and those that leave.

    Each takes what it told. A persona goes where the room's platform is; bonds stay, without their
    summaries, which may tell of both. Both keep the wishes.
    """
    gone = frozenset(leaves) - {known.person}
    staying = tuple(account for account in known.accounts if account not in gone)
    leaving = tuple(account for account in known.accounts if account in gone)

    def platforms(accounts: tuple[str, ...]) -> set[str]:
        return {account.partition(":")[0] for account in accounts}

    moves = platforms(leaving) - platforms(staying)

    def half(accounts: tuple[str, ...], stays: bool) -> Known:
        profile = replace(
            known.profile, accounts=accounts if len(accounts) > 1 else (), joining=(), parting=()
        )
        return Known(
            person=known.person if stays else min(accounts, default=""),
            profile=profile,
            facts=tuple(f for f in known.facts if ((f.by or known.person) in gone) != stays),
            bonds={key: replace(b, summary="") for key, b in known.bonds.items()} if stays else {},
            personas={
                room: text
                for room, text in known.personas.items()
                if (room.partition(":")[0] in moves) != stays
            },
        )

    return half(staying, True), half(leaving, False)
