"""What differs between operating systems: file locks, process identity, signals that ask to end.

with locked(folder / "memory.lock"): …               one process at a time
owner = process_id()                                 "box/1f3a…/4711/83921", unique for ever
process_ended(owner)                                 True, False, or None on another machine

Every call that POSIX or Linux alone has is made here, with what stands in for it on Windows.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import platform
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

if sys.platform == "win32":  # pragma: no cover - the other side is what is tested
    import msvcrt

    def _lock(descriptor: int, wait: bool) -> None:
        # LK_LOCK tries for ten seconds and then raises; whoever waits here waits until it is free.
        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
                return
            except OSError:
                if not wait:
                    raise

else:
    try:
        import fcntl
    except ModuleNotFoundError:
        # Neither POSIX nor Windows (WebAssembly): one process is all there is.
        def _lock(descriptor: int, wait: bool) -> None:
            pass

    else:

        def _lock(descriptor: int, wait: bool) -> None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of a file, which is made where there is none; waits for it.

    The lock goes with the process that holds it, however that ends.

    Raises:
        OSError: the file cannot be opened.
    """
    with path.open("a") as file:  # which is closed, and so unlocked, at the end
        _lock(file.fileno(), wait=True)
        yield


def try_lock(path: Path) -> int | None:
    """A descriptor that holds the exclusive lock of a file; None: somebody else holds it.

    Whoever inherits the descriptor holds the lock too; it ends when all of them closed it or ended.

    Raises:
        OSError: the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, wait=False)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@functools.cache
def boot_id() -> str:
    """What this machine was given when it was started; "" where the system has none.

    As long as it is the same, `time.monotonic` counts from the same moment in all processes.
    """
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    return ""


@functools.cache
def _host() -> str:
    """The machine's name and its `boot_id`."""
    return f"{platform.node()}/{boot_id()}"


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; "" where only /proc could tell.

    Raises:
        ProcessLookupError: there is no such process.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        if not Path("/proc/self/stat").exists():
            _require(pid)
            return ""
        raise ProcessLookupError(pid) from None
    return fields[19]  # field 22 of proc(5) stat


def _require(pid: int) -> None:
    """Raise ProcessLookupError unless a process has this id."""
    if sys.platform == "win32":  # pragma: no cover
        # os.kill(pid, 0) would end the process there.
        import ctypes  # here: its windll is on Windows alone

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)  # query, limited
        if not handle:
            raise ProcessLookupError(pid)
        ctypes.windll.kernel32.CloseHandle(handle)
    else:
        with contextlib.suppress(PermissionError):
            os.kill(pid, 0)


def process_id() -> str:
    """The unique id of this process: machine, boot, pid and start time."""
    return _named(os.getpid())  # asked anew each time: a fork has another pid


@functools.lru_cache(maxsize=8)
def _named(pid: int) -> str:
    return f"{_host()}/{pid}/{_started(pid)}"


def process_ended(owner: str) -> bool | None:
    """Whether the process with this `process_id` has ended; None when it ran on another machine."""
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


def apart(descriptor: int | None = None) -> dict[str, Any]:
    """Arguments of `subprocess.Popen` for a process that outlives this one and its terminal, in a
    group of its own; `descriptor` (a lock) is its too, where descriptors can be given on."""
    if sys.platform == "win32":  # pragma: no cover
        # CREATE_NEW_PROCESS_GROUP | DETACHED_PROCESS
        return {"creationflags": 0x00000200 | 0x00000008}
    return {"start_new_session": True, "pass_fds": () if descriptor is None else (descriptor,)}


def end_process(pid: int) -> None:
    """Ask one process to end.

    Raises:
        ProcessLookupError: it has.
    """
    os.kill(pid, signal.SIGTERM)


def end_group(pid: int, *, at_once: bool) -> None:
    """Ask a process begun with `apart` and all its children to end, or end them at once."""
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":  # pragma: no cover
            os.kill(pid, signal.SIGTERM)  # which ends it; its children see their pipes close
        else:
            os.killpg(pid, signal.SIGKILL if at_once else signal.SIGTERM)


def start_anew() -> None:
    """Become this program again, with the same arguments, as if it had just been started.

    What is open is not closed: whoever calls has ended all it does. Never returns on POSIX; on
    Windows, where a process cannot become another one, the new one is begun beside it.
    """
    argv = [sys.executable, *sys.orig_argv[1:]]
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform == "win32":  # pragma: no cover
        import subprocess  # here: only Windows needs it

        subprocess.Popen(argv)
    else:
        os.execv(sys.executable, argv)


def on_termination(ended: Callable[[], object]) -> None:
    """Call `ended` in the running event loop when SIGINT or SIGTERM asks this process to end.

    On Windows, whose loops take no signal handlers, SIGINT (Ctrl-C) and SIGBREAK do.
    """
    loop = asyncio.get_running_loop()

    def asked(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(ended)

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, ended)
        except (NotImplementedError, AttributeError):
            # Nor may a thread that is not the main one set a handler.
            with contextlib.suppress(ValueError):
                signal.signal(number, asked)
