"""The espeak-ng backend: a real process, bounded, and what it says is what was written."""
# slow: real processes

from __future__ import annotations

import asyncio
import os
import re
import stat
from pathlib import Path

import pytest

from characters.card import load_cast
from characters.voices import Speaks, Voice
from speech.error import NothingToSay, SpeechError
from speech.espeak import RATE, Espeak, command
from speech.pinyin import syllables
from speech.sound import loudness

# pinyin finals and initials -> espeak's phonemes of the voice cmn-latn-pinyin, where not the same
_TONES = {"1": "55", "2": "35", "3": "214", "4": "51", "5": "11"}


def program(folder: Path, script: str) -> str:
    """A program that takes espeak-ng's place."""
    file = folder / "espeak-ng"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


async def test_a_sentence_of_two_languages(espeak: Espeak):
    samples, rate = await espeak.synthesize("俺老孙用 iPhone 打电话，好？", Voice())
    assert rate == RATE
    assert 1.5 < len(samples) / rate < 6
    assert loudness(samples, rate) > -40


async def test_rate_pitch_and_speaker_change_what_is_heard(espeak: Espeak):
    text = "你从东边来，要往西边去。"
    usual, _ = await espeak.synthesize(text, Voice())
    quick, _ = await espeak.synthesize(text, Voice(rate=1.6))
    assert len(quick) < 0.85 * len(usual)
    for voice in (Voice(pitch=8), Voice(speakers=(Speaks("espeak", "f2"),))):
        other, _ = await espeak.synthesize(text, voice)
        assert len(other) != len(usual) or (other != usual).any()


@pytest.mark.parametrize("text", ["-v en", "--help", "-w /tmp/never.wav hello", "$(touch never)"])
async def test_what_is_said_is_never_an_option(espeak: Espeak, text: str, tmp_path: Path):
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        samples, _ = await espeak.synthesize(text, Voice())
    finally:
        os.chdir(before)
    assert len(samples) > 1000
    assert not list(tmp_path.iterdir())
    assert text not in " ".join(command("zh", Voice()))


@pytest.mark.parametrize("name", ["../../etc/passwd", "-w", "f2 -w x", "f2+m3", "男"])
def test_a_variant_is_a_plain_name(name: str):
    with pytest.raises(SpeechError, match="variant"):
        command("zh", Voice(speakers=(Speaks("espeak", name),)))


async def test_nothing_to_say(espeak: Espeak):
    with pytest.raises(NothingToSay):
        await espeak.synthesize("，。！", Voice())


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 3", "failed"),
        ("kill -9 $$", "failed"),
        ("cat > /dev/null", "no sound"),
        ("cat > /dev/null; echo hello", "no sound"),
        ("exec sleep 60", "did not finish"),
        ("exec yes", "bytes"),
    ],
)
async def test_a_process_that_dies_hangs_or_floods_is_one_sentence(
    script: str, says: str, tmp_path: Path
):
    backend = Espeak(program(tmp_path, script), timeout=1.5 if "sleep" in script else 20)
    with pytest.raises(SpeechError, match=says):
        await backend.synthesize("好", Voice())


async def test_who_is_cancelled_leaves_no_process(tmp_path: Path):
    mark = tmp_path / "pid"
    backend = Espeak(program(tmp_path, f"echo $$ > {mark}; exec sleep 60"))
    task = asyncio.create_task(backend.synthesize("好", Voice()))
    while not (mark.exists() and mark.read_text().strip()):
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


async def test_where_it_is_not_installed_that_is_said():
    backend = Espeak("espeak-ng-that-is-not-there")
    assert "apt-get install espeak-ng" in backend.missing()
    with pytest.raises(SpeechError, match="apt-get install"):
        await backend.synthesize("好", Voice())


def heard(phonemes: str) -> list[str]:
    """Tones in the order of espeak's phonemes; its half third (21) is the third."""
    tones = re.findall(r"214|21|11|22|33|44|35|51|55", phonemes)
    return [
        "214" if tone == "21" else "11" if tone in ("22", "33", "44") else tone for tone in tones
    ]


async def test_every_syllable_is_said_with_its_tone(espeak: Espeak):
    """The intelligibility that can be measured here for Chinese: espeak's own phonemes against the
    pinyin, over all lines of the cast. No Chinese recogniser can be had without weights."""
    right = wrong = 0
    for line in (line for c in load_cast() for line in (*c.lines.zh, *c.greeting.zh)):
        text = "".join(re.findall(r"[一-鿿]", line))
        expected = [_TONES[tone] for tone in re.findall(r"[1-5]", syllables(text))]
        found = heard(await espeak.phonemes(text))
        assert len(found) == len(expected), (line, len(found), len(expected))
        for tone, own, after in zip(found, expected, [*expected[1:], ""], strict=True):
            # A third before a third is said as a second, across words too.
            good = tone == own or (tone, own, after) == ("35", "214", "214")
            right, wrong = right + good, wrong + (not good)
    assert right > 800
    assert wrong / (right + wrong) < 0.005, (right, wrong)
