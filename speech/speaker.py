"""Text-to-speech for a whole process: one sentence at a time, cached, bounded.

speaker = Speaker(Espeak())
sound = await speaker.say("老孙来也！", voice)      # a voice note of the whole text
await speaker.prepare(half_a_line, voice)          # its finished sentences, while it grows
await speaker.close()
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from typing import Protocol

import numpy as np

from characters.voices import Voice
from speech.error import Busy, NothingToSay, SpeechError
from speech.reading import sentences
from speech.sound import Samples, Sound, encode, pause

LONGEST = 120.0  # seconds of one note; what does not fit is left out at the end of a sentence
MOST_WAITING = 16  # sentences of all rooms that wait for the engine
CACHE_BYTES = 48 << 20  # some twenty minutes of sentences
BETWEEN = 0.12  # seconds between sentences


class Backend(Protocol):
    """An engine that turns one prepared sentence into samples."""

    name: str

    @property
    def key(self) -> str:
        """What tells it from others, for the cache."""
        ...

    def missing(self) -> str:
        """What it lacks to speak, as one sentence; "" for nothing."""
        ...

    async def synthesize(self, sentence: str, voice: Voice) -> tuple[Samples, int]:
        """Samples and their rate in Hz.

        Raises:
            SpeechError: it cannot; the sentence says why.
        """
        ...

    async def close(self) -> None: ...


class Speaker:
    """Says texts with a backend. `cache_bytes` bounds what is kept in memory, `longest` a note in
    seconds."""

    def __init__(
        self, backend: Backend, *, cache_bytes: int = CACHE_BYTES, longest: float = LONGEST
    ) -> None:
        self.backend = backend
        self._longest = longest
        self._kept = _Cache(cache_bytes)
        self._turn = asyncio.Lock()  # one sentence at a time: the model needs the other cores
        self._waiting = 0

    async def say(self, text: str, voice: Voice) -> Sound:
        """A text as a voice note, with all that a person would read of it.

        Raises:
            NothingToSay: nothing of it is read aloud.
            Busy: too much waits already.
            SpeechError: the backend cannot.
        """
        said = sentences(text)
        if not said:
            raise NothingToSay
        key = (self.backend.key, voice, said)
        found = self._kept.get(key)
        if isinstance(found, Sound):
            return found
        parts: list[Samples] = []
        seconds, whole, rate = 0.0, True, 0
        for sentence in said:
            samples, rate = await self._sentence(sentence, voice)
            if parts and seconds + len(samples) / rate > self._longest:
                whole = False
                break
            if parts:
                parts.append(pause(BETWEEN, rate))
            parts.append(samples)
            seconds += len(samples) / rate + BETWEEN
        all_of_it = np.concatenate(parts)[: int(self._longest * 2 * rate)]
        sound = await asyncio.to_thread(encode, all_of_it, rate, whole=whole)
        self._kept.put(key, sound, len(sound.ogg))
        return sound

    async def prepare(self, growing: str, voice: Voice) -> int:
        """Synthesize the finished sentences of a text that is still being written, so that `say`
        finds them done. Returns how many there are. Raises as `say`, but never NothingToSay."""
        said = sentences(growing, growing=True)
        for sentence in said:
            await self._sentence(sentence, voice)
        return len(said)

    async def _sentence(self, sentence: str, voice: Voice) -> tuple[Samples, int]:
        key = (self.backend.key, voice, sentence)
        found = self._kept.get(key)
        if isinstance(found, tuple):
            return _loud(found[0]), found[1]
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                found = self._kept.get(key)  # another asked for the same
                if isinstance(found, tuple):
                    return _loud(found[0]), found[1]
                samples, rate = await self.backend.synthesize(sentence, voice)
        finally:
            self._waiting -= 1
        if not len(samples):
            raise SpeechError("合成出来的只有静音。", "the engine produced silence.")
        short = (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()
        self._kept.put(key, (short, rate), len(short))
        return samples, rate

    async def close(self) -> None:
        """End what the backend holds."""
        await self.backend.close()


def _loud(short: bytes) -> Samples:
    return np.frombuffer(short, np.int16).astype(np.float32) / np.float32(32767)


class _Cache:
    """What was used last, within a number of bytes: Sounds, and (16-bit samples, rate)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Hashable, tuple[Sound | tuple[bytes, int], int]] = OrderedDict()
        self.bytes = 0

    def get(self, key: Hashable) -> Sound | tuple[bytes, int] | None:
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][0]

    def put(self, key: Hashable, value: Sound | tuple[bytes, int], size: int) -> None:
        if size > self._most // 4:
            return  # one long line is not worth all others
        if key in self._held:
            self.bytes -= self._held.pop(key)[1]
        self._held[key] = (value, size)
        self.bytes += size
        while self.bytes > self._most:
            _, (_, gone) = self._held.popitem(last=False)
            self.bytes -= gone
