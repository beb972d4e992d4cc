"""One reply: its prompt, its growing draft, a second attempt, kept before it is shown as done."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot import notices
from bot.conversation import Crowded, Reading, as_of
from bot.drafts import Draft, broken_off, orders_for, run_out
from bot.faults import Fault, fault_of, without
from bot.labels import labels_for
from bot.memory import AlreadyHandled, Request, StoredLine
from bot.memory.room import KEPT_VERSIONS
from bot.room.chores import Chores
from bot.room.delivery import Unseen, show
from bot.room.job import Job
from bot.room.prompt import Prompt
from bot.room.tail import Before, before
from bot.room.view import View
from bot.stage import Line, Stage
from bot.whispers import confided_to
from characters.card import Character
from characters.macros import expand
from characters.turn import Scene, Turn
from engine.sequence import EngineError, Reply

log = logging.getLogger(__name__)

QUEUED = 3.0  # seconds without a word before people are told their place in the queue
ATTEMPTS = 2  # a faulty reply is asked for once more
# Faults after which the model is kept from its words more strictly, if it is at all.
_SAID_BEFORE = ("repeats", "echoes", "loops")
_STRICTER = 3

# What is left to do after a reply: the record of the message from then on, None when it is done.
Then = Callable[[Turn], Request | None]
_NOTHING = Before()


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a character said: "" when nothing; `broken` when it was stopped or the engine failed."""

    text: str
    broken: bool = False
    problem: str = ""
    mark: str = ""  # of the trim that its prompt made
    read: Reading | None = None
    before: Before = _NOTHING


