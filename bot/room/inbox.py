"""What people say to a room: stored once, done in order, and taken up again after a crash."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot import notices, rights
from bot.commands import Order, informs, read
from bot.memory import AlreadyHandled, MemoryAway, Request
from bot.memory.amending import Amended, current
from bot.memory.places import was_heard
from bot.portable import process_id
from bot.room.chores import Chores
from bot.room.delivery import show
from bot.room.view import View

log = logging.getLogger(__name__)

# Longer than any platform's message (Discord 2,000, Telegram 4,096), and short enough that one
# message never fills a model's context. What is longer is refused whole and not stored: half a
# message is worse than a clear answer.
LONGEST = 4096

# After a start, messages of the last minutes are answered; to older ones nobody waits for an
# answer any more, and they are only marked as unanswered.
FRESH = 600.0  # seconds
# A message that a process on another machine has not touched for so long is taken over.
LEASE = 60.0

MOST_WAITING = 200  # messages of a room that wait for their answers; more are not heard

# Carries a message out; with the text of one that is declined.
Carry = Callable[[Request, str], Awaitable[None]]


class Inbox:
    """The messages of one room that are not done with. `interrupt` ends chatter when somebody
    speaks, `carry` does what a stored message asks for."""

    def __init__(
        self,
        view: View,
        chores: Chores,
        *,
        interrupt: Callable[[], object],
        carry: Carry,
    ) -> None:
        self._view = view
        self._chores = chores
        self._interrupt = interrupt
        self._carry = carry
        self._turn = asyncio.Lock()  # whose message is being answered
        self._gate = asyncio.Lock()  # whose message is looked up: they come in in their order
        self._door = asyncio.Lock()  # whose message is being stored
        self._inside = 0  # messages that were heard and are not done with
        self._asking = 0  # of those, orders that change nothing
        self._ours: set[str] = set()  # their ids
        self._amended: set[str] = set()  # of those, what was edited or deleted meanwhile
        self._again: asyncio.Task[None] | None = None  # looks again at what others see to

    @property
    def idle(self) -> bool:
        """Whether nothing waits, now or for another process."""
        return not self._inside and (self._again is None or self._again.done())

    @property
    def overheard(self) -> bool:
        """Whether more than the message in hand waits."""
        return self._inside - self._asking > 1

    async def admitted(self, person: str, message: str = "") -> bool:
        """Whether somebody is heard: a message (by its id) once, and a person as often as fair use
        lets them; who is not let is told once.

        Raises:
            MemoryProblem: it cannot be said whether the message was heard before.
        """
        shared = self._view.shared
        limits = shared.limits if self._view.limited else None
        # Before the limits: what a platform delivers again after a start is no new message.
        async with self._gate:  # or one whose answer comes sooner would be heard before another
            if limits and message and await self._was_heard(message):
                shared.stats["heard twice"] += 1
                return False
        if self._inside >= MOST_WAITING:
            shared.stats["refused: crowd"] += 1
            return False
        verdict = limits.admit(person, self._view.key) if limits else None
        if verdict is None or verdict.allowed:
            return True
        shared.stats[f"refused: {verdict.why}"] += 1
        if verdict.tell:
            wait = math.ceil(min(verdict.wait_s, 3600))
            await self._view.say(notices.NOT_SO_FAST, wait, to=person)
        return False

    async def _was_heard(self, message: str) -> bool:
        platform, _, name = self._view.key.partition(":")
        return await was_heard(self._view.shared.memory, platform, name, message)

    async def take(
        self, work: Request, message: str = "", kept: Callable[[], object] | None = None
    ) -> None:
        """Store a message or an order, and carry it out when its turn has come. `message` is the
        platform's id of it; `kept` is called once it is stored.

        Raises:
            MemoryProblem: it cannot be kept; nothing was done about it.
        """
        shared = self._view.shared
        # Where other processes may answer here, too, it becomes a turn once this one has the floor.
        alone = self._inside == 0 and not shared.workers.others
        asks = work.order and informs(read(work.text) or Order(""))
        self._inside += 1
        self._asking += asks
        self._ours.add(work.id)
        shared.stats["heard"] += 1
        try:
            if not asks:
                self._interrupt()
            text = work.text
            if declined := shared.filter.broken(text):
                # What is not talked about is not kept either.
                shared.stats["declined"] += 1
                log.info("%s: a message was declined: %s", self._view.key, declined.name)
                work = replace(work, text="", queue=())
            said = alone and not work.order and not declined
            try:
                async with self._door:
                    work = await self._keep(work, message, said=said)
            except AlreadyHandled:
                shared.stats["heard twice"] += 1
                return
            if not work.order:
                self._chores.goes_on(work.individual)
            if kept:
                kept()
            if asks and not declined:
                await self._carry(work, "")  # it changes nothing, and need not wait
                return
            async with self._turn, shared.workers.floor(self._view.key, work.id) as others:
                if others:
                    await self._view.memory.look()  # what they wrote while this one waited
                now = await self._as_it_is(work)
                if now is not None:
                    await self._carry(now, text if declined else "")
        finally:
            self._inside -= 1
            self._asking -= asks
            self._ours.discard(work.id)
        if not self._inside:
            self._chores.rest()

    async def _keep(self, work: Request, message: str, *, said: bool) -> Request:
        """Store what somebody said, as a turn if it is `said` at once; whoever waits for Redis here
        waits in order."""
        view = self._view
        try:
            if view.memory.unknown:
                await view.memory.look()
            self._chores.begin()
            told = ""
            if view.shared.people and work.individual:
                told = await view.shared.people.came(
                    work.individual,
                    work.name,
                    view.key,
                    private=view.private,
                    language=view.language,
                    on_connection=view.connection,
                )
            turn, changes = view.heard(work) if said else (None, {})
            work = await view.memory.hear(work, turn, message=message, **changes)
            if told:
                await view.notice(told, to=work.person, secret=True)
            return work
        except MemoryAway:
            view.away = False  # given up: the next time it is said again
            raise

    async def when_idle(self, step: Callable[[], Awaitable[bool]]) -> bool:
        """Do something that nobody asked for, if nothing else is to be done; whoever speaks
        meanwhile is `overheard`, and waits. Returns what the step does, else False."""
        if self._inside:
            return False
        self._inside += 1
        try:
            async with self._turn:
                return await step()
        finally:
            self._inside -= 1

    # -- edited and deleted ----------------------------------------------------------------------

    def amended(self, amended: Amended) -> None:
        """What waits is not any more what it was when it was stored."""
        self._amended.update(request.id for request in amended.requests)
        self._amended.update(amended.gone)
        self._amended &= self._ours

    async def _as_it_is(self, work: Request) -> Request | None:
        """A request whose turn has come, as it is stored now; None when it was deleted."""
        if work.id not in self._amended:
            return work
        self._amended.discard(work.id)
        return await current(self._view.memory, work)

    # -- after a start ---------------------------------------------------------------------------

    async def resume(self) -> None:
        """Show what was kept and perhaps not shown, answer what was not answered (see `Room`).

        Raises:
            MemoryProblem: it cannot be recalled or kept.
        """
        self._inside += 1
        try:
            async with self._turn:
                await self._view.memory.look()
                await self._view.refresh()
                works, lines = await self._view.memory.open()
                await self._show_again(lines)
                later = await self._take_up(works)
        finally:
            self._inside -= 1
        if later and self._again in (None, asyncio.current_task()):
            self._again = asyncio.create_task(self._resume_later())

    async def _resume_later(self) -> None:
        await asyncio.sleep(LEASE)
        await self._chores.quietly(self.resume())
        if self._again is asyncio.current_task():
            self._again = None

    async def _show_again(self, lines: dict[str, str]) -> None:
        view = self._view
        known = await view.memory.lines() if lines else {}
        for line_id, owner in lines.items():
            line = known.get(line_id)
            if owner != process_id() and view.shared.workers.ended(owner) is False:
                continue
            if line is None or not (speaker := view.character(line.speaker)):
                await view.memory.dismiss(line_id)
                continue
            await show(view, self._chores, line, speaker)
            view.shared.stats["shown again"] += 1

    async def _take_up(self, works: list[Request]) -> bool:
        """Answer what was left. Returns whether something may have to be done later."""
        now, later = time.time(), False
        forgotten: list[Request] = []
        for work in works:
            if work.id in self._ours:
                continue  # its own hearing sees to it
            if work.owner != process_id():
                ended = self._view.shared.workers.ended(work.owner)
                if ended is False or (ended is None and now - work.at < LEASE):
                    later = later or ended is None
                    continue
            try:
                work = await self._view.memory.update(work, work)
            except AlreadyHandled:
                continue
            self._view.shared.stats["resumed"] += 1
            declined = not work.text and not work.said
            if work.order or declined or now - work.heard > FRESH:
                forgotten.append(work)
            else:
                async with self._view.shared.workers.floor(self._view.key, work.id):
                    await self._carry(work, "")
        for work in forgotten:
            await self._mark_unanswered(work)
        return later

    async def _mark_unanswered(self, work: Request) -> None:
        view = self._view
        if not work.name:
            await view.memory.close(work)  # somebody was to speak first: nobody waits for it
            return
        if work.order:
            # For whoever gave it: what it says may be for nobody else, as a code or a whisper.
            told = notices.ORDER_LOST[view.language].format(work.name, work.text)
            await view.notice(told, to=work.person, secret=_is_secret(work))
        else:
            turns = (k.turn.text for k in view.memory.turns if k.line == work.id)
            text = work.text or next(turns, "……")
            told = notices.UNANSWERED[view.language].format(work.name, text[:40])
            await view.notice(told, to=work.person if work.to else "", secret=bool(work.to))
        await view.memory.close(work)
        view.shared.stats["unanswered"] += 1

    async def close(self) -> None:
        """Look no more at what others see to."""
        if self._again is not None:
            self._again.cancel()
            await asyncio.wait([self._again])


def _is_secret(work: Request) -> bool:
    """Whether what an order says is for nobody but whoever gave it."""
    given = read(work.text)
    return given is not None and given.id in (*rights.ORDERS, "whisper")
