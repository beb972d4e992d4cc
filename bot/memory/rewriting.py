"""Rewriting Redis's append-only file after something was erased, so that it is not on disk either.

    await erased(memory)                             # after what was kept is gone from Redis
    await rewrite(memory)                            # every hour, where a server is not ours

An append-only file holds every command that was ever given, until it is rewritten, which Redis does
by itself only when it has doubled. The embedded server rewrites at once. A server of somebody
else's, and every node of a cluster, is asked once an hour, however much was erased; that something
was is noted in Redis, so that it is done after a restart, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import redis
from redis.asyncio import RedisCluster

from bot.memory.connection import Connection
from bot.memory.keys import PREFIX

log = logging.getLogger(__name__)

ERASED = f"{PREFIX}erased"
_POLL = 0.02  # seconds between two looks whether it is done
_LONGEST = 60.0  # seconds that are waited for it; it goes on by itself after that


async def erased(memory: Connection, *, at_once: bool = True) -> None:
    """Something was erased: note it, and on the embedded server rewrite the file (`at_once`).

    Raises:
        MemoryAway, MemoryProblem: it cannot be noted.
    """

    async def note() -> None:
        await memory.redis.incr(ERASED)

    await memory.lasting(note, None)
    if memory.embedded and at_once:
        await rewrite(memory)


async def rewrite(memory: Connection) -> bool:
    """Have the append-only file rewritten if something was erased since the last time. Returns
    whether it was (False also where the server has none, or does not let us).

    Raises:
        MemoryAway, MemoryProblem: Redis stays away.
    """

    async def step() -> bool:
        client: Any = memory.redis
        count = await client.get(ERASED)
        if not count:
            return False
        done = True
        for server in _servers(client):
            try:
                done = await _rewritten(client, server) and done
            except redis.ResponseError as problem:
                # A managed Redis may not let anybody do it; then its back-ups are its operator's.
                log.info("the append-only file of %s is not rewritten: %s", memory.where, problem)
                done = False
            except (redis.ConnectionError, redis.TimeoutError) as problem:
                if not server:
                    raise
                log.info("a node of %s is away, and is asked in an hour: %s", memory.where, problem)
                return False
        async with client.pipeline(transaction=True) as pipe:
            await pipe.watch(ERASED)
            if await pipe.get(ERASED) == count:  # else more was erased meanwhile
                pipe.multi()
                pipe.delete(ERASED)
                with contextlib.suppress(redis.WatchError):
                    await pipe.execute()
        return done

    return await memory.lasting(step, None)


def _servers(client: Any) -> list[dict[str, Any]]:
    """Each server with a file of its own, as what names it in a command: all nodes of a cluster,
    replicas too."""
    if isinstance(client, RedisCluster):
        return [{"target_nodes": node} for node in client.get_nodes()]
    return [{}]


async def _rewritten(client: Any, server: dict[str, Any]) -> bool:
    loop = asyncio.get_running_loop()
    until = loop.time() + _LONGEST
    started = False
    while loop.time() < until:
        info = await client.info("persistence", **server)
        if not info.get("aof_enabled"):
            return False
        busy = info.get("aof_rewrite_in_progress") or info.get("aof_rewrite_scheduled")
        if not busy:
            if started:
                return True
            # One that was under way may have begun before the erasure: ours comes after it.
            await client.bgrewriteaof(**server)
            started = True
        await asyncio.sleep(_POLL)
    return started
