"""The time by which people are forgotten: one that a wrong clock does not push ahead.

    at = await plausible_now(memory)                 # seconds since 1970

A machine whose clock jumps a year ahead would find everybody overdue. So what counts is a clock of
our own, kept in Redis: it goes as fast as time passes on this machine since it was started, which
no setting of the clock changes, and never beyond what this machine and the Redis server say.
Over a restart of the machine it is not known how much time passed, and it goes on by a day at most:
then somebody is kept for a little longer than they asked for.
"""

from __future__ import annotations

import time
from typing import Any

from bot.memory.connection import Connection
from bot.memory.keys import PREFIX
from bot.portable import boot_id

CLOCK = f"{PREFIX}clock"
RESTART_SECONDS = 86_400.0  # that may have passed while the machine was off


def plausible(wall: float, kept: float | None, elapsed: float | None) -> tuple[float, float]:
    """The time now, and what is to be kept of it, both in seconds since 1970.

    `wall` is what clocks say, `kept` what was kept before, None the first time; `elapsed` the
    seconds since then, None where that cannot be known.
    """
    if kept is None:
        return wall, wall
    passed = RESTART_SECONDS if elapsed is None or elapsed < 0 else elapsed
    # A clock that was set back for a while holds it, and does not set it back.
    kept = min(kept + passed, max(wall, kept))
    return min(wall, kept), kept


async def plausible_now(memory: Connection) -> float:
    """The time now, in seconds since 1970; kept for the next time.

    Raises:
        MemoryAway, MemoryProblem: it cannot be read or kept.
    """

    async def step() -> float:
        client: Any = memory.redis
        seconds, _ = await client.time()
        fields = await client.hgetall(CLOCK)
        since, ticks = time.monotonic(), fields.get("boot") == boot_id() != ""
        now, kept = plausible(
            min(time.time(), float(seconds) + 1.0),
            float(fields["at"]) if "at" in fields else None,
            since - float(fields["ticks"]) if ticks else None,
        )
        fields = {"at": f"{kept:.0f}", "ticks": f"{since:.0f}", "boot": boot_id()}
        await client.hset(CLOCK, mapping=fields)
        return now

    return await memory.lasting(step, None)
