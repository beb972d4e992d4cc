"""A client of a Redis Cluster: redis-py's, with what it lacks for keeping every turn exactly once.

    client = ClusterClient([("a", 7000), ("b", 7000)], decode_responses=True)
    async with client.pipeline(transaction=True) as pipe: …      as on a single server

redis-py's own client knows the nodes and the slots, and asks several nodes at once. Four things
are done here, on one connection of the node that has a step's keys:

- **ASKING goes before its command on the same connection.** redis-py (8.1) sends the two through
  its pool, so that with two idle connections the second one never hears of the first.
- **A transaction is one script.** redis-py runs each command of a cluster's transaction in a thread
  with an event loop of its own, does not follow MOVED there, and loses what was watched at ASK. So
  what is watched is compared by a digest of its DUMP, and the commands are done by the same script:
  it follows the slot wherever that goes.
- **A write counts once a replica has it** (WAIT), where the slot has one: a primary that dies right
  after its answer would take the write with it, as its replica becomes the primary without it.
- **A lost connection is not tried again here**: the step may have been done, and only who made it
  knows how to find out (see `connection`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any

import redis
from redis.asyncio.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.cluster import READ_COMMANDS  # type: ignore[attr-defined]
from redis.commands import AsyncCoreCommands
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ClusterError,
    MovedError,
    RedisClusterException,
    ResponseError,
)

log = logging.getLogger(__name__)

REDIRECTIONS = 16  # of one step, until it waits
CONFIRM_MS = 1000  # that a replica may take to have a write
REFRESH = 30.0  # seconds until it is looked again for replicas of a slot that had none
SAY_EVERY = 60.0  # seconds between two warnings that a replica is late

_DIGESTS = """
local found = {}
for i, key in ipairs(KEYS) do
  local dump = redis.call('DUMP', key)
  found[i] = dump and redis.sha1hex(dump) or ''
end
return found
"""
# ARGV: how many of KEYS are watched, their digests, then each command as its length and its words.
_COMMIT = """
local watched = tonumber(ARGV[1])
for i = 1, watched do
  local dump = redis.call('DUMP', KEYS[i])
  if (dump and redis.sha1hex(dump) or '') ~= ARGV[1 + i] then return false end
