"""Server-sent events out of a stream of bytes, however the network cut it. Pure.

A line may come in two chunks, and a character in two as well: bytes are kept until a line is whole.
"""

from __future__ import annotations

LONGEST = 8 << 20  # bytes of one line; more is no model's answer


class NotEvents(ValueError):
    """What arrived is no event stream: a line without an end."""


class Events:
    """Takes chunks of bytes, gives the data of events; comments (keep-alives) are dropped."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []

    def push(self, chunk: bytes) -> list[str]:
        """The data of the events that this chunk completes.

        Raises:
            NotEvents: a line is longer than `LONGEST`.
        """
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST:
            raise NotEvents
        return [data for line in lines if (data := self._line(line)) is not None]

    def end(self) -> list[str]:
        """The stream is over: an event whose blank line never came, if there is one."""
        rest, self._rest = self._rest, b""
        found = [self._line(rest), self._line(b"")]
        return [data for data in found if data is not None]

    def _line(self, raw: bytes) -> str | None:
        line = raw.rstrip(b"\r").decode("utf-8", "replace")
        if line:
            name, _, value = line.partition(":")
            if name in ("data", "error"):  # llama-server once sent its errors as a field
                self._data.append(value.removeprefix(" "))
            return None
        data, self._data = "\n".join(self._data), []
        return data or None
