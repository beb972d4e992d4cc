"""Speech-to-text of a process: what is refused, and what a recogniser's text becomes."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from speech.error import Busy, SpeechError
from speech.hearer import MOST_BYTES, MOST_WAITING, Hearer, cleaned
from speech.sound import Samples
from tests.speech.conftest import RATE, file_of, tone


class Ear:
    """A backend that hears what it is told to."""

    name = "ear"

    def __init__(self, text: str = "你好") -> None:
        self.text = text
        self.lengths: list[int] = []
        self.gate: asyncio.Event | None = None

    def missing(self) -> str:
        return ""

    async def transcribe(self, samples: Samples) -> str:
        self.lengths.append(len(samples))
        if self.gate:
            await self.gate.wait()
        return self.text

    async def close(self) -> None:
        return None


async def test_stereo_at_48_khz_is_heard_as_mono_at_16():
    ear = Ear()
    stereo = np.stack([tone(2, rate=48_000)] * 2, axis=1)
    heard = await Hearer(ear).hear(file_of(stereo, 48_000, "OGG", "OPUS"))
    assert heard.text == "你好"
    assert heard.seconds == pytest.approx(2, abs=0.1)
    assert ear.lengths[0] / RATE == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (file_of(np.zeros(RATE, "f4")), "no words"),
        (file_of(tone(0.1)), "no words"),
        (file_of(np.zeros(0, "f4")), "no words"),
        (file_of(tone(3)), "too long"),
        (b"not a sound", "no sound"),
        (b"\x00" * (MOST_BYTES + 1), "too large"),
    ],
)
async def test_what_is_refused_never_reaches_the_recogniser(data: bytes, says: str):
    ear = Ear()
    with pytest.raises(SpeechError, match=says):
        await Hearer(ear, longest=2.5).hear(data)
    assert not ear.lengths


@pytest.mark.parametrize(
    "text", ["", " ", "<|nospeech|><|EMO_UNKNOWN|>", "[Music]", "。", "/", "\x00"]
)
async def test_music_and_noise_have_no_words(text: str):
    with pytest.raises(SpeechError, match="no words"):
        await Hearer(Ear(text)).hear(file_of(tone(1)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<|zh|><|NEUTRAL|><|Speech|><|withitn|>悟空，你好。", "悟空，你好。"),
        ("/dismiss all", "dismiss all"),
        (" ／退场 ", "退场"),
        ("a\nb\x1b[31mc\u202ed", "a b [31mc d"),
        ("好" * 5000, "好" * 2000),
    ],
)
def test_a_recognisers_text_is_a_message_and_never_an_order(text: str, message: str):
    assert cleaned(text) == message


async def test_no_endless_queue():
    ear = Ear()
    ear.gate = asyncio.Event()
    hearer = Hearer(ear)
    tasks = [asyncio.create_task(hearer.hear(file_of(tone(1)))) for _ in range(MOST_WAITING + 2)]
    while not ear.lengths:
        await asyncio.sleep(0.01)
    ear.gate.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(one, Busy) for one in done) == 2


def test_what_a_sender_claims_is_looked_at_before_it_is_fetched():
    hearer = Hearer(Ear())
    hearer.check(seconds=10, size=1000)
    for seconds, size in ((180, 1000), (10, MOST_BYTES + 1)):
        with pytest.raises(SpeechError):
            hearer.check(seconds=seconds, size=size)
