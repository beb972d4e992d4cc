"""An engine on other machines: `Engine` over HTTP."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from engine.mailbox import Mailbox
from engine.remote import vocabulary
from engine.remote.address import addresses
from engine.remote.connection import Away, ContextShorter
from engine.remote.fleet import Fleet, Patience, Place, Wish
from engine.remote.gate import Ticket
from engine.remote.reply import OwnName, RemoteReply, Request
from engine.remote.scoring import likelihoods
from engine.remote.server import Offer, Server, Where
from engine.sampling import check
from engine.sequence import BadRequest, EngineError, Finish, PromptTooLong, Sampling, Usage
from engine.stats import Stats
from engine.text import Text

log = logging.getLogger(__name__)

CONTEXT = 4096  # tokens, where neither the server nor an option says
_LEAST_CONTEXT = 256
_SCORE_PATIENCE_S = 5.0  # seconds
# Sentences that tell how many tokens a model's vocabulary needs, beside our estimate.
_SAMPLES = (
    "却说那孙悟空按落云头，收了金箍棒，笑道：师父莫怕，待老孙前去探一探路。",
    "The Monkey King landed his cloud, put the rod away and laughed: Master, never fear!",
)


class RemoteEngine:
    """See `engine.sequence.Engine` for the interface. `offer` is what the servers said of
    themselves; `notes` are what they cannot do, a sentence each; `limit` is how many of the model's
    own tokens a prompt and its reply may have."""

    failure: EngineError | None = None  # a server that is away may come back

    def __init__(self, fleet: Fleet, wish: Wish) -> None:
        self.offer: Offer = fleet.first.offer
        self.metadata = dict(self.offer.metadata)
        self.notes = list(self.offer.notes)
        self.fleet = fleet
        offered = self.offer.context
        wanted = wish.context or offered or CONTEXT
        if 0 < offered < wanted:
            self.notes.append(f"its context is {offered} tokens, so --context {wanted} is not met")
        self.limit = max(_LEAST_CONTEXT, min(wanted, offered or wanted))
        self._ratio = 1.0  # the model's count of tokens ÷ our estimate
        self._closed = False
        self._stats = Stats()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(
        cls, urls: Sequence[str], *, key: str = "", wish: Wish | None = None
    ) -> RemoteEngine:
        """Ask servers what they are. At least one has to answer; all have to serve the same model.

        Raises:
            EngineError: none answers, or one refuses; the message says why.
        """
        wish, found = wish or Wish(), addresses(urls)
        if not found:
            raise EngineError("--engine needs an address, such as http://127.0.0.1:8080")
        fleet = await Fleet.open(found, key, wish)
        engine = cls(fleet, wish)
        if key and any(address.plain for address in found):
            engine.notes.append("the key goes over plain http to another machine; use https")
        try:
            engine._ratio = await _counted(fleet)
        except BaseException:
            await engine.close()
            raise
        return engine

    async def check_fences(self, fences: Sequence[str]) -> None:
        """See whether the servers' tokenizers keep a markup's fences and what people type apart;
        what is doubtful becomes a note.

        Raises:
            EngineError: a fence is no control token of the model.
        """
        self.notes += await self.fleet.check_fences(fences)

    def bound(self, context: int | None) -> None:
        """Read no more than so many tokens of the model: with more it was not taught."""
        if context:
            self.limit = max(_LEAST_CONTEXT, min(self.limit, context))

    # -- the interface ---------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The model's name and where it is."""
        return f"{self.offer.model} @ {', '.join(self.fleet.names)}"

    @property
    def context(self) -> int:
        """The longest prompt and reply, in ids of `encode`; it shrinks when a server turns out to
        take less."""
        return max(_LEAST_CONTEXT, int(self.limit / self._ratio))

    @property
    def begin(self) -> str:
        return self.offer.begin

    @property
    def end(self) -> str:
        return self.offer.end

    def stats(self) -> Stats:
        """Counters since the engine was opened; of prompts only what servers tell."""
        self._stats.queued, self._stats.writing = self.fleet.load
        return self._stats

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Ids that carry the text (see `engine.remote.vocabulary`); how many is an estimate.

        Raises:
            EngineError: the engine is closed.
        """
        if self._closed:
            raise EngineError("the engine is closed")
        return vocabulary.encode(text, control)

    def stream(
        self,
        tokens: Sequence[int],
        sampling: Sampling,
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
        stable: int | None = None,
    ) -> RemoteReply:
        """Begin a reply; see `Engine.stream`."""
        where = Where(room, person, waiting, stable)
        ticket = Ticket(room, person, waiting)
        request = Request(tuple(tokens), sampling, where, Mailbox(), ticket)
        task = asyncio.create_task(self._work(request), name="reply")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return RemoteReply(request, task)

    async def score(
        self,
        tokens: Sequence[int],
        continuations: Sequence[Sequence[int]],
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
    ) -> list[float]:
        """See `Engine.score`. Where a server tells next tokens only, a continuation counts as far
        as it differs from the others.

        Raises:
            EngineError: the server tells no probabilities, or does not answer.
        """
        self._check_prompt(tokens, Sampling(max_tokens=1))
        if not self.offer.scores:
            raise EngineError(f"{self.name} tells no probabilities")
        where, ticket = Where(room, person, waiting), Ticket(room, person, waiting)
        # It only decides who speaks: rules can do that too, and somebody waits.
        patience = Patience(min(_SCORE_PATIENCE_S, self.fleet.patience_s))
        while True:
            server = await self.fleet.server(room, patience)
            try:
                async with Place(server, ticket):
                    return await _scores(server, tokens, continuations, where)
            except Away as away:
                await self.fleet.retry(server, away, patience)

    async def close(self) -> None:
        """End all replies and close the connections."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.fleet.close()

    # -- one reply -------------------------------------------------------------------------------

    async def _work(self, request: Request) -> None:
        """Write one reply into its mailbox, whatever happens."""
        mailbox = request.mailbox
        try:
            async with aclosing(self._pieces(request)) as pieces:
                async for piece, finish in pieces:
                    mailbox.put(piece, finish, None)
        except asyncio.CancelledError:
            gone = EngineError("the engine was closed while the reply was being written")
            mailbox.put("", None if self._closed else "left", gone if self._closed else None)
        except EngineError as problem:
            self._stats.failed += 1
            mailbox.put("", None, problem)
        except Exception as problem:  # what no server should answer must not hang a room
            log.exception("an answer of %s cannot be read", self.name)
            self._stats.failed += 1
            kind = type(problem).__name__
            wrong = f"{self.name} answers in a way that cannot be read ({kind})"
            mailbox.put("", None, EngineError(wrong))

    async def _pieces(self, request: Request) -> AsyncGenerator[tuple[str, Finish | None], None]:
        """The reply's text as it comes. Nothing is asked twice once a piece was handed out."""
        check(request.sampling)
        self._check_prompt(request.tokens, request.sampling)
        if request.sampling.bias:
            raise BadRequest("a bias on tokens cannot be given to a server")
        patience, begun = Patience(self.fleet.patience_s), False
        while True:
            server = await self.fleet.server(request.where.room, patience)
            try:
                async with (
                    Place(server, request.ticket, request.usage),
                    aclosing(self._answer(server, request)) as answer,
                ):
                    async for piece, finish in answer:
                        begun = begun or bool(piece)
                        yield piece, finish
                self._stats.replies += 1
                return
            except Away as away:
                if begun:
                    self.fleet.away(server, away)
                    raise EngineError(str(away)) from None
                await self.fleet.retry(server, away, patience)
            except ContextShorter as shorter:
                self._shorten(shorter.limit)
                raise

    async def _answer(
        self, server: Server, request: Request
    ) -> AsyncGenerator[tuple[str, Finish | None], None]:
        usage = request.usage
        text, name = Text(request.sampling.stop), OwnName(server.begun(request.tokens))
        last = 0.0
        request.logprobs.clear()
        usage.generated = 0
        deltas = server.write(request.tokens, request.sampling, request.where, self.limit)
        async with aclosing(deltas):
            async for delta in deltas:
                if delta.text:
                    last = self._timed(request, last)
                request.logprobs += delta.logprobs
                usage.generated += delta.written
                if delta.generated is not None:
                    usage.generated = delta.generated
                self._count(usage, delta.prompt, delta.reused)
                piece = text.push(name.without(delta.text).encode("utf-8", "replace"))
                # Also where the server ignores stop texts: closing the stream ends it there.
                finish: Finish | None = "stop" if text.stopped else delta.finish
                if finish and not text.stopped:
                    piece += text.push(name.rest().encode("utf-8", "replace")) + text.rest()
                request.shown.append(piece)
                if piece or finish:
                    yield piece, finish
                if finish:
                    break
        self._stats.generated += usage.generated

    def _timed(self, request: Request, last: float) -> float:
        now = time.monotonic()
        if last:
            self._stats.gap.add(now - last)
        else:
            request.usage.first_token_s = now - request.ticket.arrived
            self._stats.first_token.add(request.usage.first_token_s)
        return now

    def _count(self, usage: Usage, prompt: int | None, reused: int | None) -> None:
        if prompt is None:
            return
        usage.reused = reused or 0
        usage.evaluated = max(0, prompt - usage.reused)
        self._stats.reused += usage.reused
        self._stats.evaluated += usage.evaluated

    def _check_prompt(self, tokens: Sequence[int], sampling: Sampling) -> None:
        if self._closed:
            raise EngineError("the engine is closed")
        if not tokens:
            raise BadRequest("the prompt is empty")
        if not all(map(vocabulary.is_token, tokens)):
            raise BadRequest("the prompt has tokens that the model does not have")
        if len(tokens) + sampling.max_tokens > self.context:
            raise PromptTooLong(
                f"a prompt of {len(tokens)} tokens and a reply of up to {sampling.max_tokens} do "
                f"not fit into a context of {self.context}"
            )

    def _shorten(self, limit: int) -> None:
        """A server takes less than was thought: from now on less is read."""
        if 0 < limit < self.limit:
            self.limit = max(_LEAST_CONTEXT, limit)
        else:  # it counts more tokens than we do
            self._ratio *= 1.25


