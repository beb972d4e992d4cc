"""Text-to-speech of a process: one sentence at a time, cached within bounds, dropped when busy."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from characters.voices import Voice
from speech.error import Busy, NothingToSay, SpeechError
from speech.sound import Samples
from speech.speaker import MOST_WAITING, Speaker
from tests.fakes.toner import Toner
from tests.speech.conftest import RATE


async def test_a_line_is_said_once_and_then_known():
    backend = Toner()
    speaker = Speaker(backend)
    first = await speaker.say("老孙来也，莫慌！都站好了别动。", Voice())
    again = await speaker.say("老孙来也，莫慌！都站好了别动。", Voice())
    assert first is again
    assert backend.said == ["老孙来也，莫慌！", "都站好了别动。"]
    await speaker.say("老孙来也，莫慌！都站好了别动。", Voice(rate=1.5))
    assert len(backend.said) == 4  # another voice is another sound


async def test_what_grew_is_not_synthesized_again():
    backend = Toner()
    speaker = Speaker(backend)
    text = "老孙来也，莫慌！都站好了别动。看我的本事罢！"
    for length in range(len(text)):
        await speaker.prepare(text[:length], Voice())
    before = list(backend.said)
    assert before == ["老孙来也，莫慌！", "都站好了别动。"][: len(before)]
    assert before
    await speaker.say(text, Voice())
    assert len(backend.said) == 3
    assert len(set(backend.said)) == 3


async def test_one_sentence_at_a_time_and_no_endless_queue():
    backend = Toner()
    backend.gate = asyncio.Event()
    speaker = Speaker(backend)
    tasks = [
        asyncio.create_task(speaker.say(f"这是第{'一' * n}句话。", Voice()))
        for n in range(1, MOST_WAITING + 4)
    ]
    await asyncio.sleep(0.05)
    backend.gate.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert backend.most == 1
    assert sum(isinstance(one, Busy) for one in done) == 3


async def test_the_cache_is_bounded():
    backend = Toner()
    speaker = Speaker(backend, cache_bytes=400_000)
    for number in range(60):
        await speaker.say(f"这是一句不同的话{'啊' * (number % 7)}{number}。", Voice())
        assert speaker._kept.bytes <= 400_000


async def test_a_line_of_4000_characters_is_read_as_far_as_a_note_goes():
    speaker = Speaker(Toner(), longest=20)
    sound = await speaker.say("这一句话有十个字呢。" * 400, Voice())
    assert not sound.whole
    assert 10 < sound.seconds <= 21
    one = await speaker.say("啊" * 110, Voice())  # one sentence that is longer than a note
    assert one.seconds <= 40


@pytest.mark.parametrize("text", ["", " ", "（笑）", "😀", "…", "*笑*"])
async def test_nothing_to_say(text: str):
    with pytest.raises(NothingToSay):
        await Speaker(Toner()).say(text, Voice())


async def test_a_backend_that_fails_is_asked_again_next_time():
    backend = Toner()
    backend.problem = SpeechError("坏了", "broken")
    speaker = Speaker(backend)
    with pytest.raises(SpeechError, match="broken"):
        await speaker.say("老孙来也，莫慌！", Voice())
    backend.problem = None
    assert (await speaker.say("老孙来也，莫慌！", Voice())).seconds > 1


async def test_silence_is_an_error_and_not_a_note():
    class Silent(Toner):
        async def synthesize(self, sentence: str, voice: Voice) -> tuple[Samples, int]:
            return np.zeros(RATE, "f4"), RATE

    with pytest.raises(SpeechError, match="silence"):
        await Speaker(Silent()).say("老孙来也，莫慌！", Voice())
