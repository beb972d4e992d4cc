"""One message: who answers it, in which order, and who goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from bot import notices
from bot.casting import CAP, answerers, called, candidates, choose
from bot.conversation import Crowded, as_of
from bot.memory import Request
from bot.room.chores import Chores
from bot.room.job import Job
from bot.room.speech import Speech, Spoken
from bot.room.view import View
from characters.card import Character, Words
from characters.turn import Scene, Turn
from engine.sequence import EngineError

log = logging.getLogger(__name__)


class Exchange:
    """A message or an order, and all that is said because of it."""

    def __init__(self, job: Job, view: View, chores: Chores) -> None:
        self.job = job
        self.view = view
        self.chores = chores
        self.speech = Speech(job, view, chores)

    async def tell(self, words: Words, *values: object) -> None:
        """A notice to the person whose message it is."""
        await self.view.say(words, *values, to=self.job.work.person)

    async def announce(self, words: Words, *values: object) -> None:
        """A notice to everybody."""
        await self.view.say(words, *values)

    async def answer(self) -> None:
        """Everything that follows what a person said."""
        job, view, work = self.job, self.view, self.job.work
        if not work.said:
            turn, changes = view.heard(work)
            work = await view.memory.say(work, turn, **changes)
            job.work = work
        if view.memory.state.paused:
            return
        if not view.scene().cast:
            await self.announce(notices.NOBODY)
            return
        if work.queue is None:
            queue = await self._first(work)
            work = replace(work, queue=queue, asked=queue)
        while work.queue and work.step < CAP and not job.stopped:
            speaker_id, *rest = work.queue
            work = replace(work, queue=tuple(rest))
            present = {c.id: c for c in view.scene().cast}
            drawn = speaker_id in work.drawn
            if speaker_id not in present or (drawn and job.overheard):
                continue  # sent off meanwhile, from another process; or people talk on
            current = work

            def then(turn: Turn, current: Request = current) -> Request | None:
                return self._after(turn, current)

            said = await self.speech.answer(present[speaker_id], then=then, chatter=drawn)
            if job.reworded and not job.closed:
                job.reworded = False  # what is answered says something else now: once more
                queue = await self._first(job.work)
                work = replace(job.work, queue=queue, asked=queue)
                continue
            if not said or job.closed:
                return
            work = job.work

    async def farewells(self) -> None:
        """Who was withdrawn since the last message says goodbye and leaves the stage."""
        view, casts = self.view, self.view.shared.casts
        for character_id in view.memory.state.cast:
            if not casts.is_gone(character_id) or self.job.closed:
                continue
            left = tuple(each for each in view.memory.state.cast if each != character_id)
            await self.speech.keep(
                casts[character_id],
                Spoken(notices.FAREWELL[view.language]),
                then=lambda turn: self.job.next_step(),
                cast=left,
            )

    async def decline(self, text: str) -> None:
        """Whoever would have answered says that this is not talked about."""
        view, work = self.view, self.job.work
        turn, scene = Turn(work.name, text), view.scene().aloud()
        answering = answerers(turn, scene, view.cast) or scene.cast
        speaker = answering[0] if answering and not work.order else None
        line = view.shared.filter.check(text, view.language, speaker=speaker) or ""
        if speaker and not view.memory.state.paused:
            await self.speech.keep(speaker, Spoken(line), then=lambda turn: None)
        else:
            await view.notice(line, to=work.person)

    async def _first(self, work: Request) -> tuple[str, ...]:
        """Ids of those who answer what a person said."""
        view, cast = self.view, self.view.cast
        numbers = [n for n, kept in enumerate(view.memory.turns) if kept.line == work.id]
        if not numbers:
            return ()  # taken back meanwhile
        if work.to:
            return (work.to,)
        scene = view.scene()
        turn = scene.turns[numbers[0]]
        before = replace(scene, turns=scene.turns[: numbers[0]]).aloud()
        replied = await view.line_at(work.reply_to) if work.reply_to else None
        reply_to = replied.speaker if replied else None
        reserved = view.memory.state.reserved
        among = candidates(before, cast, turn, reply_to=reply_to, reserved=reserved)
        if len(among) > 1:
            chosen = await self.likeliest(among, before.said(turn))
            if chosen:
                return (chosen.id,)
        answering = answerers(turn, before, cast, reply_to=reply_to, reserved=reserved)
        return tuple(c.id for c in answering)

    def _after(self, turn: Turn, work: Request) -> Request | None:
        """What is left to do after a character's line; None when that was the last one."""
        if work.to:
            return None  # nobody else heard it
        job, view = self.job, self.view
        queue, asked, drawn = list(work.queue or ()), list(work.asked), list(work.drawn)
        if not job.overheard:
            for other in called(turn, view.scene(turn.speaker).aloud().said(turn), view.cast):
                if other.id not in asked:
                    asked.append(other.id)
                    drawn.append(other.id)
                    queue.append(other.id)
        step = work.step + 1
        if job.stopped or not queue or step >= CAP:
            return None
        if job.overheard and all(one in drawn for one in queue):
            return None
        return replace(
            work,
            step=step,
            queue=tuple(queue),
            asked=tuple(asked),
            drawn=tuple(drawn),
            at=round(time.time(), 3),
        )

    async def whoever(self) -> Character | None:
        """Who goes on by itself."""
        scene = self.view.scene().aloud()
        reserved = self.view.memory.state.reserved
        among = candidates(scene, self.view.cast, reserved=reserved)
        if len(among) > 1:
            chosen = await self.likeliest(among, scene)
            if chosen:
                return chosen
        return max(among, key=lambda c: c.talkativeness, default=None)

    async def likeliest(self, among: Sequence[Character], scene: Scene) -> Character | None:
        """Who goes on, by the model's opinion; None when it has none."""
        view = self.view
        if "turns" not in view.shared.voice.tasks:
            return None
        chapter = view.memory.state.chapter
        try:
            scores = await view.shared.voice.opinions(
                view.as_spoken(as_of(scene, chapter)),
                [c.as_of(chapter) for c in among],
                room=view.key,
                person=self.job.work.person,
            )
        except (Crowded, EngineError) as problem:
            log.info("%s: nobody to ask who speaks next: %s", view.key, problem)
            return None
        return choose(scores, among, scene)
