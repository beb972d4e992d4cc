"""Texts to measure with: rendered lessons (.jsonl) and plain text (.txt), as rows of token ids.

This package knows no lessons: the front door hands in `Render`, which turns a file of lessons into
what the model of a GGUF reads (its markup stands in the metadata).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypedDict

from quantize.error import TextError

# Spans: (text, whether its control tokens are read as such, whether the model is to write it).
Text = Sequence[tuple[str, bool, bool]]
Render = Callable[[Path, Mapping[str, str]], Iterable[Text]]

_PIECE = 4000  # characters of plain text that are encoded at once


class Encoder(Protocol):
    """What has a tokenizer and a longest row."""

    length: int
    metadata: dict[str, str]

    def encode(self, text: str, control: bool) -> list[int]: ...


class Reading(TypedDict, total=False):
    """How much is read and with what: about `tokens` in all, rows of at most `length` tokens (512),
    `threads` of the processor (0: one a core)."""

    tokens: int
    length: int
    threads: int


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids, and which of them the model is to write itself (all of a plain text)."""

    ids: tuple[int, ...]
    written: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.ids)


def rows(
    reader: Encoder, paths: Iterable[Path], render: Render, *, tokens: int, seed: int = 1
) -> list[Row]:
    """At most about `tokens` tokens in rows of up to `reader.length`, an equal share a file.

    A lesson is one row; its end is cut where it is too long. Plain text is cut into full rows. The
    rows are a random choice by `seed`. Raises TextError for a file that is missing or empty.
    """
    paths = list(paths)
    chosen: list[Row] = []
    for path in paths:
        chosen += _rows_of(reader, path, render, tokens // len(paths), seed)
    return chosen


def _rows_of(reader: Encoder, path: Path, render: Render, tokens: int, seed: int) -> list[Row]:
    if not path.is_file():
        raise TextError(f"{path} is not there; give lessons (.jsonl) or plain text (.txt)")
    if path.suffix == ".jsonl":
        texts = list(render(path, reader.metadata))
    elif path.suffix == ".txt":
        try:
            whole = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as problem:
            raise TextError(f"{path} is not UTF-8 text: {problem}") from problem
        texts = [[(whole[at : at + _PIECE], False, True)] for at in range(0, len(whole), _PIECE)]
    else:
        raise TextError(f"{path} is neither lessons (.jsonl) nor plain text (.txt)")
    random.Random(seed).shuffle(texts)
    found: list[Row] = []
    count = 0
    for text in texts:
        ids: list[int] = []
        written: list[bool] = []
        for piece, control, learned in text:
            tokens_of = reader.encode(piece, control)
            ids += tokens_of
            written += [learned] * len(tokens_of)
        ends = len(ids) if path.suffix == ".txt" else min(len(ids), reader.length)
        for at in range(0, ends, reader.length):
            if count >= tokens:
                return found
            row = slice(at, min(ends, at + reader.length))
            if any(written[row][1:]):  # else there is nothing to compare
                found.append(Row(tuple(ids[row]), tuple(written[row])))
                count += len(found[-1])
    if not found:
        raise TextError(f"{path} holds no text that the model would write")
    return found
