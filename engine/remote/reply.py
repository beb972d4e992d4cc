"""One reply of a server: what is known of it while it is written, and what its caller holds."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from engine.mailbox import Mailbox
from engine.remote import vocabulary
from engine.remote.gate import Ticket
from engine.remote.server import Where
from engine.sequence import Finish, Sampling, Usage


@dataclass(slots=True, eq=False)
class Request:
    """One reply at work; the task that writes it knows this and not the reply, so that a reply
    which is dropped ends it."""

    tokens: tuple[int, ...]
    sampling: Sampling
    where: Where
    mailbox: Mailbox
    ticket: Ticket
    usage: Usage = field(default_factory=Usage)
    shown: list[str] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)


class RemoteReply:
    """One reply of a `RemoteEngine`; see `engine.sequence.Reply`."""

    def __init__(self, request: Request, task: asyncio.Task[None]) -> None:
        self._request = request
        self._task = task
        self._left = False

    @property
    def finish(self) -> Finish | None:
        return "left" if self._left else self._request.mailbox.finish

    @property
    def usage(self) -> Usage:
        return self._request.usage

    @property
    def tokens(self) -> list[int]:
        return vocabulary.encode("".join(self._request.shown))

    @property
    def logprobs(self) -> list[float]:
        return list(self._request.logprobs)

    @property
    def position(self) -> int:
        return self._request.ticket.position

    def __aiter__(self) -> RemoteReply:
        return self

    async def __anext__(self) -> str:
        mailbox = self._request.mailbox
        while not mailbox.pieces:
            if mailbox.error is not None and not self._left:
                raise mailbox.error
            if mailbox.closed or self._left:
                raise StopAsyncIteration
            await mailbox.news()
        return mailbox.pieces.popleft()

    async def aclose(self) -> None:
        """Walk away; returns when the connection is closed, which ends the reply at the server."""
        if not self._request.mailbox.closed:
            self._left = True
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({self._task})
        self._request.mailbox.pieces.clear()

    def __del__(self) -> None:
        # Whoever breaks out of `async for` drops the reply without a word.
        if not self._task.done() and not self._task.get_loop().is_closed():
            self._task.cancel()


class OwnName:
    """Drops the name that a reply was to begin with, where a chat model writes it itself."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._held = ""

    def without(self, piece: str) -> str:
        if not self._name:
            return piece
        self._held += piece
        text = self._held.lstrip()
        if len(text) < len(self._name) and self._name.startswith(text):
            return ""
        return self.rest()

    def rest(self) -> str:
        """What was held back, at the end at the latest."""
        text, name, self._held, self._name = self._held, self._name, "", ""
        bare = text.lstrip()
        return bare[len(name) :] if name and bare.startswith(name) else text
