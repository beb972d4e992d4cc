"""Sounds for the tests of speech, and what they need of the machine.

Tests that use espeak-ng are skipped, with the reason, where it is not installed
(`apt-get install espeak-ng`, see CONTRIBUTING.md).
"""

from __future__ import annotations

import pytest

from speech.espeak import Espeak
from speech.speaker import Speaker
from tests.fakes.recogniser import RATE, file_of, tone

__all__ = ["RATE", "file_of", "tone"]


@pytest.fixture
def espeak() -> Espeak:
    backend = Espeak()
    if missing := backend.missing():
        pytest.skip(missing)
    return backend


@pytest.fixture
def speaker(espeak: Espeak) -> Speaker:
    return Speaker(espeak)
