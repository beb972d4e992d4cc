"""Asks HTTP servers for JSON, and compares their clocks with this machine's."""

from __future__ import annotations

import email.utils
from collections.abc import Callable
from typing import Any

import aiohttp

from bot.doctor.finding import Finding

SKEW_S = 60.0  # tokens, retention and Discord's nonces are all told by the clock


class Unreachable(Exception):
    """A server that does not answer, or not in JSON. The message holds no address and no token."""


class Probe:
    """One HTTP session; remembers how far each server's Date header is from `clock`.

    `clock` returns seconds since 1970.
    """

    def __init__(self, session: aiohttp.ClientSession, clock: Callable[[], float]) -> None:
        self._session = session
        self._clock = clock
        self._skew: dict[str, float] = {}

    async def ask(self, url: str, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a page.

        Raises:
            Unreachable: no answer, or none in JSON.
        """
        try:
            async with self._session.get(url, headers=headers) as answer:
                told = email.utils.parsedate_to_datetime(answer.headers.get("Date", ""))
                self._skew[answer.url.host or ""] = self._clock() - told.timestamp()
                return answer.status, await answer.json(content_type=None)
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            # Its own words may hold the address, and with it a token.
            raise Unreachable(type(problem).__name__) from None
        except ValueError:
            raise Unreachable("an answer that is not of its kind") from None

    def clock(self) -> list[Finding]:
        """What the servers that were asked say of this machine's clock."""
        if not self._skew:
            return []
        host, skew = max(self._skew.items(), key=lambda pair: abs(pair[1]))
        if abs(skew) > SKEW_S:
            says = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {host}"
            return [Finding("fault", "clock", says, "set the time: timedatectl set-ntp true")]
        return [Finding("well", "clock", f"within {max(1.0, abs(skew)):.0f} s of {host}")]
