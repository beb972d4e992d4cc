"""How many threads a model should compute with on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def processors() -> int:
    """Physical cores that this process may use: two threads a core make llama.cpp slower."""
    try:
        allowed = sorted(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return max(1, (os.cpu_count() or 2) // 2)
    cores = set()
    for cpu in allowed:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text().strip() if siblings.exists() else str(cpu))
    return max(1, len(cores))
