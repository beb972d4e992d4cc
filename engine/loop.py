"""The engine's one thread: schedule → evaluate → sample → deliver, over and over.

    asyncio callers ──ask──►  queue ──admit──►  sequences in slots ──plan──►  batch ──► model
          ▲                                                                               │
          └────────── pieces of text, one hand-over a step ◄── text ◄── sample ◄── logits ┘

Everything that touches the model or the bookkeeping happens in this thread, so nothing here needs a
lock but the inbox. The model is a `Machine`: `engine.llama` has the real one, the tests a fake that
checks every rule of the cache.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from array import array
from collections import deque
from collections.abc import Sequence as Ids
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from engine.sampling import Link, chain
from engine.schedule import Pace, Queue, plan
from engine.sequence import BadRequest, EngineError, Finish, PromptTooLong, Sampling, Usage
from engine.shelf import Saved, Shelf
from engine.slots import Move, Slots, as_tokens, common
from engine.stats import Stats
from engine.text import Text

log = logging.getLogger(__name__)

SHARED_WORTH_WAITING = 4  # tokens; below that two prompts read their common part each
WORTH_SAVING = 32  # tokens; a shorter stretch is read again as fast as it is brought back


@dataclass(slots=True)
class Entry:
    """One sequence's part of a batch: `tokens` at `position` on; logits for the last `outputs`."""

    slot: int
    tokens: array[int]
    position: int
    outputs: int


class Machine(Protocol):
    """A model with its cache, as the loop needs it. All calls come from the loop's thread."""

    context: int  # longest sequence, tokens
    cells: int  # tokens in the cache, all sequences together
    slots: int  # sequences
    batch: int  # tokens in a batch
    outputs: int  # tokens in a batch whose logits are asked for
    vocabulary: int  # token ids are below
    cuttable: bool  # whether a sequence can forget its end
    seconds: float  # spent inside the model so far

    def evaluate(self, entries: list[Entry]) -> None:
        """Read a batch; outputs are numbered through the entries in order. Raises EngineError."""
        ...

    def move(self, move: Move) -> None: ...
    def clear(self) -> None: ...
    def save(self, slot: int, start: int) -> bytes:
        """The state of a slot from position `start` on."""
        ...

    def load(self, slot: int, data: bytes, start: int, end: int) -> bool:
        """Put positions `start` to `end` of a saved state behind what the slot holds."""
        ...

    def sampler(self, links: tuple[Link, ...], history: array[int]) -> Any:
        """Raises BadRequest."""
        ...

    def sample(self, sampler: Any, output: int) -> int:
        """The next token. Raises EngineError where the logits are not numbers."""
        ...

    def logprob(self, output: int, token: int) -> float: ...
    def discard(self, sampler: Any) -> None: ...
    def piece(self, token: int) -> bytes: ...
    def ends(self, token: int) -> bool: ...
    def close(self) -> None: ...


class Mailbox:
    """What the loop has written for one caller; lives in the caller's event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.pieces: deque[str] = deque()
        self.finish: Finish | None = None
        self.error: BaseException | None = None
        self.closed = False
        self._wake: list[asyncio.Future[None]] = []

    async def news(self) -> None:
        """Wait for a piece or the end."""
        future = self.loop.create_future()
        self._wake.append(future)
        await future

    def put(self, piece: str, finish: Finish | None, error: BaseException | None) -> None:
        """In the caller's loop: a piece (may be empty) and perhaps the end."""
        if piece:
            self.pieces.append(piece)
        if finish is not None and self.finish is None:
            self.finish = finish
        self.error = self.error or error
        self.closed = self.closed or finish is not None or error is not None
        waiting, self._wake = self._wake, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


