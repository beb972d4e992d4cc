"""Sound as samples and as OGG/Opus: encoding, decoding, loudness, and the waveform of a note.

    sound = encode(samples, 22_050)          # Sound(ogg=b"OggS…", seconds=1.7, waveform=b"…")
    samples = decode(data, longest=60)       # float32, mono, 16 kHz

Samples are numpy float32 arrays in -1..1, mono. This file is the door to `soundfile` (libsndfile),
which reads and writes Opus itself: no ffmpeg is needed.
"""

from __future__ import annotations

import io
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.error import SpeechError

Samples = NDArray[np.float32]

RATE = 24_000  # Hz of what is sent: one of Opus' own rates, twice what voices reach
HEARD_RATE = 16_000  # Hz, what recognisers want
LOUDNESS = -20.0  # dBFS of the frames in which something is said
PEAK = 0.89  # -1 dBFS: what is louder is turned down
SILENCE = -55.0  # dBFS; quieter is nothing
MOST_POINTS = 256  # of a waveform; one for 100 ms at the finest, as Discord wants it
_FRAME = 0.02  # seconds
_BLOCK = 1 << 16  # frames read at once


@dataclass(frozen=True, slots=True)
class Sound:
    """A voice note: an OGG/Opus file, its length, and its loudness over time (0..255 a point).

    `whole`: all of the text is in it; False where it was too long.
    """

    ogg: bytes
    seconds: float
    waveform: bytes
    whole: bool = True


def available() -> str:
    """ "" when sounds can be encoded here, else what is missing."""
    try:
        import soundfile  # an extra, looked for only where sound is wanted
    except (ImportError, OSError) as problem:  # OSError: the wheel without libsndfile
        return f"the Python package soundfile ({problem})"
    if "OPUS" not in soundfile.available_subtypes("OGG"):
        return "Opus in libsndfile (1.0.29 or newer)"
    return ""


def encode(samples: Samples, rate: int, *, whole: bool = True) -> Sound:
    """Samples as a voice note of even loudness.

    Raises:
        SpeechError: there is nothing to hear in them, or soundfile is missing.
    """
    soundfile = _soundfile()
    even = levelled(resampled(samples, rate, RATE))
    held = io.BytesIO()
    soundfile.write(held, even, RATE, format="OGG", subtype="OPUS")
    return Sound(held.getvalue(), round(len(even) / RATE, 3), waveform_of(even, RATE), whole)


def decode(data: bytes, *, longest: float, rate: int = HEARD_RATE) -> Samples:
    """A sound file that somebody sent, as mono samples. `longest` is in seconds.

    Raises:
        SpeechError: it is no sound, longer than that, or soundfile is missing.
    """
    soundfile = _soundfile()
    blocks, read = [], 0
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            own = int(file.samplerate)
            while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
                blocks.append(block.mean(axis=1))
                read += len(block)
                if read > longest * own:  # what a header says of its length is only a claim
                    raise too_long(longest)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as problem:
        if isinstance(problem, SpeechError):
            raise
        raise SpeechError(
            "这不是听得懂的声音格式，请用 OGG、WAV、FLAC 或 MP3。",
            "that is no sound this bot can read; send OGG, WAV, FLAC or MP3.",
        ) from problem
    whole: Samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    return resampled(np.nan_to_num(whole), own, rate)


def too_long(longest: float) -> SpeechError:
    """The refusal of a note that is longer than `longest` seconds."""
    return SpeechError(
        f"语音太长，最多 {longest:.0f} 秒，请分几次说。",
        f"that note is too long ({longest:.0f} s at most); please say it in parts.",
    )


def samples_of_wav(data: bytes) -> tuple[Samples, int]:
    """16-bit mono WAV as a program writes it into a pipe, where its header cannot know the length.

    Raises:
        ValueError: it is none.
    """
    at = data.find(b"data", 12)
    if data[:4] != b"RIFF" or at < 0 or int.from_bytes(data[34:36], "little") != 16:
        raise ValueError("no 16-bit WAV")
    rate = int.from_bytes(data[24:28], "little")
    body = data[at + 8 :]
    pcm = np.frombuffer(body[: len(body) // 2 * 2], "<i2")
    return (pcm.astype(np.float32) / 32768.0), rate


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """The same sound at another rate, by Fourier transform: nothing above the band remains."""
    if rate == wanted or not len(samples):
        return samples.astype(np.float32, copy=False)
    step = math.gcd(rate, wanted)
    down, up = rate // step, wanted // step
    periods = _smooth(
        -(-len(samples) // down) + 8
    )  # with a little silence, so that ends stay apart
    spectrum = np.fft.rfft(samples, periods * down)
    length = periods * up
    kept = spectrum[: length // 2 + 1]
    result = np.fft.irfft(kept, length) * (up / down)
    return result[: round(len(samples) * up / down)].astype(np.float32)


def _smooth(least: int) -> int:
    """The next number without prime factors above 5: transforms of others are slow."""
    while True:
        rest = least
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return least
        least += 1


def loudness(samples: Samples, rate: int) -> float:
    """Mean power of the frames in which something sounds, in dBFS; -120 for silence."""
    size = max(1, int(rate * _FRAME))
    frames = len(samples) // size
    if not frames:
        return -120.0
    power = (samples[: frames * size].reshape(frames, size).astype(np.float64) ** 2).mean(axis=1)
    loud = power[power > max(power.max() * 1e-3, 10 ** (SILENCE / 10))]
    return float(10 * np.log10(loud.mean())) if len(loud) else -120.0


def levelled(samples: Samples, rate: int = RATE) -> Samples:
    """As loud as all others, and never clipped.

    Raises:
        SpeechError: nothing is to be heard in it.
    """
    found = loudness(samples, rate)
    if found <= SILENCE:
        raise SpeechError("合成出来的只有静音。", "the engine produced silence.")
    louder = samples * np.float32(10 ** ((LOUDNESS - found) / 20))
    peak = float(np.abs(louder).max())
    return (louder * np.float32(PEAK / peak) if peak > PEAK else louder).astype(np.float32)


def waveform_of(samples: Samples, rate: int) -> bytes:
    """The loudness over time, one byte a point, at most 256, the loudest being 255."""
    points = max(1, min(MOST_POINTS, round(len(samples) / rate * 10)))
    edges = np.linspace(0, len(samples), points + 1).astype(int)
    levels = np.array(
        [
            math.sqrt(float(np.mean(samples[a:b].astype(np.float64) ** 2))) if b > a else 0.0
            for a, b in itertools.pairwise(edges)
        ]
    )
    top = levels.max()
    return bytes((levels / top * 255).round().astype(np.uint8)) if top > 0 else bytes(points)


def pause(seconds: float, rate: int) -> Samples:
    """Silence."""
    return np.zeros(int(seconds * rate), np.float32)


def _soundfile() -> Any:
    if missing := available():
        raise SpeechError(
            f"缺少{missing}：pip install 'mrp-llm[speech]'",
            f"{missing} is missing: pip install 'mrp-llm[speech]'",
        )
    import soundfile  # an extra, looked for only where sound is wanted

    return soundfile
