"""The sherpa-onnx backend: which files it takes, and that broken ones end nothing but the attempt.

No weights of Kokoro, MeloTTS, SenseVoice or Whisper can be had here, so what they say is not
tested; the files are checked, and the real library is given broken ones.
"""
# slow: the library is loaded in a process of its own

from __future__ import annotations

from pathlib import Path

import pytest

from characters.voices import Voice
from speech.error import SpeechError
from speech.sherpa import KOKORO, Listening, Speaking, kind_of, speaker_number
from tests.speech.conftest import tone


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"no model " * 20)
    return folder


KOKORO_FILES = (
    "model.onnx",
    "voices.bin",
    "tokens.txt",
    "espeak-ng-data/phontab",
    "lexicon-zh.txt",
)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (KOKORO_FILES, "kokoro"),
        (("model.onnx", "tokens.txt", "lexicon.txt", "dict/jieba.dict.utf8"), "vits"),
        (("model.int8.onnx", "tokens.txt"), "sensevoice"),
        (("small-encoder.int8.onnx", "small-decoder.int8.onnx", "small-tokens.txt"), "whisper"),
    ],
)
def test_a_folder_says_what_it_is_and_what_it_lacks(names, kind: str, tmp_path: Path):
    assert kind_of(filled(tmp_path, *names)) == kind
    for name in names:
        if name.endswith("onnx") and "encoder" not in name:
            (tmp_path / name).write_bytes(b"")
            with pytest.raises(SpeechError, match="missing or empty"):
                kind_of(tmp_path)


async def test_broken_weights_are_one_sentence_and_the_process_lives(tmp_path: Path):
    pytest.importorskip("sherpa_onnx", reason="sherpa-onnx is not installed")
    speaking = Speaking(filled(tmp_path / "tts", *KOKORO_FILES), "kokoro")
    assert not speaking.missing()
    with pytest.raises(SpeechError, match="broken or incomplete"):
        await speaking.synthesize("好", Voice())
    listening = Listening(filled(tmp_path / "asr", "model.int8.onnx", "tokens.txt"))
    with pytest.raises(SpeechError, match="broken or incomplete"):
        await listening.transcribe(tone(1))
    await speaking.close()
    await listening.close()


def test_speakers_have_names():
    assert len(KOKORO) == 53
    assert speaker_number("zm_yunxi") == 50
    assert speaker_number("7") == 7
    assert speaker_number("") == 0
    with pytest.raises(SpeechError, match="no speaker"):
        speaker_number("zm_nobody")


def test_a_voice_is_not_an_ear(tmp_path: Path):
    folder = filled(tmp_path, *KOKORO_FILES)
    assert "not sensevoice or whisper" in Listening(folder).missing()
