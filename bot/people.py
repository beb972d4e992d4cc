"""What the house knows of people, as its rooms need it: one object for all rooms.

    people = People(memory, voice, cast)
    await people.came("discord:42", "小明", "discord:1:2", private=False)   # before it is stored
    lines = await people.recall(...)                 # for a reply to them
    people.heard("discord:1:2", False, turns, scene)  # after each round; takes no time
    text = await people.obey(order, ...)             # /memory, /forget and their like

What was asked to be remembered is kept at once, all else when nobody has spoken for a while; then
the model reads what is new, and stops as soon as somebody speaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot import rights
from bot.commands import Order
from bot.learning import (
    GRAMMAR,
    LONGEST_ANSWER,
    MOST_LINES,
    ask_for_bond,
    ask_for_facts,
    asked_to_remember,
    bond_in,
    facts_in,
    telling,
)
from bot.memory import (
    ConnectionCallback,
    Fact,
    Known,
    Memory,
    MemoryProblem,
    StoredTurn,
    linking,
)
from bot.memory.keys import stream_order
from bot.recall import recall
from bot.voice import Voice
from characters.card import Cast, Character, Language, UnknownCharacter
from characters.prompt import Span, encode
from characters.turn import Scene, safe_name
from engine.sequence import EngineError, Sampling

log = logging.getLogger(__name__)

SETTLING = 2.0  # seconds that an order waits for what was just said
QUIET = 20.0  # seconds without anybody speaking, until the model may learn
MOST_ROUNDS, MOST_ROOMS = 512, 256  # that wait to be looked through
LONGEST_LINE = 200  # characters of a line that the model reads
LOOK_BACK = 64  # turns of a room that are read at a time
AFTER = 3600.0  # seconds: how long a line of somebody who opted out stays for the scene
_KEEPING = {"remember", "persona", "optout", "optin", "share", "retention", "link", "unlink"}
_LOOKING = {"memory", "correct", "forget", "export"}
_SUM_UP_FIRST, _SUM_UP_EVERY = 4, 8  # talks of a person with a character


@dataclass(frozen=True, slots=True)
class _Round:
    room: str
    private: bool
    turns: tuple[StoredTurn, ...]


class People:
    """Made once for a house; `close` ends what it does in the background.

    `quiet` is how many seconds nobody must have spoken before the model learns.
    """

    def __init__(self, memory: Memory, voice: Voice, cast: Cast, *, quiet: float = QUIET) -> None:
        self._memory = memory
        self._voice = voice
        self._cast = cast
        self._quiet = quiet
        self._rounds: asyncio.Queue[_Round] = asyncio.Queue(MOST_ROUNDS)
        self._rooms: dict[str, bool] = {}  # room -> private, where something is to be learned
        self._closing = asyncio.Event()
        self._comings = 0  # how often somebody spoke, and when last
        self._came_at = float("-inf")
        self._worker: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._names = tuple(name for character in cast for name in character.names)

    # -- for a reply -----------------------------------------------------------------------------

    async def came(
        self,
        person: str,
        name: str,
        room: str,
        *,
        private: bool,
        language: Language | None = None,
        on_connection: ConnectionCallback | None = None,
    ) -> None:
        """Somebody speaks in a room; to be called before what they say is stored.

        `on_connection` is called when Redis goes away and comes back.

        Raises:
            MemoryAway, MemoryProblem: it cannot be kept now.
        """
        self._comings += 1
        self._came_at = time.monotonic()
        await self._memory.person(person, on_connection).came(room, name, language, private=private)

    async def recall(
        self,
        person: str,
        character: Character,
        room: str,
        *,
        private: bool,
        scene: Scene,
        query: str,
        budget: int,
        measure: Callable[[str], int],
        on_connection: ConnectionCallback | None = None,
    ) -> tuple[str, ...]:
        """What a character remembers of whom it answers: lines for `Tail.memory`, of at most
        `budget` tokens as `measure` counts them.

        Of others who are present nothing is told: what somebody told a character is for talk with
        that somebody.

        Raises:
            MemoryAway, MemoryProblem: it cannot be read now.
        """
        if not person or budget <= 0:
            return ()
        known = await self._memory.person(person, on_connection).known()
        return recall(
            known,
            name=self._called(known, scene),
            character=character.id,
            room=room,
            private=private,
            query=query,
            language=scene.language,
            budget=budget,
            measure=measure,
        )

    def _called(self, known: Known, scene: Scene) -> str:
        """The name that the person stands under in the transcript."""
        name = safe_name(known.name, self._names)
        people = [turn.speaker for turn in scene.turns if turn.side == "human"]
        return name if name in people or not people else people[-1]

    async def rememberable(self, turns: Sequence[StoredTurn], private: bool) -> list[StoredTurn]:
        """The turns without those of people who may not be remembered in groups, and without what
        was answered to them: nothing of these goes into a summary.

        Raises:
            MemoryAway, MemoryProblem: it cannot be read now.
        """
        if private:
            return list(turns)
        out = set()
        for person in {kept.person for kept in turns} - {""}:
            known = await self._memory.person(person).known()
            if not known.profile.in_groups:
                out.add(person)
        left, theirs = [], False
        for kept in turns:
            if kept.turn.side != "character":
                theirs = kept.person in out
            if not theirs:
                left.append(kept)
        return left

    # -- orders ----------------------------------------------------------------------------------

    async def obey(
        self,
        order: Order,
        person: str,
        name: str,
        room: str,
        private: bool,
        language: Language,
        *,
        alone: bool | None = None,
    ) -> str | None:
        """Carry out an order about one's own memory; None for an order of another kind.

        `person` is "" where several people share the sender: then nothing of them is kept.
        `alone`: only the person will see the answer, as in private.

        Raises:
            MemoryAway, MemoryProblem: it cannot be done now.
        """
        if not person and order.id in _KEEPING | _LOOKING:
            return rights.SHARED_SENDER[language]
        if order.id in _LOOKING:
            # What was asked to be remembered a moment ago belongs to the answer.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLING):
                    await self.settle()
        memory = self._memory.person(person)
        if order.id in _KEEPING:
            await memory.came(room, name, private=private)
        answer = await rights.obey(
            order,
            memory,
            room=room,
            private=private,
            alone=private if alone is None else alone,
            language=language,
            named=lambda character_id: self._name(character_id, language),
        )
        if order.id == "optout" and answer is not None:
            await memory.leave_groups(older=AFTER)
        return answer

    def _name(self, character_id: str, language: Language) -> str:
        try:
            return self._cast[character_id].name[language]
        except UnknownCharacter:
            return character_id

    # -- learning --------------------------------------------------------------------------------

    def heard(self, room: str, private: bool, turns: Sequence[StoredTurn], scene: Scene) -> None:
        """A round was played: what a person said, and what was answered. Returns at once."""
        try:
            self._rounds.put_nowait(_Round(room, private, tuple(turns)))
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

    async def _work(self) -> None:
        while not self._closing.is_set():
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
                if not kept.forwarded:
                    await self._keep_asked(kept, heard.room, heard.private)
            elif kept.turn.side == "character" and speaker:
                talks.setdefault(speaker, set()).add(kept.turn.speaker)
        for person, characters in talks.items():
            memory = self._memory.person(person)
            await memory.talked(sorted(characters), private=heard.private, since=heard.room)

    async def _keep_asked(self, kept: StoredTurn, room: str, private: bool) -> None:
        told = asked_to_remember(kept.turn.text, self._names) if kept.person else ()
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

    async def _look_through(self, room: str, private: bool) -> bool:
        platform, _, name = room.partition(":")
        memory = self._memory.room(platform, name)
        await memory.look()
        mark = await self._memory.looked_through(room)
        new = [kept for kept in memory.turns if stream_order(kept.id) > stream_order(mark)][
            -LOOK_BACK:
        ]
        language = memory.state.language or "zh"
        for person in dict.fromkeys(kept.person for kept in new if kept.person):
            if not await self._learn_of(person, new, room, private, language):
                return False
        if new:
            await self._memory.looked_through(room, new[-1].id)
        return True

    async def _learn_of(
        self, person: str, turns: Sequence[StoredTurn], room: str, private: bool, language: Language
    ) -> bool:
        """Facts and bonds of one person. False: somebody spoke meanwhile."""
        memory = self._memory.person(person)
        known = await memory.known()
        if known.profile.leaving or not (private or known.profile.in_groups):
            return True
        # What somebody only passed on says nothing of them.
        turns = [k for k in turns if not k.forwarded]
        mine = [k for k in turns if k.person == person and k.turn.side == "human"]
        for kept in mine:
            await self._keep_asked(kept, room, private)
        name = mine[-1].turn.speaker if mine else ""
        told = [k for k in mine if telling([k.turn.text])][-MOST_LINES:]
        markup = self._voice.served.style.markup
        if told:
            lines = [kept.turn.text[:LONGEST_LINE] for kept in told]
            spans = ask_for_facts(lines, name, language, markup)
            answer = await self._ask(spans, GRAMMAR, LONGEST_ANSWER)
            if answer is None:
                return False
            facts = [
                Fact(
                    learned.text,
                    room=room,
                    private=private,
                    heard=told[learned.line].turn.witnesses,
                    sure=learned.sure,
                    turn=told[learned.line].id,
                )
                for learned in facts_in(answer, lines)
            ]
            await memory.learn(facts, since=room)
        for (character, scope), bond in known.bonds.items():
            often = bond.talks >= _SUM_UP_FIRST and bond.talks % _SUM_UP_EVERY == 0
            if scope != private or not (
                often or (bond.talks >= _SUM_UP_FIRST and not bond.summary)
            ):
                continue
            shown = self._name(character, language)
            talk = [
                (shown if k.turn.side == "character" else name, k.turn.text[:LONGEST_LINE])
                for k in turns
                if k.person == person
                or (k.turn.side == "character" and k.turn.speaker == character)
            ][-MOST_LINES:]
            answer = await self._ask(ask_for_bond(talk, name, shown, language, markup), "", 80)
            if answer is None:
                return False
            if summary := bond_in(answer, talk):
                await memory.sum_up(character, summary, private=private, since=room)
        return True

    async def _ask(self, spans: tuple[Span, ...], grammar: str, longest: int) -> str | None:
        """The model's answer, "" where it has none; None as soon as somebody speaks."""
        if not self._voice.obeys:
            return ""
        engine = self._voice.engine
        tokens, comings = encode(spans, self._voice.encode), self._comings
        if len(tokens) + longest > engine.context:
            return ""
        sampling = Sampling(temperature=0.0, max_tokens=longest, grammar=grammar)
        # A task of its own in the engine's queue, behind everybody who waits for a reply.
        reply = engine.stream(tokens, sampling, room="learning", waiting=False, stable=0)
        said = []
        try:
            async for piece in reply:
                said.append(piece)
                if comings != self._comings or not self._rounds.empty():
                    return None
        finally:
            await reply.aclose()
        return "".join(said)

    # -- keeping house ---------------------------------------------------------------------------

    def start(self) -> None:
        """From now on look every hour for those who are to be forgotten."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_house(), name="forgetting")

    async def _keep_house(self) -> None:
        while not self._closing.is_set():
            try:
                await self.look_after()
            except MemoryProblem as problem:
                log.warning("nobody could be forgotten now: %s", problem)
            # A step in Redis may have swallowed that we were cancelled: no plain sleep here.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AFTER):
                    await self._closing.wait()

    async def look_after(self, *, now: float | None = None) -> None:
        """Forget who has been away for longer than they are kept, or whose forgetting was broken
        off, and take what those said in groups who opted out of them.

        Raises:
            MemoryAway, MemoryProblem: it cannot be done now.
        """
        now = await self._memory.now() if now is None else now
        found = await self._memory.due(now=now)
        for person in found.unsettled:
            await linking.finish(self._memory.person(person).store)
        for person in found.leaving:
            await self._memory.person(person).forget_everything()
        for person in found.opted_out:
            await self._memory.person(person).leave_groups(older=AFTER, now=now)
        await self._memory.rewrite()

    async def close(self) -> None:
        """End what goes on in the background. What was not looked through is found again."""
        self._closing.set()
        tasks = [task for task in (self._worker, self._keeper) if task]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
