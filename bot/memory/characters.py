"""Characters that people made, in Redis: their cards, owners, and where they may appear.

    store = CharacterStore(memory)
    await store.keep(entry, taken=("* xiaobai",))       # made or changed, whole or not at all
    version, entries, settings = await store.since(0)   # what changed; a process keeps the rest
    await store.withdraw(entry)

Every change counts up one version, so that a process asks for one number to know that nothing has
changed. A name is claimed in the step that keeps its character: two people who take the same one at
the same moment do not both get it. All keys have one hash tag, `{cast}`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Literal, TypeVar, cast

from bot.memory.connection import Connection, ConnectionCallback
from bot.memory.keys import PREFIX, tag
from bot.memory.reports import clear_reports
from characters.card import Character, Words, read_card
from characters.fields import as_table

# Where a character may appear: where its owner is alone with the bot, in the place (a server, a
# chat) that it was made for, or in every place.
Reach = Literal["private", "place", "everywhere"]
# What can be summoned in a place: the cast that was shipped, the characters made there, or both
# (and then those that are made for every place, too).
Mode = Literal["both", "shipped", "own"]
# What becomes of a character that somebody who is no moderator makes for a place.
Review = Literal["approve", "free", "off"]

MOST_OF_A_PERSON = 20
MOST_OF_A_PLACE = 200
MOST_CHARACTERS = 5000
GONE = Words("（已离开）", "(gone)")  # the name of whom nothing is known any more
KEPT_GONE = 5000  # names of withdrawn characters, under which their lines are shown

_SCRIPT = resources.files(__package__).joinpath("characters.lua").read_text("utf-8")
_SET = """
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[3]), ARGV[3])
"""
_SETTING = "place "  # before a place, among what has changed

T = TypeVar("T")


class NameTaken(ValueError):
    """A name that another stored character holds; `whose` is its id."""

    def __init__(self, name: str, whose: str) -> None:
        super().__init__(f"{name!r} is the name of {whose}")
        self.name, self.whose = name, whose


class TooMany(ValueError):
    """There are as many characters as there may be: `of` an "owner", a "place", or "all"."""

    def __init__(self, of: str) -> None:
        super().__init__(f"too many characters: {of}")
        self.of = of


class Overtaken(RuntimeError):
    """Somebody else changed the character since it was read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored character, and whose it is.

    `owner` is an account (`platform:id`), or "" when it is nobody's any more; `place` is
    `platform:id` of a server or chat, and "" for a private chat. `waiting`: it was made for a place
    and nobody has approved it yet. Times are seconds since 1970. `face` is a digest of its picture,
    "" without one. `record` is the JSON that it was read from.
    """

    character: Character
    owner: str
    reach: Reach = "private"
    place: str = ""
    waiting: bool = False
    made: float = 0.0
    changed: float = 0.0
    face: str = ""
    names: tuple[str, ...] = ()  # folded, each with its scope before it
    record: str = ""

    @property
    def id(self) -> str:
        return self.character.id


@dataclass(frozen=True, slots=True)
class Setting:
    """What a place has decided about its cast."""

    mode: Mode = "both"
    review: Review = "approve"


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed after a version: `entries` by id, with a stub for what was withdrawn, and
    settings by place. `whole`: this is all there is, and nothing known before counts."""

    version: int
    entries: dict[str, Entry | Character]
    settings: dict[str, Setting]
    whole: bool = False