end
local results, at = {}, watched + 2
while ARGV[at] do
  local size = tonumber(ARGV[at])
  results[#results + 1] = redis.call(unpack(ARGV, at + 1, at + size))
  at = at + size + 1
end
return results
"""


class ClusterClient(RedisCluster):
    """A client of a whole cluster. `hosts` are nodes to ask first, and again when all that were
    found since are gone (behind names, nodes get other addresses)."""

    def __init__(self, hosts: Sequence[tuple[str, int]], **options: Any) -> None:
        super().__init__(
            startup_nodes=[ClusterNode(host, port) for host, port in hosts],
            # Flat answers of HGETALL and the like: those that a script gives, too.
            protocol=2,
            **options,
        )
        self._hosts = list(hosts)
        self._looked = time.monotonic()
        self._warned = -SAY_EVERY

    # -- the nodes -------------------------------------------------------------------------------

    async def initialize(
        self,
        additional_startup_nodes_info: list[tuple[str, int]] | None = None,
        last_failed_node_name: str | None = None,
    ) -> ClusterClient:
        """Read which node has which slots, where that is not known.

        Raises:
            redis.RedisError: no node answers, or they refuse, or some slots have no primary.
        """
        more = [*self._hosts, *(additional_startup_nodes_info or ())]
        try:
            await super().initialize(more, last_failed_node_name)
        except RedisClusterException as problem:
            raise _as_redis_error(problem) from problem
        except AttributeError as problem:  # redis-py, when another step closed it meanwhile
            raise redis.ConnectionError("the cluster's nodes are being read anew") from problem
        return self

    def read_anew(self) -> None:
        """Let the next step read the map of the slots again."""
        self._initialize = True

    async def _refreshed(self, slot: int) -> int:
        """How many replicas a slot has."""
        replicas = len(self.nodes_manager.slots_cache.get(slot, ())) - 1
        now = time.monotonic()
        if replicas < 1 and now - self._looked > REFRESH:
            self._looked = now
            self.read_anew()
            await self.initialize()
            replicas = len(self.nodes_manager.slots_cache.get(slot, ())) - 1
        return max(replicas, 0)

    def _lost(self, node: ClusterNode) -> None:
        """A node does not answer: its connections are made anew, and it is asked last."""
        node.update_active_connections_for_reconnect()
        for connection in node._free:
            connection.mark_for_reconnect()  # type: ignore[no-untyped-call]
        self.nodes_manager.move_node_to_end_of_cached_nodes(node.name)
        self.read_anew()

    # -- one command -----------------------------------------------------------------------------

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Do one command: one with keys on the node that has them, others where redis-py does them.

        Raises:
            redis.RedisError: it may have been done or not.
        """
        try:
            if kwargs.get("target_nodes"):
                return await super().execute_command(*args, **kwargs)
            await self.initialize()
            keys = await self._keys(args)
            if not keys:
                return await super().execute_command(*args, **kwargs)
            return await self._on_its_node(self.slot_of(keys), args, kwargs)
        except RedisClusterException as problem:
            self.read_anew()
            raise _as_redis_error(problem) from problem

    async def _keys(self, args: Sequence[Any]) -> Sequence[Any]:
        command = str(args[0]).upper()
        if command in ("EVAL", "EVALSHA"):
            return args[3 : 3 + int(args[2])]
        if command in self.command_flags:  # of no key
            return ()
        return await self.commands_parser.get_keys(*args) or ()

    def slot_of(self, keys: Iterable[Any]) -> int:
        """The slot of these keys.

        Raises:
            ResponseError: they are of several, which no node would take.
        """
        slots = {self.keyslot(key) for key in keys}
        if len(slots) != 1:
            raise ResponseError("CROSSSLOT Keys in request don't hash to the same slot")
        return slots.pop()

    async def _on_its_node(self, slot: int, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        node, asking = self.nodes_manager.get_node_from_slot(slot), False
        replicas = 0 if args[0] in READ_COMMANDS else await self._refreshed(slot)
        for _ in range(REDIRECTIONS):
            try:
                return await self._send(node, args, kwargs, asking=asking, confirm=replicas > 0)
            except MovedError as moved:
                self.reinitialize_counter += 1
                if self.reinitialize_counter % 5 == 0:
                    self.read_anew()  # with the next step: more has moved than this slot
                await self.nodes_manager.move_slot(moved)
                node, asking = self.nodes_manager.get_node_from_slot(slot), False
            except AskError as ask:
                node, asking = self._node(ask.host, ask.port), True
            except (redis.ConnectionError, redis.TimeoutError):
                self._lost(node)
                raise
            except ClusterDownError:
                self.read_anew()
                raise
        self.read_anew()
        raise ClusterError(f"slot {slot} was moved {REDIRECTIONS} times")

    def _node(self, host: str, port: int) -> ClusterNode:
        found = self.nodes_manager.get_node(host=host, port=port)
        if found is None:  # it joined the cluster since the map was read
            found = ClusterNode(host, port, "primary", **self.nodes_manager.connection_kwargs)
            self.nodes_manager.set_nodes(self.nodes_manager.nodes_cache, {found.name: found})
        return found

    async def _send(
        self,
        node: ClusterNode,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        *,
        asking: bool,
        confirm: bool,
    ) -> Any:
        """A command on one connection, after ASKING and before WAIT where they are wanted."""
        connection = node.acquire_connection()
        try:
            await node.disconnect_if_needed(connection)
            whole = [("ASKING",)] * asking + [tuple(args)] + [("WAIT", 1, CONFIRM_MS)] * confirm
            await connection.send_packed_command(connection.pack_commands(whole))
            if asking:
                await connection.read_response()
            refusal: ResponseError | None = None
            answer: Any = None
            try:
                answer = await node.parse_response(connection, str(args[0]), **kwargs)
            except ResponseError as problem:
                refusal = problem
            if confirm:
                await self._confirmed(connection, node)
            if refusal:
                raise refusal
            return answer
        finally:
            node.release(connection)

    async def _confirmed(self, connection: Any, node: ClusterNode) -> None:
        try:
            late = not await connection.read_response()
        except ResponseError as problem:
            if str(problem).startswith("UNBLOCKED"):  # the primary became a replica meanwhile
                raise redis.ConnectionError(str(problem)) from problem
            late = True
        now = time.monotonic()
        if late and now - self._warned > SAY_EVERY:
            self._warned = now
            log.warning(
                "Redis (%s): its replica did not have a write within %d ms; should the primary "
                "die now, what was written last is lost",
                node.name,
                CONFIRM_MS,
            )

    # -- several commands ------------------------------------------------------------------------

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        """A `Transaction`; without, redis-py's pipeline over several nodes, for reading."""
        return Transaction(self) if transaction else _Batch(self)

    async def delete(self, *names: Any) -> int:
        """Delete keys of one slot."""
        return int(await self.execute_command("DEL", *names))

    async def exists(self, *names: Any) -> int:
        """How many of these keys, of one slot, there are."""
        return int(await self.execute_command("EXISTS", *names))


class _Batch(ClusterPipeline):
    """redis-py's pipeline, after whose failure the map of the slots is read again."""

    _event_dispatcher: Any = None  # of redis-py's base class; only clients have one

    async def execute(
        self, raise_on_error: bool = True, allow_redirections: bool = True
    ) -> list[Any]:
        client: Any = self.cluster_client
        try:
            return await super().execute(raise_on_error, allow_redirections)
        except (redis.ConnectionError, redis.TimeoutError, ClusterDownError):
            client.read_anew()
            raise
        except RedisClusterException as problem:
            client.read_anew()
            raise _as_redis_error(problem) from problem


class Transaction(AsyncCoreCommands):
    """Commands on keys of one slot, all done at once; used as redis-py's pipeline is.

    After `watch` commands are done at once, until `multi`. `execute` raises redis.WatchError, and
    nothing was done, when a watched key is not as it was.
    """

    _event_dispatcher: Any = None  # of redis-py's base class; only clients have one

    def __init__(self, client: ClusterClient) -> None:
        self._client = client
        self._forget()

    def _forget(self) -> None:
        self._watched: dict[str, str] = {}  # key -> digest
        self._at_once = False
        self._commands: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    async def __aenter__(self) -> Transaction:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._forget()

    async def watch(self, *names: str) -> None:  # type: ignore[override]
        """From now on `execute` refuses when one of these keys was changed."""
        found = await self._client.eval(_DIGESTS, len(names), *names)
        self._watched |= dict(zip(names, found, strict=True))
        self._at_once = True

    def multi(self) -> None:
        """What follows is done by `execute`."""
        self._at_once = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Do a command, or keep it for `execute`."""
        if self._at_once:
            return self._client.execute_command(*args, **options)
        self._commands.append((args, options))
        return self

    async def execute(self) -> list[Any]:
        """Do all commands. Returns their results.

        Raises:
            redis.WatchError: a watched key was changed.
            redis.RedisError: it may have been done or not.
        """
        commands, watched = self._commands, self._watched
        self._forget()
        if not commands:
            return []
        words: list[Any] = [len(watched), *watched.values()]
        keys = dict.fromkeys(watched)
        for args, _ in commands:
            keys |= dict.fromkeys(args[1:] if args[0] == "DEL" else args[1:2])
            words += [len(args), *args]
        found = await self._client.eval(_COMMIT, len(keys), *keys, *words)
        if found is None:
            raise redis.WatchError("Watched variable changed.")
        read = self._client.response_callbacks
        results: list[Any] = []
        for result, (args, options) in zip(found, commands, strict=True):
            options.pop("keys", None)  # for redis-py's cache
            results.append(read[args[0]](result, **options) if args[0] in read else result)
        return results


def _as_redis_error(problem: RedisClusterException) -> redis.RedisError:
    """What redis-py says of a cluster is no redis.RedisError; what it came from may be."""
    cause = problem.__cause__
    while isinstance(cause, RedisClusterException) and cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, redis.ConnectionError | redis.TimeoutError):
        return type(cause)(str(cause))
    if "not covered" in str(problem):
        return ClusterDownError(str(problem))
    said = str(problem).partition("reachable node: ")[2] or str(problem)
    return redis.ConnectionError(said)
