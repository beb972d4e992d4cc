"""Which rooms a visitor may open in the browser, and the feeds of those that are open.

    rooms = Rooms(house, sessions)
    key = await rooms.create(visitor, "月下", alone=True)     # a room of our own
    grant = await rooms.grant(visitor, key)                   # None: not theirs
    feed = await rooms.feed(key)                              # None: no platform here opens it

A room of our own is named `a…` when one person is alone with the characters there, `s…` when others
may be asked in. A room of a chat (`discord:…`, `telegram:…`) is opened by that platform, so that
both show the same scene; whoever said /web there may open it for a day.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping

from bot.house import House
from bot.memory import Grant, Sessions, Visitor
from bot.platforms.studio.feed import Feed
from bot.room import Room

PLATFORM = "studio"
LONGEST_TITLE = 40  # characters


class Rooms:
    """All feeds of a process, by `platform:name`."""

    def __init__(self, house: House, sessions: Sessions) -> None:
        self._house = house
        self._sessions = sessions
        self._feeds: dict[str, Feed] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        house.on_leave.append(self._left)

    # -- whose rooms -----------------------------------------------------------------------------

    async def granted(self, visitor: Visitor) -> Mapping[str, Grant]:
        """All rooms that a visitor may open, through any of their linked accounts.

        Raises:
            MemoryProblem: it cannot be read.
        """
        known = await self._house.memory.person(visitor.person).known()
        found: dict[str, Grant] = {}
        for account in dict.fromkeys((visitor.person, *known.accounts)):
            for key, grant in (await self._sessions.grants(account)).items():
                found[key] = grant if key not in found or grant.moderator else found[key]
        return found

    async def grant(self, visitor: Visitor, key: str) -> Grant | None:
        """What a visitor may do in a room; None: they may not open it, or there is none.

        Raises:
            MemoryProblem: it cannot be read.
        """
        return (await self.granted(visitor)).get(key)

    async def create(self, visitor: Visitor, title: str, *, alone: bool) -> str:
        """A new room, of which the visitor is the moderator. Returns its key.

        Raises:
            MemoryProblem: it cannot be noted.
        """
        key = f"{PLATFORM}:{'a' if alone else 's'}{secrets.token_hex(8)}"
        title = " ".join(title.split())[:LONGEST_TITLE]
        await self._sessions.grant(visitor.person, Grant(key, title, moderator=True))
        return key

    async def join(self, visitor: Visitor, grant: Grant) -> None:
        """Open somebody's room to another visitor.

        Raises:
            MemoryProblem: it cannot be noted.
        """
        if await self.grant(visitor, grant.room) is None:
            await self._sessions.grant(visitor.person, grant)

    # -- the rooms -------------------------------------------------------------------------------

    async def feed(self, key: str) -> Feed | None:
        """The feed of a room, which is opened where it is not; None: it cannot be opened here.

        Raises:
            MemoryProblem: the room cannot be read.
        """
        async with self._opening.setdefault(key, asyncio.Lock()):
            platform, _, name = key.partition(":")
            if platform == PLATFORM:
                return await self._ours(key, name)
            return await self._theirs(key, platform, name)

    async def _ours(self, key: str, name: str) -> Feed:
        feed = self._feeds.get(key) or Feed()
        room = await self._house.room(PLATFORM, name, lambda: feed, private=is_alone(key))
        if feed.room is not room:
            feed.join(room)
            await feed.enter()
        self._feeds[key] = feed
        return feed

    async def _theirs(self, key: str, platform: str, name: str) -> Feed | None:
        door = self._house.doors.get(platform)
        room = await door(name) if door else None
        if room is None:
            return None
        feed = self._feeds.get(key) or Feed()
        if feed.room is not room:
            feed.join(room, beside=room.view.stage)
            room.view.stage = feed
            await feed.enter()
        self._feeds[key] = feed
        return feed

    async def resume(self, name: str) -> None:
        """Take up what was left unfinished in a room of our own.

        Raises:
            MemoryProblem: it cannot be recalled or kept.
        """
        feed = await self.feed(f"{PLATFORM}:{name}")
        if feed is not None and feed.room is not None:
            await feed.room.resume()

    def open_now(self) -> Mapping[str, Room]:
        """The rooms that browsers have opened, by key."""
        return {key: feed.room for key, feed in self._feeds.items() if feed.room is not None}

    def _left(self, platform: str, name: str) -> None:
        """A room left the process: it is opened anew when it is used again."""
        self._feeds.pop(f"{platform}:{name}", None)
        self._opening.pop(f"{platform}:{name}", None)


def is_alone(key: str) -> bool:
    """Whether one person is alone with the characters in a room of our own."""
    return key.startswith(f"{PLATFORM}:a")
