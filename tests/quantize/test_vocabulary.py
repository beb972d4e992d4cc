"""Tokenizer files with values of every wrong kind: one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quantize import vocabulary
from quantize.error import ConvertError
from quantize.weights import read_json

ODD: tuple[Any, ...] = ("x", -1, 3, 0.5, True, [], {}, [[]], {"a": 1}, [1], [{"id": "x"}])


def keys(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths to everything in a JSON object but single tokens and merges."""
    found = []
    for key, inner in value.items() if isinstance(value, dict) else ():
        found.append((*path, key))
        if key not in ("vocab", "merges"):
            found += keys(inner, (*path, key))
    return found


def test_odd_values_are_read_or_one_sentence(folder: Any) -> None:
    path, _, _ = folder("qwen3")
    rows, config = 600, read_json(path / "config.json")
    assert vocabulary.read(path, rows, config).pre == "gpt-2"
    for name in ("tokenizer.json", "tokenizer_config.json"):
        file = path / name
        whole = file.read_text(encoding="utf-8")
        for at in keys(json.loads(whole)):
            for odd in ODD:
                changed = json.loads(whole)
                inner = changed
                for key in at[:-1]:
                    inner = inner[key]
                inner[at[-1]] = odd
                file.write_text(json.dumps(changed), encoding="utf-8")
                said = ""
                try:
                    vocabulary.read(path, rows, config)
                except ConvertError as problem:
                    said = str(problem)
                assert "\n" not in said, at
        file.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "config.json"])
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"a": 1', "[]", "\udcff"])
def test_json_that_is_none_is_one_sentence(folder: Any, name: str, text: str) -> None:
    path, _, _ = folder("qwen3")
    Path(path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConvertError, match=name) as caught:
        vocabulary.read(path, 600, read_json(path / "config.json"))
    assert "\n" not in str(caught.value)
