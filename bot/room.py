"""A room: people and characters who hear each other, in order.

    room = Room("terminal", "main", cast=cast, voice=voice, memory=memory, stage=stage)
    await room.hear(Message("terminal:小明", "小明", "悟空，你怕不怕紧箍咒？"))

A message is stored before anything else is done about it; then `casting` says who answers, the
prompt is built, the engine writes, the stage shows the growing draft, and the line is remembered
before it is shown as done. Messages are answered one at a time, in the order they came; a message
that comes while characters chat among themselves ends that at once. Rooms are heard together.

What a process did not finish, because it was killed, the next one finishes (`resume`).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot import notices, orders
from bot.casting import CAP, answerers, called, candidates, choose
from bot.commands import Order, read
from bot.conversation import Crowded, Reading, as_of, language_of, scene_of
from bot.drafts import Draft, broken_off, plain, run_out
from bot.faults import Fault, fault_of, without
from bot.filters import Filter
from bot.grounding import Passage, leaning, passages
from bot.limits import Limits
from bot.memory import (
    AlreadyHandled,
    Asked,
    Memory,
    MemoryAway,
    Request,
    StoredLine,
    StoredTurn,
    new_id,
)
from bot.memory.keys import stream_order
from bot.people import People
from bot.portable import process_ended, process_id
from bot.stage import Line, Message, Stage
from bot.summary import LONGEST as LONGEST_SUMMARY
from bot.summary import beginnings, by_hearers, is_about, with_summary
from bot.voice import Voice
from canon import Canon
from characters.card import Cast, Character, Language
from characters.prompt import Tail
from characters.turn import Scene, Turn, safe_name
from engine.sequence import EngineError, Reply

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
QUEUED = 3.0  # seconds without a word before people are told their place in the queue

MOST_WAITING = 200  # messages of a room that wait for their answers; more are not heard

# Of the context, in which what is remembered of a person may stand.
_MEMORY_SHARE = 8
_SUMMARY_SHARE = 8  # and a summary: a character is about a token

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


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a character said: "" when nothing; `broken` when it was stopped or stumbled."""

    text: str
    broken: bool = False
    problem: str = ""
    mark: str = ""  # of the trim that its prompt made
    read: Reading | None = None
    before: tuple[Passage, ...] = ()


