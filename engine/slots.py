"""What lies in the KV cache: a prefix tree over every sequence, pure bookkeeping without a model.

    cards and world ──┬── room 1's transcript ── the reply being written     slot 3, running
                      ├── room 2's transcript                                slot 0, idle
                      └── room 2's transcript, cut by half ── …              slot 5, idle

A slot is one of llama.cpp's sequence ids; it covers the path from the root to its end. A node is a
stretch of tokens that was read once and lies in the cache once, for all slots that hold it. Slots
that write are running; the others are idle and there to be reused, until their room is needed.

Memory that cannot be cut (recurrent and hybrid models) knows a sequence's state at its end only: a
stored prefix then counts where some slot ends exactly there.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np


def as_tokens(tokens: Iterable[int]) -> array[int]:
    """Any sequence of token ids as the array that the engine keeps."""
    return array("i", list(tokens))


def common(one: array[int], other: array[int], start: int = 0) -> int:
    """How many tokens from `start` on two arrays have in common (`other` from its beginning)."""
    n = min(len(one) - start, len(other))
    if n <= 0:
        return 0
    left = np.frombuffer(one, np.int32, n, start * one.itemsize)
    differing = np.flatnonzero(left != np.frombuffer(other, np.int32, n))
    return int(differing[0]) if differing.size else n


@dataclass(frozen=True, slots=True)
class Move:
    """What llama.cpp's memory is to do: copy `n` tokens of `source` to `slot`, or keep `n` only."""

    kind: Literal["copy", "keep"]
    slot: int
    n: int
    source: int = -1