class Speech:
    """The replies of one job."""

    def __init__(self, job: Job, view: View, chores: Chores) -> None:
        self._job = job
        self._view = view
        self._chores = chores

    async def answer(
        self,
        speaker: Character,
        *,
        then: Then,
        chatter: bool = False,
        after: Turn | None = None,
    ) -> bool:
        """One character's reply, kept before this returns. Returns whether it was said to its end.
        `after` is a turn that is told before it, and kept with it.

        Raises:
            AlreadyHandled: another process answered meanwhile.
        """
        job = self._job

        async def whole() -> bool:
            scene = self._view.answered(job.work, speaker.id)
            scene = scene.said(after) if after else scene
            spoken = await self._speak(
                speaker, job.work.line, person=job.work.individual, chatter=chatter, scene=scene
            )
            if spoken.text:
                await self.keep(speaker, spoken, then=then, joined=after)
            if spoken.problem:
                name = speaker.name[self._view.language]
                await self._view.say(notices.STUMBLED, name, spoken.problem)
            return bool(spoken.text) and not spoken.broken and not spoken.problem

        reply = asyncio.create_task(whole())
        try:
            return await asyncio.shield(reply)
        except asyncio.CancelledError:
            # Our caller goes away: what was said so far is still kept.
            job.stop()
            await asyncio.wait({reply})
            raise

    async def keep(
        self,
        speaker: Character,
        spoken: Spoken,
        *,
        then: Then,
        joined: Turn | None = None,
        others: Sequence[str] = (),
        **changes: Any,
    ) -> None:
        """Store a character's line as the next answer of the job, and show it. `joined` is a turn
        before it; `others` are versions that can be chosen instead; `changes` are those of the
        room's state (see `RoomMemory.write`).

        Raises:
            AlreadyHandled: another process answered meanwhile; the line is not kept.
        """
        job, view = self._job, self._view
        work, turn = job.work, Turn(speaker.id, spoken.text, "character")
        if work.to == speaker.id:
            turn = replace(turn, witnesses=frozenset((speaker.id,)), whispered=True)
        line = StoredLine(
            work.line,
            speaker.id,
            (spoken.text, *others)[:KEPT_VERSIONS],
            passages=spoken.before.quotes(spoken.text),
            lore=spoken.before.entries,
            person=work.individual,
            to=work.person if turn.whispered else "",
        )
        after = None if spoken.broken and job.stopped else then(turn)
        if spoken.mark:
            changes["mark"] = spoken.mark
        # Stored before it is shown as done: nobody ever saw a whole line that is not remembered.
        try:
            await view.memory.write(
                turn,
                line=line,
                broken_off=spoken.broken,
                work=work,
                then=after,
                joined=joined,
                **changes,
            )
        except AlreadyHandled:
            job.closed = True
            if not line.to:
                await view.stage.withdraw(line.id, ())
            raise
        if after is None:
            job.closed = True
        else:
            job.work = after
        view.shared.stats["said"] += 1
        view.shared.spoken[speaker.id] += 1
        await show(view, self._chores, line, speaker)
        self._chores.aloud.said(line, speaker)
        if spoken.read and not self._confidant(speaker):
            self._chores.asked(line, 1, spoken.read, spoken.text)

    async def once_more(self, line: StoredLine, speaker: Character) -> None:
        """Another version of a line, in the scene before it; all versions are kept.

        Raises:
            AlreadyHandled: another process carried the order out.
        """
        job, view = self._job, self._view
        at = next(n for n, kept in enumerate(view.memory.turns) if kept.line == line.id)
        scene = view.scene(speaker.id)
        scene = replace(scene, turns=scene.turns[:at])
        spoken = await self._speak(
            speaker, line.id, person=line.person or job.work.individual, scene=scene, old=line
        )
        if not spoken.text or spoken.broken or spoken.text in line.texts:
            name = speaker.name[view.language]
            if spoken.problem:
                await view.say(notices.STUMBLED, name, spoken.problem)
            elif not spoken.broken:
                self._chores.same_again(line.id)
                await view.say(notices.SAME_AGAIN, name, to=job.work.person)
            await show(view, self._chores, line, speaker)
            return
        new = replace(
            line,
            texts=(*line.texts, spoken.text),
            shown=len(line.texts),
            passages=spoken.before.quotes(spoken.text),
            lore=spoken.before.entries,
        )
        new = await view.memory.change(new, job.work)
        job.closed = True
        view.shared.stats["versions"] += 1
        self._chores.retried(line.id)
        await show(view, self._chores, new, speaker)
        self._chores.aloud.said(new, speaker)
        if spoken.read and not self._confidant(speaker):
            self._chores.asked(new, new.shown + 1, spoken.read, spoken.text)

    def _confidant(self, speaker: Character) -> bool:
        """Whether the speaker was whispered to: such prompts are kept for nobody to judge."""
        turns = (kept.turn for kept in self._view.memory.turns)
        return any(turn.whispered and turn.heard_by(speaker.id) for turn in turns)

    # -- one reply -------------------------------------------------------------------------------

    async def _speak(
        self,
        speaker: Character,
        line_id: str,
        *,
        person: str,
        chatter: bool = False,
        scene: Scene | None = None,
        old: StoredLine | None = None,
    ) -> Spoken:
        """Let a character speak, shown as it is written; a faulty reply is asked for once more.

        With `old` it is another version of that line, in the scene before it.
        """
        with self._job.speaking(speaker, chatter=chatter):
            try:
                prompt = await self._prompt(speaker, person, scene, old)
            except EngineError as failed:  # it could not even read
                return Spoken("", broken=True, problem=str(failed))
            if prompt is None:  # and people were told why
                return Spoken("", broken=True)
            # While the prompt was built, or while it was decided who goes on.
            if self._job.interrupted or (chatter and self._job.overheard):
                return Spoken("", broken=True)
            return await self._attempts(prompt, line_id, chatter=chatter)

    async def _prompt(
        self, speaker: Character, person: str, scene: Scene | None, old: StoredLine | None
    ) -> Prompt | None:
        """What the model reads for a reply; None, and people are told, when it does not fit."""
        view, state = self._view, self._view.memory.state
        whispered = bool(self._job.work.to) and old is None
        scene = view.as_spoken(as_of(scene or view.scene(speaker.id), state.chapter))
        reader = speaker.as_of(state.chapter)
        to = self._job.work.name if whispered else ""
        about = scene.between(to, speaker.id) if whispered else scene.aloud()
        tail = await before(view, speaker, about, person)
        try:
            read = view.shared.voice.read(scene, reader, tail.tail, examples=not state.mark)
        except Crowded as crowded:
            await view.say(notices.CROWDED, crowded)
            return None
        confided = confided_to(speaker, scene, view.cast, but=to)
        return Prompt(speaker, reader, scene, read, tail, person, old, whispered, confided)

    async def _attempts(self, prompt: Prompt, line_id: str, *, chatter: bool) -> Spoken:
        job, view, shared = self._job, self._view, self._view.shared
        speaker, old, turns = prompt.speaker, prompt.old, view.memory.turns
        dropped, language = prompt.read.dropped, prompt.scene.language
        mark = turns[dropped - 1].id if dropped and not old else ""
        line = Line(
            line_id,
            speaker,
            "",
            view.language,
            version=prompt.version,
            versions=prompt.version,
            places=old.places if old else (),
        )
        labels, orders = labels_for(prompt.scene, speaker), orders_for(prompt.scene, speaker)
        text, broken, problem, shown, finish = "", False, "", False, ""
        fault: Fault | None = None
        for attempt in range(ATTEMPTS):
            reply = self._begin(prompt, attempt, fault, chatter=chatter)
            draft = Draft(labels, orders=orders, thinking=shared.voice.thinks)
            broken, problem = await self._write(reply, line, draft, prompt)
            shown = bool(draft.text) and not prompt.whispered
            text, finish = draft.end(), reply.finish or ""
            declined = shared.filter.check(text, language, side="output", speaker=speaker)
            if declined:
                shared.stats["declined to say"] += 1
                if shown and not old:
                    await view.stage.withdraw(line_id, ())
                return Spoken(declined, mark=mark)
            cut_short = draft.ended or finish == "stop"
            fault = self._fault(text, prompt, cut_short=cut_short, recites=draft.recites)
            if job.reworded or job.deleted:  # what it answers is not there any more
                if shown and not old:
                    await view.stage.withdraw(line_id, ())
                return Spoken("", broken=True)
            if broken or not fault or attempt + 1 == ATTEMPTS:
                break
            shared.stats["retried"] += 1
            if shown and not old:
                await view.stage.withdraw(line_id, ())
            if job.interrupted:  # between two attempts: nothing of it stands any more
                return Spoken("", broken=True)
            if fault == "recites":
                prompt = self._uncued(prompt)
        text = self._mended(text, fault, prompt, broken=broken)
        if text and broken:
            text = broken_off(text)
        elif text and finish == "length" and not fault:
            text = run_out(text, language)
        if not text and shown and not old:
            await view.stage.withdraw(line_id, ())
        return Spoken(text, broken, problem, mark, prompt.read, prompt.before)

    def _begin(self, prompt: Prompt, attempt: int, fault: Fault | None, *, chatter: bool) -> Reply:
        voice = self._view.shared.voice
        # What gave the same words before would give them again: another seed, and warmer.
        version = prompt.version + (self._chores.same(prompt.old.id) if prompt.old else 0)
        sampling = voice.sampling(
            prompt.scene,
            prompt.reader,
            turn=64 * len(self._view.memory.turns) + 2 * version + attempt,
            # Asked for another version, a cold model says the same again.
            warmth=1 + 0.5 * (version - 1) + 0.5 * attempt,
        )
        if fault in _SAID_BEFORE:
            sampling = replace(sampling, dry=_STRICTER * sampling.dry, dry_length=1)
        return voice.begin(
            prompt.read,
            sampling,
            room=self._view.key,
            person=prompt.person,
            waiting=not chatter,
        )

    def _uncued(self, prompt: Prompt) -> Prompt:
        """The prompt without the line that the model went on with."""
        voice, examples = self._view.shared.voice, not self._view.memory.state.mark
        scene, tail = prompt.scene, prompt.before.tail
        read = voice.read(scene, prompt.reader, tail, examples=examples, cue=False)
        return replace(prompt, read=read)

    def _fault(self, text: str, prompt: Prompt, *, cut_short: bool, recites: bool) -> Fault | None:
        # A model that was taught here takes up what was said, and the fake only says it again.
        taught = not self._view.shared.voice.served.style.cue
        asked, coder = "" if taught else prompt.asked, prompt.coder
        fault = fault_of(text, prompt.recent, cut_short=cut_short, asked=asked, coder=coder)
        if not fault and prompt.mistaken(text, self._view.cast):
            fault = "mistaken"
        if not (fault or taught) and prompt.strays(text):
            fault = "strays"
        if recites:
            fault = "recites"
        if prompt.confided.told_in(text):
            fault = "tells"
        if prompt.old and text in prompt.old.texts:
            fault = "repeats"
        if fault:
            self._view.shared.stats[fault] += 1
        return fault

    def _mended(
        self,
        text: str,
        fault: Fault | None,
        prompt: Prompt,
        *,
        broken: bool,
    ) -> str:
        """What is kept of a reply after all attempts; a line of the card when nothing is."""
        if not fault:
            return text
        told = fault == "tells"
        left = prompt.confided.without(text) if told else without(text, fault, prompt.recent)
        if left or broken:
            return left
        if fault in ("repeats", "echoes"):
            return text  # what was said before is better than nothing, and than a stock phrase
        view = self._view
        view.shared.stats["card lines"] += 1
        speaker, language = prompt.speaker, prompt.scene.language
        lines = speaker.lines[language] or speaker.greeting.either(language)
        line = lines[len(view.memory.turns) % len(lines)]
        return expand(line, char=speaker.name[language], seed=speaker.id, language=language)

    async def _write(
        self, reply: Reply, line: Line, draft: Draft, prompt: Prompt
    ) -> tuple[bool, str]:
        """Let the engine write one reply, shown as it grows, until it ends or is stopped; what is
        whispered is not shown before it is kept.

        Returns whether it was broken off, and the engine's problem.
        """
        view = self._view
        stage: Stage = Unseen() if prompt.whispered else view.stage
        pace = stage.pace()
        broken, problem, restarts = False, "", 0
        aloud = self._chores.aloud
        spoken = not prompt.whispered and await aloud.wanted(prompt.speaker.id, prompt.person)
        loop = asyncio.get_running_loop()
        waiting = loop.call_later(QUEUED, lambda: self._chores.later(self._queued(reply)))
        try:
            with self._job.writing():
                async for piece in reply:
                    waiting.cancel()
                    shown = draft.add(piece)
                    if draft.ended or view.shared.filter.broken(shown, "output"):
                        break
                    if prompt.confided.told_in(shown):
                        break
                    if draft.restarts > restarts:
                        # What was shown was a thought. The next ones are known to begin with one.
                        restarts, pace = draft.restarts, stage.pace()
                        view.shared.voice.thinks = True
                        if not line.places:
                            await stage.withdraw(line.id, ())
                    if pace.due(shown, time.monotonic()):
                        await stage.show(replace(line, text=shown))
                        if spoken:
                            aloud.grows(prompt.speaker, shown)
        except asyncio.CancelledError:
            broken = True
            if task := asyncio.current_task():
                task.uncancel()  # it was this line that was to end, not the task
        except EngineError as failed:
            broken, problem = True, str(failed)
        finally:
            waiting.cancel()
            await reply.aclose()
        return broken, problem

    async def _queued(self, reply: Reply) -> None:
        if reply.position > 0 and reply.finish is None:
            self._view.shared.stats["queued"] += 1
            await self._view.say(notices.QUEUED, reply.position)
