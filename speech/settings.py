"""What `--speech` and `--hearing` mean: which engine speaks, and which hears.

    open_speaker("auto")                 espeak-ng where it is installed, else None
    open_speaker("off")                  None
    open_speaker("espeak")
    open_speaker("kokoro")               a model of the catalogue, or a folder that holds one
    open_speaker("http://host:8880/v1")  an OpenAI-compatible endpoint
    open_hearer("off"), open_hearer("sensevoice"), open_hearer("http://host:8000/v1")

Endpoints take their model from MRP_SPEECH_MODEL and MRP_HEARING_MODEL, their key from
MRP_SPEECH_KEY and MRP_HEARING_KEY, or from the files that …_KEY_FILE names.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from hub.catalogue import catalogue
from hub.found import models_folder
from hub.pull import RECORD
from speech import sound
from speech.endpoint import Endpoint
from speech.error import SpeechError
from speech.espeak import Espeak
from speech.hearer import Backend as Hears
from speech.hearer import Hearer
from speech.sherpa import Listening, Speaking
from speech.speaker import Backend, Speaker
from speech.whisper import Whisper, holds

AUTO, OFF = "auto", "off"
_HTTP = ("http://", "https://")


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--speech` and `--hearing`."""
    parser.add_argument(
        "--speech",
        metavar="NAME",
        default=os.environ.get("MRP_SPEECH") or AUTO,
        help="what speaks lines aloud: espeak, a speech model of the catalogue (kokoro, melotts), "
        "a folder with one, an address http://…/v1, or off (default: MRP_SPEECH, or espeak-ng "
        "where it is installed)",
    )
    parser.add_argument(
        "--hearing",
        metavar="NAME",
        default=os.environ.get("MRP_HEARING") or OFF,
        help="what turns people's voice notes into text: a speech model (sensevoice, "
        "faster-whisper-base, …), a folder with one, an address http://…/v1, or off (default: "
        "MRP_HEARING, or off)",
    )


def open_speaker(
    name: str, environment: Mapping[str, str] = os.environ, *, cards: Path | None = None
) -> Speaker | None:
    """A speaker that can speak, or None for "off". `cards` is the folder in which the recordings
    that cards name lie.

    Raises:
        SpeechError: what was named is not there, or lacks something; not for "auto".
    """
    if name == OFF:
        return None
    backend: Backend
    if name in (AUTO, "espeak"):
        backend = Espeak()
    elif name.startswith(_HTTP):
        backend = _endpoint(name, "MRP_SPEECH", environment, cards)
    else:
        backend = Speaking(_folder(name, "speech", environment), Path(name).name)
    missing = backend.missing() or _no_sound()
    if not missing:
        return Speaker(backend)
    if name == AUTO:
        return None
    raise SpeechError(f"不能出声：{missing}", f"--speech {name}: {missing}")


def why_silent(name: str) -> str:
    """Why "auto" has no speaker here, as one sentence; "" where it has."""
    return (Espeak().missing() or _no_sound()) if name == AUTO else ""


def open_hearer(name: str, environment: Mapping[str, str] = os.environ) -> Hearer | None:
    """A hearer that can hear, or None for "off".

    Raises:
        SpeechError: what was named is not there, or lacks something.
    """
    if name in (OFF, AUTO):
        return None
    backend: Hears
    if name.startswith(_HTTP):
        backend = _endpoint(name, "MRP_HEARING", environment)
    else:
        folder, called = _folder(name, "hearing", environment), Path(name).name
        backend = Whisper(folder, called) if holds(folder) else Listening(folder, called)
    if missing := backend.missing() or _no_sound():
        raise SpeechError(f"听不见：{missing}", f"--hearing {name}: {missing}")
    return Hearer(backend)


def _no_sound() -> str:
    lacks = sound.available()
    return f"{lacks} is missing: pip install 'mrp-llm[speech]'" if lacks else ""


def _endpoint(
    address: str, variable: str, environment: Mapping[str, str], cards: Path | None = None
) -> Endpoint:
    key, file = environment.get(f"{variable}_KEY", ""), environment.get(f"{variable}_KEY_FILE", "")
    if file and not key:
        try:
            key = Path(file).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise SpeechError(
                f"读不到 {variable}_KEY_FILE。", f"{variable}_KEY_FILE ({file}) cannot be read."
            ) from problem
    if not key.isascii() or not key.isprintable():
        raise SpeechError(f"{variable}_KEY 不是密钥。", f"{variable}_KEY is no key.")
    model = environment.get(f"{variable}_MODEL", "")
    return Endpoint(address, model=model, key=key, samples=cards)


def _folder(name: str, use: str, environment: Mapping[str, str]) -> Path:
    """The folder of a speech model: a path, or where `mrp model pull NAME` put it."""
    given = Path(name).expanduser()
    if given.is_dir():
        return given
    known = {entry.name: entry for entry in catalogue().values() if entry.use == use}
    for home in (models_folder(environment), Path("models")):
        if name in known and (home / name / RECORD).is_file():
            return home / name
    names = ", ".join(known)
    if name in known:
        raise SpeechError(
            f"{name} 还没有下载：mrp model pull {name}",
            f"{name} is not here ({known[name].bytes / 1e6:.0f} MB): mrp model pull {name}",
        )
    option = "speech" if use == "speech" else "hearing"
    raise SpeechError(
        f"不认识 --{option} {name}；有：{names}。",
        f"there is no --{option} {name!r}: name one of {names}, a folder, an address http://…/v1, "
        f"{'espeak, ' if use == 'speech' else ''}or off",
    )
