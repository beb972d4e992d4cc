"""From the bytes of tokens to text that may be shown: whole characters, and never part of a stop.

A token is not a character: Chinese text arrives in byte pieces. And a stop text arrives piece by
piece too, so text that could be its beginning is held back until that is decided.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable


class Text:
    """The text of one reply as it grows.

    `stopped` becomes true when one of the stop texts is complete; everything from its first
    character on is gone then. `hidden` is how many of the bytes pushed will never be shown, once
    the reply has ended.
    """

    def __init__(self, stop: Iterable[str] = ()) -> None:
        self.stopped = False
        self.hidden = 0
        self._stop = tuple(stop)
        # Every proper beginning of a stop: one set look-up a length tells what to hold back.
        self._begun = frozenset(text[:n] for text in self._stop for n in range(1, len(text)))
        self._longest = max(map(len, self._begun), default=0)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""

    def push(self, data: bytes) -> str:
        """Take a token's bytes; return the text that can be shown now (may be empty)."""
        if self.stopped:
            return ""
        text = self._held + self._decoder.decode(data)
        found = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            self.hidden = len(text[min(found) :].encode()) + self._undecoded
            return text[: min(found)]
        keep = next(
            (n for n in range(min(self._longest, len(text)), 0, -1) if text[-n:] in self._begun), 0
        )
        cut = len(text) - keep
        self._held = text[cut:]
        return text[:cut]

    def rest(self) -> str:
        """What was held back, when the reply ends without a stop. Half a character is dropped."""
        text, self._held = self._held, ""
        self.hidden = self._undecoded
        return text

    @property
    def _undecoded(self) -> int:
        return len(self._decoder.getstate()[0])