@dataclass(slots=True, eq=False)
class Line:
    """One sequence at work: a reply being written, or a fixed text being scored.

    `tokens` are the prompt and what follows; the first `done` of them lie in the slot. `scored` is
    None for a reply, else the position from which on log-probabilities are summed up.
    """

    tokens: array[int]
    prompt: int
    sampling: Sampling
    mailbox: Mailbox
    room: str
    person: str
    waiting: bool
    stable: int | None
    arrived: float
    usage: Usage = field(default_factory=Usage)
    logprobs: list[float] = field(default_factory=list)
    scored: int | None = None
    slot: int = -1
    done: int = 0
    shown: int = 0  # tokens of the reply whose text was shown completely
    position: int = 0
    sampler: Any = None
    text: Text = field(default_factory=Text)
    ended: bool = False
    marks: list[int] = field(default_factory=list)  # where to keep a copy, if nothing can be cut
    bytes: list[int] = field(default_factory=list)  # length of the reply's text after each token
    written_at: float = 0.0

    @property
    def left(self) -> int:
        # Nothing comes after the last token of a text that is scored: it is not read.
        return len(self.tokens) - self.done - (self.scored is not None)

    @property
    def writing(self) -> bool:
        return self.scored is None and self.done >= self.prompt

    @property
    def writes(self) -> bool:
        return self.scored is None

    @property
    def limit(self) -> int:
        """Tokens up to the next mark."""
        mark = next((mark for mark in self.marks if mark > self.done), len(self.tokens))
        return mark - self.done


