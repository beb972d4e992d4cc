"""Which message of a platform is the voice note of a line, of the newest lines."""

from __future__ import annotations


class Notes:
    """By line id; what is older than the newest 64 is not known any more, nor after a restart."""

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._messages: dict[str, int] = {}

    def add(self, line_id: str, message: int) -> None:
        self._messages[line_id] = message
        while len(self._messages) > self._most:
            del self._messages[next(iter(self._messages))]

    def pop(self, line_id: str) -> int:
        """The message, which is forgotten; 0 for none."""
        return self._messages.pop(line_id, 0)
