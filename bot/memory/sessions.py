"""Who is signed in to the web pages: one-time links, sessions, and rooms opened from a chat.

    sessions = Sessions(memory)
    code = await sessions.invite(Link(Visitor("discord:42", "小明"), room="discord:7"))
    link = await sessions.redeem(code)               # once, within ten minutes; None afterwards
    token = await sessions.begin(link.visitor)       # for a cookie; Redis holds only its hash
    session = await sessions.find(token)
    await sessions.end_all("discord:42")

A session counts only while the person's own set names it, so that forgetting the person, or
signing out everywhere, ends all of them in one step.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from bot.memory.connection import Connection
from bot.memory.keys import PREFIX, person_key

Role = Literal["member", "moderator", "owner"]

LINK_SECONDS = 600  # that a link is good for
IDLE_SECONDS = 7 * 86_400  # that a session lasts unused
ROTATE_SECONDS = 12 * 3600  # after which a session's token is exchanged for a fresh one
OVERLAP_SECONDS = 60  # that the old token still counts, for requests that are under way
GRANT_SECONDS = 86_400  # that a room of a chat stays open in the browser
ADDRESS_SECONDS = 90  # that an address counts after it was last announced
MOST_SESSIONS = 20  # of a person; the oldest ends where there are more
MOST_ROOMS = 200  # that a person has opened

_ADDRESS = f"{PREFIX}studio"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who somebody is: the account (`platform:id`), the name it is shown under, and the role."""

    person: str
    name: str = ""
    role: Role = "member"


@dataclass(frozen=True, slots=True)
class Link:
    """Whom a link signs in, and the room (`platform:name`, or "") that it opens to them; `place` is
    whose cast the room has. Without a person it is an invitation, which signs nobody in."""

    visitor: Visitor
    room: str = ""
    moderator: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is signed in. `csrf` is what its forms carry; `made` is when the token was
    made, in seconds since 1970; `key` is the hash that Redis knows it by."""

    visitor: Visitor
    csrf: str
    made: int
    key: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A room (`platform:name`) that a person may open in the browser, until a time (seconds since
    1970; 0: for good). `moderator`: the person may do there what cannot be undone. `place` is the
    server or chat (`platform:id`) whose cast the room has, "" where it is the person's own."""

    room: str
    title: str = ""
    moderator: bool = False
    until: int = 0
    place: str = ""


