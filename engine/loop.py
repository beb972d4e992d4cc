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
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.sampling import Link, chain
from engine.schedule import Pace, Queue, plan
from engine.sequence import BadRequest, EngineError, Finish, PromptTooLong, Sampling, Usage
from engine.slots import Move, Slots, as_tokens, common
from engine.text import Text

log = logging.getLogger(__name__)

SHARED_WORTH_WAITING = 16  # tokens; below that two prompts read their common part each


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
    cuttable: bool  # whether a sequence can forget its end

    def evaluate(self, entries: list[Entry]) -> None:
        """Read a batch; outputs are numbered through the entries in order. Raises EngineError."""
        ...

    def move(self, move: Move) -> None: ...
    def clear(self) -> None: ...
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
    def limit(self) -> int:
        """Tokens up to the next mark."""
        mark = next((mark for mark in self.marks if mark > self.done), len(self.tokens))
        return mark - self.done


class Loop:
    """The thread, its inbox and its state. `replies` is how many are written at once."""

    def __init__(self, machine: Machine, *, replies: int = 8, stretch: float = 2.5) -> None:
        self.machine = machine
        self.replies = replies
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
                while not self._closing:
                    self._step()
                reason = EngineError("the engine was closed while the reply was being written")
                self._fail_all(reason)
                break
            except BaseException as death:  # the thread must tell everybody, whatever it was
                log.exception("the engine's thread died")
                reason = EngineError(f"the engine stopped unexpectedly ({death!r})")
                if last:
                    self._dead = reason
                self._fail_all(reason)
                if last:
                    break
                self._begin_again()
        self.machine.close()

    def _begin_again(self) -> None:
        self.machine.clear()
        self._slots.clear()

    def _step(self) -> None:
        """Schedule, evaluate, sample, deliver."""
        self._hear()
        self._admit()
        lines = sorted(self._lines, key=lambda line: not line.waiting)
        shares = plan(lines, batch=self.machine.batch, chunk=self._pace.chunk)
        if shares:
            outputs = self._evaluate(shares)
            for line, first, count in outputs:
                self._advance(line, first, count)
        self._deliver()
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

    def _check(self, line: Line) -> None:
        links = chain(line.sampling)
        if not line.tokens or line.scored == 0:
            raise BadRequest("the prompt is empty")
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
        order = self._queue.order(now, self._lines)
        for at, line in enumerate(order):
            line.position = at
        for line in order:
            writers = sum(other.scored is None for other in self._lines)
            if line.scored is None and writers >= self.replies:
                continue
            if self._is_being_read(line):
                continue
            if not self._begin(line, now):
                return  # it comes next, however small the others are: else it would starve

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
        line.usage.reused = claim.reused
        line.usage.queued_s = now - line.arrived
        if not self.machine.cuttable:
            matched = min(self._slots.matched(line.tokens), limit)
            ends = (matched, line.stable or 0, limit if line.scored is not None else 0)
            line.marks = sorted({n for n in ends if n > line.done})
        while self._slots.wanting() and (least := self._slots.least(now)) is not None:
            self._evict(least)
        self._queue.waiting.remove(line)
        line.position = 0
        self._lines.append(line)
        return True

    def _evict(self, slot: int) -> None:
        self.machine.move(self._slots.drop(slot))

    def _evaluate(self, shares: list[tuple[Line, int]]) -> list[tuple[Line, int, int]]:
        """Read a batch; returns each line with its first output and their number."""
        entries: list[Entry] = []
        outputs: list[tuple[Line, int, int]] = []
        number = replies = prompt = 0
        for line, n in shares:
            end = line.done + n
            if line.scored is not None:
                end = min(end, max(line.done, line.scored - 1) + self.machine.outputs - number)
                wanted = max(0, end - max(line.done, line.scored - 1))
            else:
                wanted = 1 if end == len(line.tokens) else 0
            if end <= line.done or number + wanted > self.machine.outputs:
                continue  # its turn comes in the next batch
            n = end - line.done
            entries.append(Entry(line.slot, line.tokens[line.done : end], line.done, wanted))
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
        for entry, (line, _, _) in zip(entries, outputs, strict=True):
            self._slots.grow(line.slot, entry.tokens)
            self._queue.served(line, len(entry.tokens), now)
            if line.done < line.prompt:
                line.usage.evaluated += min(line.prompt, line.done + len(entry.tokens)) - line.done
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
        """A line's outputs become its next token, or the score of its own."""
        try:
            if line.scored is not None:
                self._score(line, first, count)
            elif count:
                self._write(line, first + count - 1)
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
        usage = line.usage
        if not usage.generated:
            usage.first_token_s = now - line.arrived
        if self.machine.ends(token):
            self._say(line, line.text.rest(), "end")
            return
        usage.generated += 1
        line.tokens.append(token)
        if line.sampling.logprobs:
            line.logprobs.append(self.machine.logprob(output, token))
        piece = line.text.push(self.machine.piece(token))
        line.bytes.append((line.bytes[-1] if line.bytes else 0) + len(self.machine.piece(token)))
        if line.text.stopped:
            self._say(line, piece, "stop")
        elif usage.generated >= line.sampling.max_tokens:
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
        line.ended = True
        if line in self._queue.waiting:
            self._queue.waiting.remove(line)
        if line.sampler is not None:
            self.machine.discard(line.sampler)
            line.sampler = None
        if line.slot >= 0:
            self._lines.remove(line)
            self._give_back(line, keep)
        seen = (line.bytes[-1] if line.bytes else 0) - line.text.hidden
        line.shown = sum(1 for end in line.bytes if end <= seen)
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