class Room:
    """One room of one platform. `stop` may be called at any time, from the same event loop."""

    def __init__(
        self,
        platform: str,
        name: str,
        *,
        cast: Cast,
        voice: Voice,
        memory: Memory,
        stage: Stage,
        language: Language | None = None,
        private: bool = False,
        book: Canon | None = None,
        people: People | None = None,
        limits: Limits | None = None,
        filter: Filter | None = None,
        stats: Counter[str] | None = None,
    ) -> None:
        self.key = f"{platform}:{name}"
        self.private = private
        self.cast = cast
        self.voice = voice
        self.book = book
        self.people = people
        self.limits = limits
        self.filter = filter or Filter()
        self.stage = stage
        self.feedback = memory.feedback
        self.memory = memory.room(platform, name, self._told)
        self.stats: Counter[str] = Counter() if stats is None else stats
        self._wanted = language
        self._lock = asyncio.Lock()  # whose message is being answered
        self._door = asyncio.Lock()  # whose message is being stored
        self._away = False  # Redis is, and people know
        self._inside = 0  # messages that were heard and are not done with
        self._ours: set[str] = set()  # their ids
        self._stopped = False
        self._writing: asyncio.Task[Any] | None = None  # while the engine writes
        self._speaker: Character | None = None
        self._chatter = False  # the one who speaks was not asked to by a person
        self._work: Request | None = None  # what is being seen to, as it is kept
        self._background: set[asyncio.Task[Any]] = set()
        self._again: asyncio.Task[None] | None = None  # looks again at what others see to
        self._learned: str | None = None  # the newest turn that `people` was given
        self._arriving = asyncio.Lock()  # what is said is kept in the order it was said
        self._retried = ""  # id of the last line, when there are versions to choose from
        self._taken = (*_NARRATORS, *(name for c in cast for name in c.names))

    @property
    def language(self) -> Language:
        """What the room speaks; Chinese until somebody says otherwise."""
        return self.memory.state.language or self._wanted or "zh"

    # -- what a platform calls -------------------------------------------------------------------

    async def enter(self) -> tuple[Scene, int]:
        """Come in: the scene as it was left, and how many turns of it are remembered.

        Raises:
            MemoryProblem: it cannot be recalled.
        """
        await self.memory.look()
        if self._wanted and self.memory.state.language != self._wanted:
            await self.memory.write(language=self._wanted)
        return self.scene(), len(self.memory.turns)

    async def hear(self, message: Message, *, kept: Callable[[], object] | None = None) -> None:
        """Answer one message: a command, or talk. Returns when all that it asked for is said.

        `kept` is called as soon as the message is stored: from then on no crash can lose it.

        Raises:
            MemoryProblem: it cannot be kept; nothing was done about it.
        """
        if not await self._admitted(message.person):
            return
        text = plain(message.text).strip()
        order = read(text)
        if order is None and not text:
            await self.notice(notices.EMPTY[self.language], to=message.person)
        elif len(text) > LONGEST:
            told = notices.TOO_LONG[self.language].format(len(text), LONGEST)
            await self.notice(told, to=message.person)
        else:
            await self._do(
                Request(
                    new_id(),
                    person=message.person,
                    name=safe_name(message.name, self._taken),
                    text=text,
                    order=order is not None,
                    reply_to=message.reply_to,
                ),
                message.id,
                kept,
            )

    async def obey(self, order: Order, *, person: str, name: str) -> None:
        """Carry out an order that a slash command or a button gave.

        Raises:
            MemoryProblem: it cannot be kept; nothing was done about it.
        """
        if not await self._admitted(person):
            return
        text = plain(f"/{order.id or order.called} {order.argument}").strip()
        name = safe_name(name, self._taken)
        await self._do(Request(new_id(), person=person, name=name, text=text, order=True))

    def stop(self) -> bool:
        """Break off what is being said: the line is kept as far as it was shown, and marked.

        Returns whether anybody was speaking.
        """
        self._stopped = True
        return self._break_off()

    async def rate(self, person: str, place: str, value: int) -> bool:
        """A thumb on a shown line: 1 up, -1 down, 0 taken back. False: no line stands there.

        Raises:
            MemoryProblem: it cannot be kept.
        """
        line = await self.line_at(place)
        if line is None:
            return False
        self.stats["rated"] += 1
        return await self.feedback.rate(self.key, line.id, line.shown + 1, person, value)

    async def status(self) -> Status:
        """What a panel shows.

        Raises:
            MemoryProblem: it cannot be recalled.
        """
        line = await self.last_line()
        state = self.memory.state
        return Status(
            cast=self.scene().cast,
            place=state.place,
            mood=state.mood,
            chapter=state.chapter,
            paused=state.paused,
            language=self.language,
            speaking=self._speaker,
            version=line.shown + 1 if line else 0,
            versions=len(line.texts) if line else 0,
            last_places=line.places if line else (),
        )

    async def resume(self) -> None:
        """After a start: show what was kept and perhaps not shown, answer what was not answered.

        Messages that nobody waits for any more are marked as unanswered; orders are not given
        twice. What another living process sees to is left to it.

        Raises:
            MemoryProblem: it cannot be recalled or kept.
        """
        self._inside += 1
        try:
            async with self._lock:
                await self.memory.look()
                later = await self._resume()
        finally:
            self._inside -= 1
        if later and self._again in (None, asyncio.current_task()):
            self._again = asyncio.create_task(self._resume_later())

    async def settle(self) -> None:
        """Wait for what is done in the background."""
        while self._background:
            await asyncio.wait(self._background)

    async def close(self) -> None:
        """Wait for what is done in the background, but for nothing that is far away."""
        if self._again is not None:
            self._again.cancel()
            await asyncio.wait([self._again])
        await self.settle()

    # -- one message after the other -------------------------------------------------------------

    async def _admitted(self, person: str) -> bool:
        """Whether the limits of fair use let somebody speak; who is not let is told once."""
        if self._inside >= MOST_WAITING:
            self.stats["refused: crowd"] += 1
            return False
        verdict = self.limits.admit(person, self.key) if self.limits else None
        if verdict is None or verdict.allowed:
            return True
        self.stats[f"refused: {verdict.why}"] += 1
        if verdict.tell:
            told = notices.NOT_SO_FAST[self.language]
            await self.notice(told.format(math.ceil(min(verdict.wait_s, 3600))), to=person)
        return False

    async def _do(
        self, work: Request, message: str = "", kept: Callable[[], object] | None = None
    ) -> None:
        alone = self._inside == 0
        self._inside += 1
        self._ours.add(work.id)
        self.stats["heard"] += 1
        try:
            if self._chatter:
                self._break_off()
            text = work.text
            if declined := self.filter.broken(text):
                # What is not talked about is not kept either.
                self.stats["declined"] += 1
                log.info("%s: a message was declined: %s", self.key, declined.name)
                work = replace(work, text="", queue=())
            said = Turn(work.name, text) if alone and not work.order and not declined else None
            try:
                async with self._door:
                    work = await self._keep(work, said, message)
            except AlreadyHandled:
                self.stats["heard twice"] += 1
                return
            if self._retried and not work.order:
                self.later(self._chosen(self._retried, work.person))
                self._retried = ""
            if kept:
                kept()
            async with self._lock:
                await self._see_to(work, declined=text if declined else "")
        finally:
            self._inside -= 1
            self._ours.discard(work.id)
        self._rest()

    async def _keep(self, work: Request, said: Turn | None, message: str) -> Request:
        """Store what somebody said; whoever waits for Redis here waits in order."""
        try:
            if self.memory.unknown:
                await self.memory.look()
            if self._learned is None:  # what was there before us was learned by others
                turns = self.memory.turns
                self._learned = turns[-1].id if turns else ""
            if self.people and work.person:
                await self.people.came(
                    work.person,
                    work.name,
                    self.key,
                    private=self.private,
                    language=self.language,
                    on_connection=self._told,
                )
            decided = self._decided(work) if said else {}
            return await self.memory.hear(work, said, message=message, **decided)
        except MemoryAway:
            self._away = False  # given up: the next time it is said again
            raise

    async def _see_to(self, work: Request, *, declined: str = "") -> None:
        """Do what was said or ordered, until it is done with; or decline it."""
        self._stopped = False
        self._work = work
        try:
            if declined:
                await self._decline(declined, work)
            elif work.order:
                await orders.obey(self, read(work.text) or Order(""), work)
            else:
                if not work.said:
                    said = Turn(work.name, work.text)
                    work = await self.memory.say(work, said, **self._decided(work))
                    self._work = work
                await self._round(work)
            if self._work:
                await self.memory.close(self._work)
        except AlreadyHandled:
            # Another process took it over (or answered it before): it is done, and not by us.
            self.stats["taken"] += 1
        finally:
            self._work = None

    async def _decline(self, text: str, work: Request) -> None:
        """Whoever would have answered says that this is not talked about."""
        turn, scene = Turn(work.name, text), self.scene()
        answering = answerers(turn, scene, self.cast) or scene.cast
        speaker = answering[0] if answering and not work.order else None
        line = self.filter.check(text, self.language, speaker=speaker) or ""
        if speaker and not self.memory.state.paused:
            await self.said(speaker, line, then=lambda turn: None)
        else:
            await self.notice(line, to=work.person)

    def _decided(self, work: Request) -> dict[str, Any]:
        """The language of a room is that of the first words of a person."""
        decided = None if self.memory.state.language else language_of(work.text)
        return {"language": decided} if decided else {}

    async def _resume(self) -> bool:
        """Returns whether something is left that may have to be done later."""
        works, lines = await self.memory.open()
        known = await self.memory.lines() if lines else {}
        now, later = time.time(), False
        for line_id, owner in lines.items():
            line = known.get(line_id)
            if owner != process_id() and process_ended(owner) is False:
                continue
            if line is None or not (speaker := self.character(line.speaker)):
                await self.memory.dismiss(line_id)
                continue
            await self.show(line, speaker)
            self.stats["shown again"] += 1
        forgotten: list[Request] = []
        for work in works:
            if work.id in self._ours:
                continue  # its own hearing sees to it
            if work.owner != process_id():
                ended = process_ended(work.owner)
                if ended is False or (ended is None and now - work.at < LEASE):
                    later = later or ended is None
                    continue
            try:
                work = await self.memory.update(work, work)
            except AlreadyHandled:
                continue
            self.stats["resumed"] += 1
            declined = not work.text and not work.said
            if work.order or declined or now - work.heard > FRESH:
                forgotten.append(work)
            else:
                await self._see_to(work)
        for work in forgotten:
            language = self.language
            if work.order:
                told = notices.ORDER_LOST[language].format(work.name, work.text)
            else:
                text = work.text or next(
                    (k.turn.text for k in self.memory.turns if k.line == work.id), "……"
                )
                told = notices.UNANSWERED[language].format(work.name, text[:40])
            await self.notice(told)
            await self.memory.close(work)
            self.stats["unanswered"] += 1
        return later

    async def _resume_later(self) -> None:
        await asyncio.sleep(LEASE)
        await self._quietly(self.resume())
        if self._again is asyncio.current_task():
            self._again = None

    # -- a round: all that follows one human message ---------------------------------------------

    async def _round(self, work: Request) -> None:
        scene = self.scene()
        if self.memory.state.paused:
            return
        if not scene.cast:
            await self.notice(notices.NOBODY[self.language])
            return
        if work.queue is None:
            queue = await self._first(work)
            work = replace(work, queue=queue, asked=queue)
        while work.queue and work.step < CAP and not self._stopped:
            speaker_id, *rest = work.queue
            work = replace(work, queue=tuple(rest))
            present = {c.id: c for c in self.scene().cast}
            drawn = speaker_id in work.drawn
            if speaker_id not in present or (drawn and self.overheard):
                continue  # sent off meanwhile, from another process; or people talk on
            speaker = present[speaker_id]
            current = work

            def then(turn: Turn, current: Request = current) -> Request | None:
                return self._after(turn, current)

            spoken = await self.answer(speaker, then=then, chatter=drawn)
            if not spoken or self._work is None:
                return
            work = self._work

    async def _first(self, work: Request) -> tuple[str, ...]:
        """Who answers what a person said."""
        numbers = [n for n, kept in enumerate(self.memory.turns) if kept.line == work.id]
        if not numbers:
            return ()  # taken back meanwhile
        scene = self.scene()
        turn, before = scene.turns[numbers[0]], replace(scene, turns=scene.turns[: numbers[0]])
        replied = await self.line_at(work.reply_to) if work.reply_to else None
        reply_to = replied.speaker if replied else None
        among = candidates(before, self.cast, turn, reply_to=reply_to)
        if len(among) > 1:
            chosen = await self.likeliest(among, before.said(turn), work.person)
            if chosen:
                return (chosen.id,)
        return tuple(c.id for c in answerers(turn, before, self.cast, reply_to=reply_to))

    def _after(self, turn: Turn, work: Request) -> Request | None:
        """What is left to do after a character's line; None when that was the last one."""
        queue, asked, drawn = list(work.queue or ()), list(work.asked), list(work.drawn)
        if not self.overheard:
            for other in called(turn, self.scene(turn.speaker).said(turn), self.cast):
                if other.id not in asked:
                    asked.append(other.id)
                    drawn.append(other.id)
                    queue.append(other.id)
        step = work.step + 1
        if self._stopped or not queue or step >= CAP:
            return None
        if self.overheard and all(one in drawn for one in queue):
            return None
        return replace(
            work,
            step=step,
            queue=tuple(queue),
            asked=tuple(asked),
            drawn=tuple(drawn),
            at=round(time.time(), 3),
        )

    @property
    def overheard(self) -> bool:
        """Whether somebody has spoken since what is being seen to: chatter ends then."""
        return self._inside > 1

    @property
    def stopped(self) -> bool:
        return self._stopped

    async def likeliest(
        self, among: Sequence[Character], scene: Scene, person: str = "", *, waiting: bool = True
    ) -> Character | None:
        """Who goes on, by the model's opinion; None when it has none."""
        try:
            chapter = self.memory.state.chapter
            scores = await self.voice.opinions(
                as_of(scene, chapter),
                [c.as_of(chapter) for c in among],
                room=self.key,
                person=person,
                waiting=waiting,
            )
        except (Crowded, EngineError) as problem:
            log.info("%s: nobody to ask who speaks next: %s", self.key, problem)
            return None
        return choose(scores, among, scene)

    # -- one line --------------------------------------------------------------------------------

    async def answer(
        self, speaker: Character, *, then: Callable[[Turn], Request | None], chatter: bool = False
    ) -> bool:
        """One character's line, kept before this returns. `then` says what is left to do after it.

        Returns whether it was said to its end.
        """
        assert self._work
        line_id, person = self._work.line, self._work.person

        async def whole() -> bool:
            spoken = await self.speak(speaker, line_id, person=person, chatter=chatter)
            if spoken.text:
                await self.said(
                    speaker,
                    spoken.text,
                    then=then,
                    broken_off=spoken.broken,
                    spoken=spoken,
                )
            if spoken.problem:
                told = notices.STUMBLED[self.language]
                await self.notice(told.format(speaker.name[self.language], spoken.problem))
            return bool(spoken.text) and not spoken.broken and not spoken.problem

        line = asyncio.create_task(whole())
        try:
            return await asyncio.shield(line)
        except asyncio.CancelledError:
            # Our caller goes away: what was said so far is still kept.
            self.stop()
            await asyncio.wait({line})
            raise

    async def speak(
        self,
        speaker: Character,
        line_id: str,
        *,
        person: str,
        chatter: bool = False,
        scene: Scene | None = None,
        old: StoredLine | None = None,
    ) -> Spoken:
        """Let a character speak, shown as it is written; a bad reply is asked for once more.

        With `old` it is another version of that line, in the scene before it.
        """
        chapter = self.memory.state.chapter
        scene = as_of(scene or self.scene(speaker.id), chapter)
        reader = speaker.as_of(chapter)
        tail, before = await self._tail(speaker, scene, person)
        examples = not self.memory.state.mark
        try:
            read = self.voice.read(scene, reader, tail, examples=examples)
        except Crowded as crowded:
            await self.notice(notices.CROWDED[self.language].format(crowded))
            return Spoken("")
        turns = self.memory.turns
        mark = turns[read.dropped - 1].id if read.dropped and not old else ""
        recent = [t.text for t in scene.turns if t.speaker == speaker.id][-4:]
        version = len(old.texts) + 1 if old else 1
        line = Line(
            line_id,
            speaker,
            "",
            self.language,
            version=version,
            versions=version,
            places=old.places if old else (),
        )
        self._speaker, self._chatter = speaker, chatter
        try:
            for attempt in (0, 1):
                reply = self.voice.begin(
                    read,
                    scene,
                    reader,
                    room=self.key,
                    person=person,
                    turn=64 * len(turns) + 2 * version + attempt,
                    waiting=not chatter,
                    # Asked for another version, a cold model says the same again.
                    warmth=1 + 0.5 * (version - 1) + 0.5 * attempt,
                )
                draft, broken, problem = await self._write(reply, line)
                shown = bool(draft.text)
                text = draft.end()
                if declined := self.filter.check(
                    text, self.language, side="output", speaker=speaker
                ):
                    self.stats["declined to say"] += 1
                    if shown and not old:
                        await self.stage.withdraw(line_id, ())
                    return Spoken(declined, mark=mark)
                fault = fault_of(text, recent, cut_short=reply.finish == "stop")
                if old and text in old.texts:
                    fault = "repeats"
                if fault:
                    self.stats[fault] += 1
                if broken or not fault:
                    break
                if attempt == 0:
                    self.stats["retried"] += 1
                    if shown and not old:
                        await self.stage.withdraw(line_id, ())
        finally:
            self._speaker, self._chatter = None, False
        text = self._mended(text, fault, recent, speaker, broken=broken)
        if text and broken:
            text = broken_off(text)
        elif text and reply.finish == "length" and not fault:
            text = run_out(text, self.language)
        if not text and shown and not old:
            await self.stage.withdraw(line_id, ())
        return Spoken(text, broken, problem, mark, read, before)

    def _mended(
        self,
        text: str,
        fault: Fault | None,
        recent: Sequence[str],
        speaker: Character,
        *,
        broken: bool,
    ) -> str:
        """What is kept of a reply after all attempts; a line of the card when nothing is."""
        if not fault:
            return text
        left = without(text, fault, recent)
        if left or broken:
            return left
        if fault == "repeats":
            return text  # what was said before is better than nothing, and than a stock phrase
        self.stats["card lines"] += 1
        lines = speaker.lines[self.language] or speaker.greeting[self.language]
        return lines[len(self.memory.turns) % len(lines)]

    async def _write(self, reply: Reply, line: Line) -> tuple[Draft, bool, str]:
        """Let the engine write one reply, shown as it grows, until it ends or is stopped.

        Returns the draft, whether it was broken off, and the engine's problem.
        """
        draft, pace = Draft(line.speaker), self.stage.pace()
        broken, problem = False, ""
        task = self._writing = asyncio.current_task()
        loop = asyncio.get_running_loop()
        waiting = loop.call_later(QUEUED, lambda: self.later(self._queued(reply)))
        try:
            async for piece in reply:
                waiting.cancel()
                shown = draft.add(piece)
                if self.filter.broken(shown, "output"):
                    break
                if pace.due(shown, time.monotonic()):
                    await self.stage.show(replace(line, text=shown))
        except asyncio.CancelledError:
            broken = True
            if task:
                task.uncancel()  # it was this line that was to end, not the task
        except EngineError as stumbled:
            broken, problem = True, str(stumbled)
        finally:
            waiting.cancel()
            self._writing = None
            await reply.aclose()
        return draft, broken, problem

    async def _queued(self, reply: Reply) -> None:
        if reply.position > 0 and reply.finish is None:
            self.stats["queued"] += 1
            await self.notice(notices.QUEUED[self.language].format(reply.position))

    async def said(
        self,
        speaker: Character,
        text: str,
        *,
        then: Callable[[Turn], Request | None],
        broken_off: bool = False,
        spoken: Spoken | None = None,
        joined: Turn | None = None,
        **changes: Any,
    ) -> Turn:
        """Keep a character's line as the next answer to what is being seen to, and show it.

        Raises:
            AlreadyHandled: somebody else answered meanwhile; the line is not kept.
        """
        work = self._work
        assert work
        turn = Turn(speaker.id, text, "character")
        before = spoken.before if spoken else ()
        line = StoredLine(
            work.line,
            speaker.id,
            (text,),
            passages=tuple(leaning(text, before)) if before else (),
            person=work.person,
        )
        after = None if broken_off and self._stopped else then(turn)
        if spoken and spoken.mark:
            changes["mark"] = spoken.mark
        # Kept before it is shown as done: nobody ever saw a whole line that is not remembered.
        try:
            await self.memory.write(
                turn,
                line=line,
                broken_off=broken_off,
                work=work,
                then=after,
                joined=joined,
                **changes,
            )
        except AlreadyHandled:
            self._work = None
            await self.stage.withdraw(line.id, ())
            raise
        self._work = after
        self.stats["said"] += 1
        await self.show(line, speaker)
        if spoken and spoken.read:
            self.later(self._asked(line, 1, spoken.read, text))
        return turn

    async def once_more(self, line: StoredLine, speaker: Character, work: Request) -> None:
        """Another version of a line, in the scene before it; all versions are kept."""
        turns = self.memory.turns
        at = next(n for n, kept in enumerate(turns) if kept.line == line.id)
        scene = self.scene(speaker.id)
        scene = replace(scene, turns=scene.turns[:at])
        spoken = await self.speak(
            speaker, line.id, person=line.person or work.person, scene=scene, old=line
        )
        if not spoken.text or spoken.broken or spoken.text in line.texts:
            if spoken.problem:
                told = notices.STUMBLED[self.language]
                await self.notice(told.format(speaker.name[self.language], spoken.problem))
            await self.show(line, speaker)
            return
        new = replace(
            line,
            texts=(*line.texts, spoken.text),
            shown=len(line.texts),
            passages=tuple(leaning(spoken.text, spoken.before)),
        )
        new = await self.memory.change(new, work)
        self.done()
        self.stats["versions"] += 1
        self._retried = line.id
        await self.show(new, speaker)
        if spoken.read:
            self.later(self._asked(new, new.shown + 1, spoken.read, spoken.text))

    def next_step(self) -> Request:
        """What is being seen to, after one more answer."""
        assert self._work
        return replace(self._work, step=self._work.step + 1, at=round(time.time(), 3))

    def done(self) -> None:
        """What was being seen to is closed already."""
        self._work = None

    async def show(self, line: StoredLine, speaker: Character) -> None:
        """Show a kept line as done, and remember where."""
        places = await self.stage.show(
            Line(
                line.id,
                speaker,
                line.text,
                self.language,
                done=True,
                version=line.shown + 1,
                versions=len(line.texts),
                places=line.places,
            )
        )
        await self.memory.shown(line, places)

    async def _tail(
        self, speaker: Character, scene: Scene, person: str
    ) -> tuple[Tail | None, tuple[Passage, ...]]:
        """What the speaker needs for this one reply besides what was said."""
        state, context = self.memory.state, self.voice.context
        found = passages(
            self.book,
            scene,
            speaker,
            chapter=state.chapter,
            context=context,
            length=self.voice.length,
        )
        known: tuple[str, ...] = ()
        if self.people and person:
            query = next((t.text for t in reversed(scene.turns) if t.side == "human"), "")
            known = await self.people.recall(
                person,
                speaker,
                self.key,
                private=self.private,
                scene=scene,
                query=query,
                budget=context // _MEMORY_SHARE,
                measure=self.voice.length,
                on_connection=self._told,
            )
        tail = Tail(tuple(p.text for p in found), known, state.note)
        return (tail if tail else None), found

    def _break_off(self) -> bool:
        # Only while the engine writes: a line that is being kept must be kept.
        writing, self._writing = self._writing, None
        return writing is not None and writing.cancel()

    # -- in the background -----------------------------------------------------------------------

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something without anybody waiting for it."""
        task = asyncio.create_task(self._quietly(work))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _quietly(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except Exception:  # a chore that fails must not end the process
            log.exception("%s: something in the background failed", self.key)

    async def _asked(self, line: StoredLine, version: int, read: Reading, text: str) -> None:
        """Keep what the model read for a line, for those who will judge it."""
        people = {kept.person: kept.turn.speaker for kept in self.memory.turns if kept.person}
        if line.person and line.person not in people:
            people[line.person] = ""
        asked = Asked(
            tuple((span.text, span.control) for span in read.spans),
            text,
            model=self.voice.name,
            character=line.speaker,
            language=self.language,
            private=self.private,
            people=people,
        )
        await self.feedback.asked(self.key, line.id, version, asked)

    async def _chosen(self, line_id: str, person: str) -> None:
        """The talk goes on from one version of a line: it was better than the others."""
        line = (await self.memory.lines()).get(line_id)
        if line and len(line.texts) > 1:
            await self.feedback.chosen(self.key, line_id, line.shown + 1, person)

    def _rest(self) -> None:
        """Nothing is to be done just now: time to learn, and to sum up what was trimmed."""
        if self._inside:
            return
        turns = self.memory.turns
        if self.people and turns:
            new = [kept for kept in turns if _later(kept.id, self._learned or "")]
            if new:
                self._learned = new[-1].id
                self.people.heard(self.key, self.private, new, self.scene())
        state = self.memory.state
        if state.mark and state.mark != state.summed:
            self.later(self._sum_up())

    async def _sum_up(self) -> None:
        """Sum up the turns that were trimmed since the last time, for those who heard them."""
        state = self.memory.state
        mark, summaries = state.mark, state.summaries
        longest = min(LONGEST_SUMMARY, self.voice.context // _SUMMARY_SHARE)
        trimmed = await self.memory.between(state.summed, mark)
        if self.people:
            trimmed = await self.people.rememberable(trimmed, self.private)
        turns = [kept.turn for kept in trimmed]
        for heard, earlier, part in by_hearers(state.cast, turns, summaries):
            scene = replace(self.scene(), turns=self.named(part), summary="")
            text = earlier
            if part:
                text = ""
                try:
                    if self.voice.obeys:
                        text = await self.voice.summed_up(
                            scene, earlier, longest=longest, room=self.key
                        )
                except EngineError as problem:
                    log.info("%s: no summary by the model: %s", self.key, problem)
                if not is_about(text, scene, earlier):
                    self.stats["summaries without the model"] += 1
                    text = beginnings(scene, earlier, longest)
            summaries = with_summary(summaries, heard, text[: 2 * longest])
        if self.memory.state.mark == mark:
            await self.memory.write(summaries=summaries, summed=mark)
            self.stats["summaries"] += 1

    # -- what is known ---------------------------------------------------------------------------

    def scene(self, reader: str = "") -> Scene:
        """The room as it is, with what `reader` remembers of what was trimmed."""
        return scene_of(self.memory.state, self.memory.turns, self.cast, reader)

    def named(self, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """Turns with shown names for whoever is not on stage."""
        kept = [StoredTurn("", turn) for turn in turns]
        return scene_of(self.memory.state, kept, self.cast).turns

    def character(self, character_id: str) -> Character | None:
        return next((c for c in self.cast if c.id == character_id), None)

    async def line_at(self, place: str) -> StoredLine | None:
        """The line that stands at a place of the platform."""
        lines = await self.memory.lines()
        return next((line for line in reversed(lines.values()) if place in line.places), None)

    async def last_line(self) -> StoredLine | None:
        """The last character's line."""
        kept = next((k for k in reversed(self.memory.turns) if k.turn.side == "character"), None)
        if kept is None:
            return None
        found = (await self.memory.lines()).get(kept.line)
        return found or StoredLine(kept.line, kept.turn.speaker, (kept.turn.text,))

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        await self.stage.notice(text, to=to, secret=secret)

    async def _told(self, problem: MemoryAway | None) -> None:
        # Several steps may wait at the same time; it is said once.
        if bool(problem) != self._away:
            self._away = bool(problem)
            told = notices.AWAY[self.language].format(problem) if problem else None
            await self.notice(told or notices.BACK[self.language])


def _later(kept_id: str, than: str) -> bool:
    return stream_order(kept_id) > stream_order(than)
