"""The background task that learns about people from what is said, for all rooms.

    learner.heard("discord:1:2", False, turns)       # after each round; takes no time
    await learner.settle()                           # what was asked to be remembered is

What was asked to be remembered is stored at once. All else when nobody has spoken for a while: then
the model reads what is new in a room, and stops as soon as somebody speaks (`learning` has what it
is asked, and what of its answer is believed).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation import ById
from bot.learning import (
    GRAMMAR,
    LONGEST_ANSWER,
    LONGEST_BOND,
    MOST_LINES,
    ask_for_bond,
    ask_for_facts,
    asked_to_remember,
    bond_in,
    facts_in,
    telling,
    uncalled,
)
from bot.memory import Fact, Known, Memory, MemoryProblem, PersonMemory, RoomMemory, StoredTurn
from bot.memory.keys import stream_order
from bot.voice import Voice
from characters.card import Cast, Language, UnknownCharacter
from characters.prompt import Span
from engine.sequence import EngineError

log = logging.getLogger(__name__)

QUIET = 20.0  # seconds without anybody speaking, until the model may learn
MOST_ROUNDS, MOST_ROOMS = 512, 256  # that wait to be looked through
LONGEST_LINE = 200  # characters of a line that the model reads
LOOK_BACK = 64  # turns of a room that are read at a time
_SUM_UP_FIRST, _SUM_UP_EVERY = 4, 8  # talks of a person with a character


@dataclass(frozen=True, slots=True)
class _Round:
    room: str
    private: bool
    turns: tuple[StoredTurn, ...]


@dataclass(frozen=True, slots=True)
class _Talk:
    """What of a room is looked through: its newest turns, as they stood at `epoch`."""

    room: str
    private: bool
    language: Language
    turns: tuple[StoredTurn, ...]
    memory: RoomMemory
    epoch: int

    async def stands(self) -> bool:
        """Whether nothing of it was edited, deleted or forgotten meanwhile."""
        await self.memory.look()
        return self.memory.state.epoch == self.epoch


class Learner:
    """One for all rooms of a house. `quiet` is how many seconds nobody must have spoken before the
    model learns."""

    def __init__(
        self,
        memory: Memory,
        voice: Voice,
        cast: Cast,
        *,
        by_id: ById | None = None,
        quiet: float = QUIET,
    ) -> None:
        self._memory = memory
        self._voice = voice
        self._by_id: ById = by_id or cast
        self._quiet = quiet
        self._rounds: asyncio.Queue[_Round] = asyncio.Queue(MOST_ROUNDS)
        self._rooms: dict[str, bool] = {}  # room -> private, where something is to be learned
        self._read: set[tuple[str, str]] = set()  # turns of the room in hand, and their words
        self._closing = False
        self._comings = 0  # how often somebody spoke, and when last
        self._came_at = float("-inf")
        self._worker: asyncio.Task[None] | None = None
        self._names = tuple(name for character in cast for name in character.names)

    def interrupt(self) -> None:
        """Somebody speaks: the model is theirs."""
        self._comings += 1
        self._came_at = time.monotonic()

    def heard(self, room: str, private: bool, turns: Sequence[StoredTurn]) -> None:
        """A round was played: what a person said, and what was answered. Returns at once."""
        try:
            self._rounds.put_nowait(_Round(room, private, _learnable(turns, private)))
        except asyncio.QueueFull:
            # It is found again when the room is looked through in idle time.
            log.warning("more is said than can be looked through for what to remember")
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="learning")

    async def settle(self) -> None:
        """Wait until all that was asked to be remembered is."""
        await self._rounds.join()

    async def learned(self) -> None:
        """Wait until the model has looked through all that was heard."""
        if self._worker:
            await self._worker

    async def close(self) -> None:
        """End the task. What was not looked through is found again."""
        self._closing = True
        if self._worker:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(self._worker, return_exceptions=True)

    def name(self, character_id: str, language: Language) -> str:
        """A character's shown name."""
        try:
            return self._by_id[character_id].name[language]
        except UnknownCharacter:
            return character_id

    async def _work(self) -> None:
        while not self._closing:
            try:
                # Not wait_for: it may swallow our being cancelled (until Python 3.12).
                async with asyncio.timeout(self._quiet):
                    heard = await self._rounds.get()
            except TimeoutError:
                if not self._rooms:
                    return
                if time.monotonic() - self._came_at < self._quiet:
                    continue
                await self._learn(*next(iter(self._rooms.items())))
                continue
            self._rooms[heard.room] = heard.private
            while len(self._rooms) > MOST_ROOMS:
                del self._rooms[next(iter(self._rooms))]
            try:
                await self._at_once(heard)
            except MemoryProblem as problem:
                log.warning("nothing was learned from a round in %s: %s", heard.room, problem)
            finally:
                self._rounds.task_done()

    async def _at_once(self, heard: _Round) -> None:
        speaker = ""
        talks: dict[str, set[str]] = {}
        for kept in heard.turns:
            if kept.turn.side == "human":
                speaker = kept.person
                await self.keep_asked(kept, heard.room, heard.private)
            elif kept.turn.side == "character" and speaker:
                talks.setdefault(speaker, set()).add(kept.turn.speaker)
        for person, characters in talks.items():
            memory = self._memory.person(person)
            await memory.talked(sorted(characters), private=heard.private, since=heard.room)

    async def keep_asked(self, kept: StoredTurn, room: str, private: bool) -> None:
        """Store what a turn asks to be remembered of who said it."""
        # What somebody only passes on is nothing that they tell of themselves.
        mine = kept.person and not kept.forwarded
        told = asked_to_remember(kept.turn.text, self._names) if mine else ()
        facts = [
            Fact(
                text,
                room=room,
                private=private,
                # Said to an empty stage it is said to the house.
                heard=kept.turn.witnesses or None,
                pinned=True,
                turn=kept.id,
            )
            for text in told
        ]
        if facts:
            await self._memory.person(kept.person).learn(facts, since=room)

    async def _learn(self, room: str, private: bool) -> None:
        """In idle time: look through what is new in a room, unless somebody speaks meanwhile."""
        try:
            done = await self._look_through(room, private)
        except (MemoryProblem, EngineError) as problem:
            log.warning("nothing was learned in %s: %s", room, problem)
            done = True
        if done:
            self._rooms.pop(room, None)
            self._read.clear()

    async def _look_through(self, room: str, private: bool) -> bool:
        platform, _, name = room.partition(":")
        memory = self._memory.room(platform, name)
        await memory.look()
        mark = await self._memory.looked_through(room)
        new = [kept for kept in memory.turns if stream_order(kept.id) > stream_order(mark)][
            -LOOK_BACK:
        ]
        language = memory.state.language or "zh"
        learnable = _learnable(new, private)
        talk = _Talk(room, private, language, learnable, memory, memory.state.epoch)
        for person in dict.fromkeys(kept.person for kept in new if kept.person):
            if not await self._learn_of(person, talk):
                return False
        if new:
            await self._memory.looked_through(room, new[-1].id)
        return True

    async def _learn_of(self, person: str, talk: _Talk) -> bool:
        """Facts and bonds of one person. False: somebody spoke meanwhile."""
        memory = self._memory.person(person)
        known = await memory.known()
        if known.profile.leaving or not (talk.private or known.profile.in_groups):
            return True
        mine = [
            kept
            for kept in talk.turns
            if kept.person == person and kept.turn.side == "human" and not kept.forwarded
        ]
        for kept in mine:
            await self.keep_asked(kept, talk.room, talk.private)
        name = mine[-1].turn.speaker if mine else ""
        if not await self._learn_facts(memory, mine, talk):
            return False
        return await self._learn_bonds(memory, known, name, talk)

    async def _learn_facts(
        self, memory: PersonMemory, mine: Sequence[StoredTurn], talk: _Talk
    ) -> bool:
        told = [kept for kept in mine if telling([kept.turn.text])][-MOST_LINES:]
        if "facts" not in self._voice.tasks:
            return True
        for kept in told:
            line = uncalled(kept.turn.text, self._names)[:LONGEST_LINE]
            if (kept.id, line) in self._read:
                continue  # before somebody spoke
            spans = ask_for_facts(line, talk.language, self._voice.served.style.markup)
            answer = await self._ask(spans, LONGEST_ANSWER, GRAMMAR)
            if answer is None or not await talk.stands():
                return False
            facts = [
                Fact(
                    learned.text,
                    room=talk.room,
                    private=talk.private,
                    heard=kept.turn.witnesses,
                    sure=learned.sure,
                    turn=kept.id,
                )
                for learned in facts_in(answer, [line])
            ]
            await memory.learn(facts, since=talk.room)
            self._read.add((kept.id, line))
        return True

    async def _learn_bonds(
        self, memory: PersonMemory, known: Known, name: str, talk: _Talk
    ) -> bool:
        if "bonds" not in self._voice.tasks:
            return True
        for (character, scope), bond in known.bonds.items():
            often = bond.talks >= _SUM_UP_FIRST and bond.talks % _SUM_UP_EVERY == 0
            if scope != talk.private or not (
                often or (bond.talks >= _SUM_UP_FIRST and not bond.summary)
            ):
                continue
            shown = self.name(character, talk.language)
            said = [
                (shown if k.turn.side == "character" else name, k.turn.text[:LONGEST_LINE])
                for k in talk.turns
                if (k.person == memory.person and not k.forwarded and k.turn.heard_by(character))
                or (k.turn.side == "character" and k.turn.speaker == character)
            ][-MOST_LINES:]
            markup = self._voice.served.style.markup
            spans = ask_for_bond(said, name, shown, talk.language, markup)
            answer = await self._ask(spans, LONGEST_BOND)
            if answer is None or not await talk.stands():
                return False
            if summary := bond_in(answer, said):
                await memory.sum_up(character, summary, private=talk.private, since=talk.room)
        return True

    async def _ask(self, spans: tuple[Span, ...], longest: int, grammar: str = "") -> str | None:
        """The model's answer, "" where it has none; None as soon as somebody speaks."""
        comings = self._comings
        return await self._voice.answer(
            spans,
            longest,
            grammar=grammar,
            room="learning",
            ends=lambda: comings != self._comings or not self._rounds.empty(),
        )


def _learnable(turns: Sequence[StoredTurn], private: bool) -> tuple[StoredTurn, ...]:
    """The turns from which something may be learned: of what was whispered in a group nothing is,
    as it might come up where others read along."""
    return tuple(kept for kept in turns if private or not kept.turn.whispered)
