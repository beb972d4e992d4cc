"""KV-cache offload to host memory: states of idle rooms leave the cache and come back unread.

A `HostCache` holds stretches of sequences that no other sequence held when they were evicted, from
`start` on; what comes before (cards and world) is still in the KV cache for others, or the state is
of no use. It can be written to a file when the engine closes and read when it opens.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import struct
from array import array
from dataclasses import dataclass
from pathlib import Path

from engine.prefix_tree import common

log = logging.getLogger(__name__)

_MAGIC = b"mRPshelf1\n"


@dataclass(slots=True, eq=False)
class SavedState:
    """The KV-cache state of `tokens[start:]`, as llama.cpp serialised it, and when (seconds)."""

    tokens: array[int]
    start: int
    data: bytes
    when: float


class HostCache:
    """Saved states within a budget of bytes; the one worth least is evicted."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.bytes = 0
        self._saved: list[SavedState] = []

    def __len__(self) -> int:
        return len(self._saved)

    def put(self, saved: SavedState) -> None:
        """Keep a state, unless it alone is beyond the budget. It replaces those it contains."""
        if len(saved.data) > self.budget:
            return
        for old in list(self._saved):
            within = common(saved.tokens, old.tokens) == len(old.tokens)
            if within and saved.start <= old.start:
                self.take(old)
        while self.bytes + len(saved.data) > self.budget:
            now = saved.when
            self.take(min(self._saved, key=lambda s: len(s.tokens) / (1.0 + now - s.when)))
        self._saved.append(saved)
        self.bytes += len(saved.data)

    def find(
        self, tokens: array[int], stored: int, *, whole: bool
    ) -> tuple[int, SavedState | None]:
        """The state that goes furthest into `tokens`, and how far, if it goes beyond `stored`.

        Only states that begin within the `stored` tokens can be joined to them. `whole`: the state
        counts only if all of its tokens are wanted (memory that cannot be cut).
        """
        best: tuple[int, SavedState | None] = (stored, None)
        for saved in self._saved:
            n = common(tokens, saved.tokens)
            if saved.start <= stored and n > best[0] and (not whole or n == len(saved.tokens)):
                best = (n, saved)
        return best

    def take(self, saved: SavedState) -> bytes:
        """Remove a state and return its data."""
        self._saved.remove(saved)
        self.bytes -= len(saved.data)
        return saved.data

    # -- on disk ---------------------------------------------------------------------------------

    def write(self, path: Path, model: str) -> None:
        """Write all states that stand alone. `model` names the model that they belong to."""
        partial = path.with_suffix(f".{os.getpid()}")
        with partial.open("wb") as file:
            file.write(_MAGIC)
            for saved in self._saved:
                if saved.start:
                    continue
                head = {"model": model, "tokens": saved.tokens.tolist(), "when": saved.when}
                text = json.dumps(head).encode()
                digest = hashlib.sha256(text + saved.data).digest()
                file.write(struct.pack("<QQ", len(text), len(saved.data)) + digest)
                file.write(text)
                file.write(saved.data)
        partial.replace(path)

    def read(self, path: Path, model: str, now: float) -> None:
        """Take in what was written. A missing or damaged file costs reading anew, no more."""
        try:
            data = path.read_bytes()
        except OSError:
            return
        at = len(_MAGIC)
        if data[:at] != _MAGIC:
            log.warning("%s is no state file of this engine; rooms will be read anew", path)
            return
        while at < len(data):
            head = data[at : at + 48]
            if len(head) < 48:
                break
            first, second = struct.unpack("<QQ", head[:16])
            body = data[at + 48 : at + 48 + first + second]
            if len(body) != first + second or hashlib.sha256(body).digest() != head[16:]:
                break
            at += 48 + len(body)
            fields = json.loads(body[:first])
            if fields["model"] == model:
                self.put(SavedState(array("i", fields["tokens"]), 0, body[first:], now))
        if at < len(data):
            log.warning("%s is damaged; some rooms will be read anew", path)
