"""What this machine can hold: the memory that a model may take, and which models fit it.

memory, where = machine_memory()            8589934592  "NVIDIA GeForce RTX 3070"
best_first(catalogue().values(), memory)    those that fit, the largest first
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable

from hub.catalogue import Entry, GiB, catalogue

OWN_MEMORY, ASSUMED = "the machine's memory", "8 GiB assumed"  # `where` of `machine_memory`


def card_memory() -> tuple[int, str]:
    """Bytes of the first NVIDIA card, and its name; 0 where there is none."""
    if smi := shutil.which("nvidia-smi"):
        try:
            told = subprocess.run(
                [smi, "--query-gpu=memory.total,name", "--format=csv,noheader,nounits"],
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            ).stdout.splitlines()
            size, card = told[0].split(",", 1)
            return int(size) << 20, card.strip()
        except (OSError, ValueError, IndexError, subprocess.SubprocessError):
            pass
    return 0, ""


def own_memory() -> int:
    """Bytes of the machine itself, its cards not counted; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has none of it
        return 0


def machine_memory() -> tuple[int, str]:
    """Bytes that a model may take here, and where: the first graphics card's memory, else three
    quarters of the machine's."""
    size, card = card_memory()
    if size:
        return size, card
    total = own_memory()
    return (total * 3 // 4, OWN_MEMORY) if total else (8 * GiB, ASSUMED)


def best_first(known: Iterable[Entry], memory: int) -> list[Entry]:
    """Models that fit, the largest first; then those that do not, the smallest first."""
    known = list(known)
    fitting = [one for one in known if one.memory() <= memory]
    others = [one for one in known if one.memory() > memory]
    return sorted(fitting, key=lambda one: -one.bytes) + sorted(others, key=lambda one: one.bytes)


def too_large(name: str, needed: int, known: Iterable[Entry] | None = None) -> str:
    """One sentence where a model that takes `needed` bytes cannot be held here, not even by the
    machine and its card together: by how much, and what would fit. "" where it can, or where the
    system does not tell."""
    have = own_memory()
    if not have or needed <= have:
        return ""  # the card is asked only where it matters
    have += card_memory()[0]
    if needed <= have:
        return ""
    talk = [one for one in (catalogue().values() if known is None else known) if one.use == "talk"]
    fitting = [one.name for one in best_first(talk, machine_memory()[0]) if one.memory() <= have]
    would = f"; these would fit: {', '.join(fitting[:3])} (mrp model list)" if fitting else ""
    return (
        f"{name} takes about {needed / GiB:.1f} GiB, {(needed - have) / GiB:.1f} GiB more than "
        f"this machine has ({have / GiB:.1f} GiB){would}"
    )
