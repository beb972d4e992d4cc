"""The memory of people: who they are, what they told, how they get on with each character.

    person = memory.person("discord:42")
    await person.came("discord:1:2", "小明")          # before what they say is stored
    await person.learn([Fact("我对花生过敏", room="discord:1:2", pinned=True)])
    known = await person.known()                     # profile, facts, bonds, personas
    await person.forget_everything()

A person is `platform:id`. Accounts that were linked are one person: all of them point to one root,
and all that is known is kept there. What a person is kept in shares one hash tag, so that every
change is one transaction, on Redis Cluster too; it is computed from what was read and done anew
when somebody else was quicker.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import redis

from bot.memory.connection import Connection, ConnectionCallback
from bot.memory.erasure import erase, erase_all, telling
from bot.memory.feedback import Feedback
from bot.memory.keys import PREFIX, person_key, room_key, room_of, tag, unquoted
from characters.card import Language

DAYS = 180  # how long the memory of somebody stays who does not come back, unless they say so
LEAST_DAYS, MOST_DAYS = 1, 3650
# What a person said in rooms is taken out by the daily look, which needs to know where it is. So
# the list of rooms outlives the facts by this many days.
GRACE_DAYS = 30

MOST_FACTS = 200
LONGEST_FACT = 300  # characters
MOST_BONDS = 128
MOST_PERSONAS = 64
LONGEST_PERSONA = 500
LONGEST_SUMMARY = 300
MOST_ROOMS = 5000
MOST_ACCOUNTS = 8

CODE_SECONDS = 600
TRIES = 5  # wrong or new codes in that time
# Without letters and digits that look alike.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE = 8

_DAY = 86_400


class TooManyTries(RuntimeError):
    """Too many codes were asked for or tried within ten minutes."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about a person, in the words it was told.

    `room` is where it was said, `private` whether only the person and characters heard it. `heard`
    are the ids of the characters that were there, None where it is for all of them. `sure` is in
    0..1. `pinned` facts were given on purpose. `turn` is the id of the turn it comes from, `at`
    the time in seconds.
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


@dataclass(frozen=True, slots=True)
class Bond:
    """How a person gets on with one character: how often they spoke, since when, and in short."""

    talks: int = 0
    first: int = 0
    last: int = 0
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """`in_groups`: may be remembered in groups. `shared`: what was said in private may be used in
    groups. `days`: how long all is kept without being used. `leaving`: to be forgotten."""

    in_groups: bool = True
    shared: bool = False
    days: int = DAYS
    accounts: tuple[str, ...] = ()
    leaving: bool = False


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

    def fact(self, number: int) -> Fact | None:
        return next((fact for fact in self.facts if fact.id == number), None)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was taken away: facts, turns (with the answers to them), rooms, pieces of feedback."""

    facts: int = 0
    turns: int = 0
    rooms: int = 0
    feedback: int = 0


# A person speaks in a room. When there are more rooms than are listed, forgetting looks into all.
_CAME = """
local account, rooms = KEYS[1], KEYS[2]
local room, at, most, days, grace = unpack(ARGV, 1, 5)
redis.call('HSET', account, unpack(ARGV, 6))
redis.call('ZADD', rooms, at, room)
if redis.call('ZCARD', rooms) > tonumber(most) then
  redis.call('HSET', account, 'many', '1')
  redis.call('ZREMRANGEBYRANK', rooms, 0, -most - 1)