@dataclass(slots=True, eq=False)
class Node:
    """A stretch of tokens, the slots that hold it, and what follows it in one or the other."""

    tokens: array[int]
    parent: Node | None
    holders: set[int] = field(default_factory=set)
    children: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Slot:
    """One sequence id: where it ends, how many tokens it holds, whose it is, when it was last used.

    `reserved` are cells promised to it beyond what it holds.
    """

    end: Node
    length: int
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
    """The prefix tree. `cells` is the cache's size in tokens, `slots` its number of sequences."""

    def __init__(self, cells: int, slots: int, *, cuttable: bool = True) -> None:
        self.cells = cells
        self.cuttable = cuttable
        self.used = 0  # cells that hold a token
        self.peak = 0
        self._root = Node(array("i"), None)
        self._slots: dict[int, Slot] = {}
        self._free = list(range(slots - 1, -1, -1))

    # -- looking ---------------------------------------------------------------------------------

    def longest(self, tokens: array[int]) -> tuple[int, int | None]:
        """The longest stored prefix of `tokens` that can be continued, and a slot that holds it."""
        best: tuple[int, int | None] = (0, None)
        for depth, node, whole in self._matching(tokens):
            if depth > best[0]:
                if self.cuttable:
                    best = (depth, next(iter(node.holders)))
                elif whole and (ending := [n for n in node.holders if self._slots[n].end is node]):
                    best = (depth, ending[0])
        return best

    def matched(self, tokens: array[int]) -> int:
        """How many tokens at the front were read before, whether they can be continued or not."""
        return max((depth for depth, _, _ in self._matching(tokens)), default=0)

    def length(self, slot: int) -> int:
        return self._slots[slot].length

    def tokens(self, slot: int) -> array[int]:
        """All tokens that a slot holds, from the first on."""
        out = array("i")
        for node in reversed(list(self._path(slot))):
            out.extend(node.tokens)
        return out

    def own(self, slot: int) -> int:
        """Tokens that would be lost with this slot, and have to be read again."""
        path = list(self._path(slot))
        if self.cuttable:
            return sum(len(node.tokens) for node in path if len(node.holders) == 1)
        lost = 0  # back to the next state that another slot keeps
        for node in path:
            if any(other != slot and self._slots[other].end is node for other in node.holders):
                break
            lost += len(node.tokens)
        return lost

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
        stand in the way, but have to make room afterwards: `wanting` says for how many cells.
        """
        prefix = tokens if limit is None else tokens[:limit]
        reused, holder = self.longest(prefix)
        if not self._fits(len(tokens) - reused + reserve, reused, holder):
            return None
        heir = self._heir(reused, holder, room)
        moves: tuple[Move, ...]
        if heir is not None:
            name = heir
            moves = (Move("keep", name, reused),) if self.length(name) > reused else ()
            self._cut(name, reused)
            slot = self._slots[name]
            slot.running, slot.room, slot.used = True, room, now
        else:
            if not self._free:
                return None
            name = self._free.pop()
            moves = (Move("copy", name, reused, holder),) if holder is not None else ()
            self._slots[name] = slot = Slot(self._root, 0, room, now)
            if holder is not None:
                self._share(holder, name, reused)
        slot.reserved = len(tokens) - reused + reserve
        return Claim(name, reused, moves)

    def fork(self, slot: int, *, room: str, now: float) -> tuple[int, Move] | None:
        """An idle slot that keeps what `slot` holds now, for memory that cannot be cut."""
        if not self._free:
            return None
        name = self._free.pop()
        n = self.length(slot)
        self._slots[name] = Slot(self._root, 0, room, now, running=False)
        self._share(slot, name, n)
        return name, Move("copy", name, n, slot)

    def grow(self, slot: int, tokens: array[int]) -> None:
        """These tokens were evaluated at the slot's end."""
        state = self._slots[slot]
        end = state.end
        if end is not self._root and end.holders == {slot} and not end.children:
            end.tokens.extend(tokens)
        else:
            node = Node(array("i", tokens), end, {slot})
            end.children.append(node)
            state.end = node
        state.length += len(tokens)
        state.reserved = max(0, state.reserved - len(tokens))
        self.used += len(tokens)
        self.peak = max(self.peak, self.used)

    def keep(self, slot: int, n: int) -> Move:
        """Forget all but the first `n` tokens of a slot."""
        self._cut(slot, n)
        return Move("keep", slot, n)

    def reserve(self, slot: int, cells: int) -> None:
        """Promise a running slot more cells."""
        self._slots[slot].reserved += cells

    def release(self, slot: int, now: float) -> Move | None:
        """The sequence has ended; what it holds stays to be reused. A slot that holds nothing of
        its own is given up at once."""
        state = self._slots[slot]
        state.running, state.reserved, state.used = False, 0, now
        return self.drop(slot) if self.own(slot) == 0 else None

    def drop(self, slot: int) -> Move:
        """Give up a slot and all that it alone holds."""
        self._cut(slot, 0)
        del self._slots[slot]
        self._free.append(slot)
        return Move("keep", slot, 0)

    def clear(self) -> None:
        """The cache was emptied."""
        for slot in list(self._slots):
            self.drop(slot)

    # -- making room -----------------------------------------------------------------------------

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
        kept = sum(len(n.tokens) for n in self._nodes() if not running.isdisjoint(n.holders))
        if holder is not None:
            depth = 0
            for node in reversed(list(self._path(holder))):
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
        if holder is None or not self.cuttable:  # a state that goes on is no longer there to copy
            return None
        mine = [name for name in self.idle if self._slots[name].room == room]
        for name in sorted(mine, key=lambda name: abs(self._slots[name].length - reused)):
            length = self._slots[name].length
            lost = length - reused
            if (lost == 0 or (room and lost <= reused)) and self._holds(name, holder, reused):
                return name
        return None

    def _holds(self, name: int, holder: int, n: int) -> bool:
        """Whether two slots share their first `n` tokens."""
        mine = {id(node) for node in self._path(name)}
        covered = 0
        for node in reversed(list(self._path(holder))):
            if covered >= n:
                return True
            if id(node) not in mine:
                return False
            covered += len(node.tokens)
        return covered >= n

    # -- the tree --------------------------------------------------------------------------------

    def _path(self, slot: int) -> Iterator[Node]:
        """From a slot's end up to the root, without the root."""
        node = self._slots[slot].end
        while node.parent is not None:
            yield node
            node = node.parent

    def _nodes(self) -> Iterator[Node]:
        stack = list(self._root.children)
        while stack:
            node = stack.pop()
            yield node
            stack += node.children

    def _matching(self, tokens: array[int]) -> Iterator[tuple[int, Node, bool]]:
        """Nodes along which `tokens` can be followed: how far, and whether to the node's end.

        What two slots read at the same time lies there twice, so there may be several paths.
        """
        stack = [(self._root, 0)]
        while stack:
            node, depth = stack.pop()
            for child in node.children:
                n = common(tokens, child.tokens, depth)
                if n:
                    whole = n == len(child.tokens)
                    yield depth + n, child, whole
                    if whole:
                        stack.append((child, depth + n))

    def _split(self, node: Node, n: int) -> None:
        """Make the first `n` tokens of a node a node of their own, above it."""
        assert node.parent is not None
        assert 0 < n < len(node.tokens)
        above = Node(node.tokens[:n], node.parent, set(node.holders), [node])
        node.parent.children[node.parent.children.index(node)] = above
        node.tokens, node.parent = node.tokens[n:], above

    def _at(self, slot: int, n: int) -> Node:
        """The node in which a slot's first `n` tokens end, split so that they end there exactly."""
        if n == 0:
            return self._root
        below = self._slots[slot].length
        for node in self._path(slot):
            above = below - len(node.tokens)
            if above < n:
                if n < below:
                    self._split(node, n - above)
                    assert node.parent is not None
                    return node.parent
                return node
            below = above
        raise AssertionError(f"slot {slot} holds {self._slots[slot].length} tokens, not {n}")

    def _share(self, source: int, slot: int, n: int) -> None:
        end = self._at(source, n)
        self._slots[slot].end, self._slots[slot].length = end, n
        for node in self._path(slot):
            node.holders.add(slot)

    def _cut(self, slot: int, n: int) -> None:
        state = self._slots[slot]
        if state.length <= n:
            return
        stop = self._at(slot, n)
        node = state.end
        while node is not stop:
            assert node.parent is not None
            node.holders.discard(slot)
            if not node.holders:  # then it has no children either
                node.parent.children.remove(node)
                self.used -= len(node.tokens)
            node = node.parent
        state.end, state.length = stop, n
