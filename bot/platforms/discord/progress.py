"""Up to which message everything was received and stored, across restarts.

    progress = Progress(memory, lambda: "discord/APPLICATION/SHARD")
    await progress.load()
    progress.began(message.id); progress.done(message.id)

The gateway delivers events in order. So what is older than the newest event before the bot went
offline was either stored, or was not said to it: only what is newer was missed. Ids of Discord
(snowflakes) order all events by time, whatever the clock of this machine says.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.memory import Memory, MemoryProblem
from bot.memory.places import received_until

SAVED_EVERY = 5.0  # seconds


class Progress:
    """`until` is the id up to which nothing was missed; 0 when that is not known."""

    def __init__(self, memory: Memory, name: Callable[[], str]) -> None:
        self.until = 0
        self._memory = memory
        self._name = name
        self._newest = 0  # event of this session
        self._open: set[int] = set()  # messages that are not stored yet
        self._offline = False
        self._behind = True  # what was missed is not stored yet
        self._saved_at = -SAVED_EVERY

    async def load(self) -> None:
        """Read what an earlier process reached.

        Raises:
            MemoryProblem: Redis stays away, or refuses for good.
        """
        self.until = await received_until(self._memory, self._name())

    def went_offline(self) -> None:
        """The connection ended: from now on events may be missed."""
        if not self._offline and not self._behind:
            self.until = self._reached()
        self._offline = True

    def resumed(self) -> None:
        """The gateway delivers again what was missed."""
        self._offline = False

    def new_session(self) -> None:
        """The gateway does not: it is to be read."""
        self.went_offline()
        self._offline, self._behind = False, True

    def caught_up(self) -> None:
        """What was missed was read."""
        self._behind = False

    def began(self, event_id: int) -> None:
        """An event came: a message that is about to be stored."""
        self._open.add(event_id)
        self.passed(event_id)

    def passed(self, event_id: int) -> None:
        """An event came that is not stored."""
        self._newest = max(self._newest, event_id)

    def done(self, event_id: int) -> None:
        """A message is stored, or was not meant for the bot."""
        self._open.discard(event_id)

    async def save(self, *, now: bool = False) -> None:
        """Store what was reached: every 5 seconds, or `now`. A failure is left to the next time."""
        if (
            self._offline
            or self._behind
            or (not now and time.monotonic() - self._saved_at < SAVED_EVERY)
        ):
            return
        self._saved_at = time.monotonic()
        try:
            await received_until(self._memory, self._name(), self._reached())
        except MemoryProblem:
            return  # rooms say so; more is read again after a start, and known to be heard

    def _reached(self) -> int:
        return max(self.until, min(self._newest, min(self._open, default=self._newest + 1) - 1))
