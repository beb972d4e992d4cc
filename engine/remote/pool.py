"""Which server a room belongs to, and when one that was away is tried again. Pure: no clock.

A room's server is the highest of a hash of both (rendezvous hashing), so that all of a room's
prompts find their prefix in one cache, every worker decides alike, and a server more or less moves
only its own rooms.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

FIRST_S, LONGEST_S = 0.5, 30.0  # seconds until a server that was away is tried again


@dataclass(slots=True)
class _Absence:
    times: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Pool:
    """The servers by name. `now` in all calls is in seconds that never go back."""

    names: tuple[str, ...]
    _away: dict[str, _Absence] = field(default_factory=dict)

    def order(self, room: str, now: float) -> list[str]:
        """Whom to try for a room, the first one first; who is away is left out."""
        here = [name for name in self.names if self.wait(name, now) <= 0]
        return sorted(here, key=lambda name: _weight(name, room), reverse=True)

    def wait(self, name: str, now: float) -> float:
        """Seconds until a server is tried again; 0 while it is well."""
        absence = self._away.get(name)
        return max(0.0, absence.until - now) if absence else 0.0

    def soonest(self, now: float) -> float:
        """Seconds until any server is tried again."""
        return min(self.wait(name, now) for name in self.names)

    def away(self, name: str, now: float, seconds: float | None = None) -> None:
        """A server did not answer, or asks to be left alone for `seconds`."""
        absence = self._away.setdefault(name, _Absence())
        if absence.until > now and seconds is None:
            return  # several requests saw the same absence
        absence.times += 1
        pause = min(LONGEST_S, FIRST_S * 2 ** (absence.times - 1)) if seconds is None else seconds
        absence.until = max(absence.until, now + pause)

    def back(self, name: str) -> None:
        """A server answered."""
        self._away.pop(name, None)

    def absent(self) -> tuple[str, ...]:
        """Those who did not answer when they were last asked."""
        return tuple(self._away)


def _weight(name: str, room: str) -> bytes:
    return hashlib.sha256(f"{name}\n{room}".encode()).digest()
