"""Sequence slots over the prefix tree: who may evaluate where, and which idle one is evicted.

Slots that are being evaluated are running; the others are idle and there to be reused, until their
cells are needed. Pure bookkeeping without a model: what llama.cpp's memory has to do for it comes
back as `Move`s.

Memory that cannot be truncated (recurrent and hybrid models) knows a sequence's state at its end
only: a stored prefix then counts where some slot ends exactly there.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Literal

from engine.prefix_tree import PrefixTree


@dataclass(frozen=True, slots=True)
class Move:
    """What llama.cpp's memory is to do: copy `n` tokens of `source` to `slot`, or keep `n` only."""

    kind: Literal["copy", "keep"]
    slot: int
    n: int
    source: int = -1


@dataclass(slots=True)
class Slot:
    """One sequence id: whose it is, when it was last used, and whether it is being evaluated.

    `reserved` are cells promised to it beyond what it holds.
    """

    room: str
    used: float
    running: bool = True
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A slot to write in: `reused` of its tokens are there once `moves` are done, in order."""

    slot: int
    reused: int
    moves: tuple[Move, ...]


class Slots:
    """The books of the KV cache: `cells` is its size in tokens, `slots` its number of sequences."""

    def __init__(self, cells: int, slots: int, *, can_truncate: bool = True) -> None:
        self.cells = cells
        self.can_truncate = can_truncate
        self.tree = PrefixTree()
        self._slots: dict[int, Slot] = {}
        self._free = list(range(slots - 1, -1, -1))

    # -- looking ---------------------------------------------------------------------------------

    def longest(self, tokens: array[int]) -> tuple[int, int | None]:
        """The longest stored prefix of `tokens` that can be continued, and a slot that holds it."""
        best: tuple[int, int | None] = (0, None)
        for depth, node, whole in self.tree.matching(tokens):
            if depth > best[0]:
                if self.can_truncate:
                    best = (depth, next(iter(node.holders)))
                elif whole and (
                    ending := [name for name in node.holders if self.tree.end(name) is node]
                ):
                    best = (depth, ending[0])
        return best

    def matched(self, tokens: array[int]) -> int:
        """How many tokens at the front were read before, whether they can be continued or not."""
        return max((depth for depth, _, _ in self.tree.matching(tokens)), default=0)

    def own(self, slot: int) -> int:
        """Tokens that would be lost with this slot, and have to be read again."""
        path = list(self.tree.path(slot))
        if self.can_truncate:
            return sum(len(node.tokens) for node in path if len(node.holders) == 1)
        lost = 0  # back to the next state that another slot keeps
        for node in path:
            if any(other != slot and self.tree.end(other) is node for other in node.holders):
                break
            lost += len(node.tokens)
        return lost

    @property
    def used(self) -> int:
        """Cells that hold a token."""
        return self.tree.used

    @property
    def idle(self) -> list[int]:
        return [name for name, slot in self._slots.items() if not slot.running]

    @property
    def running(self) -> list[int]:
        return [name for name, slot in self._slots.items() if slot.running]

    # -- claiming and giving back ----------------------------------------------------------------

    def claim(
        self, tokens: array[int], *, reserve: int, room: str, now: float, limit: int | None = None
    ) -> Claim | None:
        """A slot for a sequence that starts with `tokens`, of which `reused` are stored already.

        At most `limit` tokens are reused. Cells for the rest and for `reserve` more are promised.
        None: it has to wait, because running sequences hold all slots or cells. Idle slots do not
        stand in the way, but have to be evicted afterwards: `wanting` says for how many cells.
        """
        prefix = tokens if limit is None else tokens[:limit]
        reused, holder = self.longest(prefix)
        if not self._fits(len(tokens) - reused + reserve, reused, holder):
            return None
        heir = self._heir(reused, holder, room)
        moves: tuple[Move, ...]
        if heir is not None:
            name = heir
            moves = (Move("keep", name, reused),) if self.tree.length(name) > reused else ()
            self.tree.truncate(name, reused)
            slot = self._slots[name]
            slot.running, slot.room, slot.used = True, room, now
        else:
            if not self._free:
                return None
            name = self._free.pop()
            moves = (Move("copy", name, reused, holder),) if holder is not None else ()
            self._slots[name] = slot = Slot(room, now)
            self.tree.add(name)
            if holder is not None:
                self.tree.share(holder, name, reused)
        slot.reserved = len(tokens) - reused + reserve
        return Claim(name, reused, moves)

    def fork(self, slot: int, *, room: str, now: float) -> tuple[int, Move] | None:
        """A checkpoint: an idle slot that keeps what `slot` holds now, for memory that cannot be
        truncated. None where no sequence id is free."""
        if not self._free:
            return None
        name = self._free.pop()
        n = self.tree.length(slot)
        self._slots[name] = Slot(room, now, running=False)
        self.tree.add(name)
        self.tree.share(slot, name, n)
        return name, Move("copy", name, n, slot)

    def grow(self, slot: int, tokens: array[int]) -> None:
        """These tokens were evaluated at the slot's end."""
        self.tree.append(slot, tokens)
        state = self._slots[slot]
        state.reserved = max(0, state.reserved - len(tokens))

    def keep(self, slot: int, n: int, reserve: int = 0) -> Move:
        """Forget all but the first `n` tokens of a slot, and promise it `reserve` more cells."""
        self.tree.truncate(slot, n)
        self._slots[slot].reserved += reserve
        return Move("keep", slot, n)

    def release(self, slot: int, now: float) -> Move | None:
        """The sequence has ended; what it holds stays to be reused. A slot that holds nothing of
        its own is given up at once."""
        state = self._slots[slot]
        state.running, state.reserved, state.used = False, 0, now
        return self.drop(slot) if self.own(slot) == 0 else None

    def drop(self, slot: int) -> Move:
        """Give up a slot and all that it alone holds."""
        self.tree.remove(slot)
        del self._slots[slot]
        self._free.append(slot)
        return Move("keep", slot, 0)

    def clear(self) -> None:
        """The cache was emptied."""
        for slot in list(self._slots):
            self.drop(slot)

    # -- eviction --------------------------------------------------------------------------------

    def wanting(self) -> int:
        """Cells that idle slots must give up so that every promise can be kept."""
        return max(0, -self.spare)

    @property
    def spare(self) -> int:
        """Cells that are neither used nor promised."""
        promised = sum(slot.reserved for slot in self._slots.values())
        return self.cells - self.used - promised

    def least(self, now: float, spare: int | None = None) -> int | None:
        """The idle slot worth least: tokens that would have to be read again ÷ time unused."""

        def worth(name: int) -> float:
            return (1 + self.own(name)) / (1.0 + now - self._slots[name].used)

        return min((name for name in self.idle if name != spare), key=worth, default=None)

    @property
    def full(self) -> bool:
        """Every sequence id is taken."""
        return not self._free

    def _fits(self, need: int, reused: int, holder: int | None) -> bool:
        """Whether the promises could be kept if every idle slot went, the prefix's aside."""
        running = set(self.running)
        kept = self.used - self.tree.without(running)
        if holder is not None:
            depth = 0
            for node in reversed(list(self.tree.path(holder))):
                if running.isdisjoint(node.holders):
                    kept += max(0, min(len(node.tokens), reused - depth))
                depth += len(node.tokens)
        promised = sum(self._slots[name].reserved for name in running)
        return kept + promised + need <= self.cells

    def _heir(self, reused: int, holder: int | None, room: str) -> int | None:
        """An idle slot to go on in: one that ends there, or this room's if little is lost by it.

        What a slot of the same room holds beyond the common prefix is a tail or a reply that was
        not kept. But where two listeners of a room heard different things their transcripts part
        early; then both stay, hence "at least half".
        """
        if holder is None or not self.can_truncate:  # a state that goes on is not there to copy
            return None
        mine = [name for name in self.idle if self._slots[name].room == room]
        for name in sorted(mine, key=lambda name: abs(self.tree.length(name) - reused)):
            lost = self.tree.length(name) - reused
            if (lost == 0 or (room and lost <= reused)) and self.tree.shares(name, holder, reused):
                return name
        return None
