"""Lets as many requests through to a server as it can work on, in the engine's fair order.

A server's own queue is first come, first served: a room that asks for much would delay all others.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from engine.schedule import Queue


@dataclass(slots=True, eq=False)
class Ticket:
    """One request at the gate; see `engine.schedule.Asking`. `position` is its place in the
    queue: 1 is next, 0 is being worked on."""

    room: str
    person: str
    waiting: bool
    arrived: float = field(default_factory=time.monotonic)
    position: int = 0
    turn: asyncio.Future[None] | None = None


class Gate:
    """`places` requests are with the server at most."""

    def __init__(self, places: int) -> None:
        self._places = max(1, places)
        self._queue: Queue[Ticket] = Queue()
        self._running: list[Ticket] = []

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._queue.waiting)

    @property
    def running(self) -> int:
        """How many are with the server."""
        return len(self._running)

    async def enter(self, ticket: Ticket) -> None:
        """Wait for a place. Whoever is cancelled meanwhile leaves the queue."""
        ticket.turn = asyncio.get_running_loop().create_future()
        self._queue.waiting.append(ticket)
        self._admit()
        try:
            await ticket.turn
        except asyncio.CancelledError:
            self.leave(ticket, 0)
            raise

    def leave(self, ticket: Ticket, tokens: int) -> None:
        """Give the place back; `tokens` were read and written for it."""
        if ticket in self._running:
            self._running.remove(ticket)
            self._queue.served(ticket, tokens, time.monotonic())
        elif ticket in self._queue.waiting:
            self._queue.waiting.remove(ticket)
        self._admit()

    def _admit(self) -> None:
        order = self._queue.order(time.monotonic(), self._running) if self._queue.waiting else []
        while order and len(self._running) < self._places:
            first = order[0]
            self._queue.waiting.remove(first)
            self._running.append(first)
            first.position = 0
            if first.turn is not None and not first.turn.done():
                first.turn.set_result(None)
            order = self._queue.order(time.monotonic(), self._running)
        for position, ticket in enumerate(order, start=1):
            ticket.position = position
