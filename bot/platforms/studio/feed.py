"""One room as browsers see it: its transcript, its growing line, its notices, and who is on stage.

    feed = Feed()                                    # the stage of a room of our own
    feed.join(room)                                  # from now on the room's changes are seen
    feed.join(room, beside=stage)                    # a room of a chat: shown there, too
    with feed.watched(): ...                         # while somebody looks

The truth is the room's memory. A feed is told that something changed (`RoomMemory.on_change`) and
reads it; what only a stage is told, growing lines and notices, goes into the log directly.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bot import notices
from bot.commands import Order, read
from bot.drafts import Pace
from bot.memory import MemoryProblem, Visitor
from bot.platforms.studio.transcript import Item, Transcript, audible, speaker_of
from bot.room import Room
from bot.stage import Audible, Line, Message, Stage
from speech.sound import Sound

log = logging.getLogger(__name__)

MOST_NOTICES = 20
MOST_FILES = 4  # of a room, in the process
NOTICES_STAY = 600.0  # seconds
GROWTH = 0.2  # seconds between two snapshots of a growing line
LOOK = 0.4  # seconds between two looks at who is speaking, while somebody is answered


class Feed:
    """A `bot.stage.Stage` that browsers watch. Everything is called from one event loop."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.viewers = 0
        self.room: Room | None = None
        self._beside: Stage | None = None
        self._beside_pace = Pace()
        self._notices: deque[Item] = deque(maxlen=MOST_NOTICES)
        self._asking: Counter[str] = Counter()  # people whose orders from a browser are open
        self._changed = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._files: dict[str, tuple[str, bytes]] = {}

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
        await self.transcript.refresh(self.room)

    def items(self, person: str) -> list[Item]:
        """What a page shows to this person, in order."""
        now = time.time()
        told = [n for n in self._notices if n.to in ("", person) and now - n.at < NOTICES_STAY]
        said = [item for item in self.transcript.items.values() if item.to in ("", person)]
        return sorted((*said, *told), key=lambda item: item.seq)

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
        reply_to: str = "",
    ) -> None:
        """Say something in the room, as a reply to what stands at a place; where a chat shows it
        too, it is said there as well.

        Raises:
            MemoryProblem: it cannot be kept.
        """
        room, beside = self.room, self._beside
        assert room is not None
        message = Message(visitor.person, visitor.name, text, id, reply_to, moderator)
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
        if here and not _is_told(text, self.room):
            self._told(text, to=to)
        if self._beside is not None and not (to and here):
            await self._beside.notice(text, to=to, secret=secret)

    def _told(self, text: str, *, to: str = "", file: tuple[str, ...] = ()) -> None:
        """Show a notice on the pages."""
        seq, language = self.transcript.next_seq(), self.room.language if self.room else "zh"
        item = Item(
            f"notice {seq}",
            seq,
            "notice",
            text,
            language=language,
            at=time.time(),
            to=to,
            file=file,
        )
        self._notices.append(item)
        self.transcript.log.put(item.key, item)

    async def show(self, line: Line) -> tuple[str, ...]:
        old = self.transcript.items.get(line.id)
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
            room=audible(self.room) if self.room else "",
        )
        self.transcript.put(item)
        self.changed()
        if self._beside is None:
            return (line.id,) if line.done else ()
        if line.done or self._beside_pace.due(line.text, time.monotonic()):
            return await self._beside.show(line)
        return ()

    async def attach(self, name: str, data: bytes) -> str:
        # Whoever asks from a browser is given it there, whoever else may be waiting in one.
        job = self.room.job if self.room else None
        here = job.work.person in self._asking if job else bool(self._asking)
        if self._beside is not None and not here:
            return await self._beside.attach(name, data)
        id = secrets.token_urlsafe(12)
        self._files[id] = (name, data)
        while len(self._files) > MOST_FILES:
            del self._files[next(iter(self._files))]
        key = self.room.key if self.room else ""
        self._told(name, file=("room", key, "file", id))
        return ""

    def file(self, id: str) -> tuple[str, bytes] | None:
        """Name and content of a file that was attached; None: it is not kept any more."""
        return self._files.get(id)

    async def play(self, line: Line, sound: Sound) -> None:
        """A chat that shows the room plays the note; on pages the line's player begins."""
        item = self.transcript.items.get(line.id)
        if item is not None and not item.growing and item.version == line.version:
            self.transcript.put(replace(item, playing=True))
        if isinstance(self._beside, Audible):
            await self._beside.play(line, sound)

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        item = self.transcript.items.get(line_id)
        if item is not None and (not item.turn or places):
            self.transcript.drop(line_id)
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
            room = self.room
            if room is not None and self._changed.is_set():
                self._changed.clear()
                try:
                    await self.transcript.refresh(room)
                except MemoryProblem as problem:
                    log.info("a page could not be brought up to date: %s", problem)
                    return
            if room is None or (room.idle and not self._changed.is_set()):
                return
            speaking = speaker_of(room)
            self.transcript.is_now(replace(self.transcript.now, speaking=speaking))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._changed.wait()


def _is_told(text: str, room: Room | None) -> bool:
    """Whether a notice only repeats the newest turn: the narrator's, or a whispered one."""
    turns = room.memory.turns if room else []
    if room is None or not turns:
        return False
    turn = turns[-1].turn
    if turn.side == "narration":
        return text == notices.NARRATED[room.language].format(turn.text)
    character = room.view.character(turn.speaker) if turn.whispered else None
    if character is None:
        return False
    name = character.name[room.language]
    return text == notices.WHISPERED[room.language].format(name, turn.text)
