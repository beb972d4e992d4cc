"""One room as browsers see it: its transcript, its growing line, its notices, and who is on stage.

    feed = Feed()                                    # the stage of a room of our own
    feed.join(room)                                  # from now on the room's changes are seen
    feed.join(room, beside=stage)                    # a room of a chat: shown there, too
    async with feed.watched(): ...                   # while somebody looks

The truth is the room's memory. A feed is told that something changed (`RoomMemory.on_change`),
reads the transcript, and puts what is different into its log; what only a stage is told, growing
lines and notices, goes there directly.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.commands import Order, read
from bot.drafts import Pace
from bot.memory import MemoryProblem, StoredLine, StoredTurn, Visitor
from bot.memory.keys import stream_order
from bot.platforms.studio.log import Log
from bot.room import Room
from bot.room.orders.table import is_said
from bot.stage import Line, Message, Stage
from characters.card import Language

log = logging.getLogger(__name__)

Kind = Literal["human", "character", "narration", "notice"]

MOST_ITEMS = 150  # on a page; what was before is in the transcript
MOST_NOTICES = 20
NOTICES_STAY = 600.0  # seconds
GROWTH = 0.2  # seconds between two snapshots of a growing line
LOOK = 0.4  # seconds between two looks at who is speaking, while somebody is answered
STAGE = "stage"  # the key of who is on stage and what the scene is


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on a room's page. `seq` orders them; `speaker` is a character's id.

    `turn` is the id of its turn, "" where there is none (yet). A notice `to` somebody is theirs
    alone. `at` is in seconds since 1970.
    """

    key: str
    seq: int
    kind: Kind
    text: str
    speaker: str = ""
    name: str = ""
    language: Language = "zh"
    at: float = 0.0
    version: int = 1
    versions: int = 1
    growing: bool = False
    turn: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Now:
    """What a room is besides its transcript: ids of who is on stage, the scene, who speaks, and the
    key of the last line with its versions."""

    cast: tuple[str, ...] = ()
    place: str = ""
    mood: str = ""
    chapter: int = 0
    note: str = ""
    paused: bool = False
    language: Language = "zh"
    speaking: str = ""
    last: str = ""
    version: int = 0
    versions: int = 0


