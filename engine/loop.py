"""The engine's one thread: schedule → evaluate → sample → deliver, over and over.

    asyncio callers ──ask──►  queue ──admit──►  sequences in slots ──plan──►  batch ──► model
          ▲                                                                               │
          └────────── pieces of text, one hand-over a step ◄── text ◄── sample ◄── logits ┘

Everything that touches the model or the bookkeeping happens in this thread, so nothing here needs a
lock but the inbox. The model is a `ModelRunner`: `engine.llama` has the real one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence as Ids
from copy import deepcopy
from dataclasses import replace

from engine.kvcache import KvCache
from engine.mailbox import Inbox, Mailbox, Outbox
from engine.offload import HostCache
from engine.prefix_tree import as_tokens, common
from engine.request import Request, check
from engine.restarts import Restarts
from engine.runner import Chunk, ModelRunner
from engine.sampling import chain
from engine.schedule import Pace, Queue, plan
from engine.sequence import BadRequest, EngineError, Finish, Sampling
from engine.stats import Stats
from engine.text import Text

log = logging.getLogger(__name__)

SHARED_WORTH_WAITING = 4  # tokens; below that two prompts read their common part each


class Loop:
    """The thread and its state. `replies` is how many are written at once.

    `host` is the host memory for idle rooms, of which the cache itself keeps `resting` tokens
    (None: as many as it has cells for); `stretch` bounds how much longer than a step with replies
    only one with a prompt's chunk may take; `keep` offloads all idle rooms when the loop
    ends. `failure` is None until the thread has failed for good.
    """

    def __init__(
        self,
        runner: ModelRunner,
        *,
        replies: int = 8,
        stretch: float = 2.5,
        host: HostCache | None = None,
        resting: int | None = None,
        keep: bool = False,
    ) -> None:
        self.replies = replies
        self.stats = Stats(cells=runner.cells)
        self.cache = KvCache(runner, HostCache(0) if host is None else host, resting)
        self.failure: EngineError | None = None
        self._runner = runner
        self._keep = keep
        self._inbox: Inbox[Request] = Inbox()
        self._outbox = Outbox()
        self._restarts = Restarts()
        self._queue: Queue[Request] = Queue()
        self._running: list[Request] = []  # in order of admission
        self._pace = Pace(stretch, most=runner.batch)
        self._thread = threading.Thread(target=self._live, name="engine", daemon=True)
        self._thread.start()

    # -- called from anywhere --------------------------------------------------------------------

    def ask(
        self,
        tokens: Ids[int],
        sampling: Sampling,
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
        stable: int | None = None,
        scored: int | None = None,
    ) -> Request:
        """Put a request into the queue. What is wrong with it comes through its mailbox."""
        request = Request(
            as_tokens(tokens),
            len(tokens),
            sampling,
            Mailbox(),
            room,
            person,
            waiting,
            stable,
            time.monotonic(),
            scored=scored,
        )
        if error := self._inbox.put("ask", request):
            request.mailbox.put("", None, error)
        return request

    def leave(self, request: Request) -> None:
        """The caller walked away."""
        if error := self._inbox.put("leave", request):
            mail = Outbox()  # not through the thread's own: it is gone
            mail.put(request.mailbox, "", "left", error)
            mail.deliver()

    def snapshot(self) -> Stats:
        """The counters as they are now."""
        writing = sum(request.writing for request in list(self._running))
        return replace(
            self.stats,
            queued=len(self._queue.waiting),
            writing=writing,
            reading=len(self._running) - writing,
            restored=self.cache.restored,
            cells_used=self.cache.slots.used,
            cells_peak=self.cache.slots.tree.peak,
            offloaded_bytes=self.cache.host.bytes,
            model_s=self._runner.seconds,
            first_token=deepcopy(self.stats.first_token),
            gap=deepcopy(self.stats.gap),
        )

    def close(self) -> None:
        """End everything and free the model. Blocks for the length of a step."""
        self._inbox.close(EngineError("the engine is closed"))
        self._thread.join()

    # -- the thread ------------------------------------------------------------------------------

    def _live(self) -> None:
        again = False
        try:
            while not self._run(again):
                again = True
        finally:
            self._inbox.close(self.failure or EngineError("the engine is closed"))
            self._runner.close()

    def _run(self, again: bool) -> bool:
        """Step until the engine is closed (True) or has failed; False: it may start again."""
        try:
            if again:  # what lies in the cache after a failure is not known
                self.stats.restarts += 1
                self.cache.clear()
            while self._inbox.closed is None:
                self._step()
            self._fail_all(EngineError("the engine was closed before the reply was complete"))
            if self._keep:
                self.cache.offload_all()
            return True
        except BaseException as death:  # whatever it was, everybody must be told
            log.exception("the engine's thread failed")
            reason = EngineError(f"the engine stopped unexpectedly ({death!r})")
            if self._inbox.closed is None and not self._restarts.allow(time.monotonic()):
                self.failure = reason
                self._inbox.close(reason)
            self._fail_all(reason)
            return self._inbox.closed is not None

    def _step(self) -> None:
        """Schedule, evaluate, sample, deliver."""
        began = time.monotonic()
        self._receive()
        self._admit()
        requests = sorted(self._running, key=lambda request: not request.waiting)
        shares = plan(requests, batch=self._runner.batch, chunk=self._pace.chunk)
        for request, first, count in self._evaluate(shares):
            self._advance(request, first, count)
        self._outbox.deliver()
        self.stats.busy_s += time.monotonic() - began
        if not shares:
            self._inbox.wait()

    def _receive(self) -> None:
        """Arrivals and departures."""
        for what, request in self._inbox.take():
            if what == "leave":
                self._end(request, "left")
                continue
            try:
                self._prepare(request)
                self._queue.waiting.append(request)
            except EngineError as error:
                self._end(request, None, error)
            except (TypeError, ValueError) as error:  # a value of a kind that nobody thought of
                wrong = BadRequest(f"the request cannot be understood: {error}")
                self._end(request, None, wrong)

    def _prepare(self, request: Request) -> None:
        links = chain(request.sampling)
        check(request, vocabulary=self._runner.vocabulary, context=self._runner.context)
        request.text = Text(request.sampling.stop)
        if request.scored is None:
            request.sampler = self._runner.sampler(links, request.tokens)

    def _admit(self) -> None:
        """Give slots to those who wait, as far as replies and cells allow."""
        if not self._queue.waiting:
            return
        now = time.monotonic()
        blocked = False
        order = self._queue.order(now, self._running)
        for request in order:
            writers = sum(other.writes for other in self._running)
            if blocked or (request.writes and writers >= self.replies):
                continue
            if not self._is_being_read(request):
                # Who comes next waits for its cells however small the others are: else it starves.
                blocked = not self._begin(request, now)
        for place, request in enumerate((one for one in order if one.slot < 0), 1):
            request.position = place

    def _is_being_read(self, request: Request) -> bool:
        """Whether somebody is just reading a prefix of this prompt: then it is read once."""
        stored: int | None = None
        for other in self._running:
            if other.writing:
                continue
            shared = min(common(request.tokens, other.tokens), len(request.tokens) - 1)
            if shared <= other.done + SHARED_WORTH_WAITING:
                continue
            stored = self.cache.stored(request.tokens) if stored is None else stored
            if shared > stored + SHARED_WORTH_WAITING:
                other.waiting = other.waiting or request.waiting
                if not self._runner.can_truncate:
                    other.checkpoints = sorted({*other.checkpoints, shared})
                return True
        return False

    def _begin(self, request: Request, now: float) -> bool:
        """Admit a request to the cache. False: it has to wait for cells."""
        if not self.cache.admit(request, now, self._pace.each or 0.0):
            return False
        request.usage.reused = request.done
        request.usage.queued_s = now - request.arrived
        self.stats.reused += request.done
        self._queue.waiting.remove(request)
        request.position = 0
        self._running.append(request)
        return True

    def _evaluate(self, shares: list[tuple[Request, int]]) -> list[tuple[Request, int, int]]:
        """Evaluate a batch; returns each request with its first output and their number."""
        if not shares:
            return []
        chunks: list[Chunk] = []
        outputs: list[tuple[Request, int, int]] = []
        number = replies = prompt = 0
        for request, share in shares:
            n, wanted = request.outputs(share, self._runner.outputs - number)
            if not n:
                continue  # its turn comes in the next batch
            tokens = request.tokens[request.done : request.done + n]
            chunks.append(Chunk(request.slot, tokens, request.done, wanted))
            outputs.append((request, number, wanted))
            number += wanted
            replies += n if request.writing else 0
            prompt += 0 if request.writing else n
        began = time.monotonic()
        try:
            self._runner.evaluate(chunks)
        except EngineError as error:
            # What of the batch lies in the cache is not known, so none of these slots is kept.
            for request, _, _ in outputs:
                self._end(request, None, error, keep=False)
            return []
        now = time.monotonic()
        self._pace.learn(now - began, replies, prompt)
        self.stats.steps += 1
        for chunk, (request, _, _) in zip(chunks, outputs, strict=True):
            self._queue.served(request, len(chunk.tokens), now)
            if not request.writing:
                request.usage.evaluated += len(chunk.tokens)
                self.stats.evaluated += len(chunk.tokens)
            self.cache.grow(request, chunk.tokens, now)
        return outputs

    def _advance(self, request: Request, first: int, count: int) -> None:
        """A request's outputs become its next token, or the score of its own."""
        try:
            if request.scored is not None:
                self._score(request, first, count)
            elif count:
                self._write(request, first)
        except EngineError as error:
            self._end(request, None, error, keep=False)

    def _score(self, request: Request, first: int, count: int) -> None:
        begin = request.done - count  # position of the first output
        for output in range(count):
            token = request.tokens[begin + output + 1]
            request.logprobs.append(self._runner.logprob(first + output, token))
        if request.left == 0:
            self._end(request, "end")

    def _write(self, request: Request, output: int) -> None:
        token = self._runner.sample(request.sampler, output)
        now = time.monotonic()
        if request.usage.generated:
            self.stats.gap.add(now - request.written_at)
        else:
            request.usage.first_token_s = now - request.arrived
            self.stats.first_token.add(request.usage.first_token_s)
        request.written_at = now
        if self._runner.ends(token):
            self._finish(request, request.text.rest(), "end")
            return
        request.usage.generated += 1
        self.stats.generated += 1
        request.tokens.append(token)
        if request.sampling.logprobs:
            request.logprobs.append(self._runner.logprob(output, token))
        data = self._runner.piece(token)
        piece = request.text.push(data)
        request.bytes.append((request.bytes[-1] if request.bytes else 0) + len(data))
        if request.text.stopped:
            self._finish(request, piece, "stop")
        elif request.usage.generated >= request.sampling.max_tokens:
            self._finish(request, piece + request.text.rest(), "length")
        elif piece:
            self._outbox.put(request.mailbox, piece)

    def _finish(self, request: Request, piece: str, finish: Finish) -> None:
        """The last piece, and the end."""
        self._outbox.put(request.mailbox, piece)
        self._end(request, finish)

    def _end(
        self,
        request: Request,
        finish: Finish | None,
        error: BaseException | None = None,
        keep: bool = True,
    ) -> None:
        """However a request ends: its slot is given back, its caller told."""
        if request.ended:
            self._outbox.put(request.mailbox, "", finish, error)
            return
        seen = (request.bytes[-1] if request.bytes else 0) - request.text.hidden
        request.shown = sum(1 for end in request.bytes if end <= seen)
        request.ended = True
        if request in self._queue.waiting:
            self._queue.waiting.remove(request)
        if request.sampler is not None:
            self._runner.discard(request.sampler)
            request.sampler = None
        if request.slot >= 0:
            self._running.remove(request)
            self.cache.release(request, keep=keep)
        self.stats.replies += 1
        self.stats.failed += error is not None
        self._outbox.put(request.mailbox, "", finish, error)

    def _fail_all(self, error: EngineError) -> None:
        """Tell everybody who waits for anything."""
        for what, request in self._inbox.take():
            self._outbox.put(request.mailbox, "", "left" if what == "leave" else None, error)
        for request in [*self._running, *self._queue.waiting]:
            request.ended = True
            if request.sampler is not None:
                self._runner.discard(request.sampler)
            self._outbox.put(request.mailbox, "", None, error)
        self._running.clear()
        self._queue.waiting.clear()
        self._outbox.deliver()
