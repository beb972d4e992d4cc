"""Zip archives that hold a card and its pictures (CHARX), or a group of cards.

Nothing is ever unpacked to a disk, and a file's size is what comes out of it, not what it says.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

from characters.card import CardError
from characters.tavern.fields import plain, wrong

MOST_FILES = 2_000
LARGEST = 64 << 20  # bytes of all files together, unpacked


def is_zip(data: bytes) -> bool:
    """Whether it is an archive, perhaps behind a picture, as some programs write them."""
    return data[:4] in (b"PK\3\4", b"PK\5\6") or (
        data[:3] == b"\xff\xd8\xff" and zipfile.is_zipfile(io.BytesIO(data))
    )


def read_zip(data: bytes, where: str) -> dict[str, bytes]:
    """The files of an archive by name.

    Raises:
        CardError: it is damaged or locked, holds too much, or a name leads out of it.
    """
    files: dict[str, bytes] = {}
    left = LARGEST
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            rows = archive.infolist()
            if len(rows) > MOST_FILES:
                raise wrong(where, "", f"holds {len(rows)} files; at most {MOST_FILES} are read")
            for row in rows:
                if row.is_dir():
                    continue
                _check(row, files, where)
                with archive.open(row) as opened:
                    files[row.filename] = opened.read(left + 1)
                left -= len(files[row.filename])
                if left < 0:
                    raise wrong(where, "", f"unpacks to more than {LARGEST >> 20} MB")
    except CardError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        ValueError,  # a directory that points before the file's beginning
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
    ) as problem:
        raise wrong(where, "", f"the archive is damaged: {plain(str(problem))[:100]}") from problem
    return files


def _check(row: zipfile.ZipInfo, files: Mapping[str, bytes], where: str) -> None:
    name = row.filename
    if leads_out(name):
        raise wrong(where, name[:80], "leads out of the archive")
    if row.flag_bits & 1:
        raise wrong(where, name[:80], "is locked with a password")
    if name in files:
        raise wrong(where, name[:80], "stands in the archive twice")


def leads_out(name: str) -> bool:
    """Whether a file's name is none that may stand in an archive."""
    parts = name.replace("\\", "/").split("/")
    return (
        not name
        or name.startswith(("/", "\\"))
        or ".." in parts
        or ":" in parts[0]
        or "\0" in name
        or name.endswith("/")
    )


def write_zip(files: Mapping[str, bytes]) -> bytes:
    """An archive of these files; the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(
                zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED
            )
    return buffer.getvalue()
