"""How a character sounds: the `[voice]` table of a card, for text-to-speech.

    [voice]
    rate = 1.15                    # times the usual speed, 0.5 to 2
    pitch = 2                      # semitones above the speaker's own, -12 to 12
    speaker.espeak = {name = "john", pitch = 9}    # who speaks, by engine: espeak's variant,
    speaker.kokoro = "zm_yunxi"    # a speaker of a model, by name or number,
    speaker.endpoint = "alloy"     # the `voice` of an HTTP endpoint; each with a pitch of its own
    engine = "kokoro"              # only where one engine alone fits; else the bot's
    sample = "wukong.wav"          # a recording to sound like, beside the card, for endpoints that
    sample_text = "俺老孙来也"      # clone; and what is said in it

All keys may be left out, and so may the table: then the character has the engine's own voice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

RATES, PITCHES = (0.5, 2.0), (-12.0, 12.0)
_NAME = re.compile(r"[\w.+-]{1,64}")  # never an option or a path of whatever program reads it
_KEYS = ("engine", "speaker", "rate", "pitch", "sample", "sample_text")
_LONGEST_TEXT = 300


class VoiceError(ValueError):
    """A voice table that cannot be used; `key` is where."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"{key}: {what}")
        self.key, self.what = key, what


@dataclass(frozen=True, slots=True)
class Speaks:
    """Who speaks on one engine; `pitch` in semitones is added to the voice's own."""

    engine: str
    name: str
    pitch: float = 0.0


@dataclass(frozen=True, slots=True)
class Voice:
    """How somebody sounds. `engine` is "" where any engine will do; `rate` is a factor, `pitch` is
    in semitones; `sample` names a file beside the card."""

    engine: str = ""
    speakers: tuple[Speaks, ...] = ()
    rate: float = 1.0
    pitch: float = 0.0
    sample: str = ""
    sample_text: str = ""

    def speaker(self, engine: str) -> str:
        """Who speaks on an engine; "" for its own choice."""
        return next((one.name for one in self.speakers if one.engine == engine), "")

    def pitch_on(self, engine: str) -> float:
        """How many semitones above the speaker's own, on an engine."""
        own = next((one.pitch for one in self.speakers if one.engine == engine), 0.0)
        low, high = PITCHES
        return min(high, max(low, self.pitch + own))


NO_VOICE = Voice()  # of a card without a voice table: the engine's own


def read_voice(table: Mapping[str, Any]) -> Voice:
    """A `[voice]` table as a value.

    Raises:
        VoiceError: an unknown key, or a value of the wrong kind or out of range.
    """
    for key in table:
        if key not in _KEYS:
            raise VoiceError(f"voice.{key}", f"unknown key; there are {', '.join(_KEYS)}")
    engine = _name(table.get("engine", ""), "voice.engine")
    speakers = table.get("speaker", {})
    if isinstance(speakers, str):
        speakers = {engine or "espeak": speakers}
    if not isinstance(speakers, Mapping):
        raise VoiceError("voice.speaker", f"must be a name for each engine, not {speakers!r}")
    sample = _text(table.get("sample", ""), "voice.sample")
    if sample and (PurePosixPath(sample).name != sample or "\\" in sample):
        raise VoiceError("voice.sample", f"must name a file beside the card, not {sample!r}")
    return Voice(
        engine=engine,
        speakers=tuple(_speaks(one, name) for one, name in speakers.items()),
        rate=_number(table.get("rate", 1.0), "voice.rate", RATES),
        pitch=_number(table.get("pitch", 0.0), "voice.pitch", PITCHES),
        sample=sample,
        sample_text=_text(table.get("sample_text", ""), "voice.sample_text"),
    )


def voice_table(voice: Voice) -> dict[str, Any]:
    """The table of a voice, without what is as usual: the inverse of `read_voice`."""
    table: dict[str, Any] = {
        "engine": voice.engine,
        "rate": voice.rate if voice.rate != 1 else 0,
        "pitch": voice.pitch,
        "sample": voice.sample,
        "sample_text": voice.sample_text,
        "speaker": {
            one.engine: {"name": one.name, "pitch": one.pitch} if one.pitch else one.name
            for one in voice.speakers
        },
    }
    return {key: value for key, value in table.items() if value}


def _speaks(engine: str, value: object) -> Speaks:
    key = f"voice.speaker.{engine}"
    table: Mapping[Any, Any] = value if isinstance(value, Mapping) else {"name": value}
    if unknown := table.keys() - {"name", "pitch"}:
        raise VoiceError(f"{key}.{min(unknown)}", "unknown key; there are name, pitch")
    return Speaks(
        _name(engine, "voice.speaker"),
        _name(table.get("name", ""), key),
        _number(table.get("pitch", 0.0), f"{key}.pitch", PITCHES),
    )


def _name(value: object, key: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a speaker's number
    if not isinstance(value, str) or (value and not _NAME.fullmatch(value)):
        raise VoiceError(key, f"must be a name of letters and digits, not {value!r}")
    if value.startswith("-"):
        raise VoiceError(key, f"must not begin with a hyphen: {value!r}")
    return value


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise VoiceError(key, f"must be a text of at most {_LONGEST_TEXT} characters")
    return value.strip()


def _number(value: object, key: str, within: tuple[float, float]) -> float:
    low, high = within
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise VoiceError(key, f"must be a number, not {value!r}")
    if not low <= value <= high:
        raise VoiceError(key, f"must lie in {low:g}..{high:g}, not {value:g}")
    return float(value)
