"""The engine over llama.cpp: many replies at once from one GGUF."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from collections.abc import Sequence as Ids
from pathlib import Path
from typing import Unpack

from engine.llama.devices import on_processor
from engine.llama.model import LlamaModel, ModelOptions
from engine.llama.opening import open_model
from engine.loop import Loop
from engine.model_card import check_card, fitted
from engine.offload import HostCache
from engine.request import Request
from engine.resources import GiB
from engine.sequence import EngineError, Finish, Sampling, Usage
from engine.stats import Stats

# Tokens of idle rooms that stay in a cache on the processor. There each token that is computed
# looks at the mask of every cell in use, also of those that it does not read: with 35,000 of them
# a step of four replies took twice as long, and a prompt four times (docs/engine.md).
RESTING = 2048


class Options(ModelOptions, total=False):
    """How an engine is opened; all may be left out.

    `offload` GiB of host memory keep the KV cache of idle rooms (0.5); with `state` that file takes
    it over to the next start. `stretch` (2.5) bounds a step with a prompt's chunk, as a multiple of
    one with replies only. `resting` tokens of idle rooms stay in the cache (as many as fit on a
    card, 2,048 on the processor); the others wait in host memory.
    """

    offload: float
    state: str | Path | None
    stretch: float
    resting: int


class LlamaEngine:
    """Many replies at once from one GGUF. See `engine.sequence.Engine` for the interface.

    `ends` are the tokens that end a reply (a bias of -inf on them makes it go on); token ids are
    below `vocabulary`. `notes` say what is doubtful about the file, a sentence each; `placement`
    what the model computes on.
    """

    def __init__(self, model: LlamaModel, loop: Loop, state: Path | None = None) -> None:
        self.context = model.context
        self.metadata = model.metadata
        self.notes = model.notes
        self.placement = model.placement
        self.ends = model.tokenizer.ending
        self.vocabulary = model.vocabulary
        self._model = model
        self._loop = loop
        self._state = state

    @classmethod
    def open(cls, path: str | Path, **options: Unpack[Options]) -> LlamaEngine:
        """Load a model and start its thread; see `Options` and `ModelOptions`.

        Without `context`, `replies` and `vram` what `mrp fit` wrote into the model's card counts,
        else 4096 and 8 and no bound.

        Raises:
            ModelError: the file cannot be served; the message says why.
        """
        path = Path(path)
        check_card(path)
        told = fitted(path)
        replies = options.get("replies") or int(told.get("replies", 8))
        vram = options.get("vram")
        model = open_model(
            path,
            context=options.get("context") or int(told.get("context", 4096)),
            replies=replies,
            threads=options.get("threads"),
            vram=told.get("vram") if vram is None else vram,
            cells=options.get("cells"),
            flash=options.get("flash"),
            adapter=options.get("adapter"),
        )
        host = HostCache(int(options.get("offload", 0.5) * GiB))
        named = options.get("state")
        state = Path(named) if named is not None else None
        if state is not None:
            host.read(state, model.name, time.monotonic())
        stretch = options.get("stretch", 2.5)
        loop = Loop(
            model,
            replies=replies,
            stretch=stretch,
            host=host,
            resting=options.get("resting", RESTING if on_processor(model.placement) else None),
            keep=state is not None,
        )
        return cls(model, loop, state)

    @property
    def begin(self) -> str:
        """The BOS token that the file wants before everything; "" where it wants none."""
        return self._model.tokenizer.begin

    @property
    def end(self) -> str:
        """The EOS token that the file names; "" where it has none."""
        return self._model.tokenizer.end

    @property
    def failure(self) -> EngineError | None:
        """Why the engine has stopped for good; None while it works. Nothing but opening it anew
        helps then."""
        return self._loop.failure

    def stats(self) -> Stats:
        """Counters and histograms since the engine was opened."""
        return self._loop.snapshot()

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Token ids of a text. Control tokens are recognised only where `control` is true.

        Raises:
            EngineError: the engine is closed, or has failed for good.
        """
        if self._loop.failure is not None:
            raise EngineError(str(self._loop.failure))
        return self._model.encode(text, control)

    def stream(
        self,
        tokens: Ids[int],
        sampling: Sampling,
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
        stable: int | None = None,
    ) -> LlamaReply:
        """Begin a reply that continues `tokens`; see `Engine.stream`."""
        request = self._loop.ask(
            tokens, sampling, room=room, person=person, waiting=waiting, stable=stable
        )
        return LlamaReply(self._loop, request)

    async def score(
        self,
        tokens: Ids[int],
        continuations: Ids[Ids[int]],
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
    ) -> list[float]:
        """Natural-log probability of each continuation after `tokens`, read in one batch."""
        requests = [
            self._loop.ask(
                [*tokens, *continuation],
                Sampling(),
                room=room,
                person=person,
                waiting=waiting,
                scored=len(tokens),
            )
            if continuation
            else None
            for continuation in continuations
        ]
        try:
            for request in requests:
                while request is not None and not request.mailbox.closed:
                    await request.mailbox.news()
                if request is not None and request.mailbox.error is not None:
                    raise request.mailbox.error
        except BaseException:  # a cancelled caller too: nobody waits for the others any more
            for request in requests:
                if request is not None:
                    self._loop.leave(request)
            raise
        return [math.fsum(request.logprobs) if request is not None else 0.0 for request in requests]

    async def close(self) -> None:
        """End all replies and free the model."""
        self._model.tokenizer.closed = True
        await asyncio.to_thread(self._loop.close)
        if self._state is not None:
            await asyncio.to_thread(self._loop.cache.host.write, self._state, self._model.name)


class LlamaReply(AsyncIterator[str]):
    """One reply being written; see `engine.sequence.Reply`."""

    def __init__(self, loop: Loop, request: Request) -> None:
        self._loop = loop
        self._request = request
        self._left = False

    @property
    def finish(self) -> Finish | None:
        return self._request.mailbox.finish

    @property
    def usage(self) -> Usage:
        return self._request.usage

    @property
    def tokens(self) -> list[int]:
        request = self._request
        written = request.tokens[request.prompt :]
        return list(written[: request.shown] if request.ended else written)

    @property
    def logprobs(self) -> list[float]:
        return self._request.logprobs[: len(self.tokens)]

    @property
    def position(self) -> int:
        return self._request.position

    def __aiter__(self) -> LlamaReply:
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
        """Walk away; returns when the slot is free."""
        mailbox = self._request.mailbox
        if not mailbox.closed:
            self._left = True
            self._loop.leave(self._request)
            while not mailbox.closed:
                await mailbox.news()
        mailbox.pieces.clear()

    def __del__(self) -> None:
        # Whoever breaks out of `async for` drops the reply without a word.
        if not self._request.mailbox.closed and not self._left:
            self._loop.leave(self._request)
