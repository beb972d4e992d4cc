"""What the house knows of people, as its rooms need it: one object for all rooms.

    people = People(memory, voice, cast)
    await people.came("discord:42", "小明", "discord:1:2", private=False)   # before it is stored
    lines = await people.recall("discord:42", occasion, scene, …)   # for a reply to them
    people.heard("discord:1:2", False, turns, scene)  # after each round; takes no time
    text = await people.obey(order, …)               # /memory, /forget and their like

Who is "" is nobody in particular, because several people share the sender: nothing is stored or
recalled of them. What is learned, and when, is in `learner`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from bot import rights
from bot.commands import Order
from bot.conversation import ById
from bot.learner import QUIET, Learner
from bot.memory import (
    ConnectionCallback,
    Known,
    Memory,
    MemoryProblem,
    StoredTurn,
    linking,
)
from bot.memory.amending import Amended
from bot.recall import Occasion, recall
from bot.voice import Voice
from characters.card import Cast, Language
from characters.turn import Scene, safe_name

log = logging.getLogger(__name__)

SETTLING = 2.0  # seconds that an order waits for what was just said
_SHORTEST = 4  # characters of a message by which prompts that hold it are found
AFTER = 3600.0  # seconds: how long a line of somebody who opted out stays for the scene
_KEEPING = {"remember", "persona", "optout", "optin", "share", "retention", "link", "unlink"}
_LOOKING = {"memory", "correct", "forget", "export"}


class People:
    """Made once for a house; `close` ends what it does in the background.

    `by_id` gives characters that are in no file, too; `quiet` is how many seconds nobody must have
    spoken before the model learns.
    """

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
        self._learner = Learner(memory, voice, cast, by_id=by_id, quiet=quiet)
        self._closing = asyncio.Event()
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
    ) -> str:
        """Somebody speaks in a room; to be called before what they say is stored. Returns what they
        are to be told, and nobody else: "" for nothing.

        `on_connection` is called when Redis goes away and comes back.

        Raises:
            MemoryAway, MemoryProblem: it cannot be kept now.
        """
        self._learner.interrupt()
        if not person:
            return ""
        memory = self._memory.person(person, on_connection)
        news = await memory.came(room, name, language, private=private)
        return (await rights.news(memory, language or "zh") or "") if news and private else ""

    async def recall(
        self,
        person: str,
        occasion: Occasion,
        scene: Scene,
        *,
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
        name = self._called(known, scene)
        return recall(known, occasion, name=name, budget=budget, measure=measure)

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

        `person` is "" where several people share the sender. `alone`: only the person will see the
        answer, as in private.

        Raises:
            MemoryAway, MemoryProblem: it cannot be done now.
        """
        if not person:
            return rights.SHARED_SENDER[language] if order.id in rights.ORDERS else None
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
            named=lambda character_id: self._learner.name(character_id, language),
        )
        if order.id == "optout" and answer is not None:
            await memory.leave_groups(older=AFTER)
        return answer

    # -- learning --------------------------------------------------------------------------------

    def heard(self, room: str, private: bool, turns: Sequence[StoredTurn], scene: Scene) -> None:
        """A round was played: what a person said, and what was answered. Returns at once."""
        self._learner.heard(room, private, turns)

    async def amended(self, amended: Amended, room: str, private: bool) -> None:
        """Messages were edited or deleted (`bot.memory.amending`): what was learned from them is
        forgotten, feedback whose prompt holds them is gone, and what an edited one asks to be
        remembered is stored.

        Raises:
            MemoryAway, MemoryProblem: it cannot be done now.
        """
        await self.settle()
        for person in {turn.person for turn in amended.before} - {""}:
            turns = {turn.id for turn in amended.before if turn.person == person}
            await self._memory.person(person).forget_turns(turns)
        texts = [turn.turn.text for turn in amended.before if len(turn.turn.text) >= _SHORTEST]
        if texts:
            await self._memory.feedback.forget((), texts)
        for turn in amended.after:
            await self._learner.keep_asked(turn, room, private)

    async def settle(self) -> None:
        """Wait until all that was asked to be remembered is."""
        await self._learner.settle()

    async def learned(self) -> None:
        """Wait until the model has looked through all that was heard."""
        await self._learner.learned()

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
        await self._learner.close()
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(self._keeper, return_exceptions=True)
