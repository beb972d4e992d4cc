"""The KV cache with its bookkeeping: sequences come in at admission, stay when they have ended, and
are evicted to host memory when their cells are needed."""

from __future__ import annotations

import time
from array import array

from engine.offload import HostCache, SavedState
from engine.request import Request
from engine.runner import ModelRunner
from engine.slots import Slots

WORTH_SAVING = 32  # tokens; a shorter stretch is evaluated again as fast as it is brought back


class KvCache:
    """One model's KV cache: `slots` are its books, `host` the memory that states are offloaded to.

    At most `resting` tokens that only idle sequences hold stay beside those at work (None: as many
    as there are cells for); what is beyond is offloaded while host memory has room for it.
    `restored` counts the tokens that came back from there.
    """

    def __init__(self, runner: ModelRunner, host: HostCache, resting: int | None = None) -> None:
        self.slots = Slots(runner.cells, runner.slots, can_truncate=runner.can_truncate)
        self.host = host
        self.restored = 0
        self._resting = resting if runner.can_truncate and host.budget else None
        self._runner = runner
        self._bytes = 0.0  # of a saved token, as measured
        self._restoring: float | None = None  # seconds a byte, as measured

    def stored(self, tokens: array[int]) -> int:
        """The longest stored prefix of `tokens` that can be continued."""
        return self.slots.longest(tokens)[0]

    def admit(self, request: Request, now: float, seconds_per_token: float) -> bool:
        """Give a request its slot, with as much of its prompt as is stored in the cache or in host
        memory. False: it has to wait for cells. Reading a token anew takes `seconds_per_token`."""
        limit = request.reusable
        holder = self.slots.longest(request.tokens[:limit])[1]
        while self.slots.full and (least := self.slots.least(now, holder)) is not None:
            self._evict(least)
        claim = self.slots.claim(
            request.tokens, reserve=request.reserve, room=request.room, now=now, limit=limit
        )
        if claim is None:
            return False
        for move in claim.moves:
            self._runner.move(move)
        request.slot, request.done = claim.slot, claim.reused
        if not self._runner.can_truncate:
            matched = min(self.slots.matched(request.tokens), limit)
            ends = (matched, request.stable or 0, limit if request.scored is not None else 0)
            request.checkpoints = sorted({n for n in ends if n > request.done})
        while self.slots.wanting() and (least := self.slots.least(now)) is not None:
            self._evict(least)
        self._restore(request, limit, seconds_per_token)
        self._make_light(now)
        return True

    def grow(self, request: Request, tokens: array[int], now: float) -> None:
        """A request's next tokens were evaluated."""
        self.slots.grow(request.slot, tokens)
        request.done += len(tokens)
        if request.done in request.checkpoints:
            self._checkpoint(request, now)

    def release(self, request: Request, *, keep: bool) -> None:
        """A request has ended. `keep`: what it evaluated stays to be reused, as far as a next
        prompt may have it too."""
        slot = request.slot
        passing = request.stable is not None or request.scored is not None
        if not keep or (passing and not self._runner.can_truncate):
            self._runner.move(self.slots.drop(slot))
            return
        if request.scored is not None:
            self._runner.move(self.slots.keep(slot, min(request.done, request.scored - 1)))
        if request.stable is not None and request.stable < request.done:
            self._runner.move(self.slots.keep(slot, request.stable))
        move = self.slots.release(slot, time.monotonic())
        if move is not None:
            self._runner.move(move)

    def offload_all(self) -> None:
        """Save every idle sequence as a whole, so that it can be written to a file."""
        for slot in self.slots.idle:
            self._offload(slot, whole=True)

    def clear(self) -> None:
        """Empty the cache and its books; host memory stays."""
        self._runner.clear()
        self.slots.clear()

    def _checkpoint(self, request: Request, now: float) -> None:
        """Keep a copy of the state so far, for memory that cannot be truncated afterwards."""
        if self.slots.full and (least := self.slots.least(now)) is not None:
            self._evict(least)
        forked = self.slots.fork(request.slot, room=request.room, now=now)
        if forked is not None:
            self._runner.move(forked[1])

    def _make_light(self, now: float) -> None:
        """Offload idle sequences beyond `resting`, those worth least first."""
        if self._resting is None:
            return
        running = set(self.slots.running)
        while self.slots.tree.without(running) > self._resting:
            least = self.slots.least(now)
            if least is None:
                return
            if self.host.bytes + self._bytes * self.slots.own(least) > self.host.budget:
                return  # it would push another one out, which then has to be read again
            self._evict(least)

    def _evict(self, slot: int) -> None:
        """An idle slot gives up its cells; what only it holds is offloaded to host memory."""
        self._offload(slot)
        self._runner.move(self.slots.drop(slot))

    def _offload(self, slot: int, whole: bool = False) -> None:
        length = self.slots.tree.length(slot)
        start = 0 if whole or not self._runner.can_truncate else length - self.slots.own(slot)
        if length - start < WORTH_SAVING or not self.host.budget:
            return
        began = time.monotonic()
        data = self._runner.save(slot, start)
        self._restoring = (time.monotonic() - began) / max(1, len(data))
        self._bytes = len(data) / (length - start)
        self.host.put(SavedState(self.slots.tree.tokens(slot), start, data, began))

    def _restore(self, request: Request, limit: int, seconds_per_token: float) -> None:
        """Bring back what host memory holds of a prompt, state after state, as long as that is
        cheaper than evaluating it: the cards may lie in one, the room's own turns in another."""
        whole = not self._runner.can_truncate
        prompt = request.tokens[:limit]
        while True:
            end, saved = self.host.find(prompt, request.done, whole=whole)
            if saved is None:
                return
            reading = (end - request.done) * seconds_per_token
            bringing = len(saved.data) * (self._restoring or 0.0)
            # All of the state has to find cells for a moment, also what is not wanted of it.
            extra = len(saved.tokens) - saved.start - (end - request.done)
            if reading < bringing or extra > self.slots.spare:
                return
            if whole:
                self._runner.move(self.slots.keep(request.slot, 0, reserve=request.done))
                request.done = 0
            loaded = self._runner.load(request.slot, saved.data, request.done, end)
            if end == len(saved.tokens) or not loaded:
                self.host.take(saved)
            if not loaded:
                return
            self.slots.grow(request.slot, prompt[request.done : end])
            self.restored += end - request.done
            request.done = end
