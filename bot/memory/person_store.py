"""Reading and changing what is known of one person, whichever of their accounts is asked.

An account is `platform:id`. Accounts that were linked are one person: all but one of them, the
root, say in their `account` hash under which account the person is kept (`self`). What a person is
kept in shares one hash tag, so that every change is one transaction, on Redis Cluster too; it is
computed from what was read and done anew when somebody else was quicker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import redis

from bot.memory.connection import Connection, ConnectionCallback
from bot.memory.keys import MARGIN_DAYS, person_key, tag
from bot.memory.known import DAYS, Known
from bot.memory.known_fields import known_from_fields, known_keys, known_to_fields
from characters.card import Language

DAY = 86_400  # seconds
_LONGEST_CHAIN = 16  # accounts that say "I am that one", one after the other

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """One account: under which one all is kept, for how many days, and how it was last shown."""

    id: str
    root: str
    days: int
    name: str
    language: Language | None


class PersonStore:
    """What is known of one person in Redis. Used by the files beside it.

    Methods that begin with `try_` do one attempt and raise redis.RedisError; all others outlast
    Redis being away, and raise MemoryAway and MemoryProblem.
    """

    def __init__(
        self, memory: Connection, person: str, on_connection: ConnectionCallback | None = None
    ) -> None:
        self.person = person
        self.memory = memory
        self.on_connection = on_connection

    @property
    def redis(self) -> Any:
        return self.memory.redis

    def other(self, person: str) -> PersonStore:
        """Another person, for the same caller."""
        return PersonStore(self.memory, person, self.on_connection)

    async def lasting(self, step: Callable[[], Awaitable[T]]) -> T:
        """Do a step until Redis lets it be done."""
        return await self.memory.lasting(step, self.on_connection)

    async def known(self) -> Known:
        """All that is known; reading renews the TTL."""

        async def step() -> Known:
            while True:
                account = await self.try_account()
                keys = known_keys(account.root)
                async with self.redis.pipeline(transaction=True) as pipe:
                    pipe.hget(person_key(account.root, "account"), "self")
                    for key in keys:
                        pipe.hgetall(key)
                    for key in keys:
                        pipe.expire(key, (account.days + MARGIN_DAYS) * DAY)
                    moved, *found = await pipe.execute()
                if not moved:  # else it was linked meanwhile, and is kept elsewhere
                    return known_from_fields(
                        account.root,
                        found[: len(keys)],
                        name=account.name,
                        language=account.language,
                    )

        return await self.lasting(step)

    async def change(self, change: Callable[[Known], Known], *, since: str = "") -> Known:
        """Read, change, write what is different; all in one transaction. Returns what is known
        then.

        `change` may be called several times. `since` is a room: when the person is not known to
        have been there (any more), nothing is changed and nothing known.
        """

        async def step() -> Known:
            while True:
                if since and not await self._try_was_in(since):
                    return Known(self.person)
                account = await self.try_account()
                try:
                    changed = await self._try_change(account.root, change)
                except redis.WatchError:
                    continue
                if changed is not None:
                    return changed

        return await self.lasting(step)

    async def _try_change(self, root: str, change: Callable[[Known], Known]) -> Known | None:
        """None: the person is kept under another root now."""
        keys = known_keys(root)
        async with self.redis.pipeline(transaction=True) as pipe:
            # With the account: whoever links this person to another one sets its root first, and
            # from then on nothing is written here.
            own = person_key(root, "account")
            await pipe.watch(own, *keys)
            if await pipe.hget(own, "self"):
                return None
            before = known_from_fields(root, [await pipe.hgetall(key) for key in keys])
            after = change(before)
            pipe.multi()
            write_known(pipe, before, after)
            await pipe.execute()
            return after

    async def try_account(self, account: str = "") -> Account:
        """The account, with the root at the end of its chain."""
        account = account or self.person
        fields = await self.redis.hgetall(person_key(account, "account"))
        root, next_ = account, fields.get("self")
        for _ in range(_LONGEST_CHAIN):
            if not next_ or next_ == root:
                break
            root = next_
            next_ = await self.redis.hget(person_key(root, "account"), "self")
        language = fields.get("language")
        return Account(
            id=account,
            root=root,
            days=int(fields.get("days", DAYS)),
            name=fields.get("name", ""),
            language=cast(Language, language) if language in ("zh", "en") else None,
        )

    async def tell_days(self, known: Known) -> None:
        """Let every account know how long to keep; each has a slot of its own."""

        async def step() -> None:
            for account in known.accounts:
                key, rooms = person_key(account, "account"), person_key(account, "rooms")
                async with self.redis.pipeline(transaction=True) as pipe:
                    pipe.hset(key, "days", str(known.profile.days))
                    for each in (key, rooms):
                        pipe.expire(each, (known.profile.days + MARGIN_DAYS) * DAY)
                    await pipe.execute()

        await self.lasting(step)

    async def _try_was_in(self, room: str) -> bool:
        rooms = person_key(self.person, "rooms")
        for private in (False, True):
            if await self.redis.zscore(rooms, visited(room, private)) is not None:
                return True
        return False


def visited(room: str, private: bool) -> str:
    """A room (`platform:name`) as it stands in a person's list of rooms."""
    return f"{tag(room)} private" if private else tag(room)


def write_known(pipe: Any, before: Known, after: Known) -> None:
    """Queue what is different in a transaction; both are of one root."""
    keys = known_keys(after.person)
    fields = zip(keys, known_to_fields(before), known_to_fields(after), strict=True)
    for key, old, new in fields:
        if stale := old.keys() - new.keys():
            pipe.hdel(key, *stale)
        if fresh := {k: v for k, v in new.items() if old.get(k) != v}:
            pipe.hset(key, mapping=fresh)
    for key in keys:
        pipe.expire(key, (after.profile.days + MARGIN_DAYS) * DAY)


async def delete_accounts(store: PersonStore, accounts: Iterable[str]) -> None:
    """Delete every key of these accounts. One attempt, which may be done again."""
    for account in accounts:
        await store.redis.delete(
            *known_keys(account),
            *(
                person_key(account, part)
                for part in (
                    "account",
                    "rooms",
                    "tries",
                    "offer",
                    "brought",
                    "sketch",
                    "picture",
                    "sessions",
                    "web",
                )
            ),
        )