class Loop:
    """The thread, its inbox and its state. `replies` is how many are written at once.

    `shelf` is the host memory for idle rooms; `stretch` bounds how much longer than a step with
    replies only one with a prompt's chunk may take; `keep` puts all idle rooms on the shelf when
    the loop ends.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        replies: int = 8,
        stretch: float = 2.5,
        shelf: Shelf | None = None,
        keep: bool = False,
    ) -> None:
        self.machine = machine
        self.replies = replies
        self.stats = Stats(cells=machine.cells)
        self.shelf = Shelf(0) if shelf is None else shelf
        self._keep = keep
        self._restoring: float | None = None  # seconds a byte, as measured
        self._inbox: deque[tuple[str, Line]] = deque()
        self._bell = threading.Condition()
        self._closing = False
        self._dead: EngineError | None = None
        self._queue: Queue[Line] = Queue()
        self._lines: list[Line] = []  # at work, in order of admission
        self._slots = Slots(machine.cells, machine.slots, cuttable=machine.cuttable)
        self._pace = Pace(stretch, most=machine.batch)
        self._post: list[tuple[Mailbox, str, Finish | None, BaseException | None]] = []
        self._thread = threading.Thread(target=self._live, name="engine", daemon=True)
        self._thread.start()

    # -- called from anywhere --------------------------------------------------------------------

    def ask(
        self,
        tokens: Ids[int],
        sampling: Sampling,
        *,
        room: str,
        person: str,
        waiting: bool,
        stable: int | None,
        scored: int | None = None,
    ) -> Line:
        """Put a request into the queue. What is wrong with it is told through its mailbox."""
        line = Line(
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
        self._ring("ask", line)
        return line

    def snapshot(self) -> Stats:
        """The counters as they are now."""
        writing = sum(line.writing for line in list(self._lines))
        return replace(
            self.stats,
            queued=len(self._queue.waiting),
            writing=writing,
            reading=len(self._lines) - writing,
            cells_used=self._slots.used,
            cells_peak=self._slots.peak,
            shelf_bytes=self.shelf.bytes,
            model_s=self.machine.seconds,
            first_token=deepcopy(self.stats.first_token),
            gap=deepcopy(self.stats.gap),
        )

    def leave(self, line: Line) -> None:
        """The caller walked away."""
        self._ring("leave", line)

    def close(self) -> None:
        """End everything and free the model. Blocks for the length of a step."""
        with self._bell:
            self._closing = True
            self._bell.notify()
        self._thread.join()

    def _ring(self, what: str, line: Line) -> None:
        with self._bell:
            self._inbox.append((what, line))
            self._bell.notify()
            if self._dead is None and not self._closing:
                return
        error = self._dead or EngineError("the engine is closed")
        _post([(line.mailbox, "", "left" if what == "leave" else None, error)])

    # -- the thread ------------------------------------------------------------------------------

    def _live(self) -> None:
        for last in (False, True):
            try:
                if last:
                    self._begin_again()
                while not self._closing:
                    self._step()
                self._fail_all(EngineError("the engine was closed before the reply was complete"))
                self._put_all_away()
                break
            except BaseException as death:  # whatever it was, everybody must be told
                log.exception("the engine's thread failed")
                reason = EngineError(f"the engine stopped unexpectedly ({death!r})")
                self._dead = reason if last else None
                self._fail_all(reason)
        self.machine.close()

    def _begin_again(self) -> None:
        """Once: what is in the cache is not known, so it starts empty."""
        self.stats.restarts += 1
        self.machine.clear()
        self._slots.clear()

    def _step(self) -> None:
        """Schedule, evaluate, sample, deliver."""
        began = time.monotonic()
        self._hear()
        self._admit()
        lines = sorted(self._lines, key=lambda line: not line.waiting)
        shares = plan(lines, batch=self.machine.batch, chunk=self._pace.chunk)
        for line, first, count in self._evaluate(shares):
            self._advance(line, first, count)
        self._deliver()
        self.stats.busy_s += time.monotonic() - began
        if not shares:
            self._sleep()

    def _sleep(self) -> None:
        with self._bell:
            if not self._inbox and not self._closing:
                self._bell.wait()

    def _hear(self) -> None:
        """Arrivals and departures."""
        while self._inbox:
            what, line = self._inbox.popleft()
            if what == "leave":
                self._end(line, "left")
                continue
            try:
                self._check(line)
                self._queue.waiting.append(line)
            except EngineError as error:
                self._end(line, None, error)
            except (TypeError, ValueError) as error:  # a value of a kind that nobody thought of
                self._end(line, None, BadRequest(f"the request cannot be understood: {error}"))

    def _check(self, line: Line) -> None:
        links = chain(line.sampling)
        if not line.tokens or line.scored == 0:
            raise BadRequest("the prompt is empty")
        if min(line.tokens) < 0 or max(line.tokens) >= self.machine.vocabulary:
            raise BadRequest("the prompt has tokens that the model does not have")
        longest = len(line.tokens) + (line.sampling.max_tokens if line.scored is None else 0)
        if longest > self.machine.context:
            raise PromptTooLong(
                f"a prompt of {len(line.tokens)} tokens and a reply of up to "
                f"{longest - len(line.tokens)} do not fit into a context of {self.machine.context}"
            )
        line.text = Text(line.sampling.stop)
        if line.scored is None:
            line.sampler = self.machine.sampler(links, line.tokens)

    def _admit(self) -> None:
        """Give slots to those who wait, as far as replies and cells allow."""
        if not self._queue.waiting:
            return
        now = time.monotonic()
        blocked = False
        order = self._queue.order(now, self._lines)
        for line in order:
            writers = sum(other.scored is None for other in self._lines)
            if blocked or (line.scored is None and writers >= self.replies):
                continue
            if not self._is_being_read(line):
                # Who comes next waits for its cells however small the others are: else it starves.
                blocked = not self._begin(line, now)
        for place, line in enumerate((line for line in order if line.slot < 0), 1):
            line.position = place

    def _is_being_read(self, line: Line) -> bool:
        """Whether somebody is just reading a prefix of this prompt: then it is read once."""
        stored: int | None = None
        for other in self._lines:
            if other.writing:
                continue
            shared = min(common(line.tokens, other.tokens), len(line.tokens) - 1)
            if shared <= other.done + SHARED_WORTH_WAITING:
                continue
            stored = self._slots.longest(line.tokens)[0] if stored is None else stored
            if shared > stored + SHARED_WORTH_WAITING:
                other.waiting = other.waiting or line.waiting
                if not self.machine.cuttable:
                    other.marks = sorted({*other.marks, shared})
                return True
        return False

    def _begin(self, line: Line, now: float) -> bool:
        reserve = line.sampling.max_tokens if line.scored is None else 0
        limit = (line.prompt if line.scored is None else line.scored) - 1
        holder = self._slots.longest(line.tokens[:limit])[1]
        while self._slots.full and (least := self._slots.least(now, holder)) is not None:
            self._evict(least)
        claim = self._slots.claim(
            line.tokens, reserve=reserve, room=line.room, now=now, limit=limit
        )
        if claim is None:
            return False
        for move in claim.moves:
            self.machine.move(move)
        line.slot, line.done = claim.slot, claim.reused
        if not self.machine.cuttable:
            matched = min(self._slots.matched(line.tokens), limit)
            ends = (matched, line.stable or 0, limit if line.scored is not None else 0)
            line.marks = sorted({n for n in ends if n > line.done})
        while self._slots.wanting() and (least := self._slots.least(now)) is not None:
            self._evict(least)
        self._restore(line, limit)
        line.usage.reused = line.done
        line.usage.queued_s = now - line.arrived
        self.stats.reused += line.done
        self._queue.waiting.remove(line)
        line.position = 0
        self._lines.append(line)
        return True

    def _evict(self, slot: int) -> None:
        """An idle slot makes room; what only it holds goes to host memory."""
        self._put_away(slot)
        self.machine.move(self._slots.drop(slot))

    def _put_away(self, slot: int, whole: bool = False) -> None:
        length = self._slots.length(slot)
        start = 0 if whole or not self.machine.cuttable else length - self._slots.own(slot)
        if length - start < WORTH_SAVING or not self.shelf.budget:
            return
        began = time.monotonic()
        data = self.machine.save(slot, start)
        self._restoring = (time.monotonic() - began) / max(1, len(data))
        self.shelf.put(Saved(self._slots.tokens(slot), start, data, began))

    def _put_all_away(self) -> None:
        """At the end: what can be taken up again when the engine is opened next."""
        if not self._keep:
            return
        for slot in self._slots.idle:
            self._put_away(slot, whole=True)

    def _restore(self, line: Line, limit: int) -> None:
        """Bring back what host memory holds of this prompt, if that is cheaper than reading it."""
        whole = not self.machine.cuttable
        prompt = line.tokens[:limit]
        end, saved = self.shelf.find(prompt, line.done, whole=whole)
        if saved is None:
            return
        reading = (end - line.done) * (self._pace.each or 0.0)
        bringing = len(saved.data) * (self._restoring or 0.0)
        # All of the state has to find cells for a moment, also what is not wanted of it.
        extra = len(saved.tokens) - saved.start - (end - line.done)
        if reading < bringing or extra > self._slots.spare:
            return
        if whole:
            self._slots.reserve(line.slot, line.done)
            self.machine.move(self._slots.keep(line.slot, 0))
            line.done = 0
        if self.machine.load(line.slot, self.shelf.take(saved), line.done, end):
            self._slots.grow(line.slot, prompt[line.done : end])
            self.stats.restored += end - line.done
            line.done = end

    def _evaluate(self, shares: list[tuple[Line, int]]) -> list[tuple[Line, int, int]]:
        """Read a batch; returns each line with its first output and their number."""
        if not shares:
            return []
        entries: list[Entry] = []
        outputs: list[tuple[Line, int, int]] = []
        number = replies = prompt = 0
        for line, n in shares:
            end = line.done + n
            if line.scored is not None:
                end = min(end, max(line.done, line.scored - 1) + self.machine.outputs - number)
                wanted = max(0, end - max(line.done, line.scored - 1))
            else:
                wanted = max(0, end - max(len(line.tokens) - 1, line.done))
            if end <= line.done or number + wanted > self.machine.outputs:
                continue  # its turn comes in the next batch
            n = end - line.done
            tokens = line.tokens[line.done : end]
            entries.append(Entry(line.slot, tokens, line.done, wanted))
            outputs.append((line, number, wanted))
            number += wanted
            replies += n if line.writing else 0
            prompt += 0 if line.writing else n
        began = time.monotonic()
        try:
            self.machine.evaluate(entries)
        except EngineError as error:
            # What of the batch lies in the cache is not known, so none of these slots is kept.
            for line, _, _ in outputs:
                self._end(line, None, error, keep=False)
            return []
        now = time.monotonic()
        self._pace.learn(now - began, replies, prompt)
        self.stats.steps += 1
        for entry, (line, _, _) in zip(entries, outputs, strict=True):
            self._slots.grow(line.slot, entry.tokens)
            self._queue.served(line, len(entry.tokens), now)
            if not line.writing:
                line.usage.evaluated += len(entry.tokens)
                self.stats.evaluated += len(entry.tokens)
            line.done += len(entry.tokens)
            if line.done in line.marks:
                self._mark(line, now)
        return outputs

    def _mark(self, line: Line, now: float) -> None:
        """Keep a copy of what was read so far, for memory that cannot be cut afterwards."""
        if self._slots.full and (least := self._slots.least(now)) is not None:
            self._evict(least)
        forked = self._slots.fork(line.slot, room=line.room, now=now)
        if forked is not None:
            self.machine.move(forked[1])

    def _advance(self, line: Line, first: int, count: int) -> None:
        """A line's outputs become its next tokens, or the score of its own."""
        try:
            if line.scored is not None:
                self._score(line, first, count)
            elif count:
                self._write(line, first)
        except EngineError as error:
            self._end(line, None, error, keep=False)

    def _score(self, line: Line, first: int, count: int) -> None:
        begin = line.done - count  # position of the first output
        for output in range(count):
            at = begin + output + 1
            line.logprobs.append(self.machine.logprob(first + output, line.tokens[at]))
        if line.left == 0:
            self._end(line, "end")

    def _write(self, line: Line, output: int) -> None:
        token = self.machine.sample(line.sampler, output)
        now = time.monotonic()
        if line.usage.generated:
            self.stats.gap.add(now - line.written_at)
        else:
            line.usage.first_token_s = now - line.arrived
            self.stats.first_token.add(line.usage.first_token_s)
        line.written_at = now
        if self.machine.ends(token):
            self._say(line, line.text.rest(), "end")
            return
        line.usage.generated += 1
        self.stats.generated += 1
        line.tokens.append(token)
        if line.sampling.logprobs:
            line.logprobs.append(self.machine.logprob(output, token))
        data = self.machine.piece(token)
        piece = line.text.push(data)
        line.bytes.append((line.bytes[-1] if line.bytes else 0) + len(data))
        if line.text.stopped:
            self._say(line, piece, "stop")
        elif line.usage.generated >= line.sampling.max_tokens:
            self._say(line, piece + line.text.rest(), "length")
        elif piece:
            self._post.append((line.mailbox, piece, None, None))

    def _say(self, line: Line, piece: str, finish: Finish) -> None:
        """The last piece, and the end."""
        self._post.append((line.mailbox, piece, None, None))
        self._end(line, finish)

    def _end(
        self,
        line: Line,
        finish: Finish | None,
        error: BaseException | None = None,
        keep: bool = True,
    ) -> None:
        """However a line ends: its slot is given back, its caller told."""
        if line.ended:
            self._post.append((line.mailbox, "", finish, error))
            return
        seen = (line.bytes[-1] if line.bytes else 0) - line.text.hidden
        line.shown = sum(1 for end in line.bytes if end <= seen)
        line.ended = True
        if line in self._queue.waiting:
            self._queue.waiting.remove(line)
        if line.sampler is not None:
            self.machine.discard(line.sampler)
            line.sampler = None
        if line.slot >= 0:
            self._lines.remove(line)
            self._give_back(line, keep)
        self.stats.replies += 1
        self.stats.failed += error is not None
        self._post.append((line.mailbox, "", finish, error))

    def _give_back(self, line: Line, keep: bool) -> None:
        passing = line.stable is not None or line.scored is not None
        if not keep or (passing and not self.machine.cuttable):
            self.machine.move(self._slots.drop(line.slot))
            return
        if line.scored is not None:
            self.machine.move(self._slots.keep(line.slot, min(line.done, line.scored - 1)))
        if line.stable is not None and line.stable < line.done:
            self.machine.move(self._slots.keep(line.slot, line.stable))
        move = self._slots.release(line.slot, time.monotonic())
        if move is not None:
            self.machine.move(move)

    def _deliver(self) -> None:
        post, self._post = self._post, []
        _post(post)

    def _fail_all(self, error: EngineError) -> None:
        """Tell everybody who waits for anything."""
        self._hear_nothing(error)
        for line in [*self._lines, *self._queue.waiting]:
            line.ended = True
            if line.sampler is not None:
                self.machine.discard(line.sampler)
            self._post.append((line.mailbox, "", None, error))
        self._lines.clear()
        self._queue.waiting.clear()
        self._deliver()

    def _hear_nothing(self, error: EngineError) -> None:
        with self._bell:
            while self._inbox:
                what, line = self._inbox.popleft()
                self._post.append((line.mailbox, "", "left" if what == "leave" else None, error))


def _post(letters: list[tuple[Mailbox, str, Finish | None, BaseException | None]]) -> None:
    """Hand over to the callers' event loops, one call a loop."""
    by_loop: dict[Any, list[tuple[Mailbox, str, Finish | None, BaseException | None]]] = {}
    for letter in letters:
        by_loop.setdefault(letter[0].loop, []).append(letter)
    for loop, mine in by_loop.items():
        try:
            loop.call_soon_threadsafe(_put, mine)
        except RuntimeError:  # the caller's loop is closed: nobody is there to be told
            log.debug("a caller's event loop is gone")


def _put(letters: list[tuple[Mailbox, str, Finish | None, BaseException | None]]) -> None:
    for mailbox, piece, finish, error in letters:
        mailbox.put(piece, finish, error)