async def _counted(fleet: Fleet) -> float:
    """The model's count of tokens ÷ our estimate, with some room for texts of another kind; 1 where
    it cannot be asked."""
    if not fleet.first.offer.native:
        return 1.0
    counts = [len(await fleet.first.tokenized(sample, False)) for sample in _SAMPLES]
    ours = [len(vocabulary.encode(sample)) for sample in _SAMPLES]
    return max(0.5, 1.1 * max(count / own for count, own in zip(counts, ours, strict=True)))


async def _scores(
    server: Server, tokens: Sequence[int], continuations: Sequence[Sequence[int]], where: Where
) -> list[float]:
    if server.offer.scores == "whole":
        return await server.score(tokens, continuations, where)
    shared = _shared(continuations)
    head = [*tokens, *continuations[0][:shared]] if continuations else list(tokens)
    texts = [vocabulary.rendered(each[shared:]) for each in continuations]

    async def peek(after: str) -> dict[bytes, float]:
        return await server.peek([*head, *vocabulary.encode(after)])

    return await likelihoods(texts, peek)


def _shared(continuations: Sequence[Sequence[int]]) -> int:
    """How many ids of our own markup all continuations begin with."""
    shared = 0
    for ids in zip(*continuations, strict=False):
        if len(set(ids)) > 1 or not vocabulary.is_control(ids[0]):
            break
        shared += 1
    return shared
