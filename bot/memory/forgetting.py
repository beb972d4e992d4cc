"""Forgetting a person everywhere, and finding who is to be forgotten.

It may be broken off at any point: first the person is marked, and whoever finds them `due` goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.memory.characters import CharacterStore
from bot.memory.connection import Connection
from bot.memory.erasure import erase, erase_all, speaks_of_oneself, striker, telling
from bot.memory.feedback import Feedback
from bot.memory.keys import PREFIX, person_key, person_of, room_of
from bot.memory.known import DAYS, Known
from bot.memory.linking import finish, offers_of
from bot.memory.person_store import DAY, PersonStore, delete_accounts
from bot.memory.reports import forget_reports
from bot.memory.rewriting import erased


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was taken away: facts, turns (with the answers to them), rooms, pieces of feedback, and
    characters that the person had made."""

    facts: int = 0
    turns: int = 0
    rooms: int = 0
    feedback: int = 0
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """Who is to be forgotten, who opted out of groups, and whose linking was broken off."""

    leaving: tuple[str, ...]
    opted_out: tuple[str, ...]
    unsettled: tuple[str, ...] = ()


@dataclass(slots=True)
class _Traces:
    """Where to look for a person, and by what: rooms (tag -> private), names, and facts."""

    accounts: frozenset[str]
    rooms: dict[str, bool]
    names: set[str]
    facts: list[str]


async def forget_everything(store: PersonStore) -> Forgotten:
    """Leave nothing of the person: facts, profile, links, what they said in any room and what was
    answered, their names and facts in what others said and are known by, in summaries, feedback.

    Raises:
        MemoryAway, MemoryProblem: it is not done yet; `due` finds it.
    """
    await finish(store)
    known = await store.change(
        lambda known: replace(known, profile=replace(known.profile, leaving=True))
    )
    accounts = frozenset((*known.accounts, store.person))

    async def everywhere() -> Forgotten:
        traces = await _traces(store, known, accounts)
        gone = await _leave_rooms(store, traces)
        await _leave_others(store, traces)
        feedback = await Feedback(store.memory, store.on_connection).forget(
            accounts, telling(traces.names)
        )
        made = await CharacterStore(store.memory, store.on_connection).leave(accounts)
        await forget_reports(store.memory, accounts)
        return replace(gone, facts=len(known.facts), feedback=feedback, characters=made)

    async def delete() -> None:
        for key in await offers_of(store.redis, accounts):
            await store.redis.delete(key)
        # The root last: it has the mark by which this is found again.
        others = [account for account in accounts if account != known.person]
        await delete_accounts(store, [*others, known.person])

    gone = await store.lasting(everywhere)
    await store.lasting(delete)
    await erased(store.memory)
    return gone


async def leave_groups(store: PersonStore, before: float) -> Forgotten:
    """Take what the person said in groups until `before` (seconds since 1970) out of the rooms, and
    them out of the feedback.

    Raises:
        MemoryAway, MemoryProblem: it is not done.
    """
    known = await store.known()
    accounts = frozenset((*known.accounts, store.person))

    async def groups() -> Forgotten:
        traces = await _traces(store, known, accounts)
        traces.rooms = {room: private for room, private in traces.rooms.items() if not private}
        gone = await _leave_rooms(store, traces, int(before * 1000))
        feedback = await Feedback(store.memory, store.on_connection).forget(
            accounts, telling(traces.names)
        )
        return replace(gone, feedback=feedback)

    gone = await store.lasting(groups)
    if gone.turns or gone.feedback:
        await erased(store.memory)
    return gone


async def _traces(store: PersonStore, known: Known, accounts: frozenset[str]) -> _Traces:
    facts = [fact.text for fact in known.facts]
    facts += [*known.personas.values(), *(bond.summary for bond in known.bonds.values())]
    traces = _Traces(accounts, {}, set(), facts)
    many = False
    for account in accounts:
        fields = await store.redis.hgetall(person_key(account, "account"))
        traces.names |= {fields["name"]} if fields.get("name") else set()
        many = many or "many" in fields
        for entry in await store.redis.zrange(person_key(account, "rooms"), 0, -1):
            room, _, private = entry.partition(" ")
            traces.rooms[room] = bool(private) or traces.rooms.get(room, False)
    if many:
        async for key in store.redis.scan_iter(match=f"{PREFIX}{{room:*}}:turns", count=1000):
            traces.rooms.setdefault(room_of(key), False)
    return traces


