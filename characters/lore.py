"""Lorebooks as values, and which of their entries a reply has before it. Pure.

    book = Lorebook("Jianghu", (Entry("sword", "The sword sings at night.", keys=("sword",)),))
    talk = Talk(("小明：show me the sword",), seed="terminal:main")
    found = select([book], talk, budget=300, length=len)
    [use.text for use in found]          ->  ["The sword sings at night."]

An entry is used when one of its keys stands in the newest `scan` messages, in either Chinese script
(`text.folding`), and its secondary keys agree; or always (`constant`). What was found may call
further entries (recursion, in a bounded number of rounds). Chance, sticky and cooldown follow from
the messages alone: the same talk uses the same entries in every process, after a restart, and when
lines are taken back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from text.folding import fold, fold_text
from text.patterns import PatternError, is_pattern, pattern

SCAN = 4  # messages that are looked through when nothing is said
DEEPEST_SCAN = 200  # messages that are ever looked through
ROUNDS = 5  # of recursion
MOST_USED = 60  # entries before one reply

Logic = Literal["any", "all", "not any", "not all"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of lore and when it is used.

    `secondary` keys count by `logic` once a key has matched: any or all of them must stand there,
    or not any, or not all. `scan` is how many messages are looked through (None: as the book says).
    `chance` in 0..100. `sticky`: messages for which it stays; `cooldown`: messages for which it
    then does not come again; `delay`: messages that must have been said before. Of several entries
    of one `group` one is used, by `weight`. `only` and `never` hold names of characters as
    `text.folding.fold` reads them: who may know it, and who may not. `raw` is the entry as a
    foreign file had it, as JSON.
    """

    name: str
    text: str
    keys: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()
    logic: Logic = "any"
    patterns: bool = False  # all keys are regular expressions, not only those between slashes
    constant: bool = False
    enabled: bool = True
    order: float = 100.0
    priority: float | None = None
    scan: int | None = None
    chance: float = 100.0
    case: bool = False
    whole: bool = False
    sticky: int = 0
    cooldown: int = 0
    delay: int = 0
    calls: bool = True  # its text may call other entries
    called: bool = True  # other entries' texts may call it
    only_called: bool = False  # nothing else may
    group: str = ""
    weight: float = 100.0
    only: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    raw: str = ""

    def known_to(self, names: Iterable[str]) -> bool:
        """Whether a character of these (folded) names may know it."""
        known = set(names)
        return (not self.only or not known.isdisjoint(self.only)) and known.isdisjoint(self.never)


@dataclass(frozen=True, slots=True)
class Lorebook:
    """Entries that belong together.

    `scan`: see `Entry`; `budget` in tokens, None for what there is; `recursive`: whether entries
    call entries. `owner` is the id of the character that alone knows it, "" for everybody. `raw` is
    the book as a foreign file had it, as JSON, without its entries; `world`: it was a SillyTavern
    world file.
    """

    name: str
    entries: tuple[Entry, ...] = ()
    scan: int = SCAN
    budget: int | None = None
    recursive: bool = False
    owner: str = ""
    world: bool = False
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """An entry that a reply has before it: of which book, and its text as the model reads it."""

    book: str
    entry: Entry
    text: str


@dataclass(frozen=True, slots=True)
class Talk:
    """What a reader heard, oldest first, each with its speaker's name; `earlier` messages were said
    before those. `seed` decides chance: the same for all who hear the same talk."""

    heard: tuple[str, ...]
    seed: str = ""
    earlier: int = 0


