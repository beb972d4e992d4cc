"""What `mrp doctor` says about lines read aloud and voice notes heard."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from bot.doctor.finding import Finding
from hub.error import HubError
from speech.error import SpeechError
from speech.settings import AUTO, OFF, open_hearer, open_speaker, why_silent


def check_sound(options: argparse.Namespace, environment: Mapping[str, str]) -> list[Finding]:
    """Whether what `--speech` and `--hearing` name is here. Neither is needed: what is missing by
    default is no fault. Raises nothing."""
    speech, hearing = getattr(options, "speech", AUTO), getattr(options, "hearing", OFF)
    found = []
    try:
        speaker = open_speaker(speech, environment, cards=getattr(options, "cast", None))
        if speaker is not None:
            says = f"lines are read aloud with {speaker.backend.name}"
            found.append(Finding("well", "speech", says))
        elif why := why_silent(speech):
            found.append(Finding("well", "speech", f"lines are not read aloud ({why})"))
    except (SpeechError, HubError) as problem:
        found.append(Finding("fault", "speech", str(problem), "see docs/voice.md"))
    try:
        hearer = open_hearer(hearing, environment)
        if hearer is not None:
            says = f"voice notes are heard with {hearer.backend.name}"
            found.append(Finding("well", "hearing", says))
    except (SpeechError, HubError) as problem:
        found.append(Finding("fault", "hearing", str(problem), "see docs/voice.md"))
    return found