async def _leave_rooms(store: PersonStore, traces: _Traces, before: int = 0) -> Forgotten:
    """With `before` (ms) only what was said until then. Adds the names that were found."""
    turns = touched = 0
    for room, private in traces.rooms.items():
        took, shown = await erase(
            store.memory, room, traces.accounts, traces.names, traces.facts, before=before
        )
        if private:
            took += await erase_all(store.memory, room, traces.accounts)
        traces.names |= shown
        turns += took
        touched += took > 0
    return Forgotten(turns=turns, rooms=touched)


async def _leave_others(store: PersonStore, traces: _Traces) -> None:
    """Strike the person out of what is known of others."""
    strike = striker(traces.names, traces.facts)
    # What somebody says of themselves may be the same as what this person said of themselves, and
    # is theirs; but a number or an address is this person's, whoever says it.
    numbers = striker(traces.names, traces.facts, numbers_only=True)
    seen: set[str] = set()
    for part in ("facts", "personas", "bonds"):
        pattern = f"{PREFIX}{{person:*}}:{part}"
        async for key in store.redis.scan_iter(match=pattern, count=500):
            other = person_of(key)
            if other in seen or other in traces.accounts:
                continue
            seen.add(other)
            await store.other(other).change(lambda known: _struck_from(known, strike, numbers))


def _struck_from(
    known: Known, strike: Callable[[str], str], numbers: Callable[[str], str]
) -> Known:
    def clean(text: str, *, own: bool = False) -> str:
        struck = (numbers if own and speaks_of_oneself(text) else strike)(text)
        left = struck.replace("某人", "").replace("someone", "")
        return struck if struck == text or re.search(r"\w", left) else ""

    facts = (replace(fact, text=clean(fact.text, own=True)) for fact in known.facts)
    personas = ((room, clean(text)) for room, text in known.personas.items())
    bonds = {
        key: replace(bond, summary=clean(bond.summary)) if bond.summary else bond
        for key, bond in known.bonds.items()
    }
    return replace(
        known,
        facts=tuple(fact for fact in facts if fact.text),
        personas={room: text for room, text in personas if text},
        bonds=bonds,
    )


async def due(memory: Connection, *, now: float) -> Due:
    """Look through all people, one by one, for those about whom something is to be done.

    `now` is in seconds since 1970; see `clock.plausible_now`.

    Raises:
        MemoryAway, MemoryProblem: they cannot be read now.
    """
    people: dict[str, tuple[int, int]] = {}  # root -> newest time seen, days
    marked: set[str] = set()
    out: set[str] = set()
    unsettled: set[str] = set()

    async def look_at(client: Any, person: str, account: Mapping[str, str]) -> None:
        root = account.get("self", person)
        seen = max(int(account.get("seen", 0)), people.get(root, (0, 0))[0])
        people[root] = (seen, int(account.get("days", DAYS)))
        if root != person:
            return
        groups, leaving, *begun = await client.hmget(
            person_key(root, "profile"), "in_groups", "leaving", "joining", "clearing", "parting"
        )
        if leaving:
            marked.add(root)
        if groups == "0":
            out.add(root)
        if any(begun):
            unsettled.add(root)

    async def step() -> None:
        client: Any = memory.redis
        pattern = f"{PREFIX}{{person:*}}:account"
        async for key in client.scan_iter(match=pattern, count=500):
            await look_at(client, person_of(key), await client.hgetall(key))

    await memory.lasting(step, None)
    overdue = {root for root, (seen, days) in people.items() if seen and seen + days * DAY < now}
    marked |= overdue
    return Due(tuple(sorted(marked)), tuple(sorted(out - marked)), tuple(sorted(unsettled)))
