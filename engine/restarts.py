"""How often the engine's thread may be started again: a budget that refills with time. Pure."""

from __future__ import annotations

from collections import deque

MOST = 3  # restarts within WINDOW_S; one more failure and the engine stops for good
WINDOW_S = 600.0


class Restarts:
    """Restarts of late. A bot that fails once a day goes on for years; one that fails on every
    request stops after a few, and its supervisor starts the whole process again."""

    def __init__(self, most: int = MOST, window: float = WINDOW_S) -> None:
        self._most = most
        self._window = window
        self._when: deque[float] = deque()

    def allow(self, now: float) -> bool:
        """Whether there may be one more at `now` (seconds of a monotonic clock); it then counts."""
        while self._when and now - self._when[0] >= self._window:
            self._when.popleft()
        if len(self._when) >= self._most:
            return False
        self._when.append(now)
        return True
