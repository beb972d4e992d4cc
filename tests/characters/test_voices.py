"""The voice table of a card."""

from __future__ import annotations

import tomllib

import pytest

from characters.card import load_cast
from characters.voices import Speaks, Voice, VoiceError, read_voice, voice_table


def test_a_table_and_back():
    text = """
        rate = 1.2
        pitch = -1
        speaker.espeak = {name = "john", pitch = 9}
        speaker.kokoro = "zm_yunxi"
        speaker.melotts = 3
        sample = "a.wav"
    """
    voice = read_voice(tomllib.loads(text))
    assert voice.speaker("espeak") == "john"
    assert voice.speaker("melotts") == "3"
    assert voice.speaker("endpoint") == ""
    assert voice.pitch_on("espeak") == 8
    assert voice.pitch_on("kokoro") == -1
    assert read_voice(voice_table(voice)) == voice
    assert read_voice({}) == Voice()
    assert voice_table(Voice()) == {}
    assert read_voice({"speaker": "m3"}).speakers == (Speaks("espeak", "m3"),)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"sped": 1}, "voice.sped: unknown key"),
        ({"rate": 3}, "voice.rate"),
        ({"rate": "fast"}, "voice.rate"),
        ({"rate": float("nan")}, "voice.rate"),
        ({"pitch": True}, "voice.pitch"),
        ({"speaker": {"espeak": "-w x"}}, "voice.speaker.espeak"),
        ({"speaker": {"espeak": "-w"}}, "voice.speaker.espeak"),
        ({"speaker": {"espeak": {"nam": "x"}}}, "voice.speaker.espeak.nam"),
        ({"speaker": {"espeak": {"name": "x", "pitch": 99}}}, "voice.speaker.espeak.pitch"),
        ({"speaker": [1]}, "voice.speaker"),
        ({"sample": "../secret.wav"}, "voice.sample"),
        ({"sample": 3}, "voice.sample"),
        ({"engine": "a b"}, "voice.engine"),
    ],
)
def test_what_is_wrong_is_named(table: dict, says: str):
    with pytest.raises(VoiceError, match=says):
        read_voice(table)


def test_the_nine_have_voices_and_no_two_the_same():
    cast = load_cast()
    assert len({c.voice for c in cast}) == len(cast) == 9
    for engine in ("espeak", "kokoro"):
        pairs = {(c.voice.speaker(engine), c.voice.pitch_on(engine), c.voice.rate) for c in cast}
        assert len(pairs) == 9
