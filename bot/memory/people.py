"""The memory of people: who they are, what they told, how they get on with each character.

    person = memory.person("discord:42")
    await person.came("discord:1:2", "小明")          # before what they say is stored
    await person.learn([Fact("我对花生过敏", room="discord:1:2", pinned=True)])
    known = await person.known()                     # profile, facts, bonds, personas
    await person.forget_everything()

A person is `platform:id`. `known` has the values, `person_store` reads and changes them, `linking`
makes two accounts one person, `forgetting` leaves nothing of them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

from bot.memory import forgetting
from bot.memory.characters import CharacterStore
from bot.memory.connection import Connection, ConnectionCallback
from bot.memory.export import export
from bot.memory.forgetting import Forgotten
from bot.memory.keys import MARGIN_DAYS, person_key, quoted, unquoted
from bot.memory.known import (
    DAYS,
    LONGEST_FACT,
    LONGEST_PERSONA,
    LONGEST_SUMMARY,
    Bond,
    Fact,
    Known,
    Profile,
    clipped,
    newest_bonds,
    newest_personas,
    with_fact,
    without_facts,
)
from bot.memory.person_store import PersonStore, visited
from bot.memory.rewriting import erased
from characters.card import Language

MOST_ROOMS = 5000

_NOTIFY = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'news', ARGV[1]) end
"""
_VISIT = resources.files(__package__).joinpath("visit.lua").read_text("utf-8")


class PersonMemory:
    """What is remembered of one person, through any of their accounts. `store` is for `linking`.

    All methods raise MemoryAway when Redis stays away for longer than the patience, and
    MemoryProblem when it refuses for good.
    """

    def __init__(
        self, memory: Connection, person: str, on_connection: ConnectionCallback | None = None
    ) -> None:
        self.person = person
        self.store = PersonStore(memory, person, on_connection)

    # -- coming and knowing ----------------------------------------------------------------------

    async def came(
        self,
        room: str,
        name: str,
        language: Language | None = None,
        *,
        private: bool = False,
        now: float | None = None,
    ) -> bool:
        """The person speaks in a room. Stored before what they say, so that no turn of theirs is
        ever in a room that forgetting does not know of. Returns whether there are `news` for them.
        """
        at = int(time.time() if now is None else now)
        fields = ["name", name[:64], "seen", str(at)]
        if language:
            fields += ["language", language]
        keys = [person_key(self.person, part) for part in ("account", "rooms")]

        async def step() -> bool:
            # One script, as it comes before every message: one round trip, done whole or not.
            news = await self.store.redis.eval(
                _VISIT,
                len(keys),
                *keys,
                *(visited(room, private), at, MOST_ROOMS, DAYS, MARGIN_DAYS),
                *fields,
            )
            return bool(news)

        return await self.store.lasting(step)

    async def news(self) -> tuple[str, tuple[str, ...]] | None:
        """What somebody else did, once: "linked" or "unlinked", and which accounts are one person
        now; or what `notify` was told, and its values."""
        key = person_key(self.person, "account")

        async def step() -> str:
            text = await self.store.redis.hget(key, "news")
            await self.store.redis.hdel(key, "news")
            return str(text or "")

        what, *accounts = (await self.store.lasting(step)).split(" ")
        return (what, tuple(map(unquoted, accounts))) if what else None

    async def notify(self, what: str, *values: str) -> None:
        """Have the person told something in private, once, when they next speak there; what they
        were to be told before gives way. Nothing where nothing is kept of them (any more)."""
        key = person_key(self.person, "account")
        text = " ".join((what, *map(quoted, values)))

        async def step() -> None:
            await self.store.redis.eval(_NOTIFY, 1, key, text)

        await self.store.lasting(step)

    async def known(self) -> Known:
        """All that is known; reading renews the TTL."""
        return await self.store.known()

    # -- changing --------------------------------------------------------------------------------

    async def learn(
        self, facts: Sequence[Fact], *, since: str = "", now: float | None = None
    ) -> tuple[Fact, ...]:
        """Keep facts; one that is known already becomes surer instead. Returns them as kept.

        `since` is a room: when the person is not known to have been there (any more), they have
        had everything forgotten meanwhile, and nothing is kept.
        """
        at = int(time.time() if now is None else now)
        told = [
            replace(f, text=clipped(f.text, LONGEST_FACT), at=f.at or at, by=f.by or self.person)
            for f in facts
        ]
        kept: list[Fact] = []

        def change(known: Known) -> Known:
            kept.clear()
            if known.profile.leaving:
                return known
            for fact in told:
                if fact.text and (fact.private or known.profile.in_groups or not fact.room):
                    known, as_kept = with_fact(known, fact)
                    kept.append(as_kept)
            return known

        await self.store.change(change, since=since)
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

        await self.store.change(change)
        return found[0] if found else None

    async def forget(self, number: int) -> Fact | None:
        """Forget one fact; None when there is no such fact."""
        return next(iter(await self._forget(lambda fact: fact.id == number)), None)

    async def forget_turns(self, turns: Collection[str]) -> tuple[Fact, ...]:
        """Forget what was learned from the turns with these ids. Returns the facts."""
        return await self._forget(lambda fact: fact.turn in turns)

    async def _forget(self, gone: Any) -> tuple[Fact, ...]:
        found: list[Fact] = []

        def change(known: Known) -> Known:
            found[:] = [fact for fact in known.facts if gone(fact)]
            return without_facts(known, [fact.id for fact in found])

        await self.store.change(change)
        if found:
            await erased(self.store.memory)
        return tuple(found)

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

        known = await self.store.change(change)
        if "days" in changes:
            await self.store.tell_days(known)
        return known.profile

    async def introduce(self, room: str, persona: str) -> None:
        """Who the person is in one room; "" takes it back."""

        def change(known: Known) -> Known:
            personas = {key: text for key, text in known.personas.items() if key != room}
            if persona:
                personas[room] = clipped(persona, LONGEST_PERSONA)
            return replace(known, personas=newest_personas(personas))

        await self.store.change(change)

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
            return replace(known, bonds=newest_bonds(bonds))

        await self.store.change(change, since=since)

    async def sum_up(self, character: str, summary: str, *, private: bool, since: str = "") -> None:
        """How the person and a character stand, in a sentence or two."""

        def change(known: Known) -> Known:
            bond = known.bonds.get((character, private))
            if bond is None or not (private or known.profile.in_groups):
                return known
            bonds = dict(known.bonds)
            bonds[character, private] = replace(bond, summary=clipped(summary, LONGEST_SUMMARY))
            return replace(known, bonds=bonds)

        await self.store.change(change, since=since)

    # -- rights ----------------------------------------------------------------------------------

    async def forget_everything(self) -> Forgotten:
        """Leave nothing of the person anywhere (see `forgetting`)."""
        return await forgetting.forget_everything(self.store)

    async def leave_groups(self, *, older: float = 0.0, now: float | None = None) -> Forgotten:
        """Take what the person said in groups, at least `older` seconds ago, out of the rooms, and
        them out of the feedback."""
        at = time.time() if now is None else now
        return await forgetting.leave_groups(self.store, at - older)

    async def hand_over(self) -> int:
        """The characters that the person made for others become nobody's. Returns how many the
        person had; private ones are gone."""
        known = await self.store.known()
        store = CharacterStore(self.store.memory, self.store.on_connection)
        return await store.leave({*known.accounts, self.person}, hand_over=True)

    async def export(self) -> dict[str, Any]:
        """All that is kept of the person, their own words in every room included, as plain values
        for JSON."""
        return await export(self.store)
