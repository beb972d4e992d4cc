"""A room: people and characters who hear each other, in order.

    room = Room("terminal", "main", cast=cast, voice=voice, memory=memory, stage=stage)
    await room.hear(Message("terminal:小明", "小明", "悟空，你怕不怕紧箍咒？"))

A message is stored before anything else is done about it; then `casting` says who answers, the
prompt is built, the engine writes, the stage shows the growing draft, and the line is remembered
before it is shown as done. A room hears one message at a time; rooms are heard together.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot import notices
from bot.casting import CAP, answerers, called
from bot.commands import ALL, Order, help_text, people, read
from bot.conversation import Crowded, Reading, language_of, scene_of
from bot.drafts import Draft, broken_off, joined, plain, run_out
from bot.memory import Memory, MemoryAway
from bot.stage import Line, Message, Stage
from bot.voice import Voice
from canon import Canon
from characters.card import Cast, Character, Language
from characters.prompt import Tail
from characters.turn import Scene, Turn, safe_name
from engine.sequence import EngineError

# Longer than any platform's message (Discord 2,000, Telegram 4,096), and short enough that one
# message never fills a model's context. What is longer is refused whole and not stored: half a
# message is worse than a clear answer.
LONGEST = 4096

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
class _Written:
    """What the engine wrote: "" when nothing, `broken` when it was stopped or stumbled."""

    text: str
    broken: bool = False
    problem: str = ""


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
    ) -> None:
        self.key = f"{platform}:{name}"
        self._private = private
        self._book = book
        self._cast = cast
        self._voice = voice
        self._memory = memory.room(platform, name, self._told)
        self._stage = stage
        self._wanted = language
        self._lock = asyncio.Lock()
        self._stopped = False
        self._writing: asyncio.Task[Turn | None] | None = None  # while the engine writes
        self._speaker: Character | None = None
        self._taken = (*_NARRATORS, *(name for c in cast for name in c.names))

    @property
    def language(self) -> Language:
        """What the room speaks; Chinese until somebody says otherwise."""
        return self._memory.state.language or self._wanted or "zh"

    async def enter(self) -> tuple[Scene, int]:
        """Come in: the scene as it was left, and how many turns of it are remembered.

        Raises:
            MemoryProblem: it cannot be recalled.
        """
        async with self._lock:
            await self._memory.look()
            if self._wanted and self._memory.state.language != self._wanted:
                await self._memory.write(language=self._wanted)
            return self._scene(), len(self._memory.turns)

    async def hear(self, message: Message) -> None:
        """Answer one message: a command, or talk.

        Raises:
            MemoryProblem: it cannot be kept; nothing was done about it.
        """
        async with self._lock:
            self._stopped = False
            await self._memory.look()
            text = plain(message.text).strip()
            order = read(text)
            if order is not None:
                await self._obey(order)
            elif not text:
                await self._notice(notices.EMPTY[self.language])
            elif len(text) > LONGEST:
                await self._notice(notices.TOO_LONG[self.language].format(len(text), LONGEST))
            else:
                await self._talk(message, text)

    async def obey(self, order: Order, *, person: str, name: str) -> None:
        """Carry out an order that a slash command or a button gave.

        Raises:
            MemoryProblem: it cannot be kept; nothing was done about it.
        """
        async with self._lock:
            self._stopped = False
            await self._memory.look()
            await self._obey(order)

    async def rate(self, person: str, place: str, value: int) -> bool:
        """A thumb on a shown line: 1 up, -1 down, 0 taken back. False: no line stands there."""
        return await self._memory.line_at(place) is not None

    async def status(self) -> Status:
        """What a panel shows."""
        scene, kept = self._scene(), await self._memory.last_line()
        return Status(
            cast=scene.cast,
            place=scene.place,
            mood="",
            chapter=0,
            paused=False,
            language=self.language,
            speaking=self._speaker,
            version=1 if kept else 0,
            versions=1 if kept else 0,
            last_places=kept[1] if kept else (),
        )

    async def resume(self) -> None:
        """After a start: show what was kept and not shown, answer what was not answered."""
        await self.enter()

    def stop(self) -> bool:
        """Break off what is being said: the line is kept as far as it was shown, and marked.

        Returns whether anybody was speaking.
        """
        self._stopped = True
        # Only while the engine writes: a line that is being kept must be kept.
        writing, self._writing = self._writing, None
        return writing is not None and writing.cancel()

    # -- talk ------------------------------------------------------------------------------------

    async def _talk(self, message: Message, text: str) -> None:
        name = safe_name(message.name, self._taken)
        turn = Turn(name, text, witnesses=self._present())
        before = self._scene()
        decided = None if self._memory.state.language else language_of(text)
        if decided:
            await self._memory.write(turn, person=message.person, language=decided)
        else:
            await self._memory.write(turn, person=message.person)
        if not before.cast:
            await self._notice(notices.NOBODY[self.language])
            return
        await self._round(list(answerers(turn, before, self._cast)), message.person)

    async def _round(self, queue: list[Character], person: str) -> None:
        """All that follows one human message: the answers, and whom they draw in."""
        asked = {character.id for character in queue}
        said = 0
        while queue and said < CAP and not self._stopped:
            speaker = queue.pop(0)
            if speaker not in self._scene().cast:
                continue  # sent off meanwhile, from another process
            line = await self._answer(speaker, person)
            if line is None:
                return
            said += 1
            for other in called(line, self._scene(), self._cast):
                if other.id not in asked:
                    asked.add(other.id)
                    queue.append(other)

    async def _answer(self, speaker: Character, person: str) -> Turn | None:
        """One character's line, kept before this returns; None when there is none."""
        line = asyncio.create_task(self._speak(speaker, person))
        try:
            return await asyncio.shield(line)
        except asyncio.CancelledError:
            # Our caller goes away: what was said so far is still kept.
            self.stop()
            await asyncio.wait({line})
            raise

    async def _speak(self, speaker: Character, person: str) -> Turn | None:
        scene = self._scene()
        try:
            read = self._voice.read(scene, speaker, await self._recall(scene, speaker))
        except Crowded as problem:
            await self._notice(notices.CROWDED[self.language].format(problem))
            return None
        mark = self._memory.turns[read.dropped - 1].id if read.dropped else ""
        line_id = secrets.token_hex(8)
        for attempt in range(2):
            written = await self._write(line_id, read, scene, speaker, person, attempt)
            if written.text or written.broken:
                break
        else:
            return await self._said(line_id, speaker, self._fallback(speaker), mark)
        line = None
        if written.text:
            line = await self._said(line_id, speaker, written.text, mark, broken_off=written.broken)
        else:
            await self._stage.withdraw(line_id, ())
        if written.problem:
            name = speaker.name[self.language]
            await self._notice(notices.STUMBLED[self.language].format(name, written.problem))
            return None
        return line

    async def _write(
        self,
        line_id: str,
        read: Reading,
        scene: Scene,
        speaker: Character,
        person: str,
        attempt: int,
    ) -> _Written:
        """Let the engine write one reply, shown as it grows, until it ends or is stopped."""
        draft, pace = Draft(speaker), self._stage.pace()
        reply = self._voice.begin(
            read,
            scene,
            speaker,
            room=self.key,
            person=person,
            turn=2 * len(self._memory.turns) + attempt,
        )
        broken, problem = False, ""
        task = self._writing = asyncio.current_task()
        self._speaker = speaker
        try:
            async for piece in reply:
                shown = draft.add(piece)
                if pace.due(shown, time.monotonic()):
                    await self._stage.show(Line(line_id, speaker, shown, self.language))
        except asyncio.CancelledError:
            broken = True
            if task:
                task.uncancel()  # it was this line that was to end, not the task
        except EngineError as stumbled:
            broken, problem = True, str(stumbled)
        finally:
            self._writing = self._speaker = None
            await reply.aclose()
        text = draft.end()
        if text and broken:
            text = broken_off(text)
        elif text and reply.finish == "length":
            text = run_out(text, self.language)
        return _Written(text, broken, problem)

    async def _said(
        self, line_id: str, speaker: Character, text: str, mark: str = "", **changes: Any
    ) -> Turn:
        turn = Turn(speaker.id, text, "character", self._present() | {speaker.id})
        if mark:
            changes["mark"] = mark
        # Kept before it is shown as done: nobody ever saw a whole line that is not remembered.
        await self._memory.write(turn, line=line_id, **changes)
        places = await self._stage.show(Line(line_id, speaker, text, self.language, done=True))
        await self._memory.shown(line_id, places)
        return turn

    async def _recall(self, scene: Scene, speaker: Character) -> Tail | None:
        """What the speaker needs for this one reply besides what was said. Nothing yet."""
        return None

    def _fallback(self, speaker: Character) -> str:
        """A line of the character's own card, for a model that stays silent."""
        lines = speaker.lines[self.language] or speaker.greeting[self.language]
        return lines[len(self._memory.turns) % len(lines)]

    # -- what is known ---------------------------------------------------------------------------

    def _scene(self) -> Scene:
        return scene_of(self._memory.state, self._memory.turns, self._cast)

    def _present(self) -> frozenset[str]:
        return frozenset(character.id for character in self._scene().cast)

    async def _notice(self, text: str) -> None:
        await self._stage.notice(text)

    async def _told(self, problem: MemoryAway | None) -> None:
        language = self.language
        await self._notice(
            notices.AWAY[language].format(problem) if problem else notices.BACK[language]
        )

    # -- commands --------------------------------------------------------------------------------

    async def _obey(self, order: Order) -> None:
        language = self.language
        match order.id:
            case "summon":
                await self._summon(order.argument)
            case "dismiss":
                await self._dismiss(order.argument)
            case "who":
                await self._notice(self._who())
            case "cast":
                await self._notice(self._listed())
            case "language":
                await self._speak_language(order.argument)
            case "forget":
                gone = await self._memory.forget()
                await self._notice(notices.FORGOTTEN[language].format(gone))
            case "help":
                await self._notice(help_text(language))
            case "":
                await self._notice(notices.NO_SUCH_COMMAND[language].format(order.called))
            case _:
                await self._notice(notices.ELSEWHERE[language].format(order.called))

    async def _summon(self, argument: str) -> None:
        wanted, unknown = people(argument, self._cast)
        if not wanted and not unknown:
            await self._notice(notices.WHOM[self.language])
        for character in wanted:
            scene = self._scene()
            if character in scene.cast:
                name = character.name[self.language]
                await self._notice(notices.ALREADY[self.language].format(name))
                continue
            greetings = character.greeting[self.language]
            # The second greeting is for joining others.
            greeting = greetings[min(len(scene.cast), len(greetings) - 1, 1)]
            cast = (*(c.id for c in scene.cast), character.id)
            await self._said(secrets.token_hex(8), character, greeting, cast=cast)
        await self._nobody_called(unknown)

    async def _nobody_called(self, unknown: Sequence[str]) -> None:
        language = self.language
        known = joined((f"{c.name[language]} ({c.id})" for c in self._cast), language)
        for name in unknown:
            await self._notice(notices.UNKNOWN[language].format(name[:40], known))

    async def _dismiss(self, argument: str) -> None:
        scene = self._scene()
        wanted, unknown = people(argument, self._cast)
        if argument.casefold() in ALL:
            wanted, unknown = scene.cast, ()
        elif not wanted and not unknown:
            await self._notice(notices.WHOM_NOT[self.language])
            return
        leaving = [c for c in wanted if c in scene.cast]
        absent = [c for c in wanted if c not in scene.cast]
        if leaving:
            await self._memory.write(cast=tuple(c.id for c in scene.cast if c not in leaving))
        for characters, says in ((leaving, notices.LEFT), (absent, notices.NOT_HERE)):
            if characters:
                names = joined((c.name[self.language] for c in characters), self.language)
                await self._notice(says[self.language].format(names))
        await self._nobody_called(unknown)
        if not self._scene().cast:
            await self._notice(notices.NOBODY[self.language])

    def _who(self) -> str:
        scene, language = self._scene(), self.language
        if not scene.cast:
            return notices.NOBODY[language]
        names = joined((c.name[language] for c in scene.cast), language)
        return notices.ON_STAGE[language].format(names)

    def _listed(self) -> str:
        language = self.language
        rows = [
            notices.CAST_ROW[language]
            .format(
                emoji=character.emoji,
                name=character.name[language],
                id=character.id,
                aliases=joined(character.aliases[language][:3], language),
            )
            .strip()
            for character in self._cast
        ]
        return notices.CAST[language].format("\n".join(rows))

    async def _speak_language(self, argument: str) -> None:
        language: Language
        match argument.casefold():
            case "zh" | "中文" | "汉语" | "chinese":
                language = "zh"
            case "en" | "英文" | "英语" | "english":
                language = "en"
            case _:
                await self._notice(notices.WHICH_LANGUAGE[self.language])
                return
        await self._memory.write(language=language)
        await self._notice(notices.LANGUAGE[self.language])
