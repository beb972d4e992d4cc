"""The servers of one engine: opened together, each room at its own, moved while that is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from engine.remote.address import Address
from engine.remote.connection import Away, Connection
from engine.remote.gate import Ticket
from engine.remote.pool import Pool
from engine.remote.probe import is_as_before, probe
from engine.remote.server import Offer, Server
from engine.sequence import EngineError, Usage

LOADING_S = 120.0  # seconds that a server may still load its model when a bot starts
# Seconds that a connection is kept without use: llama-server and uvicorn close theirs after five,
# and what is sent at that moment is lost.
_IDLE_S = 4.0
# Seconds after an answer in which a server cannot have been started anew without being missed.
_TRUSTED_S = 1.0
PATIENCE_S = 45.0  # seconds that a reply waits for a server that is away, before its first token


class Patience:
    """How long a reply waits for servers; counts from the first time that none answered."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None

    def left(self, now: float) -> float:
        """Seconds that are left."""
        if self._until is None:
            self._until = now + self._seconds
        return self._until - now


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for when servers are opened: a `model` of theirs, whether its markup is known
    (`text`), whether they shall be sent messages (`chat`), and a `context` in tokens."""

    model: str = ""
    text: bool = False
    chat: bool = False
    context: int | None = None


class Fleet:
    """Servers of one model. Those that did not answer yet are asked what they are when they do."""

    def __init__(self, session: aiohttp.ClientSession, wish: Wish) -> None:
        self._session = session
        self._wish = wish
        self._connections: dict[str, Connection] = {}
        self._servers: dict[str, Server] = {}
        self._fences: tuple[str, ...] = ()
        self._pool = Pool(())
        self.patience_s = PATIENCE_S

    @classmethod
    async def open(cls, found: Sequence[Address], key: str, wish: Wish) -> Fleet:
        """Ask each what it is. At least one has to answer; all have to serve the same model.

        Raises:
            EngineError: none answers, or one refuses; the message says why.
        """
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S)
        )
        fleet = cls(session, wish)
        try:
            await fleet._meet([Connection(session, address, key) for address in found])
        except BaseException:
            await session.close()
            raise
        return fleet

    async def _meet(self, connections: Sequence[Connection]) -> None:
        self._connections = {each.address.name: each for each in connections}
        self._pool = Pool(tuple(self._connections))
        until = time.monotonic() + LOADING_S
        while problem := await self._none_answers():
            if not problem.loading or time.monotonic() > until:
                raise EngineError(f"{problem}; is it running, and is the address right?")
            await asyncio.sleep(1.0)

    async def _none_answers(self) -> Away | None:
        """Ask all servers what they are; why none could be asked, or None where one could."""
        problem: Away | None = None
        for name, connection in self._connections.items():
            try:
                server = Server(connection, await self._probed(connection))
            except Away as away:
                problem = away if problem is None or away.loading else problem
                self._pool.away(name, time.monotonic(), away.wait)
                continue
            self._check_alike(name, server.offer)
            self._servers[name] = server
            self._pool.back(name)
        return None if self._servers else problem

    @property
    def first(self) -> Server:
        return next(iter(self._servers.values()))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._connections)

    @property
    def load(self) -> tuple[int, int]:
        """How many replies wait here for a place at their server, and how many are with one."""
        gates = [server.gate for server in self._servers.values()]
        return sum(gate.waiting for gate in gates), sum(gate.running for gate in gates)

    @property
    def absent(self) -> tuple[str, ...]:
        """Those who did not answer when they were last asked."""
        return self._pool.absent()

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def check_fences(self, fences: Sequence[str]) -> list[str]:
        """See whether the tokenizers keep our markup and what people type apart, now and whenever
        a server comes back. Where they do not, what looks like a control token is made harmless
        before it is sent. Returns what is doubtful, a sentence each.

        Raises:
            EngineError: a fence of the markup is no control token of the model.
        """
        self._fences = tuple(fences)
        notes = [await self._check_fences(server) for server in self._servers.values()]
        return [note for note in notes if note]

    async def server(self, room: str, patience: Patience) -> Server:
        """The room's server, or the next one while that is away; waits until there is one.

        Raises:
            EngineError: none has come back as long as there was patience, or those that did cannot
                be used.
        """
        while True:
            unfit: EngineError | None = None
            for name in self._pool.order(room, time.monotonic()):
                try:
                    return await self._known(name)
                except Away as away:
                    self._pool.away(name, time.monotonic(), away.wait)
                except EngineError as problem:  # another may still be right
                    unfit = problem
            if unfit is not None:
                raise unfit
            now = time.monotonic()
            pause = self._pool.soonest(now)
            if pause > patience.left(now):
                raise EngineError(
                    f"the model's server ({', '.join(self.names)}) does not answer; it is asked "
                    "again with the next message"
                )
            await asyncio.sleep(pause)

    def away(self, server: Server, away: Away) -> None:
        """A server did not answer, or asks to be left alone for a while."""
        self._pool.away(server.name, time.monotonic(), away.wait)

    async def retry(self, server: Server, away: Away, patience: Patience) -> None:
        """The same, for a reply that wants to ask again.

        Raises:
            EngineError: with the server's own reason, where no server is back in time.
        """
        self.away(server, away)
        now = time.monotonic()
        if self._pool.soonest(now) > patience.left(now):
            raise EngineError(f"{away}; it is asked again with the next message") from None

    async def _known(self, name: str) -> Server:
        """The server of this name; one that was away, or was started anew while nobody asked it
        anything, is asked what it is: it may have another model or a shorter context now."""
        server = self._servers.get(name)
        if server is None or name in self._pool.absent() or await self._is_another(server):
            connection = self._connections[name]
            offer = await self._probed(connection)
            self._check_alike(name, offer)
            if server is None:
                server = Server(connection, offer)
            server.renew(offer)
            await self._check_fences(server)
            self._servers[name] = server
            self._pool.back(name)
        return server

    async def _is_another(self, server: Server) -> bool:
        # Only where tokens are ids: those of another model would be nonsense to it. Where texts are
        # sent, every event names the model.
        silent = time.monotonic() - server.connection.heard
        if not server.offer.native or silent < _TRUSTED_S:
            return False
        return not await is_as_before(server.connection, server.offer)

    async def _check_fences(self, server: Server) -> str:
        for fence in self._fences if server.offer.native else ():
            tokens = await server.tokenized(fence, True)
            if len(tokens) != 1:
                raise EngineError(
                    f"{fence} is no control token of {server.offer.model}, so anybody could type a "
                    "turn of somebody else; give the model's own markup with --markup"
                )
            if tokens[0] in await server.tokenized(fence, False):
                server.inexact()
                return f"it reads a typed {fence} as a fence, so that is made harmless before"
        return ""

    async def _probed(self, connection: Connection) -> Offer:
        wish = self._wish
        return await probe(connection, model=wish.model, text=wish.text, chat=wish.chat)

    def _check_alike(self, name: str, offer: Offer) -> None:
        first = self.first.offer if self._servers else offer
        if not offer.like(first):
            raise EngineError(
                f"{name} serves {offer.model} ({offer.kind}) and not {first.model} ({first.kind}) "
                "as before; all servers of a bot serve one model"
            )


class Place:
    """A place at a server's gate, given back with the tokens that it was used for."""

    def __init__(self, server: Server, ticket: Ticket, usage: Usage | None = None) -> None:
        self._server, self._ticket, self._usage = server, ticket, usage or Usage()
        self._began = time.monotonic()

    async def __aenter__(self) -> None:
        await self._server.gate.enter(self._ticket)
        self._usage.queued_s = time.monotonic() - self._began

    async def __aexit__(self, *_: object) -> None:
        self._server.gate.leave(self._ticket, self._usage.evaluated + self._usage.generated)
