"""Which process holds a piece of work, and whether it is still alive."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
from pathlib import Path


@functools.cache
def _host() -> str:
    """This machine since it was started: its name and its boot."""
    boot = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    return f"{platform.node()}/{boot}"


def _started(pid: int) -> str:
    """When a process started, as the kernel counts; "" where that cannot be told.

    Raises:
        ProcessLookupError: there is no such process.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        if not Path("/proc/self/stat").exists():
            with contextlib.suppress(PermissionError):
                os.kill(pid, 0)
            return ""
        raise ProcessLookupError(pid) from None
    return fields[19]  # field 22 of proc(5) stat


def me() -> str:
    """This process, told from every other one there was or will be."""
    return _named(os.getpid())  # asked anew each time: after a fork it is another one


@functools.lru_cache(maxsize=8)
def _named(pid: int) -> str:
    return f"{_host()}/{pid}/{_started(pid)}"


def gone(owner: str) -> bool | None:
    """Whether a process has ended; None when it is (or was) on another machine."""
    host, _, rest = owner.rpartition("/")
    host, _, pid = host.rpartition("/")
    if host.partition("/")[0] != _host().partition("/")[0]:
        return None
    if host != _host():
        return True  # the machine was started anew
    try:
        return _started(int(pid)) != rest
    except (ProcessLookupError, ValueError):
        return True