end
local life = ((redis.call('HGET', account, 'days') or days) + grace) * 86400
redis.call('EXPIRE', account, life)
redis.call('EXPIRE', rooms, life)
"""


class PersonMemory:
    """What is remembered of one person, through any of their accounts.

    All methods raise MemoryAway when Redis stays away for longer than the patience, and
    MemoryProblem when it refuses for good.
    """

    def __init__(
        self, memory: Connection, person: str, on_connection: ConnectionCallback | None = None
    ) -> None:
        self.person = person
        self._memory = memory
        self._on_connection = on_connection

    # -- coming and knowing ----------------------------------------------------------------------

    async def came(
        self,
        room: str,
        name: str,
        language: Language | None = None,
        *,
        private: bool = False,
        now: float | None = None,
    ) -> None:
        """The person speaks in a room. Kept before what they say, so that no turn of theirs is
        ever in a room that forgetting does not know of."""
        at = int(time.time() if now is None else now)
        told = {"name": name[:64], "seen": str(at), **({"language": language} if language else {})}
        flat = [part for pair in told.items() for part in pair]

        async def step() -> None:
            # One script, as it comes before every message: one round trip, done whole or not.
            await self._redis.eval(
                _CAME,
                2,
                *self._keys("account", "rooms"),
                _visited(room, private),
                at,
                MOST_ROOMS,
                DAYS,
                GRACE_DAYS,
                *flat,
            )

        await self._lasting(step)

    async def known(self) -> Known:
        """All that is known; to be used is to be kept for another while."""

        async def step() -> Known:
            account = await self._account()
            keys = _keys(account.root)
            async with self._redis.pipeline(transaction=True) as pipe:
                for key in keys:
                    pipe.hgetall(key)
                for key in keys:
                    pipe.expire(key, account.days * _DAY)
                return _known(account, (await pipe.execute())[: len(keys)])

        return await self._lasting(step)

    # -- changing --------------------------------------------------------------------------------

    async def learn(
        self, facts: Sequence[Fact], *, since: str = "", now: float | None = None
    ) -> tuple[Fact, ...]:
        """Keep facts; one that is known already becomes surer instead. Returns them as kept.

        `since` is a room: when the person is not known to have been there (any more), they have
        had everything forgotten meanwhile, and nothing is kept.
        """
        at = int(time.time() if now is None else now)
        told = [replace(f, text=clipped(f.text, LONGEST_FACT), at=f.at or at) for f in facts]
        kept: list[Fact] = []

        def change(known: Known) -> Known:
            kept.clear()
            if known.profile.leaving:
                return known
            for fact in told:
                if fact.text and (fact.private or known.profile.in_groups or not fact.room):
                    known, as_kept = _with(known, fact)
                    kept.append(as_kept)
            return known

        await self._change(change, since=since)
        return tuple(kept)

    async def correct(self, number: int, text: str) -> Fact | None:
        """Say one fact in other words; None when there is no such fact."""
        found: list[Fact] = []

        def change(known: Known) -> Known:
            found.clear()
            before = known.fact(number)
            if before is None:
                return known
            # Corrected is as good as given on purpose.
            better = replace(before, text=clipped(text, LONGEST_FACT), sure=1.0, pinned=True)
            found.append(better)
            return replace(known, facts=tuple(better if f.id == number else f for f in known.facts))

        await self._change(change)
        return found[0] if found else None

    async def forget(self, number: int) -> Fact | None:
        """Forget one fact; None when there is no such fact."""
        found: list[Fact] = []

        def change(known: Known) -> Known:
            found[:] = [fact for fact in known.facts if fact.id == number]
            left = tuple(fact for fact in known.facts if fact.id != number)
            if not found:
                return known
            # A summary that was made from it would still tell it.
            bonds = {key: replace(bond, summary="") for key, bond in known.bonds.items()}
            return replace(known, facts=left, bonds=bonds)

        await self._change(change)
        return found[0] if found else None

    async def set(self, **changes: Any) -> Profile:
        """Change the profile: `in_groups`, `shared`, `days`.

        Opting out of groups forgets at once what was learned in them, too.
        """

        def change(known: Known) -> Known:
            known = replace(known, profile=replace(known.profile, **changes))
            if changes.get("in_groups", True):
                return known
            return replace(
                known,
                facts=tuple(f for f in known.facts if f.private or not f.room),
                bonds={key: bond for key, bond in known.bonds.items() if key[1]},
            )

        known = await self._change(change)
        if "days" in changes:
            await self._lasting(lambda: self._tell_accounts(known))
        return known.profile

    async def introduce(self, room: str, persona: str) -> None:
        """Who the person is in one room; "" takes it back."""

        def change(known: Known) -> Known:
            personas = {key: text for key, text in known.personas.items() if key != room}
            if persona:
                personas[room] = clipped(persona, LONGEST_PERSONA)
            newest = list(personas.items())[-MOST_PERSONAS:]
            return replace(known, personas=dict(newest))

        await self._change(change)

    async def talked(
        self, characters: Iterable[str], *, private: bool, since: str = "", now: float | None = None
    ) -> None:
        """Count that the person spoke with these characters."""
        at, ids = int(time.time() if now is None else now), tuple(characters)

        def change(known: Known) -> Known:
            if not (private or known.profile.in_groups):
                return known
            bonds = dict(known.bonds)
            for character in ids:
                bond = bonds.get((character, private), Bond(first=at))
                bonds[character, private] = replace(bond, talks=bond.talks + 1, last=at)
            return replace(known, bonds=_newest(bonds))

        await self._change(change, since=since)

    async def sum_up(self, character: str, summary: str, *, private: bool, since: str = "") -> None:
        """How the person and a character stand, in a sentence or two."""

        def change(known: Known) -> Known:
            bond = known.bonds.get((character, private))
            if bond is None or not (private or known.profile.in_groups):
                return known
            bonds = dict(known.bonds)
            bonds[character, private] = replace(bond, summary=clipped(summary, LONGEST_SUMMARY))
            return replace(known, bonds=bonds)

        await self._change(change, since=since)

    # -- one person, several accounts ------------------------------------------------------------

    async def code(self) -> str:
        """A code that links another account to this one: for ten minutes, for one use.

        Raises:
            TooManyTries: five within ten minutes.
        """
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE))

        async def step() -> None:
            root = (await self._account()).root
            await self._redis.set(f"{PREFIX}{{link:{code}}}", root, ex=CODE_SECONDS)

        await self._try()
        await self._lasting(step)
        return code

    async def link(self, code: str) -> Known | None:
        """Become one with whoever was given this code. None: there is no such code (any more), it
        is one's own, or one has as many accounts as one can.

        The strictest of both wins: opted out stays opted out, private stays private.

        Raises:
            TooManyTries: five within ten minutes.
        """
        await self._try()
        typed = "".join(code.split()).upper().replace("-", "")
        if len(typed) != _CODE or not set(typed) <= set(_ALPHABET):
            return None
        key = f"{PREFIX}{{link:{typed}}}"

        async def take() -> str:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.get(key)
                pipe.delete(key)
                return (await pipe.execute())[0] or ""

        root = await self._lasting(take)
        if not root:
            return None
        mine = await self.known()
        theirs = await PersonMemory(self._memory, root).known()
        accounts = dict.fromkeys((*_accounts(theirs), *_accounts(mine)))
        if theirs.person == mine.person or len(accounts) > MOST_ACCOUNTS:
            return None
        one = PersonMemory(self._memory, theirs.person, self._on_connection)
        # First everything is there, then it is taken away here: whatever happens in between,
        # nothing is lost and forgetting finds both.
        known = await one._change(lambda theirs: _united(theirs, mine))
        await self._lasting(lambda: self._point(known, mine))
        return known

    async def _point(self, known: Known, mine: Known) -> None:
        for account in _accounts(mine):
            async with self._redis.pipeline(transaction=True) as pipe:
                key = person_key(account, "account")
                pipe.hset(key, mapping={"self": known.person, "days": str(known.profile.days)})
                pipe.delete(*_keys(account))
                await pipe.execute()
        await self._tell_accounts(known)

    async def _tell_accounts(self, known: Known) -> None:
        """Every account knows how long to keep; each has a slot of its own."""
        for account in _accounts(known):
            key, rooms = person_key(account, "account"), person_key(account, "rooms")
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(key, "days", str(known.profile.days))
                for each in (key, rooms):
                    pipe.expire(each, (known.profile.days + GRACE_DAYS) * _DAY)
                await pipe.execute()

    async def _try(self) -> None:
        key = person_key(self.person, "tries")

        async def step() -> int:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(key, 0, ex=CODE_SECONDS, nx=True)
                pipe.incr(key)
                return int((await pipe.execute())[1])

        if await self._lasting(step) > TRIES:
            raise TooManyTries

    # -- forgetting ------------------------------------------------------------------------------

    async def forget_everything(self) -> Forgotten:
        """Leave nothing of the person: facts, profile, links, what they said in any room and what
        was answered, their names in what others said and in summaries, feedback.

        It may be broken off at any point; whoever finds them `due` goes on with it.
        """
        known = await self._change(lambda known: replace(known, profile=_leaving(known.profile)))
        accounts = frozenset((*_accounts(known), self.person))
        gone = await self._lasting(lambda: self._erase(known, accounts))
        await self._lasting(lambda: self._delete(accounts))
        return cast(Forgotten, gone)

    async def leave_groups(self, *, older: float = 0.0, now: float | None = None) -> Forgotten:
        """Take what the person said in groups, at least `older` seconds ago, out of the rooms, and
        them out of the feedback."""
        known = await self.known()
        before = int(((time.time() if now is None else now) - older) * 1000)
        accounts = frozenset((*_accounts(known), self.person))
        gone = await self._lasting(lambda: self._erase(known, accounts, before))
        return cast(Forgotten, gone)

    async def _erase(self, known: Known, accounts: frozenset[str], before: int = 0) -> Forgotten:
        """With `before` (ms) in groups only, and what was said until then."""
        rooms: dict[str, bool] = {}  # tag -> private
        names: set[str] = set()
        many = False
        for account in accounts:
            told = await self._redis.hgetall(person_key(account, "account"))
            names |= {told["name"]} if told.get("name") else set()
            many = many or "many" in told
            for visited in await self._redis.zrange(person_key(account, "rooms"), 0, -1):
                room, _, private = visited.partition(" ")
                rooms[room] = bool(private) or rooms.get(room, False)
        if many:
            async for key in self._redis.scan_iter(match=f"{PREFIX}{{room:*}}:turns", count=1000):
                rooms.setdefault(room_of(key), False)
        facts = [fact.text for fact in known.facts]
        facts += [*known.personas.values(), *(b.summary for b in known.bonds.values())]
        turns = touched = 0
        for room, private in rooms.items():
            if private and before:
                continue
            took, shown = await erase(self._memory, room, accounts, names, facts, before=before)
            if private:
                took += await erase_all(self._memory, room, accounts)
            names |= shown
            turns += took
            touched += took > 0
        feedback = await Feedback(self._memory, self._on_connection).forget(
            accounts, telling(names)
        )
        return Forgotten(len(known.facts), turns, touched, feedback)

    async def _delete(self, accounts: frozenset[str]) -> None:
        for account in accounts:
            await self._redis.delete(
                *_keys(account),
                *(person_key(account, part) for part in ("account", "rooms", "tries")),
            )
        async for key in self._redis.scan_iter(match=f"{PREFIX}{{link:*}}", count=1000):
            if await self._redis.get(key) in accounts:
                await self._redis.delete(key)

    # -- export ----------------------------------------------------------------------------------

    async def export(self) -> dict[str, Any]:
        """All that is kept of the person, their own words in every room included, as plain values
        for JSON."""
        known = await self.known()

        async def step() -> tuple[list[dict[str, str]], list[str], list[dict[str, str]]]:
            accounts: list[dict[str, str]] = []
            rooms: list[str] = []
            said: list[dict[str, str]] = []
            for account in _accounts(known):
                told = await self._redis.hgetall(person_key(account, "account"))
                shown = {key: told[key] for key in ("name", "language", "seen") if key in told}
                accounts.append({"account": account, **shown})
                rooms += await self._redis.zrange(person_key(account, "rooms"), 0, -1)
            rooms = list(dict.fromkeys(room.partition(" ")[0] for room in rooms))
            for room in rooms:
                rows = await self._redis.xrange(room_key(room, "turns"))
                said += [
                    {"room": unquoted(room), "at": row_id, "as": row["s"], "text": row["t"]}
                    for row_id, row in rows
                    if row.get("p") in _accounts(known)
                ]
            return accounts, [unquoted(room) for room in rooms], said

        accounts, rooms, said = await self._lasting(step)
        profile = known.profile
        return {
            "accounts": accounts,
            "remembered_in_groups": profile.in_groups,
            "private_shared_with_groups": profile.shared,
            "retention_days": profile.days,
            "rooms": rooms,
            "said": said,
            "facts": [_fact_out(fact) | {"number": fact.id} for fact in known.facts],
            "personas": dict(known.personas),
            "characters": [
                {"character": who, "private": private, **_bond_out(bond)}
                for (who, private), bond in known.bonds.items()
            ],
        }

    # -- within ----------------------------------------------------------------------------------

    async def _change(self, change: Callable[[Known], Known], *, since: str = "") -> Known:
        """Read, change, write what is different; all in one transaction."""

        async def step() -> Known:
            account = await self._account()
            keys = _keys(account.root)
            while True:
                if since and not await self._was_in(since):
                    return Known(account.root)
                try:
                    async with self._redis.pipeline(transaction=True) as pipe:
                        await pipe.watch(*keys)
                        before = _known(account, [await pipe.hgetall(key) for key in keys])
                        after = change(before)
                        pipe.multi()
                        for key, old, new in zip(keys, _out(before), _out(after), strict=True):
                            if stale := old.keys() - new.keys():
                                pipe.hdel(key, *stale)
                            if fresh := {k: v for k, v in new.items() if old.get(k) != v}:
                                pipe.hset(key, mapping=fresh)
                        for key in keys:
                            pipe.expire(key, after.profile.days * _DAY)
                        await pipe.execute()
                        return after
                except redis.WatchError:
                    continue

        return await self._lasting(step)

    async def _was_in(self, room: str) -> bool:
        rooms = person_key(self.person, "rooms")
        for private in (False, True):
            if await self._redis.zscore(rooms, _visited(room, private)) is not None:
                return True
        return False

    async def _account(self) -> _Account:
        told = await self._redis.hgetall(person_key(self.person, "account"))
        language = told.get("language")
        return _Account(
            root=told.get("self") or self.person,
            days=int(told.get("days", DAYS)),
            name=told.get("name", ""),
            language=cast(Language, language) if language in ("zh", "en") else None,
        )

    async def _lasting(self, step: Callable[[], Any]) -> Any:
        return await self._memory.lasting(step, self._on_connection)

    def _keys(self, *parts: str) -> list[str]:
        return [person_key(self.person, part) for part in parts]

    @property
    def _redis(self) -> Any:
        return self._memory.redis


@dataclass(frozen=True, slots=True)
class _Account:
    """One account: under which all is kept, for how many days, and how it was last shown."""

    root: str
    days: int
    name: str
    language: Language | None


@dataclass(frozen=True, slots=True)
class Due:
    """Who has been away for longer than they are kept, and who opted out of groups."""

    leaving: tuple[str, ...]
    opted_out: tuple[str, ...]


async def due(memory: Connection, *, now: float | None = None) -> Due:
    """Look through all people, one by one, for those about whom something is to be done.

    Raises:
        MemoryAway, MemoryProblem: as all of this module.
    """
    at = time.time() if now is None else now
    people: dict[str, tuple[int, int]] = {}  # root -> newest time seen, days
    marked: set[str] = set()
    out: set[str] = set()

    async def step() -> None:
        client: Any = memory.redis
        pattern = f"{PREFIX}{{person:*}}:account"
        async for key in client.scan_iter(match=pattern, count=500):
            person = unquoted(key.partition("{person:")[2].partition("}")[0])
            account = await client.hgetall(key)
            root = account.get("self", person)
            seen = max(int(account.get("seen", 0)), people.get(root, (0, 0))[0])
            people[root] = (seen, int(account.get("days", DAYS)))
            if root != person:
                continue
            groups, leaving = await client.hmget(
                person_key(root, "profile"), "in_groups", "leaving"
            )
            if leaving:
                marked.add(root)
            if groups == "0":
                out.add(root)

    await memory.lasting(step, None)
    marked |= {root for root, (seen, days) in people.items() if seen and seen + days * _DAY < at}
    return Due(tuple(sorted(marked)), tuple(sorted(out - marked)))


# -- values ---------------------------------------------------------------------------------------


def clipped(text: str, longest: int) -> str:
    """One line of at most `longest` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def same(text: str) -> str:
    """What two ways of writing one fact have in common: letters and digits, small."""
    return "".join(c for c in text.casefold() if c.isalnum())


