"""Speech-to-text for a whole process: one note at a time, bounded, nothing kept.

hearer = Hearer(Listening(folder))
heard = await hearer.hear(data)          # Heard("悟空，你好", 1.8)
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from dataclasses import dataclass
from typing import Protocol

from speech.error import Busy, SpeechError
from speech.sound import HEARD_RATE, SILENCE, Samples, decode, loudness, too_long

LONGEST = 60.0  # seconds of a note
SHORTEST = 0.25
MOST_BYTES = 4 << 20  # of a note: a minute of WAV at 32 kHz
MOST_WAITING = 8  # notes of all rooms
MOST_TEXT = 2000  # characters
_TAGS = re.compile(r"<\|[^|<>]{0,40}\|>|\[(?:music|noise|blank_audio|applause)\]", re.IGNORECASE)


class Backend(Protocol):
    """An engine that turns samples into text."""

    name: str

    def missing(self) -> str: ...

    async def transcribe(self, samples: Samples) -> str:
        """The words of mono samples at 16 kHz; "" for none. Raises SpeechError."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood of a note, and how long the note was."""

    text: str
    seconds: float


class Hearer:
    """Hears notes with a backend. `longest` is in seconds."""

    def __init__(self, backend: Backend, *, longest: float = LONGEST) -> None:
        self.backend = backend
        self.longest = longest
        self._turn = asyncio.Lock()
        self._waiting = 0

    def check(self, *, seconds: float, size: int) -> None:
        """Whether a note is worth fetching, by what its sender claims of it.

        Raises:
            SpeechError: too long or too large.
        """
        if seconds > self.longest:
            raise too_long(self.longest)
        if size > MOST_BYTES:
            raise _too_large()

    async def hear(self, data: bytes) -> Heard:
        """The words of a sound file.

        Raises:
            SpeechError: it is no sound, too long, silent, or nobody could make words of it.
            Busy: too much waits already.
        """
        if len(data) > MOST_BYTES:
            raise _too_large()
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                samples = await asyncio.to_thread(decode, data, longest=self.longest)
                seconds = len(samples) / HEARD_RATE
                if seconds < SHORTEST or loudness(samples, HEARD_RATE) <= SILENCE:
                    raise nothing_heard()
                text = cleaned(await self.backend.transcribe(samples))
        finally:
            self._waiting -= 1
        if not text:
            raise nothing_heard()
        return Heard(text, round(seconds, 2))

    async def close(self) -> None:
        """End what the backend holds."""
        await self.backend.close()


def cleaned(text: str) -> str:
    """A recogniser's text as a message: without its tags, on one line, and never an order: what
    was misheard shall not dismiss anybody."""
    text = _TAGS.sub(" ", text)[:MOST_TEXT]
    text = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    text = " ".join(text.split()).lstrip("/／ ")
    return text if any(c.isalnum() for c in text) else ""


def nothing_heard() -> SpeechError:
    """The refusal of a note in which nobody says anything."""
    return SpeechError("这条语音里没有听出话来。", "no words could be heard in that note.")


def _too_large() -> SpeechError:
    return SpeechError(
        f"语音文件太大，最多 {MOST_BYTES >> 20} MB。",
        f"that note is too large ({MOST_BYTES >> 20} MB at most).",
    )
