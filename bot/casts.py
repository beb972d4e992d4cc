"""Who can be summoned where: the shipped cast, and the characters that people made.

    casts = house.casts
    cast = await casts.of("discord:1234")                  # of a server, a chat
    cast = await casts.of("", person="discord:42")         # of somebody's private chat
    entry = await casts.keep(character, "discord:42", "place", place="discord:1234")
    await casts.withdraw(entry.id)

Stored characters are read once and held in the process; before each message one number is asked of
Redis, which every change counts up. So a character that another process made a moment ago is found,
and one that was withdrawn is not. The shipped cast cannot be changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot.discovery import ranked
from bot.memory import ConnectionCallback, Memory
from bot.memory.characters import (
    GONE,
    MOST_CHARACTERS,
    MOST_OF_A_PERSON,
    MOST_OF_A_PLACE,
    CharacterStore,
    Entry,
    NameTaken,
    Overtaken,
    Reach,
    Setting,
    TooMany,
    nameless,
)
from bot.memory.keys import tag
from bot.memory.popularity import Popular, Popularity
from characters.bounds import too_long
from characters.card import Cast, Character, UnknownCharacter, Words
from characters.words import SaidProblem
from text.folding import fold

__all__ = ["CastProblem", "Casts", "Entry", "Reach", "Setting"]

SHORTEST_NAME = 2  # folded characters; a shorter one stands in every second sentence
# Words that mean somebody else in every room.
_NOBODYS_NAMES = frozenset(
    re.findall(
        r"\w+",
        "旁白 全部 全体 所有人 大家 我们 你们 他们 她们 咱们 自己 narrator system assistant user "
        "all everyone everybody nobody none",
    )
)
MOST_HELD = 512  # casts of places that are held while nothing changes

IS_SOMEBODYS = Words(
    "「{}」已经是{}的名字了，请换一个。", "“{}” is {}'s name already; please choose another."
)
TOO_LONG = Words("{}太长：有 {}，最多 {}。", "{} is too long: {}, at most {}.")
TOO_MANY = {
    "owner": Words("每人最多 {} 个角色。", "A person may have {} characters at most."),
    "place": Words("这里最多 {} 个角色。", "Here may be {} characters at most."),
    "all": Words("最多存 {} 个角色。", "{} characters are stored at most."),
}
_MOST = {"owner": MOST_OF_A_PERSON, "place": MOST_OF_A_PLACE, "all": MOST_CHARACTERS}
NO_NAME = Words(
    "「{}」不能当名字：太短，或者是常用的词。",
    "“{}” cannot be a name: it is too short, or a word that everybody uses.",
)
NOT_CHANGED = Words(
    "刚才别人改了这个角色，请再看一眼。",
    "Somebody else changed this character just now; look again.",
)
SHIPPED = Words(
    "{}是本来就有的角色，不能改。", "{} belongs to the cast that was shipped and stays."
)
NOT_WAITING = Words("没有叫「{}」的角色在等审核。", "No character called “{}” waits for approval.")
NOBODYS = Words("没有叫「{}」的角色。", "No character is called “{}”.")


class CastProblem(SaidProblem):
    """A character that cannot be kept, changed or withdrawn; `told` is one sentence on why."""


class Casts:
    """The casts of all places. `shipped` is the cast of the files.

    What waits for Redis raises MemoryAway when it stays away for longer than the patience, and
    MemoryProblem when it refuses for good.
    """

    def __init__(self, memory: Memory, shipped: Cast) -> None:
        self._memory = memory
        self.shipped = shipped
        self._store = CharacterStore(memory)
        self.popularity = Popularity(memory)
        self._by_id = {character.id: character for character in shipped}
        self._version = -1  # nothing was read yet
        self._entries: dict[str, Entry] = {}
        self._gone: dict[str, Character] = {}
        self._settings: dict[str, Setting] = {}
        self._held: dict[tuple[str, str], Cast] = {}
        self._reading = asyncio.Lock()

    # -- reading ---------------------------------------------------------------------------------

    async def refresh(self, on_connection: ConnectionCallback | None = None) -> None:
        """See what other processes have changed; mostly one number is asked for, and no more."""
        store = CharacterStore(self._memory, on_connection)
        if await store.version() == self._version:
            return
        async with self._reading:
            changes = await store.since(self._version)
            if changes.whole:
                self._entries, self._gone, self._settings = {}, {}, {}
            for character_id, found in changes.entries.items():
                self._entries.pop(character_id, None)
                if isinstance(found, Entry):
                    self._entries[character_id] = found
                    self._gone.pop(character_id, None)
                else:
                    self._gone[character_id] = found
            self._settings |= changes.settings
            self._version = changes.version
            self._held.clear()

    async def of(self, place: str, *, person: str = "", alone: bool = False) -> Cast:
        """Who can be summoned in a place (`platform:id` of a server or chat); in a private chat,
        where `place` is "", and wherever they are `alone` with the bot, also all that `person`
        made."""
        await self.refresh()
        return self.now(place, person=person, alone=alone)

    def now(self, place: str, *, person: str = "", alone: bool = False) -> Cast:
        """The same as of the last `refresh`."""
        if place and not alone:
            person = ""
        held = self._held.get((place, person))
        if held is None:
            if len(self._held) >= MOST_HELD:
                self._held.clear()
            held = self._held[place, person] = Cast(tuple(self._made_of(place, person)))
        return held

    def _made_of(self, place: str, person: str) -> Iterator[Character]:
        mode = self.setting(place).mode
        if mode != "own":
            yield from self.shipped
        if mode == "shipped":
            return
        entries = sorted(self._entries.values(), key=lambda entry: (entry.made, entry.id))
        # Those of here come first: a name that is everybody's, too, means the one of here.
        for entry in entries:
            mine = bool(person) and entry.owner == person
            here = bool(place) and entry.place == place and entry.reach == "place"
            if mine or (here and not entry.waiting):
                yield entry.character
        if mode == "both":
            for entry in entries:
                mine = bool(person) and entry.owner == person
                if entry.reach == "everywhere" and not entry.waiting and not mine:
                    yield entry.character

    def __getitem__(self, character_id: str) -> Character:
        """Any character by its id: shipped, stored, or the name of one that was withdrawn.

        Raises:
            UnknownCharacter: there never was one.
        """
        if found := self._by_id.get(character_id) or self._gone.get(character_id):
            return found
        if entry := self._entries.get(character_id):
            return entry.character
        if _is_stored(character_id):  # it was withdrawn long ago
            return nameless(character_id, GONE)
        raise UnknownCharacter(character_id)

    def is_gone(self, character_id: str) -> bool:
        """Whether it was a stored character, and is withdrawn."""
        return _is_stored(character_id) and character_id not in self._entries

    def entry(self, character_id: str) -> Entry | None:
        """What is stored of a character; None for one that was shipped."""
        return self._entries.get(character_id)

    def entries(self) -> tuple[Entry, ...]:
        """All stored characters, in the order in which they were made."""
        return tuple(sorted(self._entries.values(), key=lambda entry: (entry.made, entry.id)))

    def setting(self, place: str) -> Setting:
        """What a place has decided."""
        return self._settings.get(place, Setting())

    async def face(self, character_id: str) -> bytes | None:
        """The picture of a stored character, a PNG; None without one."""
        return await self._store.face(character_id)

    # -- changing --------------------------------------------------------------------------------

    async def keep(
        self,
        character: Character,
        owner: str,
        reach: Reach = "private",
        *,
        place: str = "",
        waiting: bool = False,
        face: bytes | None = None,
    ) -> Entry:
        """Store a character, new or changed; its id says which, and a new one is given one.

        `owner` is an account, or "" for nobody in particular; `place` the server or chat that it
        is made for; `waiting`: it is not seen there until somebody approves it; `face` a PNG, b""
        takes the picture away and None leaves it.

        Raises:
            CastProblem: it is too long, a name is somebody's, there are too many. Nothing is kept.
        """
        await self.refresh()
        if reach == "place" and not place:
            reach = "private"  # a private chat is no place of others
        before = self._entries.get(character.id)
        if before is None:
            if character.id in self._by_id:
                raise CastProblem(SHIPPED, character.name["zh"])
            character = replace(character, id=f"{_PREFIX}{secrets.token_hex(6)}")
        self.check(character)
        folded = tuple(dict.fromkeys(map(fold, _called(character))))
        scope = "*" if reach == "everywhere" else tag(place if reach == "place" else owner)
        now = round(time.time(), 3)
        entry = Entry(
            character,
            owner,
            reach,
            place,
            waiting=waiting,
            made=before.made if before else now,
            changed=now,
            face=_digest(face) if face is not None else before.face if before else "",
            names=tuple(f"{scope} {name}" for name in folded),
        )
        taken = dict.fromkeys(f"{each} {name}" for each in ("*", scope) for name in folded)
        try:
            return await self._store.keep(entry, before, taken=taken, face=face)
        except NameTaken as problem:
            shown = next(n for n in _called(character) if fold(n) == problem.name)
            await self.refresh()
            raise CastProblem(IS_SOMEBODYS, shown, self[problem.whose].name["zh"]) from problem
        except TooMany as problem:
            raise CastProblem(TOO_MANY[problem.of], _MOST[problem.of]) from problem
        except Overtaken as problem:
            raise CastProblem(NOT_CHANGED) from problem
        finally:
            await self.refresh()

    def check(self, character: Character) -> None:
        """Whether a character could be kept anywhere.

        Raises:
            CastProblem: a text is too long, or a name means somebody else in every place.
        """
        if bound := too_long(character):
            raise CastProblem(TOO_LONG, bound.key, bound.length, bound.limit)
        for name in _called(character):
            if len(fold(name)) < SHORTEST_NAME or fold(name) in _NOBODYS_NAMES:
                raise CastProblem(NO_NAME, name)
            if whose := self.shipped.owner(name):
                raise CastProblem(IS_SOMEBODYS, name, whose.name["zh"])

    async def withdraw(self, character_id: str, *, nameless: bool = False) -> Entry:
        """Take a stored character away; its lines stay, under its name unless `nameless`. Returns
        what it was.

        Raises:
            CastProblem: it was shipped, or there is none.
        """
        while True:
            await self.refresh()
            entry = self._entries.get(character_id)
            if entry is None:
                shipped = self._by_id.get(character_id)
                raise (
                    CastProblem(SHIPPED, shipped.name["zh"])
                    if shipped
                    else CastProblem(NOBODYS, character_id)
                )
            try:
                await self._store.withdraw(entry, nameless=nameless)
            except Overtaken:
                continue
            await self.refresh()
            return entry

    async def review(self, character_id: str, *, approved: bool) -> Entry:
        """Decide about a character that waits: it can be summoned in its place, or it is its
        maker's alone; withdrawn where it has no maker any more. Returns it as it is now.

        Raises:
            CastProblem: it does not wait (any more), or somebody changed it in this moment.
        """
        await self.refresh()
        entry = self._entries.get(character_id)
        if entry is None or not entry.waiting:
            stored = _is_stored(character_id)
            name = self[character_id].name["zh"] if stored else character_id
            raise CastProblem(NOT_WAITING, name)
        if not approved and not entry.owner:
            return await self.withdraw(character_id)
        decided = replace(entry, waiting=False, changed=round(time.time(), 3))
        if not approved:
            # Its names are not claimed: the maker may have another private one of the same name.
            decided = replace(decided, reach="private", names=())
        try:
            return await self._store.keep(decided, entry, taken=())
        except Overtaken as problem:
            raise CastProblem(NOT_CHANGED) from problem
        finally:
            await self.refresh()

    async def find(
        self,
        query: str = "",
        *,
        place: str = "",
        person: str = "",
        alone: bool = False,
        by: str = "match",
    ) -> list[tuple[Character, Popular]]:
        """Who can be summoned in a place, found by words in names and descriptions, or sorted by
        "popular", "new" or "rated"; with how often that happened here and in all."""
        characters = (await self.of(place, person=person, alone=alone)).characters
        counts = await self.popularity.counts([c.id for c in characters], place)
        made = {entry.id: entry.made for entry in self._entries.values()}
        found = ranked(characters, counts, made, query=query, by=by)
        return [(character, counts[character.id]) for character in found]

    async def decide(self, place: str, setting: Setting) -> None:
        """Set what can be summoned in a place, and who may make characters for it."""
        await self._store.set(place, setting)
        await self.refresh()

    async def move(self, old: str, new: str) -> None:
        """A place has another name now (`platform:id`): its cast goes with it. What is done already
        is not done twice."""
        await self.refresh()
        if old in self._settings:
            await self.decide(new, self._settings[old])
        for entry in self.entries():
            if entry.place == old:
                given = (entry.character, entry.owner, entry.reach)
                await self.keep(*given, place=new, waiting=entry.waiting)

    async def owned_by(self, accounts: Iterable[str]) -> list[Entry]:
        """The stored characters of these accounts."""
        ids = await self._store.owned_by(accounts)
        await self.refresh()
        return [self._entries[each] for each in ids if each in self._entries]


_PREFIX = "c_"


def _called(character: Character) -> list[str]:
    """The names that people call a character by: all but its id."""
    return [name for name in character.names if name != character.id]


def _is_stored(character_id: str) -> bool:
    return character_id.startswith(_PREFIX)


def _digest(face: bytes) -> str:
    return hashlib.sha256(face).hexdigest()[:16] if face else ""
