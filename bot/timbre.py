"""How a made character sounds, in words that people type: "deep, slow", 「高一点、快」. Pure.

    voice = voice_of("低沉、慢")            # Voice(pitch=-5, rate=.85)
    in_words(voice, "en")                  # "deep, slow"

Words say pitch and speed, which every engine has; `kokoro=zm_yunxi` names a speaker of one engine,
`+3` and `1.1x` say semitones and speed exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from characters.card import CardError, Language, Words
from characters.voices import Voice, VoiceError, read_voice

# The words that are shown, with what they mean; others that mean the same are below.
_PITCHES: Mapping[float, Words] = {
    -8.0: Words("很低", "very deep"),
    -4.0: Words("低", "deep"),
    4.0: Words("高", "high"),
    8.0: Words("很高", "very high"),
}
_RATES: Mapping[float, Words] = {
    0.7: Words("很慢", "very slow"),
    0.85: Words("慢", "slow"),
    1.2: Words("快", "fast"),
    1.4: Words("很快", "very fast"),
}
_ALSO = {
    "低沉": "低", "沉": "低", "粗": "低", "low": "deep", "very low": "very deep",
    "高一点": "高", "尖": "高", "尖细": "很高", "慢一点": "慢", "缓": "慢", "快一点": "快",
    "急": "快", "quick": "fast", "very quick": "very fast",
}  # fmt: skip
_MEANS = {
    word: (key, value)
    for key, table in (("pitch", _PITCHES), ("rate", _RATES))
    for value, words in table.items()
    for word in (words.zh, words.en)
}
_SEMITONES = re.compile(r"[+-]\d{1,2}(?:\.\d)?")
_SPEED = re.compile(r"(\d(?:\.\d{1,2})?)\s*[x×倍]")
_SPEAKER = re.compile(r"([A-Za-z]{2,16})=([\w.+-]{1,64})")


def voice_of(text: str) -> Voice:
    """A voice in words as a value.

    Raises:
        CardError: a word says nothing about a voice, or a number is out of range.
    """
    table: dict[str, object] = {}
    speakers: dict[str, str] = {}
    for part in _parts(text):
        word = part.casefold()
        word = _ALSO.get(word, word)
        if word in _MEANS:
            key, value = _MEANS[word]
            table[key] = value
        elif _SEMITONES.fullmatch(word):
            table["pitch"] = float(word)
        elif speed := _SPEED.fullmatch(word):
            table["rate"] = float(speed[1])
        elif speaker := _SPEAKER.fullmatch(part):  # an engine's own name, in its own letters
            speakers[speaker[1].casefold()] = speaker[2]
        else:
            known = "、".join(w.zh for w in (*_PITCHES.values(), *_RATES.values()))
            also = ", ".join(w.en for w in (*_PITCHES.values(), *_RATES.values()))
            raise CardError(
                f"voice: {part[:40]!r} is no word for one; there are {known} ({also}), +3, 1.1x"
            )
    try:
        return read_voice(table | ({"speaker": speakers} if speakers else {}))
    except VoiceError as problem:
        raise CardError(str(problem)) from problem


def _parts(text: str) -> list[str]:
    """What stands between commas, and between spaces where the whole is not one of our words."""
    parts: list[str] = []
    for part in filter(None, map(str.strip, re.split(r"[,，、;；/／]", text))):
        word = part.casefold()
        whole = word in _MEANS or word in _ALSO or _SPEED.fullmatch(word)
        parts += [part] if whole else part.split()
    return parts


def in_words(voice: Voice, language: Language) -> str:
    """A voice as `voice_of` reads it; "" for the engine's own."""
    parts = []
    if voice.pitch:
        known = _PITCHES.get(voice.pitch)
        parts.append(known[language] if known else f"{voice.pitch:+g}")
    if voice.rate != 1:
        known = _RATES.get(voice.rate)
        parts.append(known[language] if known else f"{voice.rate:g}x")
    parts += [f"{one.engine}={one.name}" for one in voice.speakers]
    return ("、" if language == "zh" else ", ").join(parts)
