"""What a platform calls of a room: hear, obey, stop, rate, status."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot import notices
from bot.commands import Order, informs, read
from bot.drafts import plain
from bot.memory import AlreadyHandled, Request, amending, new_id
from bot.room import orders, unasked
from bot.room.chores import Chores
from bot.room.exchange import Exchange
from bot.room.inbox import LONGEST, Inbox
from bot.room.job import Job
from bot.room.shared import Shared
from bot.room.view import View
from bot.stage import Message, Stage
from bot.whispers import addressed
from characters.card import Character, Language
from characters.turn import Scene, safe_name

log = logging.getLogger(__name__)

# Names that belong to the transcript itself; the cast's are added to them.
_NARRATORS = ("旁白", "Narrator", "system", "assistant")


@dataclass(frozen=True, slots=True)
class Status:
    """What a panel shows. `version`, `versions` and `last_places` are those of the last line."""

    cast: tuple[Character, ...]
    place: str
    mood: str
    chapter: int
    paused: bool
    language: Language
    speaking: Character | None
    version: int = 0
    versions: int = 0
    last_places: tuple[str, ...] = ()
    sound: bool = False  # whether lines can be read aloud


class Room:
    """One room of one platform. Messages are stored before anything else is done about them and
    answered one at a time, in the order they came; rooms are heard together.

    `limited`: several strangers share it, so the limits of fair use hold. `stop` may be called at
    any time, from the same event loop.
    """

    def __init__(
        self,
        platform: str,
        name: str,
        shared: Shared,
        stage: Stage,
        *,
        language: Language | None = None,
        private: bool = False,
        limited: bool = True,
    ) -> None:
        self.view = View(
            platform, name, shared, stage, language=language, private=private, limited=limited
        )
        self.key = self.view.key
        self.private = private
        self.shared = shared
        self.memory = self.view.memory
        self.stats = shared.stats
        self._chores = Chores(self.view)
        self.aloud = self._chores.aloud  # lines read aloud
        self._inbox = Inbox(
            self.view,
            self._chores,
            interrupt=lambda: self.job and self.job.chatter and self.job.interrupt(),
            carry=self._carry_out,
        )
        self.job: Job | None = None  # the message in hand, with who is speaking
        self.used = time.monotonic()  # when somebody last spoke here

    @property
    def language(self) -> Language:
        """What the room speaks; Chinese until somebody says otherwise."""
        return self.view.language

    @property
    def _taken(self) -> tuple[str, ...]:
        """Names that nobody who speaks here may carry."""
        return (*_NARRATORS, *(name for c in self.view.cast for name in c.names))

    async def enter(self) -> tuple[Scene, int]:
        """Come in: the scene as it was left, and how many turns of it are remembered.

        Raises:
            MemoryProblem: it cannot be recalled.
        """
        await self.memory.look()
        await self.view.refresh()
        wanted = self.view.wanted
        if wanted and self.memory.state.language != wanted:
            await self.memory.write(language=wanted)
        return self.scene(), len(self.memory.turns)

    async def admits(self, person: str, message_id: str = "") -> bool:
        """Whether somebody's message is to be heard, asked before it is known what it says: a voice
        note costs a while to hear, and its words are shown to all. It counts as one message; who
        asks so passes `admitted` to `hear`.

        Raises:
            MemoryProblem: it cannot be said whether the message was heard before.
        """
        return await self._inbox.admitted(person, message_id)

    async def hear(
        self,
        message: Message,
        *,
        kept: Callable[[], object] | None = None,
        admitted: bool = False,
    ) -> None:
        """Answer one message: a command, or talk. Returns when all that it asked for is said.

        `kept` is called as soon as the message is stored: from then on no crash can lose it.
        `admitted`: `admits` has let it in.

        Raises:
            MemoryProblem: it cannot be kept; nothing was done about it.
        """
        self.used = time.monotonic()
        if not (admitted or await self._inbox.admitted(message.person, message.id)):
            return
        text = plain(message.text).strip()
        order = None if message.forwarded else read(text)
        if (answer := orders.making.answer_of(self.view, message, text, order)) is not None:
            text = answer
            order = read(text)
        if order is None and not text:
            await self.view.say(notices.EMPTY, to=message.person)
        elif len(text) > LONGEST:
            await self.view.say(notices.TOO_LONG, len(text), LONGEST, to=message.person)
        else:
            work = Request(
                new_id(),
                person=message.person,
                name=safe_name(message.name, self._taken),
                text=text,
                order=order is not None,
                reply_to=message.reply_to,
                moderator=message.moderator,
                personal=message.personal,
                forwarded=message.forwarded,
            )
            await self._inbox.take(work, message.id, kept)

    async def obey(
        self,
        order: Order,
        *,
        person: str,
        name: str,
        moderator: bool = False,
        id: str = "",
        kept: Callable[[], object] | None = None,
    ) -> None:
        """Carry out an order that a slash command or a button gave. `moderator`: whoever gave it
        may do here what cannot be undone. `id` and `kept` are as in `hear`: the platform's own id
        of it, and what is called as soon as it is stored.

        Raises:
            MemoryProblem: it cannot be kept; nothing was done about it.
        """
        self.used = time.monotonic()
        if not await self._inbox.admitted(person, id):
            return
        text = plain(f"/{order.id or order.called} {order.argument}").strip()
        name = safe_name(name, self._taken)
        work = Request(
            new_id(), person=person, name=name, text=text, order=True, moderator=moderator
        )
        await self._inbox.take(work, id, kept)

    async def edited(self, message_id: str, text: str) -> None:
        """A message says something else now, by the platform's id of it. Before its answer is
        stored, what it says now is answered; later only the transcript changes. What was learned
        from the old words is forgotten.

        Raises:
            MemoryProblem: it cannot be changed.
        """
        text = plain(text).strip()[:LONGEST]
        given = read(text)
        if given and given.id == "whisper":
            # Words that are whispered from now on are not what was said aloud.
            turn = next((k for k in self.memory.turns if k.message == message_id), None)
            whispered = turn is not None and turn.turn.whispered
            text = addressed(given.argument, self.view.cast)[1] if whispered else ""
        if not text or self.shared.filter.broken(text):
            await self.deleted([message_id])  # what is not talked about is not kept
            return
        job = self.job
        amended = await amending.edit(self.memory, message_id, text)
        await self._amended(amended)
        if job and amended.before and job.work.message == message_id and not job.work.step:
            job.reword()

    async def deleted(self, message_ids: Sequence[str]) -> None:
        """Messages are gone, by the platform's ids of them: from the transcript, from summaries,
        and from what was learned. What was not answered yet is not answered.

        Raises:
            MemoryProblem: it cannot be changed.
        """
        job = self.job
        amended = await amending.delete(self.memory, message_ids)
        if job and job.work.id in amended.gone:
            job.delete()
        await self._amended(amended)

    async def _amended(self, amended: amending.Amended) -> None:
        self._inbox.amended(amended)
        if self.shared.people and amended:
            await self.shared.people.amended(amended, self.key, self.private)

    def stop(self) -> bool:
        """End the reply that is being prepared or written: it is kept as far as it was shown, and
        marked; nobody else answers. Returns whether there was one."""
        return self.job.stop() if self.job else False

    async def rate(self, person: str, place: str, value: int) -> bool:
        """A thumb on a shown line: 1 up, -1 down, 0 taken back. False: no line stands there.

        Raises:
            MemoryProblem: it cannot be kept.
        """
        line = await self.view.line_at(place)
        if line is None:
            return False
        return await orders.rating.rate(self.view, line, person, value)

    async def status(self) -> Status:
        """What a panel shows.

        Raises:
            MemoryProblem: it cannot be recalled.
        """
        line = await self.view.last_line()
        state = self.memory.state
        return Status(
            cast=self.scene().cast,
            place=state.place,
            mood=state.mood,
            chapter=state.chapter,
            paused=state.paused,
            language=self.language,
            speaking=self.job.speaker if self.job else None,
            version=line.shown + 1 if line else 0,
            versions=len(line.texts) if line else 0,
            last_places=line.places if line else (),
            sound=self.aloud.possible,
        )

    def scene(self) -> Scene:
        """The room as everybody may know it."""
        return self.view.scene().aloud()

    async def resume(self) -> None:
        """After a start: show what was kept and perhaps not shown, answer what was not answered.

        Messages that nobody waits for any more are marked as unanswered; orders are not given
        twice. What another living process sees to is left to it.

        Raises:
            MemoryProblem: it cannot be recalled or kept.
        """
        await self._inbox.resume()

    async def speak_unasked(self) -> bool:
        """Let a character speak first, if the room allows it now (`bot.room.unasked`). Returns
        whether one did.

        Raises:
            MemoryProblem: it cannot be recalled or kept.
        """

        async def step() -> bool:
            await self.view.refresh()
            work = await unasked.claim(self.view)
            if work is None:
                return False
            job = self.job = Job(work, lambda: self._inbox.overheard)
            try:
                said = await unasked.speak(Exchange(job, self.view, self._chores))
                if not job.closed:
                    await self.memory.close(job.work)
                return said
            except AlreadyHandled:
                return False
            finally:
                if self.job is job:
                    self.job = None

        return await self._inbox.when_idle(step)

    @property
    def idle(self) -> bool:
        """Whether nothing is being done or waits to be."""
        return self._inbox.idle and self._chores.idle

    async def settle(self) -> None:
        """Wait for what is done in the background."""
        await self._chores.settle()

    async def close(self) -> None:
        """Wait for what is done in the background, but for nothing that is far away."""
        await self._inbox.close()
        await self.settle()

    # -- carrying out ----------------------------------------------------------------------------

    async def _carry_out(self, work: Request, declined: str) -> None:
        """Do what was said or ordered, until it is done with; or decline it."""
        job = Job(work, lambda: self._inbox.overheard)
        order = read(work.text) or Order("") if work.order else None
        if order is None or not informs(order):
            self.job = job  # what can be stopped
        exchange = Exchange(job, self.view, self._chores)
        await self.view.refresh(work.person)
        try:
            if order is None or not informs(order):
                await exchange.farewells()
            if declined:
                await exchange.decline(declined)
            elif order:
                await orders.obey(exchange, order)
            else:
                await exchange.answer()
            if not job.closed:
                await self.memory.close(job.work)
        except AlreadyHandled:
            # Another process took it over (or answered it before): it is done, and not by us.
            self.stats["taken"] += 1
        finally:
            if self.job is job:
                self.job = None
