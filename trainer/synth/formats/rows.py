"""Rows of JSON on disk: one array or one object a line, whatever the file is called.

Files of the wild are mended at this border: null is absent (Arrow writes it for what a row does not
have), half of a surrogate pair becomes U+FFFD, and nesting that nobody needs is refused.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.synth.error import FormatError

# Levels of nesting in a row; the formats here have six at most.
_DEEPEST = 64
_HALF = re.compile("[\ud800-\udfff]")


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, row) of a JSON array, one JSON object, or JSON lines.

    `where` is "file:row" for messages. Several projects call an array .jsonl, so the first
    character decides.

    Raises:
        FormatError: no such file, not UTF-8, not JSON, or a row that is no object.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise FormatError(f"{path}: cannot be read: {problem}") from problem
    if text.lstrip().startswith("["):
        found = enumerate(_loaded(text, str(path)), start=1)
    else:
        found = enumerate(_lines(text, path), start=1)
    for number, row in found:
        if not isinstance(row, dict):
            raise FormatError(f"{path}:{number}: must be a JSON object, not {str(row)[:40]!r}")
        yield f"{path}:{number}", row


def _lines(text: str, path: Path) -> Iterator[Any]:
    # Only \n ends a line: other separators that Python knows may stand inside a JSON text.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _loaded(line, f"{path}:{number}")


def _loaded(text: str, where: str) -> Any:
    try:
        return mended(json.loads(text))
    except RecursionError:
        raise FormatError(f"{where}: is nested more than {_DEEPEST} levels deep") from None
    except ValueError as problem:
        raise FormatError(f"{where}: not JSON: {problem}") from problem


def mended(value: Any, depth: int = 0) -> Any:
    """A JSON value without null in objects and without halves of surrogate pairs.

    Raises RecursionError when it is nested too deeply.
    """
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [mended(one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {
            _HALF.sub("\ufffd", key): mended(one, depth + 1)
            for key, one in value.items()
            if one is not None
        }
    return value


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write JSON lines; the file appears whole or not at all. Returns how many rows."""
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        for row in rows:
            count += 1
            yield json.dumps(row, ensure_ascii=False) + "\n"

    write_text(path, lines())
    return count


def write_text(path: Path, pieces: Iterable[str]) -> None:
    """Write a text file beside its place and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.writelines(pieces)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def text_of(row: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    """A text under a key. Raises FormatError when it is missing or something else."""
    value = row.get(key, default)
    if not isinstance(value, str):
        what = "is missing" if key not in row else f"must be a text, not {str(value)[:40]!r}"
        raise FormatError(f"{where}: {key}: {what}")
    return value


def list_of(row: Mapping[str, Any], key: str, where: str) -> list[Any]:
    """A list under a key. Raises FormatError when it is missing or something else."""
    value = row.get(key)
    if not isinstance(value, list):
        what = "is missing" if key not in row else f"must be a list, not {str(value)[:40]!r}"
        raise FormatError(f"{where}: {key}: {what}")
    return value


def objects_of(row: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """A list of objects under a key. Raises FormatError when it is missing or something else."""
    found = [one for one in list_of(row, key, where) if one is not None]
    if not all(isinstance(one, dict) for one in found):
        raise FormatError(f"{where}: {key}: must be a list of objects")
    return found


def rest(row: Mapping[str, Any], *known: str) -> dict[str, Any]:
    """All keys but the known ones."""
    return {key: value for key, value in row.items() if key not in known}
