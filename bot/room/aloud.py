"""Lines read aloud in one room: beside the text, never before it, one at a time, dropped when late.

aloud.grows(speaker, "莫慌！有老")        # its finished sentences are synthesized meanwhile
aloud.said(line, speaker)               # the line stands there: its note follows, if it is wanted
words = await aloud.read(line, speaker)  # somebody asked for this line; what to tell them, or None
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from bot import notices
from bot.memory import MemoryProblem, StoredLine
from bot.room.view import View
from bot.stage import Audible, Line
from characters.card import Character, Words
from speech.error import Busy, NothingToSay, SpeechError
from speech.sound import Sound

log = logging.getLogger(__name__)

LATE = 15.0  # seconds after its line at which a note is not worth hearing any more
ON, OFF = "on", "off"


class Aloud:
    """The sound of one room. `later` begins a background task."""

    def __init__(self, view: View, later: Callable[[Coroutine[Any, Any, Any]], None]) -> None:
        self._view = view
        self._later = later
        self._turn = asyncio.Lock()  # one job a room
        self._waiting: tuple[StoredLine, Character, float] | None = None  # the newest line
        self._working = False
        self._asked = False

    @property
    def possible(self) -> bool:
        """Whether anything speaks here, and the platform can play it."""
        return self._view.shared.speaker is not None and isinstance(self._view.stage, Audible)

    async def wanted(self, speaker: str, person: str) -> bool:
        """Whether a character's answers to a person are read aloud: as the person chose, else as
        was chosen for the room."""
        if not self.possible:
            return False
        chosen = ""
        if person:
            try:
                known = await self._view.shared.memory.person(person).known()
            except MemoryProblem:
                return False
            chosen = known.profile.aloud
        chosen = chosen or self._view.memory.state.aloud
        return chosen == ON or speaker in chosen.split()

    def grows(self, speaker: Character, text: str) -> None:
        """A line that will be wanted is this long by now."""
        if not self._turn.locked():
            self._later(self._prepared(speaker, text))

    def said(self, line: StoredLine, speaker: Character) -> None:
        """A line stands in the room. A whispered one is never read aloud."""
        if not self.possible or line.to:
            return
        self._waiting = (line, speaker, asyncio.get_running_loop().time() + LATE)
        if not self._working:
            self._working = True
            self._later(self._work())

    async def read_at(self, place: str) -> Words | None:
        """Play the line that stands at a place, of which somebody pressed the button. Returns what
        to tell them, None when it plays.

        Raises:
            MemoryProblem: it cannot be recalled.
        """
        line = await self._view.line_at(place)
        speaker = self._view.character(line.speaker) if line else None
        if line is None or speaker is None:
            return notices.NOT_THERE
        return await self._read(line, speaker)

    async def sound(self, text: str, speaker: Character) -> Sound:
        """A line as a voice note, for whoever plays it by themselves.

        Raises:
            Busy: others are being read.
            SpeechError: nothing speaks here, or it cannot be said.
        """
        engine = self._view.shared.speaker
        if engine is None:
            raise SpeechError(notices.NO_SOUND.zh, notices.NO_SOUND.en)
        try:
            async with asyncio.timeout(LATE), self._turn:
                return await engine.say(text, speaker.voice)
        except TimeoutError as late:
            raise Busy from late

    async def _read(self, line: StoredLine, speaker: Character) -> Words | None:
        if not self.possible:
            return notices.NO_SOUND
        if line.to:
            return notices.NOT_ALOUD
        if self._asked:
            return notices.SOUND_BUSY
        self._asked = True
        try:
            async with asyncio.timeout(LATE), self._turn:
                await self._play(line, speaker)
            return None
        except TimeoutError:
            return notices.SOUND_BUSY
        except SpeechError as problem:
            return Words(problem.zh, problem.en)
        finally:
            self._asked = False

    # -- how it is done --------------------------------------------------------------------------

    async def _prepared(self, speaker: Character, text: str) -> None:
        engine = self._view.shared.speaker
        try:
            async with asyncio.timeout(LATE), self._turn:
                if engine is not None:
                    await engine.prepare(text, speaker.voice)
        except (SpeechError, TimeoutError) as problem:
            log.debug("%s: not prepared: %s", self._view.key, problem)  # said again, when it counts

    async def _work(self) -> None:
        """Play the newest line, and the newest that came meanwhile."""
        stats = self._view.shared.stats
        try:
            while (waiting := self._waiting) is not None:
                self._waiting = None
                try:
                    await self._follow(*waiting)
                except TimeoutError:
                    stats["sound late"] += 1
                except NothingToSay:
                    stats["sound without words"] += 1
                except SpeechError as problem:
                    stats["sound failed"] += 1
                    log.warning("%s: a line was not read aloud: %s", self._view.key, problem)
        finally:
            self._working = False

    async def _follow(self, line: StoredLine, speaker: Character, until: float) -> None:
        if not await self.wanted(speaker.id, line.person):
            return
        left = until - asyncio.get_running_loop().time()
        async with asyncio.timeout(max(left, 0.0)), self._turn:
            await self._play(line, speaker)

    async def _play(self, line: StoredLine, speaker: Character) -> None:
        view = self._view
        stage, engine = view.stage, view.shared.speaker
        if engine is None or not isinstance(stage, Audible):
            return
        sound = await engine.say(line.text, speaker.voice)
        known = (await view.memory.lines()).get(line.id)
        if known is not None and known.shown != line.shown:
            return  # it says something else by now
        places = known.places if known else line.places
        shown = Line(
            line.id, speaker, line.text, view.language, True, line.shown + 1, places=places
        )
        await stage.play(shown, sound)
        view.shared.stats["sounds"] += 1
