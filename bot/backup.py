"""`mrp backup`: all that is remembered as one file, and back.

    mrp backup make                      into the backups folder of the data folder
    mrp backup make mine.mrp.gz
    mrp backup check mine.mrp.gz         is it whole, and what is in it
    mrp backup restore mine.mrp.gz       what is remembered now is backed up first, then replaced

The file is gzipped JSON, a line a key, with a checksum at its end: rooms, people, characters that
were made, feedback. Who is signed in, tokens of platforms, models and the book are not in it. It is
as secret as the conversations: only its owner may read it. Whoever has everything forgotten after a
backup was made is still in that backup, so keep few, and not for long.

A backup can be made while people talk. Restore while no bot runs, or start them again afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import hashlib
import json
import os
import re
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.memory import Memory, open_memory
from bot.memory.backup import KINDS, Record, belongs, dump, load
from bot.memory.embedded import data_folder
from bot.memory.keys import VERSION
from bot.secrets import redis_url

FORMAT = 1
SUFFIX = ".mrp.gz"
LONGEST_LINE = 256 << 20  # bytes; a room's turns are a few MB, and Redis takes 512 MB at once
LARGEST = 16 << 30  # bytes, unpacked
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}" + re.escape(SUFFIX))


class BackupProblem(RuntimeError):
    """A backup that cannot be written, or a file that is none; the message says why."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds. `made` is seconds since 1970."""

    made: float
    keys: int
    rooms: int
    people: int


def backups_folder() -> Path:
    """Where backups lie that were given no name."""
    return data_folder() / "backups"


def named(name: str) -> Path | None:
    """A backup of that folder by its name; None where there is none."""
    file = backups_folder() / name
    return file if _NAME.fullmatch(name) and file.is_file() else None


def listed() -> list[Path]:
    """The backups of that folder, newest first."""
    found = [file for file in backups_folder().glob(f"*{SUFFIX}") if _NAME.fullmatch(file.name)]
    return sorted(found, key=lambda file: (-file.stat().st_mtime, file.name))


async def make(memory: Memory, file: Path | None = None, *, label: str = "backup") -> Path:
    """Write a backup, whole or not at all, that only its owner may read.

    Raises:
        BackupProblem: the file cannot be written, or something is larger than a backup can hold.
        MemoryProblem: Redis stays away, or refuses for good.
    """
    if file is None:
        at = time.strftime("%Y-%m-%d-%H%M%S", time.gmtime())
        file = backups_folder() / f"{label}-{at}{SUFFIX}"
        with _writing(file):
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with _writing(file):
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as raw, gzip.GzipFile("", "wb", 6, raw) as out:
                await _write(memory, out)
            os.replace(partial, file)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return file


@contextlib.contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        why = problem.strerror or problem
        raise BackupProblem(f"{file} cannot be written: {why}") from problem


async def _write(memory: Memory, out: gzip.GzipFile) -> None:
    digest, keys = hashlib.sha256(), 0

    def line(told: object) -> None:
        data = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if len(data) > LONGEST_LINE:  # and could not be read again
            name = told[0] if isinstance(told, list) else "it"
            raise BackupProblem(
                f"{name} has {len(data) >> 20} MB; a backup takes {LONGEST_LINE >> 20} MB of a key"
            )
        digest.update(data)
        out.write(data)

    line(
        {"mrp": "backup", "format": FORMAT, "keys_version": VERSION, "made": round(time.time(), 3)}
    )
    async for record in dump(memory):
        keys += 1
        # In a thread: packing a large room takes a second, for which nobody who talks may wait.
        await asyncio.to_thread(line, [record.key, record.kind, record.expires, record.value])
    line({"keys": keys, "sha256": digest.hexdigest()})


def read(file: Path) -> tuple[Contents, list[Record]]:
    """Read a backup and check it whole.

    Raises:
        BackupProblem: it cannot be read, is no backup, of another version, cut, or changed.
    """
    try:
        return _read(file)
    except (OSError, EOFError, zlib.error) as problem:
        if isinstance(problem, OSError) and problem.strerror:
            raise BackupProblem(f"{file.name} cannot be read: {problem.strerror}") from problem
        raise BackupProblem(f"{file.name} is no backup of mRP, or is cut off") from problem