def select(
    books: Sequence[Lorebook],
    talk: Talk,
    *,
    budget: int,
    length: Callable[[str], int],
    reader: tuple[str, Iterable[str]] = ("", ()),
    shown: Callable[[str], str] = str,
) -> tuple[Use, ...]:
    """The entries that a reply has before it, in the order in which it reads them.

    `reader` is a character's id and all its names: what it may not know is not there. `budget` and
    `length` count tokens. `shown` makes a text ready to be read (macros). Where the budget is too
    small the entries of the lowest priority, else order, are left out.
    """
    who, names = reader[0], frozenset(map(fold, reader[1])) | {fold(reader[0])}
    heard, seed = _Heard(talk), talk.seed
    chosen: list[tuple[Lorebook, Entry]] = []
    for book in books:
        if not book.owner or book.owner == who:
            known = [e for e in book.entries if e.enabled and e.text.strip() and e.known_to(names)]
            chosen += [(book, entry) for entry in _used(book, known, heard, seed)]
    return _within(_one_a_group(chosen, f"{seed}/{len(talk.heard)}"), budget, length, shown)


class _Heard:
    """What was said, folded once; a window of it ends at any message."""

    def __init__(self, talk: Talk) -> None:
        self.texts = talk.heard[-2 * DEEPEST_SCAN :]
        # Messages that are not looked at any more.
        self.before = talk.earlier + len(talk.heard) - len(self.texts)
        self.folded = [_plain(text) for text in self.texts]

    def window(self, scan: int, end: int, folded: bool) -> str:
        texts = self.folded if folded else self.texts
        return "\n".join(texts[max(0, end - min(scan, DEEPEST_SCAN)) : end])


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """Text as keys are looked for in it: folded, in its case."""
    return fold_text(text).text


def _used(book: Lorebook, known: list[Entry], heard: _Heard, seed: str) -> list[Entry]:
    """Of the entries that the reader may know, those that are used at the end of what was heard."""
    end = len(heard.texts)
    used = [e for e in known if _active(book, e, heard, end, seed)]
    if not book.recursive:
        return used
    fresh = used
    for _ in range(ROUNDS):
        said = "\n".join(entry.text for entry in fresh if entry.calls)
        waiting = [e for e in known if e not in used and (e.called or e.only_called)]
        if not said or not waiting or len(used) >= MOST_USED:
            break
        fresh = [
            entry
            for entry in waiting
            if _matches(entry, said, _plain(said))
            and not _resting(book, entry, heard, end, seed)
            and _lucky(book, entry, heard.before + end, seed)
        ]
        used = [*used, *fresh]
    return used


def _active(book: Lorebook, entry: Entry, heard: _Heard, end: int, seed: str) -> bool:
    """Whether an entry is used at a place of the talk, called by what was said there."""
    if entry.only_called or heard.before + end < entry.delay:
        return False
    if entry.sticky or entry.cooldown:
        return _timed(book, entry, heard, end, seed)[0]
    return _called(book, entry, heard, end, seed)


def _called(book: Lorebook, entry: Entry, heard: _Heard, end: int, seed: str) -> bool:
    scan = book.scan if entry.scan is None else entry.scan
    if not entry.constant and not _matches(
        entry, heard.window(scan, end, False), heard.window(scan, end, True)
    ):
        return False
    return _lucky(book, entry, heard.before + end, seed)


def _timed(book: Lorebook, entry: Entry, heard: _Heard, end: int, seed: str) -> tuple[bool, bool]:
    """Whether an entry with sticky or cooldown is used, and whether it rests: the talk is gone
    through from where neither can reach further back."""
    reach = min(4 * (entry.sticky + entry.cooldown + 1), DEEPEST_SCAN)
    stays = rests = -1  # the last place for which each holds
    active = False
    for at in range(max(1, end - reach), end + 1):
        if at <= stays:
            active = True
        elif at <= rests:
            active = False
        else:
            active = heard.before + at >= entry.delay and _called(book, entry, heard, at, seed)
            if active:
                stays = at + entry.sticky
                rests = stays + entry.cooldown
    return active, stays < end <= rests


def _resting(book: Lorebook, entry: Entry, heard: _Heard, end: int, seed: str) -> bool:
    if heard.before + end < entry.delay:
        return True
    return bool(entry.cooldown) and _timed(book, entry, heard, end, seed)[1]


def _lucky(book: Lorebook, entry: Entry, at: int, seed: str) -> bool:
    if entry.chance >= 100:
        return True
    return 100 * _fraction(f"{seed}/{book.name}/{entry.name}/{entry.keys}/{at}") < entry.chance


