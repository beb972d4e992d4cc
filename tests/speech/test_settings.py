"""What --speech and --hearing name, and what is said where it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from speech import settings
from speech.endpoint import Endpoint
from speech.error import SpeechError
from speech.settings import open_hearer, open_speaker


def test_off_is_none():
    assert open_speaker("off") is None
    assert open_hearer("off") is None


def test_auto_is_espeak_or_nothing(monkeypatch):
    monkeypatch.setattr("speech.espeak.shutil.which", lambda name: None)
    assert open_speaker("auto") is None
    assert "apt-get install espeak-ng" in settings.why_silent("auto")
    with pytest.raises(SpeechError, match="apt-get install espeak-ng"):
        open_speaker("espeak")


def test_an_address_is_an_endpoint(tmp_path: Path):
    key = tmp_path / "key"
    key.write_text("abc\n")
    environment = {"MRP_SPEECH_KEY_FILE": str(key), "MRP_SPEECH_MODEL": "kokoro"}
    speaker = open_speaker("http://127.0.0.1:1/v1", environment)
    assert speaker is not None
    assert isinstance(speaker.backend, Endpoint)
    assert (speaker.backend._key, speaker.backend._model) == ("abc", "kokoro")
    with pytest.raises(SpeechError, match="KEY_FILE"):
        open_speaker("http://x/v1", {"MRP_SPEECH_KEY_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("kokoro", "mrp model pull kokoro"),
        ("kokorro", "there is no"),
        ("sensevoice", "there is no"),
    ],
)
def test_a_model_that_is_not_here(name: str, says: str, tmp_path: Path):
    with pytest.raises(SpeechError, match=says):
        open_speaker(name, {"XDG_DATA_HOME": str(tmp_path)})


def test_a_folder_that_holds_no_model(tmp_path: Path):
    for opens in (open_speaker, open_hearer):
        with pytest.raises(SpeechError, match="no speech model"):
            opens(str(tmp_path))