class CharacterStore:
    """The stored characters of all processes.

    All methods raise MemoryAway when Redis stays away for longer than the patience, and
    MemoryProblem when it refuses for good.
    """

    def __init__(self, memory: Connection, on_connection: ConnectionCallback | None = None) -> None:
        self._memory = memory
        self._on_connection = on_connection

    async def keep(
        self,
        entry: Entry,
        before: Entry | None,
        *,
        taken: Iterable[str],
        face: bytes | None = None,
    ) -> Entry:
        """Store a character in place of `before` (None: it is new). `taken` are the names that no
        other one may hold; `face` is a PNG, b"" takes the picture away. Returns it as stored.

        Raises:
            NameTaken, TooMany, Overtaken: nothing was changed.
        """
        entry = replace(entry, record=_record(entry))
        ask: dict[str, Any] = {
            "record": entry.record,
            "names": list(entry.names),
            "taken": list(taken),
            "most": [
                MOST_OF_A_PERSON if entry.owner else MOST_CHARACTERS,
                MOST_OF_A_PLACE if entry.place else MOST_CHARACTERS,
                MOST_CHARACTERS,
            ],
        }
        if face is not None:
            ask["face"] = base64.b64encode(face).decode("ascii")
        await self._change(entry, before, ask)
        return entry

    async def withdraw(self, entry: Entry, *, nameless: bool = False) -> None:
        """Take a character away, and what was reported about it. Its name stays for the lines that
        it has said; not even that when it goes `nameless`.

        Raises:
            Overtaken: it was changed meanwhile, and is still there.
        """
        stub = "" if nameless else _stub(entry.character)
        await self._change(entry, entry, {"record": "", "stub": stub})
        await clear_reports(self._memory, None, character=entry.id)

    async def _change(self, entry: Entry, before: Entry | None, ask: dict[str, Any]) -> None:
        expect = before.record if before else ""
        ask |= {"id": entry.id, "expect": expect, "kept_gone": KEPT_GONE}
        was = before or entry
        keys = [_key(part) for part in ("cards", "gone", "names", "changed", "version", "faces")]
        keys += [_of(entry.owner), _at(entry.place), _of(was.owner), _at(was.place)]
        text = json.dumps(ask, ensure_ascii=False)

        async def step() -> list[str]:
            found = await self._redis.eval(_SCRIPT, len(keys), *keys, text)
            return cast("list[str]", found)

        match await self._lasting(step):
            case ["taken", whose, name]:
                raise NameTaken(name.partition(" ")[2], whose)
            case ["full", of]:
                raise TooMany(of)
            case ["changed", _]:
                raise Overtaken(entry.id)

    async def set(self, place: str, setting: Setting) -> None:
        """Decide about the cast of a place."""
        value = json.dumps([setting.mode, setting.review])

        keys = [_key(part) for part in ("places", "changed", "version")]

        async def step() -> None:
            await self._redis.eval(_SET, len(keys), *keys, place, value, _SETTING + place)

        await self._lasting(step)

    async def version(self) -> int:
        """The number that every change counts up."""

        async def step() -> int:
            return int(await self._redis.get(_key("version")) or 0)

        return await self._lasting(step)

    async def since(self, version: int) -> Changes:
        """What changed after a version that this caller knows; all there is when Redis does not
        know so many (it was restored from a backup)."""

        async def step() -> Changes:
            redis = self._redis
            now = int(await redis.get(_key("version")) or 0)
            whole = version > now
            least = "-inf" if whole else f"({version}"
            rows = await redis.zrangebyscore(_key("changed"), least, "+inf", withscores=True)
            ids = [name for name, _ in rows if not name.startswith(_SETTING)]
            places = [n.removeprefix(_SETTING) for n, _ in rows if n.startswith(_SETTING)]
            kept = await redis.hmget(_key("cards"), ids) if ids else []
            gone = await redis.hmget(_key("gone"), ids) if ids else []
            told = await redis.hmget(_key("places"), places) if places else []
            entries: dict[str, Entry | Character] = {}
            for character_id, record, stub in zip(ids, kept, gone, strict=True):
                entries[character_id] = _entry(record) if record else _withdrawn(character_id, stub)
            settings = {p: _setting(row) for p, row in zip(places, told, strict=True)}
            newest = max([now, *(int(score) for _, score in rows)])
            return Changes(newest, entries, settings, whole)

        return await self._lasting(step)

    async def face(self, character_id: str) -> bytes | None:
        """A character's picture, a PNG; None without one."""

        async def step() -> str | None:
            found = await self._redis.hget(_key("faces"), character_id)
            return cast("str | None", found)

        found = await self._lasting(step)
        return base64.b64decode(found) if found else None

    async def owned_by(self, accounts: Iterable[str]) -> list[str]:
        """Ids of the characters of these accounts."""

        async def step() -> list[str]:
            found: set[str] = set()
            for account in accounts:
                found |= await self._redis.smembers(_of(account))
            return sorted(found)

        return await self._lasting(step)

    async def leave(self, accounts: Iterable[str], *, hand_over: bool = False) -> int:
        """Take away all characters of these accounts, names and all; with `hand_over` those that
        others can summon stay, and are nobody's. Returns how many were theirs. It may be broken
        off and done again."""
        left, seen = await self.of(accounts), set()
        while left:
            entry = left.pop()
            seen.add(entry.id)
            try:
                if hand_over and entry.reach != "private":
                    await self.keep(replace(entry, owner=""), entry, taken=())
                else:
                    await self.withdraw(entry, nameless=True)
            except Overtaken:
                left = await self.of(accounts)
        return len(seen)

    async def of(self, accounts: Iterable[str]) -> list[Entry]:
        """The characters of these accounts."""
        ids = await self.owned_by(accounts)

        async def step() -> list[str | None]:
            found: list[str | None] = await self._redis.hmget(_key("cards"), ids) if ids else []
            return found

        entries = [_entry(record) for record in await self._lasting(step) if record]
        return sorted(entries, key=lambda entry: (entry.made, entry.id))

    async def _lasting(self, step: Callable[[], Awaitable[T]]) -> T:
        return await self._memory.lasting(step, self._on_connection)

    @property
    def _redis(self) -> Any:
        return self._memory.redis


def _key(part: str) -> str:
    return f"{PREFIX}{{cast}}:{part}"


def _of(owner: str) -> str:
    return _key(f"of:{tag(owner)}" if owner else "of:")


def _at(place: str) -> str:
    return _key(f"at:{tag(place)}" if place else "at:")


def _record(entry: Entry) -> str:
    told = {
        "card": as_table(entry.character),
        "owner": entry.owner,
        "reach": entry.reach,
        "place": entry.place,
        "waiting": entry.waiting,
        "made": entry.made,
        "changed": entry.changed,
        "face": entry.face,
        "names": list(entry.names),
    }
    return json.dumps(told, ensure_ascii=False)


def _entry(record: str) -> Entry:
    told = json.loads(record)
    card = read_card(told.pop("card"), "a stored character")
    told["names"] = tuple(told["names"])
    return Entry(card, record=record, **told)


def _stub(character: Character) -> str:
    name = {"zh": character.name.zh, "en": character.name.en}
    return json.dumps({"name": name, "emoji": character.emoji}, ensure_ascii=False)


def _withdrawn(character_id: str, stub: str | None) -> Character:
    if not stub:
        return nameless(character_id, GONE)
    told = json.loads(stub)
    return nameless(character_id, Words(**told["name"]), emoji=told["emoji"])


def nameless(character_id: str, name: Words, *, emoji: str = "") -> Character:
    """A character of which only the name is left."""
    return read_card(
        {
            "id": character_id,
            "language": "zh" if name.zh else "en",
            "name": {k: v for k, v in (("zh", name.zh), ("en", name.en)) if v},
            "greeting": "……",
            "brief": name.zh or name.en,
            "emoji": emoji,
        },
        character_id,
    )


def _setting(row: str | None) -> Setting:
    if not row:
        return Setting()
    mode, review = json.loads(row)
    return Setting(mode, review)
