"""Sounds in and out: encoding, decoding, loudness, waveform."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from speech.error import SpeechError
from speech.sound import (
    LOUDNESS,
    decode,
    encode,
    levelled,
    loudness,
    resampled,
    samples_of_wav,
    waveform_of,
)
from tests.speech.conftest import RATE, file_of, tone


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_a_note_is_ogg_opus_of_the_same_length_and_even_loudness(rate: int):
    for level in (0.01, 0.9):
        sound = encode(tone(1.5, rate=rate, level=level), rate)
        with soundfile.SoundFile(io.BytesIO(sound.ogg)) as file:
            assert (file.format, file.subtype, file.channels) == ("OGG", "OPUS", 1)
            samples = file.read(dtype="float32")
            assert len(samples) / file.samplerate == pytest.approx(1.5, abs=0.03)
            assert loudness(samples, file.samplerate) == pytest.approx(LOUDNESS, abs=1.5)
        assert sound.seconds == pytest.approx(1.5, abs=0.01)
        assert len(sound.waveform) == 15
        assert max(sound.waveform) == 255


def test_a_waveform_has_at_most_256_points_and_shows_where_it_is_loud():
    long = np.concatenate([np.zeros(RATE * 30, "f4"), tone(30)])
    points = waveform_of(long, RATE)
    assert len(points) == 256
    assert not any(points[:126])
    assert all(points[130:])
    assert waveform_of(np.zeros(RATE, "f4"), RATE) == bytes(10)
    assert len(waveform_of(tone(0.01), RATE)) == 1


def test_a_tone_keeps_its_pitch_at_another_rate():
    for rate, wanted in ((22_050, 24_000), (48_000, 16_000), (16_000, 24_000), (44_100, 16_000)):
        heard = resampled(tone(1, 440, rate), rate, wanted)
        assert len(heard) == pytest.approx(wanted, abs=2)
        peak = np.argmax(np.abs(np.fft.rfft(heard))) * wanted / len(heard)
        assert peak == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    ("format", "subtype"),
    [
        ("OGG", "OPUS"),
        ("OGG", "VORBIS"),
        ("WAV", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
def test_what_people_send_is_read(format: str, subtype: str):
    stereo = np.stack([tone(1, rate=48_000), np.zeros(48_000, "f4")], axis=1)
    samples = decode(file_of(stereo, 48_000, format, subtype), longest=5)
    assert len(samples) / RATE == pytest.approx(1, abs=0.1)
    assert loudness(samples, RATE) > -40


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"OggS" + bytes(100), b"\x00\x00\x00\x20ftypM4A " + bytes(300),
     b"\x1aE\xdf\xa3" + bytes(300), b"RIFF\xff\xff\xff\xffWAVEfmt ", b"%PDF-1.7" * 50],
)  # fmt: skip
def test_what_is_no_sound_is_one_sentence(data: bytes):
    with pytest.raises(SpeechError, match="OGG, WAV, FLAC or MP3"):
        decode(data, longest=5)


def test_half_a_file_is_read_so_far_or_refused():
    whole = file_of(tone(2), format="OGG", subtype="OPUS")
    for cut in range(0, len(whole), max(1, len(whole) // 40)):
        try:
            samples = decode(whole[:cut], longest=5)
        except SpeechError:
            continue
        assert len(samples) <= RATE * 2.2


def test_length_is_counted_not_believed():
    with pytest.raises(SpeechError, match="too long"):
        decode(file_of(tone(3)), longest=2)


def test_silence_is_not_made_loud():
    for samples in (np.zeros(RATE, "f4"), np.full(RATE, 1e-5, "f4"), np.zeros(0, "f4")):
        with pytest.raises(SpeechError, match="silence"):
            levelled(samples)


def test_a_programs_wav_from_a_pipe():
    data = file_of(tone(0.5))
    piped = data[:4] + b"\xff\xff\xff\x7f" + data[8:40] + b"\xff\xff\xff\x7f" + data[44:]
    samples, rate = samples_of_wav(piped)
    assert (rate, len(samples)) == (RATE, RATE // 2)
    for broken in (b"", b"RIFF", data[:30], file_of(tone(0.1), subtype="FLOAT")):
        with pytest.raises(ValueError, match="WAV"):
            samples_of_wav(broken)