class Sessions:
    """All links, sessions and grants. Methods raise MemoryAway when Redis stays away for longer
    than the patience, and MemoryProblem when it refuses for good."""

    def __init__(self, memory: Connection, *, patience: float | None = None) -> None:
        self._memory = memory
        self._patience = patience

    # -- links -----------------------------------------------------------------------------------

    async def invite(self, link: Link) -> str:
        """The code of a link, which is good for one use within ten minutes."""
        code = secrets.token_urlsafe(24)
        text = json.dumps(asdict(link))
        await self._do(lambda: self._redis.set(_link_key(code), text, ex=LINK_SECONDS))
        return code

    async def redeem(self, code: str) -> Link | None:
        """The link of a code, which is used up by this; None: it was used, or is too old.

        From now on its room is open to the visitor, for a day.
        """
        text = await self._do(lambda: self._redis.getdel(_link_key(code)))
        if not text:
            return None
        fields = json.loads(text)
        link = Link(**fields | {"visitor": Visitor(**fields["visitor"])})
        if link.room and link.visitor.person:
            until = int(time.time()) + GRANT_SECONDS
            grant = Grant(link.room, "", link.moderator, until, link.place)
            await self.grant(link.visitor.person, grant)
        return link

    async def is_link(self, code: str) -> bool:
        """Whether a link can still be used."""
        return bool(await self._do(lambda: self._redis.exists(_link_key(code))))

    # -- sessions --------------------------------------------------------------------------------

    async def begin(self, visitor: Visitor, *, language: str = "") -> str:
        """Sign a visitor in. Returns the token for their cookie."""
        token = secrets.token_urlsafe(32)
        key = _hash(token)
        session = Session(visitor, secrets.token_urlsafe(16), int(time.time()), key, language)
        await self._keep(session)
        return token

    async def find(self, token: str) -> Session | None:
        """The session of a token, which lasts for another while; None: there is none (any more)."""
        key = _hash(token)

        async def step() -> Session | None:
            text = await self._redis.get(_session_key(key))
            if not text:
                return None
            session = _session(key, json.loads(text))
            if not await self._redis.sismember(_of(session.visitor.person), key):
                return None
            if int(await self._redis.ttl(_session_key(key))) > OVERLAP_SECONDS:
                await self._redis.expire(_session_key(key), IDLE_SECONDS)
            return session

        found: Session | None = await self._do(step)
        return found

    async def is_signed_in(self, session: Session) -> bool:
        """Whether a session still counts under its key. It is not made to last by this."""

        async def step() -> bool:
            if not await self._redis.exists(_session_key(session.key)):
                return False
            return bool(await self._redis.sismember(_of(session.visitor.person), session.key))

        return bool(await self._do(step))

    async def rotate(self, session: Session) -> str:
        """A fresh token for a session; the old one counts for a minute more. "" while the token
        is young, or is the old one itself."""
        if time.time() - session.made < ROTATE_SECONDS:
            return ""
        left = await self._do(lambda: self._redis.ttl(_session_key(session.key)))
        if int(left) <= OVERLAP_SECONDS:
            return ""  # another request was quicker
        token = secrets.token_urlsafe(32)
        await self._do(lambda: self._redis.expire(_session_key(session.key), OVERLAP_SECONDS))
        await self._keep(replace(session, key=_hash(token), made=int(time.time())))
        return token

    async def change(self, session: Session, *, language: str = "", name: str = "") -> None:
        """Remember the language of a browser's pages, or the name that its visitor goes by."""
        visitor = replace(session.visitor, name=name or session.visitor.name)
        await self._keep(replace(session, visitor=visitor, language=language or session.language))

    async def end(self, session: Session) -> None:
        """Sign one browser out."""

        async def step() -> None:
            await self._redis.srem(_of(session.visitor.person), session.key)
            await self._redis.delete(_session_key(session.key))

        await self._do(step)

    async def end_all(self, person: str) -> int:
        """Sign a person out everywhere. Returns how many sessions they had."""

        async def step() -> int:
            keys = await self._redis.smembers(_of(person))
            await self._redis.delete(_of(person))
            for key in keys:  # each has a slot of its own
                await self._redis.delete(_session_key(key))
            return len(keys)

        return int(await self._do(step))

    async def _keep(self, session: Session) -> None:
        key, person = session.key, session.visitor.person
        fields = asdict(session)
        del fields["key"]

        async def step() -> None:
            await self._redis.set(_session_key(key), json.dumps(fields), ex=IDLE_SECONDS)
            await self._redis.sadd(_of(person), key)
            await self._redis.expire(_of(person), IDLE_SECONDS)
            keys = [each for each in await self._redis.smembers(_of(person)) if each != key]
            made: list[tuple[int, str]] = []
            for each in keys:
                text = await self._redis.get(_session_key(each))
                if text is None:
                    await self._redis.srem(_of(person), each)
                else:
                    made.append((int(json.loads(text)["made"]), each))
            for _, each in sorted(made)[: max(0, len(made) + 1 - MOST_SESSIONS)]:
                await self._redis.srem(_of(person), each)
                await self._redis.delete(_session_key(each))

        await self._do(step)

    # -- rooms -----------------------------------------------------------------------------------

    async def grant(self, person: str, grant: Grant) -> None:
        """Let a person open a room in the browser."""
        fields = asdict(grant)
        room = fields.pop("room")

        async def step() -> None:
            key = person_key(person, "web")
            if int(await self._redis.hlen(key)) >= MOST_ROOMS:
                rows = _grants(await self._redis.hgetall(key))
                oldest = min(rows, key=lambda one: one.until or float("inf"))
                await self._redis.hdel(key, oldest.room)
            await self._redis.hset(key, room, json.dumps(fields, ensure_ascii=False))
            await self._redis.expire(key, 400 * 86_400)

        await self._do(step)

    async def withdraw(self, person: str, room: str) -> None:
        """Let a person open a room no more."""
        await self._do(lambda: self._redis.hdel(person_key(person, "web"), room))

    async def grants(self, person: str) -> dict[str, Grant]:
        """The rooms that a person may open now, by `platform:name`."""
        rows = await self._do(lambda: self._redis.hgetall(person_key(person, "web")))
        now = time.time()
        return {one.room: one for one in _grants(rows) if not one.until or one.until > now}

    # -- where it is -----------------------------------------------------------------------------

    async def announce(self, address: str) -> None:
        """Say where the pages are, to all processes; to be said again every half minute."""
        await self._do(lambda: self._redis.set(_ADDRESS, address, ex=ADDRESS_SECONDS))

    async def address(self) -> str:
        """Where the pages are; "" when nobody serves them."""
        return str(await self._do(lambda: self._redis.get(_ADDRESS)) or "")

    async def _do(self, step: Any) -> Any:
        return await self._memory.lasting(step, None, self._patience)

    @property
    def _redis(self) -> Any:
        return self._memory.redis  # which is made anew when the server has moved


def _hash(secret: str) -> str:
    """What is stored of a secret: whoever reads Redis or a backup cannot sign in with it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _link_key(code: str) -> str:
    return f"{PREFIX}{{login:{_hash(code)}}}"


def _session_key(key: str) -> str:
    return f"{PREFIX}{{session:{key}}}"


def _of(person: str) -> str:
    return person_key(person, "sessions")


def _session(key: str, fields: dict[str, Any]) -> Session:
    return Session(
        Visitor(**fields["visitor"]),
        str(fields["csrf"]),
        int(fields["made"]),
        key,
        str(fields.get("language", "")),
    )


def _grants(rows: Mapping[str, str]) -> list[Grant]:
    return [Grant(room, **json.loads(text)) for room, text in rows.items()]
