"""Sounds for the tests of speech, and what they need of the machine.

Tests that use espeak-ng are skipped, with the reason, where it is not installed
(`apt-get install espeak-ng`, see CONTRIBUTING.md).
"""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from speech.espeak import Espeak
from speech.speaker import Speaker

RATE = 16_000


def tone(
    seconds: float = 1.0, hertz: float = 220.0, rate: int = RATE, level: float = 0.3
) -> np.ndarray:
    """A tone that swells, so that its waveform is not flat."""
    at = np.arange(int(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * at) * (0.2 + at / max(seconds, 1e-9))).astype("f4")


def file_of(samples: np.ndarray, rate: int = RATE, format: str = "WAV", subtype: str = "") -> bytes:
    held = io.BytesIO()
    soundfile.write(held, samples, rate, format=format, subtype=subtype or None)
    return held.getvalue()


@pytest.fixture
def espeak() -> Espeak:
    backend = Espeak()
    if missing := backend.missing():
        pytest.skip(missing)
    return backend


@pytest.fixture
def speaker(espeak: Espeak) -> Speaker:
    return Speaker(espeak)
