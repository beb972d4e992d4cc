"""What the machine has left: memory, disk, and its clock."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.doctor.finding import Finding
from engine.resources import GiB

BUSY = 1.5  # programs that want to run, by core
LEAST_DISK, LITTLE_DISK = 200 << 20, 2 * GiB


def memory_left() -> int:
    """Bytes that this process may still take: the machine's, or its container's if that is less.

    Read as Linux tells it; 0 where it does not.
    """
    left = []
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                left.append(int(line.split()[1]) * 1024)
    except OSError:
        pass
    try:
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text("ascii"))  # "max" is no number
        left.append(limit - int((group / "memory.current").read_text("ascii")))
    except (OSError, ValueError):
        pass
    return max(0, min(left)) if left else 0


@dataclass(frozen=True, slots=True)
class Machine:
    """What is asked of the machine: bytes left, seconds since 1970, programs that want to run (the
    average of a minute), cores. Tests put in their own."""

    memory: Callable[[], int] = memory_left
    disk: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    clock: Callable[[], float] = time.time
    load: Callable[[], float] = lambda: os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    cores: Callable[[], int] = lambda: os.cpu_count() or 1


def check_load(machine: Machine, threads: int | None) -> list[Finding]:
    """Whether other programs want the cores that the model computes with.

    Its threads wait for one another many times in a token, and a core that is taken away from one
    of them stops all.
    """
    load, cores = machine.load(), machine.cores()
    if load <= BUSY * cores or threads == 1:
        return []
    says = f"{load:.1f} programs want to run on {cores} cores, so replies will stall"
    return [Finding("warning", "load", says, "run fewer programs here, or set --threads 1")]


def check_disk(folder: Path, about: str, machine: Machine) -> list[Finding]:
    """Whether a folder (which need not exist yet) can be written, and how much fits."""
    near = folder
    while not near.exists():
        near = near.parent
    if not os.access(near, os.W_OK):
        says = f"{about} {folder} cannot be written"
        do = "give it to the bot's user, or name another with XDG_DATA_HOME"
        return [Finding("fault", "disk", says, do)]
    free = machine.disk(near)
    says = f"{free / GiB:.1f} GiB free at {folder}"
    if free < LEAST_DISK:
        do = "free some space: what people say could not be kept"
        return [Finding("fault", "disk", says, do)]
    if free < LITTLE_DISK:
        return [Finding("warning", "disk", says, "free some space soon")]
    return [Finding("well", "disk", says)]
