"""How the characters' voices differ: pitch, rate, loudness and spectrum, measured on one text.

    python -m benchmarks.voices                  the shipped cast, with espeak-ng
    python -m benchmarks.voices --cast FOLDER    cards of your own
    python -m benchmarks.voices --speech NAME    another backend
    python -m benchmarks.voices --steps          what a step of espeak's pitch is, in semitones

A row a character: median pitch (Hz, by autocorrelation), the spread of pitch (semitones between the
10th and 90th percentile), syllables a second, spectral centroid (Hz), loudness (dBFS) and the
nearest other voice with its distance. The distance is Euclidean over pitch in semitones, rate in
tenths of a syllable a second, and the mean log-mel spectrum in dB (24 bands, RMS over bands); below
3 two voices are hard to tell apart. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from characters.card import CAST_FOLDER, load_cast
from characters.voices import Voice
from speech.reading import sentences
from speech.settings import open_speaker
from speech.sound import HEARD_RATE, decode, loudness
from speech.speaker import Speaker

TEXT = "你从东边来，要往西边去，路上有山有水，也有许多妖怪。今天天色已晚，先在这里住一夜吧。"
ALIKE = 3.0
BANDS = 24


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one voice."""

    name: str
    pitch: float
    spread: float
    rate: float
    centroid: float
    loudness: float
    bands: np.ndarray

    def distance(self, other: Measured) -> float:
        """How far apart two voices are (see above)."""
        pitch = 12 * math.log2(self.pitch / other.pitch)
        rate = (self.rate - other.rate) * 10
        spectrum = float(np.sqrt(np.mean((self.bands - other.bands) ** 2)))
        return math.sqrt(pitch**2 + rate**2 + spectrum**2)


def pitches(samples: np.ndarray, rate: int) -> np.ndarray:
    """The pitch of each voiced frame of 50 ms, in Hz, from the peak of its autocorrelation."""
    spectrum = np.fft.rfft(samples)  # without what is above the pitch: hissing has none
    spectrum[int(len(samples) * 800 / rate) :] = 0
    samples = np.fft.irfft(spectrum, len(samples))
    size, step = int(rate * 0.05), int(rate * 0.01)
    low, high = rate // 500, rate // 55
    found = []
    top = float(np.abs(samples).max())
    for at in range(0, len(samples) - size, step):
        frame = samples[at : at + size] - samples[at : at + size].mean()
        if np.abs(frame).max() < 0.1 * top:
            continue
        spectrum = np.fft.rfft(frame * np.hanning(size), 2 * size)
        correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:high]
        # A window shortens what is compared at long lags.
        correlation[1:] /= 1 - np.arange(1, high) / size
        if correlation[0] <= 0:
            continue
        best = low + int(np.argmax(correlation[low:high]))
        # Of several peaks that are nearly as high, the shortest lag is the pitch.
        for divisor in (4, 3, 2):
            part = best // divisor
            if part > low and correlation[part - 2 : part + 3].max() > 0.85 * correlation[best]:
                best = part
                break
        if correlation[best] > 0.6 * correlation[0]:
            found.append(rate / best)
    return np.array(found)


def mel_bands(samples: np.ndarray, rate: int) -> tuple[np.ndarray, float]:
    """Mean power in 24 mel bands in dB, their mean taken off; and the spectral centroid in Hz."""
    size, step = 512, 256
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::step] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames)) ** 2
    power = power[power.sum(1) > power.sum(1).max() * 1e-3].mean(0)
    hertz = np.fft.rfftfreq(size, 1 / rate)
    edges = 700 * (
        np.exp(np.linspace(0, 1127 * math.log(1 + rate / 2 / 700), BANDS + 2) / 1127) - 1
    )
    bands = []
    for left, middle, right in zip(edges, edges[1:], edges[2:], strict=False):
        weight = np.minimum((hertz - left) / (middle - left), (right - hertz) / (right - middle))
        bands.append(float((power * np.clip(weight, 0, None)).sum()) + 1e-12)
    decibels = 10 * np.log10(np.array(bands))
    return decibels - decibels.mean(), float((power * hertz).sum() / power.sum())


async def measure(speaker: Speaker, name: str, voice: Voice, text: str = TEXT) -> Measured:
    """Let a voice say the text, and measure the note that it made."""
    sound = await speaker.say(text, voice)
    samples = decode(sound.ogg, longest=120)
    found = pitches(samples, HEARD_RATE)
    low, middle, high = np.percentile(found, (10, 50, 90))
    syllables = sum(c.isalpha() for sentence in sentences(text) for c in sentence)
    bands, centroid = mel_bands(samples, HEARD_RATE)
    return Measured(
        name,
        float(middle),
        12 * math.log2(high / low),
        syllables / sound.seconds,
        centroid,
        loudness(samples, HEARD_RATE),
        bands,
    )


async def table(speaker: Speaker, folder: Path) -> int:
    """Print the rows and the result."""
    rows = []
    for character in load_cast(folder):
        rows.append(await measure(speaker, character.id, character.voice))
    print("| character | pitch Hz | spread st | syllables/s | centroid Hz | dBFS | nearest |")
    print("|---|---|---|---|---|---|---|")
    nearest = {}
    for row in rows:
        far, other = min((row.distance(o), o.name) for o in rows if o is not row)
        nearest[row.name] = (other, round(far, 1))
        print(
            f"| {row.name} | {row.pitch:.0f} | {row.spread:.1f} | {row.rate:.1f} "
            f"| {row.centroid:.0f} | {row.loudness:.1f} | {other} {far:.1f} |"
        )
    least = min(far for _, far in nearest.values())
    alike = sorted(name for name, (_, far) in nearest.items() if far < ALIKE)
    print(json.dumps({"least_distance": least, "alike": alike, "nearest": nearest}))
    return 1 if alike else 0


async def steps(speaker: Speaker) -> int:
    """What a semitone of a card is, heard."""
    usual = await measure(speaker, "0", Voice())
    for wanted in (-9, -6, -3, 3, 6, 9):
        got = await measure(speaker, str(wanted), replace(Voice(), pitch=float(wanted)))
        print(f"pitch = {wanted:+d}: {12 * math.log2(got.pitch / usual.pitch):+.1f} semitones")
    print(json.dumps({"usual_hz": round(usual.pitch, 1)}))
    return 0


def main() -> int:
    """Measure and print. Returns 1 where two voices are alike."""
    parser = argparse.ArgumentParser(description="How the characters' voices differ.")
    parser.add_argument("--cast", type=Path, default=CAST_FOLDER, metavar="FOLDER")
    parser.add_argument("--speech", default="espeak", metavar="NAME")
    parser.add_argument("--steps", action="store_true")
    options = parser.parse_args()
    speaker = open_speaker(options.speech)
    if speaker is None:
        parser.error("--speech off has no voices")
    return asyncio.run(steps(speaker) if options.steps else table(speaker, options.cast))


if __name__ == "__main__":
    raise SystemExit(main())
