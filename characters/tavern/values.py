"""JSON and YAML of strangers as plain values, with bounds on size, depth and aliases."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from characters.card import CardError
from characters.tavern.fields import wrong

LARGEST_JSON = 8 << 20  # bytes
LARGEST_YAML = 1 << 20  # bytes; PyYAML reads some 100 KB a second
DEEPEST = 48  # tables and lists within each other
MOST_VALUES = 200_000


class _Loader(yaml.SafeLoader):
    """YAML that becomes what JSON could hold: no aliases (a few lines of them make gigabytes), no
    dates, no tags of any language."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it holds aliases (*name), which no card needs")
        return super().compose_node(parent, index)


# Dates and times stay texts; so do keys like `<<` and `=`.
_PLAIN = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _PLAIN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_json(data: bytes, where: str, field: str = "") -> Any:
    """The values of a JSON text.

    Raises:
        CardError: it is none, or passes a bound.
    """
    text = _decoded(data, where, field, LARGEST_JSON)
    try:
        values = json.loads(text, parse_constant=_no_number)
    except RecursionError as problem:
        raise wrong(where, field, "is nested too deeply") from problem
    except ValueError as problem:
        raise wrong(where, field, f"is not JSON: {problem}") from problem
    return _bounded(values, where, field)


def read_yaml(data: bytes, where: str) -> Any:
    """The values of a YAML text.

    Raises:
        CardError: it is none, or passes a bound.
    """
    text = _decoded(data, where, "", LARGEST_YAML)
    if _deep(text):
        raise wrong(where, "", "is nested too deeply")
    try:
        values = yaml.load(text, Loader=_Loader)  # a SafeLoader with less
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        told = " ".join(str(problem).split())[:200]
        raise wrong(where, "", f"is not YAML: {told}") from problem
    return _bounded(values, where, "")


def _deep(text: str) -> bool:
    """Whether brackets or indents go deeper than any card's, which PyYAML would follow."""
    depth = deepest = 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        deepest = max(deepest, depth)
    dashes = max((len(row) - len(row.lstrip(" -?")) for row in text.splitlines()), default=0)
    return deepest > 2 * DEEPEST or dashes > 8 * DEEPEST


def write_json(values: Any) -> bytes:
    return json.dumps(values, ensure_ascii=False, indent=2).encode("utf-8")


class _Dumper(yaml.SafeDumper):
    """YAML in which no text loses a letter: PyYAML takes NEL and the Unicode separators for ends of
    lines where a text is not quoted."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _BREAKS.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_BREAKS = re.compile("[\x85\u2028\u2029]")
_Dumper.add_representer(str, _quoted)


def write_yaml(values: Any) -> bytes:
    text: str = yaml.dump(values, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)
    return text.encode("utf-8")


def compact(values: Any) -> str:
    """Values as the JSON text that is kept of a card."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _decoded(data: bytes, where: str, field: str, largest: int) -> str:
    if len(data) > largest:
        raise wrong(where, field, f"has {len(data)} bytes; at most {largest} are read")
    try:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise wrong(where, field, "is neither a picture, an archive nor UTF-8 text") from problem


def _bounded(values: Any, where: str, field: str) -> Any:
    """The values with whole characters only, when they are of JSON's kinds and within bounds."""
    count = 0

    def walk(value: Any, depth: int) -> Any:
        nonlocal count
        count += 1
        if count > MOST_VALUES or depth > DEEPEST:
            raise wrong(where, field, "is nested too deeply" if depth > DEEPEST else "is too large")
        match value:
            case str():
                # Half of a surrogate pair, as JavaScript cuts them, is no character.
                return value.encode("utf-8", "replace").decode() if _halved(value) else value
            case dict():
                if not all(isinstance(key, str) for key in value):
                    value = {str(key): each for key, each in value.items()}
                return {walk(key, depth): walk(each, depth + 1) for key, each in value.items()}
            case list():
                return [walk(each, depth + 1) for each in value]
            case float() if value != value or value in (float("inf"), float("-inf")):
                raise wrong(where, field, "holds a number that is not finite")
            case None | bool() | int() | float():
                return value
            case _:
                raise wrong(
                    where, field, f"holds a value of a kind that no card has: {value!r:.40}"
                )

    return walk(values, 0)


def _halved(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)


__all__ = ["CardError", "compact", "read_json", "read_yaml", "write_json", "write_yaml"]
