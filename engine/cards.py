"""Graphics cards of this machine, found without any library: what each is, and its memory.

for card in cards():
    print(card.name, card.total, card.free)     # NVIDIA GeForce RTX 3070  8589934592  8053063680

NVIDIA's driver is asked through its own nvidia-smi, AMD's through Linux' files under /sys, Apple's
chips are known by the system. Nothing here says whether llama.cpp can use a card: that is
`engine.llama.devices`. Imports nothing that is not Python's own, because `make` runs it before
anything is installed.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DRM = Path("/sys/class/drm")
_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD"}
_LEAST = 2 << 30  # bytes; with less memory a card is a processor's own picture, not worth a word
_PATIENCE = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Card:
    """A card. `maker` is NVIDIA, AMD or Apple; `total` and `free` are bytes, 0 where nobody tells;
    `driver` False: the card is there, and its driver does not answer."""

    maker: str
    name: str
    total: int = 0
    free: int = 0
    driver: bool = True


def cards() -> tuple[Card, ...]:
    """The machine's cards, NVIDIA's first. What cannot be asked is not there."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return (Card("Apple", "Apple GPU"),)
    return (*_nvidia(), *_amd())


def _nvidia() -> tuple[Card, ...]:
    said = output(
        "nvidia-smi", "--query-gpu=memory.total,memory.free,name", "--format=csv,noheader,nounits"
    )
    found = []
    for line in said.splitlines():
        total, _, rest = line.partition(",")
        free, _, name = rest.partition(",")
        try:
            found.append(Card("NVIDIA", name.strip(), int(total) << 20, int(free) << 20))
        except ValueError:  # "No devices were found", or memory "[N/A]"
            continue
    if found or not _on_bus("NVIDIA"):
        return tuple(found)
    return (Card("NVIDIA", "NVIDIA card", driver=False),)


def _amd() -> tuple[Card, ...]:
    found = []
    for device in _on_bus("AMD"):
        total = _number(device / "mem_info_vram_total")
        if total >= _LEAST:
            free = total - _number(device / "mem_info_vram_used")
            found.append(Card("AMD", "AMD card", total, free))
    return tuple(found)


def _on_bus(maker: str) -> list[Path]:
    found = []
    for vendor in sorted(DRM.glob("card[0-9]*/device/vendor")):
        try:
            if _VENDORS.get(vendor.read_text("ascii").strip()) == maker:
                found.append(vendor.parent)
        except (OSError, UnicodeDecodeError):
            continue
    return found


def _number(file: Path) -> int:
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):
        return 0


def output(program: str, *words: str) -> str:
    """What a program prints; "" where it is not there, fails, or takes longer than ten seconds."""
    path = shutil.which(program)
    if path is None:
        return ""
    try:
        done = subprocess.run(
            [path, *words],
            capture_output=True,
            timeout=_PATIENCE,
            check=True,
            env=os.environ | {"LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")
