"""The faster-whisper backend: which folders it takes, and that broken ones end nothing.

MRP_TEST_WHISPER=FOLDER names a real model (`mrp model pull faster-whisper-base`): then what
espeak-ng says in English is heard.
"""
# slow: the library is loaded in a process of its own

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from characters.voices import Voice
from speech.error import SpeechError
from speech.espeak import Espeak
from speech.hearer import Hearer
from speech.settings import open_hearer
from speech.speaker import Speaker
from speech.whisper import FILES, Whisper, holds, missing
from tests.fakes.recogniser import opus, tone


def filled(folder: Path) -> Path:
    for name in FILES:
        (folder / name).write_bytes(b"no model " * 20)
    return folder


def test_a_folder_says_what_it_lacks(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
    assert not holds(tmp_path)
    filled(tmp_path)
    assert holds(tmp_path)
    assert missing(tmp_path) == ""
    for name in FILES:
        kept = (tmp_path / name).read_bytes()
        for gone in (b"", None):
            (tmp_path / name).unlink()
            if gone is not None:
                (tmp_path / name).write_bytes(gone)
            assert f"{name} is missing or empty" in missing(tmp_path)
            (tmp_path / name).write_bytes(kept)


def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install" in missing(filled(tmp_path))


async def test_broken_weights_are_one_sentence_and_the_process_lives(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
    listening = Whisper(filled(tmp_path))
    with pytest.raises(SpeechError, match="broken or incomplete"):
        await listening.transcribe(tone(1))
    await listening.close()


def test_a_folder_of_this_kind_is_opened_with_it(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
    hearer = open_hearer(str(filled(tmp_path)))
    assert isinstance(hearer, Hearer)
    assert isinstance(hearer.backend, Whisper)


@pytest.mark.timeout(300)
async def test_what_is_said_is_heard_and_music_is_not(espeak: Espeak) -> None:
    folder = os.environ.get("MRP_TEST_WHISPER")
    if not folder:
        pytest.skip("MRP_TEST_WHISPER names no model")
    hearer = open_hearer(folder)
    assert hearer is not None
    note = await Speaker(espeak).say("The wind is cold on the mountain tonight.", Voice())
    heard = await hearer.hear(note.ogg)
    assert "on the mountain" in heard.text.lower()
    chord = np.sum([tone(4, hertz, 48_000, 0.1) for hertz in (262.0, 330.0, 392.0, 523.0)], axis=0)
    noise = np.random.default_rng(1).normal(0, 0.05, 48_000 * 3).astype("f4")
    for sound in (chord, noise):
        with pytest.raises(SpeechError, match="no words"):
            await hearer.hear(opus(sound))
    await hearer.close()