def _read(file: Path) -> tuple[Contents, list[Record]]:
    digest, size = hashlib.sha256(), 0
    records: list[Record] = []
    head: Any = None
    end: Any = None
    with gzip.open(file, "rb") as lines:
        while data := lines.readline(LONGEST_LINE + 1):
            size += len(data)
            if len(data) > LONGEST_LINE or size > LARGEST:
                raise BackupProblem(f"{file.name}: it is larger than any backup of mRP is")
            if end is not None:
                raise BackupProblem(f"{file.name}: something stands behind its end")
            told = _json(file, data)
            if head is None:
                head = _head(file, told)
            elif isinstance(told, dict):
                end = told
                if told != {"keys": len(records), "sha256": digest.hexdigest()}:
                    raise BackupProblem(f"{file.name}: it was changed, or did not come whole")
            else:
                records.append(_record(file, told))
            digest.update(data)
    if head is None or end is None:
        raise BackupProblem(f"{file.name} is no backup of mRP, or is cut off")
    rooms = sum(r.key.endswith(":turns") for r in records)
    people = sum(r.key.endswith(":account") for r in records)
    return Contents(float(head["made"]), len(records), rooms, people), records


def _json(file: Path, data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise BackupProblem(f"{file.name} is no backup of mRP") from problem


def _head(file: Path, told: Any) -> dict[str, Any]:
    if not isinstance(told, dict) or told.get("mrp") != "backup":
        raise BackupProblem(f"{file.name} is no backup of mRP")
    if told.get("format") != FORMAT or told.get("keys_version") != VERSION:
        raise BackupProblem(
            f"{file.name}: it was made by another version of mRP; restore it there and let that "
            "version make it anew"
        )
    if not isinstance(told.get("made"), int | float):
        raise BackupProblem(f"{file.name} is no backup of mRP")
    return told


def _record(file: Path, told: Any) -> Record:
    match told:
        case [str(key), str(kind), str(expires), value] if kind in KINDS and belongs(key):
            if (not expires or expires.isdecimal()) and _is_value(kind, value):
                return Record(key, kind, expires, value)
    raise BackupProblem(f"{file.name}: it holds something that no backup of mRP does")


def _is_value(kind: str, value: Any) -> bool:
    if kind == "string":
        return isinstance(value, str) and bool(re.fullmatch("(?:[0-9a-f]{2})*", value))
    if kind != "stream":
        pairs = kind in ("hash", "zset")
        return _texts(value) and not (pairs and len(value) % 2)
    match value:
        case [str(last), list(entries)]:
            ids = all(
                isinstance(e, list) and len(e) == 2 and _is_id(e[0]) and _texts(e[1]) and e[1]
                and len(e[1]) % 2 == 0
                for e in entries
            )  # fmt: skip
            return ids and _is_id(last)
    return False


def _is_id(text: Any) -> bool:
    return isinstance(text, str) and bool(re.fullmatch(r"\d{1,20}-\d{1,20}", text))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


async def restore(memory: Memory, file: Path) -> tuple[Contents, Path]:
    """Replace all that is remembered by a backup, after what is remembered now was backed up.
    Returns what the backup held, and where the other one is.

    Raises:
        BackupProblem: the file is no whole backup (nothing was changed), or the other one cannot be
            written.
        MemoryProblem: Redis stays away, or refuses for good; it may be done in part.
    """
    contents, records = await asyncio.to_thread(read, file)
    before = await make(memory, label="before-restore")
    await load(memory, records)
    return contents, before


def main(argv: list[str]) -> int:
    """The verb. Returns 0.

    Raises:
        BackupProblem, MemoryProblem, SecretProblem: the message says why.
    """
    parser = argparse.ArgumentParser(
        prog="mrp backup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    actions = parser.add_subparsers(dest="action", required=True)
    making = actions.add_parser("make", help="write one")
    making.add_argument("file", metavar="FILE", type=Path, nargs="?", help="default: a new name")
    checking = actions.add_parser("check", help="is it whole, and what is in it")
    restoring = actions.add_parser("restore", help="replace what is remembered")
    for action in (checking, restoring):
        action.add_argument("file", metavar="FILE", type=Path)
    for action in (making, checking, restoring):
        action.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args(argv)
    told = asyncio.run(_done(chosen))
    print(json.dumps(told) if chosen.json else told.pop("said"))
    return 0


async def _done(chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.action == "check":
        return _told(chosen.file, read(chosen.file)[0], "is whole")
    memory = await open_memory(redis_url(os.environ), patience=10.0)
    try:
        if chosen.action == "make":
            file = await make(memory, chosen.file)
            return _told(file, read(file)[0], "written")
        contents, before = await restore(memory, chosen.file)
        print(f"what was remembered before: {before}", file=sys.stderr)
        return _told(chosen.file, contents, "restored") | {"before": str(before)}
    finally:
        await memory.close()


def _told(file: Path, found: Contents, what: str) -> dict[str, Any]:
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(found.made))
    said = f"{file}: {what}; {found.rooms} rooms, {found.people} people, of {at}"
    return {
        "said": said,
        "file": str(file),
        "made": found.made,
        "keys": found.keys,
        "rooms": found.rooms,
        "people": found.people,
    }
