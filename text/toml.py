"""Reads a TOML file that somebody handed in, with bounds on size and depth; writes a plain one.

read_toml(Path("wukong.toml"))

`tomllib` recurses for every nested bracket and takes time quadratic in the parts of a dotted key (a
key of 100 KB: 36 s), so both are looked at before it sees the text.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LARGEST = 1 << 20  # bytes; the longest file of ours has 80 KB
DEEPEST = 32  # brackets within brackets, and parts of a dotted key

# Texts of TOML, which may hold brackets and dots; the longer quotes come first.
_TEXTS = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{DEEPEST}}}")


class TomlUnreadable(tomllib.TOMLDecodeError):
    """The file is no TOML, or larger or deeper than any file that people write."""


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a file.

    Raises:
        OSError: it cannot be opened.
        UnicodeDecodeError: it is not UTF-8.
        TOMLDecodeError: it is no TOML, or passes a bound; the message says which.
    """
    with file.open("rb") as opened:
        data = opened.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise TomlUnreadable(f"it is larger than {LARGEST >> 20} MB")
    text = data.decode("utf-8-sig").replace("\r\n", "\n")
    # A text becomes one letter, so that a key of quoted parts is still counted.
    bare = _TEXTS.sub(lambda found: "" if found[0].startswith("#") else "q", text)
    if _LONG_KEY.search(bare):
        raise TomlUnreadable(f"a key has more than {DEEPEST} parts")
    depth = 0
    for bracket in re.finditer(r"[\[{}\]]", bare):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > DEEPEST:
            raise TomlUnreadable(f"brackets stand more than {DEEPEST} deep")
    return tomllib.loads(text)


def write_toml(table: Mapping[str, Any]) -> str:
    """A table as TOML: texts, numbers, lists, tables, and lists of tables, one level of each.

    Raises:
        TypeError: a value of another kind.
    """
    plain = {key: value for key, value in table.items() if not _is_table(value)}
    rows = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if _is_table(value):
            many = isinstance(value, list)
            head = f"[[{_key(key)}]]" if many else f"[{_key(key)}]"
            for each in value if isinstance(value, list) else [value]:
                rows += ["", head, *(f"{_key(name)} = {_value(one)}" for name, one in each.items())]
    return "\n".join(rows).lstrip("\n") + "\n"


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)
    )


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: object) -> str:
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{{', '.join(f'{_key(key)} = {_value(one)}' for key, one in value.items())}}}"
        case _:
            raise TypeError(f"TOML holds no {type(value).__name__}")
