"""A room's transcript as pages show it: one item a turn, kept up to date with the room's memory.

transcript = Transcript()
await transcript.refresh(room)                   # what is different goes into transcript.log
transcript.put(item)                             # a line that grows, before it is a turn
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.memory import StoredLine, StoredTurn
from bot.memory.keys import stream_order
from bot.platforms.studio.log import Log
from bot.room import Room
from bot.room.orders.table import is_said
from characters.card import Language

Kind = Literal["human", "character", "narration", "notice"]

MOST_ITEMS = 150  # on a page; what was before is in the whole transcript
STAGE = "stage"  # the key of who is on stage and what the scene is


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on a room's page. `seq` orders them; `speaker` is a character's id.

    `turn` is the id of its turn, "" where there is none (yet). What is `to` somebody, a notice or a
    whisper, is theirs alone. `at` is in seconds since 1970. `file` are the parts of the address
    that a notice leads to. `room` is the room's key where the line can be read aloud, else "";
    `playing`: its sound was asked for (/voice), and is ready.
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
    file: tuple[str, ...] = ()
    room: str = ""
    playing: bool = False


@dataclass(frozen=True, slots=True)
class Now:
    """What a room is besides its transcript: ids of who is on stage, the scene, the ways to go on
    that are offered, who speaks, and the key of the last line with its versions."""

    cast: tuple[str, ...] = ()
    place: str = ""
    mood: str = ""
    chapter: int = 0
    note: str = ""
    choices: tuple[str, ...] = ()
    paused: bool = False
    language: Language = "zh"
    speaking: str = ""
    last: str = ""
    version: int = 0
    versions: int = 0


class Transcript:
    """The items of one room, in order, and the log of their changes."""

    def __init__(self) -> None:
        self.log: Log[Item | Now] = Log()
        self.now = Now()
        self.items: dict[str, Item] = {}
        self._seq = 0

    def next_seq(self) -> int:
        """A number greater than that of all items."""
        self._seq += 1
        return self._seq

    async def refresh(self, room: Room) -> None:
        """Bring items and stage up to what the memory holds.

        Raises:
            MemoryProblem: it cannot be read.
        """
        lines = await room.memory.lines()
        turns = [
            turn
            for turn in room.memory.turns
            if is_said(turn) and readable(turn, lines.get(turn.line)) is not None
        ]
        mark = stream_order(room.memory.state.mark)
        newest = max((stream_order(i.turn) for i in self.items.values() if i.turn), default=(0, 0))
        present = {turn.line or turn.id for turn in turns}
        if any(
            stream_order(turn.id) < newest and (turn.line or turn.id) not in self.items
            for turn in turns[-MOST_ITEMS:]
        ):
            self.items.clear()  # brought back, before what was said since
            self.log.forget()
        for key, item in list(self.items.items()):
            if item.turn and key not in present and stream_order(item.turn) > mark:
                self.drop(key)
        for turn in turns[-MOST_ITEMS:]:
            self.put(self._item_of(room, turn, lines.get(turn.line)))
        self._look_at_stage(room, lines, turns)

    def _item_of(self, room: Room, stored: StoredTurn, line: StoredLine | None) -> Item:
        turn, key = stored.turn, stored.line or stored.id
        name, speaker = turn.speaker, ""
        if turn.side == "character":
            character = room.view.character(turn.speaker)
            speaker = turn.speaker
            name = character.name[room.language] if character else turn.speaker
        old = self.items.get(key)
        if old is not None and old.growing:
            # Its next version is being written: `show` says when it is done.
            return replace(old, turn=stored.id)
        version = line.shown + 1 if line else 1
        return Item(
            key,
            0,
            turn.side,
            turn.text,
            speaker=speaker,
            name=name,
            language=room.language,
            at=stream_order(stored.id)[0] / 1000,
            version=version,
            versions=len(line.texts) if line else 1,
            turn=stored.id,
            to=readable(stored, line) or "",
            room=audible(room) if speaker and not turn.whispered else "",
            playing=old is not None and old.playing and old.version == version,
        )

    def _look_at_stage(
        self, room: Room, lines: dict[str, StoredLine], turns: Sequence[StoredTurn]
    ) -> None:
        state = room.memory.state
        aloud = (t for t in reversed(turns) if not t.turn.whispered)
        last = next((t for t in aloud if t.turn.side == "character"), None)
        line = lines.get(last.line) if last else None
        self.is_now(
            Now(
                cast=state.cast,
                place=state.place,
                mood=state.mood,
                chapter=state.chapter,
                note=state.note,
                choices=state.choices,
                paused=state.paused,
                language=room.language,
                speaking=speaker_of(room),
                last=last.line if last else "",
                version=line.shown + 1 if line else int(last is not None),
                versions=len(line.texts) if line else int(last is not None),
            )
        )

    def is_now(self, now: Now) -> None:
        """Note what the room is now."""
        if now != self.now:
            self.now = now
            self.log.put(STAGE, now)

    def put(self, item: Item) -> None:
        """Show an item, in the place where it stood. Its `seq` is given here."""
        old = self.items.get(item.key)
        if old is None:
            self.next_seq()
        item = replace(item, seq=old.seq if old else self._seq)
        if item == old:
            return
        self.items[item.key] = item
        while len(self.items) > MOST_ITEMS:
            del self.items[next(iter(self.items))]
        if old is None or replace(item, turn=old.turn, at=old.at) != old:
            self.log.put(item.key, item)  # else nothing of it is seen

    def drop(self, key: str) -> None:
        """Show an item no more."""
        if self.items.pop(key, None) is not None:
            self.log.put(key, None)


def readable(stored: StoredTurn, line: StoredLine | None) -> str | None:
    """Who may read a turn: "" everybody, a person alone, None nobody (it is not known any more whom
    it was whispered to)."""
    if not stored.turn.whispered:
        return ""
    return stored.person or (line.to if line else "") or None


def audible(room: Room) -> str:
    """The room's key where its lines can be read aloud, else ""."""
    return room.key if room.aloud.possible else ""


def speaker_of(room: Room) -> str:
    """The id of who prepares or writes a line just now, "" for nobody."""
    return room.job.speaker.id if room.job and room.job.speaker else ""