class Feed:
    """A `bot.stage.Stage` that browsers watch. Everything is called from one event loop."""

    def __init__(self) -> None:
        self.log: Log[Item | Now] = Log()
        self.now = Now()
        self.viewers = 0
        self.room: Room | None = None
        self._beside: Stage | None = None
        self._beside_pace = Pace()
        self._items: dict[str, Item] = {}
        self._notices: deque[Item] = deque(maxlen=MOST_NOTICES)
        self._seq = 0
        self._asking: Counter[str] = Counter()  # people whose orders from a browser are open
        self._changed = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    def join(self, room: Room, *, beside: Stage | None = None) -> None:
        """See to this room from now on."""
        if self.room is not None and self.room is not room:
            self.room.memory.on_change = lambda: None
        self.room, self._beside = room, beside
        room.memory.on_change = self.changed

    async def enter(self) -> None:
        """Read the room as it is.

        Raises:
            MemoryProblem: it cannot be read.
        """
        assert self.room is not None
        await self.room.enter()
        await self._refresh()

    def items(self, person: str) -> list[Item]:
        """What a page shows to this person, in order."""
        now = time.time()
        told = [n for n in self._notices if n.to in ("", person) and now - n.at < NOTICES_STAY]
        return sorted((*self._items.values(), *told), key=lambda item: item.seq)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """While somebody looks."""
        self.viewers += 1
        try:
            yield
        finally:
            self.viewers -= 1

    def keep_open(self) -> None:
        """Somebody still looks: the room stays in the process."""
        if self.room is not None:
            self.room.used = time.monotonic()

    # -- what people do --------------------------------------------------------------------------

    async def hear(
        self,
        visitor: Visitor,
        text: str,
        *,
        id: str,
        moderator: bool,
        kept: Callable[[], object],
    ) -> None:
        """Say something in the room; where a chat shows it too, it is said there as well.

        Raises:
            MemoryProblem: it cannot be kept.
        """
        room, beside = self.room, self._beside
        assert room is not None
        message = Message(visitor.person, visitor.name, text, id=id, moderator=moderator)
        talk = read(text) is None and not room.shared.filter.broken(text)
        repeated: list[asyncio.Task[None]] = []

        def stored() -> None:
            kept()
            if beside is not None and talk:
                said = beside.notice(f"{visitor.name}：{text}")
                repeated.append(asyncio.create_task(said))

        with self._answering(visitor.person):
            await room.hear(message, kept=stored)
        await asyncio.gather(*repeated)

    async def obey(
        self,
        visitor: Visitor,
        order: Order,
        *,
        id: str,
        moderator: bool,
        kept: Callable[[], object],
    ) -> None:
        """Carry out an order that a button gave.

        Raises:
            MemoryProblem: it cannot be kept.
        """
        assert self.room is not None
        with self._answering(visitor.person):
            await self.room.obey(
                order,
                person=visitor.person,
                name=visitor.name,
                moderator=moderator,
                id=id,
                kept=kept,
            )

    @contextlib.contextmanager
    def _answering(self, person: str) -> Iterator[None]:
        self._asking[person] += 1
        self.changed()
        try:
            yield
        finally:
            self._asking[person] -= 1
            if not self._asking[person]:
                del self._asking[person]
            self.changed()

    # -- the room's stage ------------------------------------------------------------------------

    def pace(self) -> Pace:
        self._beside_pace = self._beside.pace() if self._beside else Pace()
        return Pace(seconds=GROWTH)

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        # Whoever asks from a browser is answered there, and whoever asks in the chat, there.
        here = self._beside is None or not to or to in self._asking
        if here:
            self._seq += 1
            language = self.room.language if self.room else "zh"
            item = Item(
                f"notice {self._seq}",
                self._seq,
                "notice",
                text,
                language=language,
                at=time.time(),
                to=to,
            )
            self._notices.append(item)
            self.log.put(item.key, item)
        if self._beside is not None and not (to and here):
            await self._beside.notice(text, to=to, secret=secret)

    async def show(self, line: Line) -> tuple[str, ...]:
        old = self._items.get(line.id)
        item = Item(
            line.id,
            0,
            "character",
            line.text,
            speaker=line.speaker.id,
            name=line.speaker.name[line.language],
            language=line.language,
            at=old.at if old else time.time(),
            version=line.version,
            versions=line.versions,
            growing=not line.done,
            turn=old.turn if old else "",
        )
        self._put(item)
        self.changed()
        if self._beside is None:
            return (line.id,) if line.done else ()
        if line.done or self._beside_pace.due(line.text, time.monotonic()):
            return await self._beside.show(line)
        return ()

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        item = self._items.get(line_id)
        if item is not None and (not item.turn or places):
            self._drop(line_id)
        self.changed()
        if self._beside is not None:
            await self._beside.withdraw(line_id, places)

    # -- what changed ----------------------------------------------------------------------------

    def changed(self) -> None:
        """Something may be different. Takes no time; it is looked at in the background."""
        self._changed.set()
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(), name="studio feed")

    async def settle(self) -> None:
        """Wait until all that changed was looked at, and nobody speaks."""
        while self._following is not None and not self._following.done():
            await asyncio.wait({self._following})

    async def _follow(self) -> None:
        """Look at what changed until nothing does, and nobody is being answered."""
        while True:
            if self._changed.is_set():
                self._changed.clear()
                try:
                    await self._refresh()
                except MemoryProblem as problem:
                    log.info("a page could not be brought up to date: %s", problem)
                    return
            room = self.room
            if room is None or (room.idle and not self._changed.is_set()):
                return
            speaking = room.speaking.id if room.speaking else ""
            if speaking != self.now.speaking:
                self._is_now(replace(self.now, speaking=speaking))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._changed.wait()

    async def _refresh(self) -> None:
        """Bring items and stage up to what the memory holds."""
        room = self.room
        assert room is not None
        lines = await room.memory.lines()
        turns = [turn for turn in room.memory.turns if is_said(turn)]
        mark = stream_order(room.memory.state.mark)
        newest = max((stream_order(i.turn) for i in self._items.values() if i.turn), default=(0, 0))
        present = {turn.line or turn.id for turn in turns}
        if any(
            stream_order(turn.id) < newest and (turn.line or turn.id) not in self._items
            for turn in turns[-MOST_ITEMS:]
        ):
            self._items.clear()  # brought back, before what was said since
            self.log.forget()
        for key, item in list(self._items.items()):
            if item.turn and key not in present and stream_order(item.turn) > mark:
                self._drop(key)
        for turn in turns[-MOST_ITEMS:]:
            self._put(self._item_of(turn, lines.get(turn.line)))
        self._look_at_stage(lines, turns)

    def _item_of(self, stored: StoredTurn, line: StoredLine | None) -> Item:
        room = self.room
        assert room is not None
        turn, key = stored.turn, stored.line or stored.id
        name, speaker = turn.speaker, ""
        if turn.side == "character":
            character = room.view.character(turn.speaker)
            speaker = turn.speaker
            name = character.name[room.language] if character else turn.speaker
        old = self._items.get(key)
        if old is not None and old.growing:
            # Its next version is being written: `show` says when it is done.
            return replace(old, turn=stored.id)
        return Item(
            key,
            0,
            turn.side,
            turn.text,
            speaker=speaker,
            name=name,
            language=room.language,
            at=stream_order(stored.id)[0] / 1000,
            version=line.shown + 1 if line else 1,
            versions=len(line.texts) if line else 1,
            turn=stored.id,
        )

    def _look_at_stage(self, lines: dict[str, StoredLine], turns: Sequence[StoredTurn]) -> None:
        room = self.room
        assert room is not None
        state = room.memory.state
        last = next((t for t in reversed(turns) if t.turn.side == "character"), None)
        line = lines.get(last.line) if last else None
        self._is_now(
            Now(
                cast=state.cast,
                place=state.place,
                mood=state.mood,
                chapter=state.chapter,
                note=state.note,
                paused=state.paused,
                language=room.language,
                speaking=room.speaking.id if room.speaking else "",
                last=last.line if last else "",
                version=line.shown + 1 if line else int(last is not None),
                versions=len(line.texts) if line else int(last is not None),
            )
        )

    def _is_now(self, now: Now) -> None:
        if now != self.now:
            self.now = now
            self.log.put(STAGE, now)

    def _put(self, item: Item) -> None:
        old = self._items.get(item.key)
        if old is None:
            self._seq += 1
        item = replace(item, seq=old.seq if old else self._seq)
        if item == old:
            return
        self._items[item.key] = item
        while len(self._items) > MOST_ITEMS:
            del self._items[next(iter(self._items))]
        if old is None or replace(item, turn=old.turn, at=old.at) != old:
            self.log.put(item.key, item)  # else nothing of it is seen

    def _drop(self, key: str) -> None:
        if self._items.pop(key, None) is not None:
            self.log.put(key, None)