def _with(known: Known, fact: Fact) -> tuple[Known, Fact]:
    """The fact added, or the one that says the same made surer."""
    for old in known.facts:
        if same(old.text) != same(fact.text):
            continue
        heard = None if None in (old.heard, fact.heard) else (old.heard or set()) | fact.heard  # type: ignore[operator]
        merged = replace(
            old,
            private=old.private and fact.private,  # said in a room too: no secret any more
            room=fact.room if old.private and not fact.private else old.room,
            heard=None if heard is None else frozenset(heard),
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


def _newest(bonds: dict[tuple[str, bool], Bond]) -> dict[tuple[str, bool], Bond]:
    newest = sorted(bonds.items(), key=lambda item: item[1].last)[-MOST_BONDS:]
    return dict(newest)


def _united(theirs: Known, mine: Known) -> Known:
    profile = replace(
        theirs.profile,
        in_groups=theirs.profile.in_groups and mine.profile.in_groups,
        shared=theirs.profile.shared and mine.profile.shared,
        days=min(theirs.profile.days, mine.profile.days),
        accounts=tuple(dict.fromkeys((*_accounts(theirs), *_accounts(mine)))),
    )
    known = replace(theirs, profile=profile)
    for fact in mine.facts:
        known, _ = _with(known, fact)
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
    newest = dict(list(personas.items())[-MOST_PERSONAS:])
    return replace(known, bonds=_newest(bonds), personas=newest)


def _leaving(profile: Profile) -> Profile:
    return replace(profile, leaving=True)


def _visited(room: str, private: bool) -> str:
    """A room in the list of rooms of a person."""
    return f"{tag(room)} private" if private else tag(room)


def _accounts(known: Known) -> tuple[str, ...]:
    return tuple(dict.fromkeys((known.person, *known.profile.accounts)))


# -- as it is kept: four hashes -------------------------------------------------------------------

_PARTS = ("profile", "facts", "bonds", "personas")


def _keys(root: str) -> list[str]:
    return [person_key(root, part) for part in _PARTS]


def _known(account: _Account, hashes: Sequence[dict[str, str]]) -> Known:
    profile, facts, bonds, personas = hashes
    return Known(
        person=account.root,
        name=account.name,
        language=account.language,
        profile=Profile(
            in_groups=profile.get("in_groups") != "0",
            shared=profile.get("shared") == "1",
            days=int(profile.get("days", DAYS)),
            accounts=tuple(map(unquoted, profile.get("accounts", "").split())),
            leaving="leaving" in profile,
        ),
        facts=tuple(
            sorted(
                (_fact_in(int(number), json.loads(row)) for number, row in facts.items()),
                key=lambda fact: fact.id,
            )
        ),
        bonds={_bond_key(key): Bond(**json.loads(row)) for key, row in bonds.items()},
        personas=_personas_in(personas),
    )


def _out(known: Known) -> tuple[dict[str, str], ...]:
    profile = known.profile
    fields = {
        "in_groups": "" if profile.in_groups else "0",
        "shared": "1" if profile.shared else "",
        "days": "" if profile.days == DAYS else str(profile.days),
        "accounts": " ".join(map(tag, profile.accounts)),
        "leaving": "1" if profile.leaving else "",
    }
    return (
        {key: text for key, text in fields.items() if text},
        {str(fact.id): _json(_fact_out(fact)) for fact in known.facts},
        {
            f"{who} private" if private else who: _json(_bond_out(bond))
            for (who, private), bond in known.bonds.items()
        },
        {room: f"{number:03} {text}" for number, (room, text) in enumerate(known.personas.items())},
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _fact_out(fact: Fact) -> dict[str, Any]:
    told: dict[str, Any] = {
        "text": fact.text,
        "room": fact.room,
        "private": fact.private,
        "sure": fact.sure,
        "pinned": fact.pinned,
        "turn": fact.turn,
        "at": fact.at,
    }
    return told if fact.heard is None else told | {"heard": sorted(fact.heard)}


def _fact_in(number: int, told: dict[str, Any]) -> Fact:
    heard = told.pop("heard", None)
    return Fact(**told, heard=None if heard is None else frozenset(heard), id=number)


def _bond_out(bond: Bond) -> dict[str, Any]:
    return {
        "talks": bond.talks,
        "first": bond.first,
        "last": bond.last,
        "summary": bond.summary,
    }


def _bond_key(key: str) -> tuple[str, bool]:
    who, _, private = key.partition(" ")
    return who, bool(private)


def _personas_in(hash_: Mapping[str, str]) -> dict[str, str]:
    ordered = sorted(hash_.items(), key=lambda item: item[1][:3])
    return {room: text[4:] for room, text in ordered}
