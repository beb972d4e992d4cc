"""Redis's append-only file after a crash: a torn tail is cut off, as Redis itself does with less.

Redis cuts a file that ends in the middle of a command (aof-load-truncated). It does not start where
the system, after a power cut, has left a file that ends in zero bytes. Both lose what was not
written, and nothing else. Damage in the middle is another matter: then all that follows would be
lost, and whoever runs the bot has to say so.
"""

from __future__ import annotations

import logging
import re
import subprocess
from pathlib import Path

log = logging.getLogger(__name__)

_LONGEST_TAIL = 64 * 2**20  # bytes that are looked at; one command of ours has some KB


def mended_tail(server: str, path: Path) -> bool:
    """Cut what a crash has left at the end of an append-only file, if it is no more than that.
    Returns whether anything was cut.

    `server` is the redis-server executable, which also checks files.

    Raises:
        OSError: the file cannot be read or cut.
    """
    if not path.exists():
        return False
    good, size = checked(server, path)
    if not 0 <= good < size or size - good > _LONGEST_TAIL:
        return False
    with path.open("r+b") as file:
        file.seek(good)
        if not torn(file.read()):
            return False
        file.truncate(good)
    log.warning("%s ended in a torn command: its last %d bytes were cut", path, size - good)
    return True


def checked(server: str, path: Path) -> tuple[int, int]:
    """Up to which byte Redis finds the file whole, and its size; (-1, size) where it cannot say."""
    done = subprocess.run(
        ["redis-check-aof", str(path)],
        executable=server,  # it is what it is called
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=600,
    )
    found = re.search(rb"ok_up_to=(\d+)", done.stdout)
    return int(found[1]) if found else -1, path.stat().st_size


def torn(tail: bytes) -> bool:
    """Whether what follows the last whole command is only a command (or transaction) that was being
    written, then nothing or zero bytes."""
    tail = tail.rstrip(b"\0")
    commands = 0
    at = 0
    while at < len(tail):
        end = _command_end(tail, at)
        if end is None:
            return False
        if end > len(tail):
            break
        first = tail[at:end].lower()
        if (commands == 0 and b"multi\r\n" not in first) or b"exec\r\n" in first[:32]:
            return False  # a whole command that Redis did not take: damage, not a torn end
        commands += 1
        at = end
    return True


def _command_end(data: bytes, at: int) -> int | None:
    """Where the command that begins at `at` ends, beyond the data when it is cut; None: there is
    no command."""
    beyond = len(data) + 1
    head = re.compile(rb"\*(\d{1,7})(\r\n)?").match(data, at)
    if head is None:
        return beyond if data[at:] == b"*" else None
    if not head[2]:
        return beyond if head.end() >= len(data) - 1 else None
    at = head.end()
    for _ in range(int(head[1])):
        size = re.compile(rb"\$(\d{1,10})(\r\n)?").match(data, at)
        if size is None:
            return beyond if data[at:] in (b"", b"$") else None
        if not size[2]:
            return beyond if size.end() >= len(data) - 1 else None
        at = size.end() + int(size[1]) + 2
        if at > len(data):
            return beyond
        if data[at - 2 : at] != b"\r\n":
            return None
    return at
