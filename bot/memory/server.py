"""A Redis that somebody else runs, named by REDIS_URL: one server, a cluster, or by Sentinel."""

from __future__ import annotations

import re
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.sentinel import Sentinel

from bot.memory.address import AddressProblem, parse
from bot.memory.cluster import ClusterClient
from bot.memory.connection import Client, MemoryProblem

_CUT = re.compile(r"reset by peer|closed by server|Broken pipe", re.IGNORECASE)


class Server:
    """A Redis that somebody else runs."""

    embedded = False

    def __init__(self, url: str) -> None:
        """Raises MemoryProblem where it is no address."""
        try:
            self.address = parse(url)
        except AddressProblem as problem:
            raise MemoryProblem(str(problem)) from problem
        self.where = self.address.where
        self._known = False

    def start(self) -> bool:
        """Whether clients need to be made anew."""
        moved, self._known = not self._known, True
        return moved

    async def client(self, **options: Any) -> Client:
        """A client that is connected.

        Raises:
            redis.RedisError: it does not answer, or refuses.
        """
        match self.address.kind:
            case "sentinel":
                return self._by_sentinel(options)
            case "cluster":
                return await self._cluster(options)
        client = self._single(options)
        if self.address.path or not await self._is_cluster(client):
            return client
        await client.aclose()
        return await self._cluster(options)

    def stop(self) -> None:
        """Nothing: it is not ours."""

    async def _is_cluster(self, client: redis.asyncio.Redis) -> bool:
        """Whether it is a node of a cluster; who may not ask is taken at the address's word."""
        try:
            found = await client.info("cluster")
        except redis.exceptions.NoPermissionError:
            return False
        except redis.TimeoutError as problem:
            await client.aclose()
            if not self.address.tls:
                raise
            why = "perhaps it does not speak TLS; then begin REDIS_URL with redis, not rediss"
            raise redis.TimeoutError(f"{problem}: {why}") from problem
        except redis.ConnectionError as problem:
            await client.aclose()
            if not (self.address.tls and _CUT.search(str(problem))):
                raise
            # In TLS 1.3 it says that a certificate is missing after the handshake: where the
            # connection is reset first, that is never read.
            why = "perhaps it asks for a client's certificate (ssl_certfile=FILE&ssl_keyfile=FILE)"
            raise redis.ConnectionError(f"{problem}: {why}") from problem
        except BaseException:
            await client.aclose()
            raise
        return str(found.get("cluster_enabled", 0)) == "1"

    def _single(self, options: dict[str, Any]) -> redis.asyncio.Redis:
        address = self.address
        if address.path:
            place: dict[str, Any] = {"unix_socket_path": address.path}
        else:
            place = {"host": address.hosts[0][0], "port": address.hosts[0][1], "ssl": address.tls}
        return redis.asyncio.Redis(**place, **{**address.options, **options})

    async def _cluster(self, options: dict[str, Any]) -> ClusterClient:
        address = self.address
        known = {key: value for key, value in address.options.items() if key != "db"}
        client = ClusterClient(address.hosts, ssl=address.tls, **{**known, **options})
        try:
            await client.initialize()
        except BaseException:
            await client.aclose()
            raise
        return client

    def _by_sentinel(self, options: dict[str, Any]) -> redis.asyncio.Redis:
        address = self.address
        timeouts = {key: value for key, value in options.items() if key.startswith("socket_")}
        tls = {"ssl": True} if address.tls else {}
        sentinel = Sentinel(  # type: ignore[no-untyped-call]
            address.hosts,
            sentinel_kwargs={
                **address.sentinel_options,
                **timeouts,
                **tls,
                "retry": options.get("retry"),
            },
            **{**address.options, **options, **tls},
        )
        client: redis.asyncio.Redis = sentinel.master_for(address.service, redis_class=_Primary)
        return client


class _Primary(redis.asyncio.Redis):
    """The client of a primary that Sentinel names, with the connections to Sentinel."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        pool: Any = self.connection_pool
        await pool.sentinel_manager.aclose()