def _fraction(seed: str) -> float:
    digest = hashlib.blake2b(seed.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _matches(entry: Entry, text: str, folded: str) -> bool:
    """Whether keys and secondary keys agree with a text; `folded` is it as `_plain` has it."""
    if not any(_stands(key, entry, text, folded) for key in entry.keys):
        return False
    if not entry.secondary:
        return True
    found = [_stands(key, entry, text, folded) for key in entry.secondary]
    match entry.logic:
        case "any":
            return any(found)
        case "all":
            return all(found)
        case "not any":
            return not any(found)
        case _:
            return not all(found)


def _stands(key: str, entry: Entry, text: str, folded: str) -> bool:
    if entry.patterns or is_pattern(key):
        finds = _pattern(key, entry.patterns and not entry.case)
        return finds is not None and finds(text)
    wanted = _plain(key.strip())
    if not wanted:
        return False
    if not entry.case:
        wanted, folded = wanted.casefold(), folded.casefold()
    if not entry.whole or " " in wanted:
        return wanted in folded
    at = folded.find(wanted)
    while at >= 0:
        before, after = folded[at - 1 : at], folded[at + len(wanted) : at + len(wanted) + 1]
        if not (_in_word(before, wanted[0]) or _in_word(after, wanted[-1])):
            return True
        at = folded.find(wanted, at + 1)
    return False


def _in_word(neighbour: str, letter: str) -> bool:
    """Whether a letter goes on in its neighbour. Chinese words have no marks between them."""
    return neighbour.isalnum() and letter.isalnum() and ord(letter) < 0x2E80 > ord(neighbour)


@lru_cache(maxsize=2048)
def _pattern(key: str, ignore_case: bool) -> Callable[[str], bool] | None:
    """None for a pattern that cannot be used, which then never matches."""
    try:
        return pattern(key, ignore_case=ignore_case)
    except PatternError:
        return None


def _one_a_group(chosen: list[tuple[Lorebook, Entry]], seed: str) -> list[tuple[Lorebook, Entry]]:
    """Of the entries of one group one, by their weights."""
    groups: dict[str, list[Entry]] = {}
    for _, entry in chosen:
        if entry.group:
            groups.setdefault(entry.group, []).append(entry)
    wins: Mapping[str, Entry] = {
        group: _weighed(entries, f"{seed}/{group}") for group, entries in groups.items()
    }
    return [(book, e) for book, e in chosen if not e.group or wins[e.group] is e]


def _weighed(entries: list[Entry], seed: str) -> Entry:
    left = _fraction(seed) * sum(max(entry.weight, 0) for entry in entries)
    for entry in entries:
        left -= max(entry.weight, 0)
        if left < 0:
            return entry
    return entries[-1]


def _within(
    chosen: list[tuple[Lorebook, Entry]],
    budget: int,
    length: Callable[[str], int],
    shown: Callable[[str], str],
) -> tuple[Use, ...]:
    """What fits, the most important first, in reading order: lower `order` comes earlier."""

    def weight(pair: tuple[Lorebook, Entry]) -> tuple[bool, float]:
        entry = pair[1]
        return not entry.constant, -(entry.order if entry.priority is None else entry.priority)

    left = {id(book): book.budget for book, _ in chosen}
    uses: list[Use] = []
    for book, entry in sorted(chosen, key=weight):
        text = " ".join(shown(entry.text).split())
        own = left[id(book)]
        cost = length(text) if text else 0
        if not text or cost > budget or (own is not None and cost > own):
            continue
        budget -= cost
        if own is not None:
            left[id(book)] = own - cost
        uses.append(Use(book.name, entry, text))
        if len(uses) == MOST_USED:
            break
    return tuple(sorted(uses, key=lambda use: use.entry.order))


def with_entry(book: Lorebook, entry: Entry) -> Lorebook:
    """The book with one more entry; one of the same name is replaced."""
    kept = tuple(e for e in book.entries if fold(e.name) != fold(entry.name))
    return replace(book, entries=(*kept, entry))
