"""A text-to-speech engine for tests: it says a tone as long as the sentence, in this process."""

from __future__ import annotations

import asyncio

from characters.voices import Voice
from speech.error import SpeechError
from speech.sound import Samples
from tests.fakes.recogniser import RATE, tone


class Toner:
    """A `speech.speaker.Backend`. `said` is what it said; `gate` holds it until it is set,
    `problem` is what it fails with."""

    name = key = "toner"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.at_once = self.most = 0
        self.gate: asyncio.Event | None = None
        self.problem: SpeechError | None = None

    def missing(self) -> str:
        return ""

    async def synthesize(self, sentence: str, voice: Voice) -> tuple[Samples, int]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            if self.gate:
                await self.gate.wait()
            await asyncio.sleep(0)
            if self.problem:
                raise self.problem
            self.said.append(sentence)
            return tone(len(sentence) * 0.2), RATE
        finally:
            self.at_once -= 1

    async def close(self) -> None:
        return None
