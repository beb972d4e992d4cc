"""A prefix tree over token sequences: what lies in the KV cache, stretch by stretch. Pure values.

    cards and world ──┬── room 1's transcript ── the reply being written     slot 3
                      ├── room 2's transcript                                slot 0
                      └── room 2's transcript, truncated ── …                slot 5

A slot is one of llama.cpp's sequence ids; it covers the path from the root to its end. A node is a
stretch of tokens that was evaluated once and lies in the cache once, for all slots that hold it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

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


@dataclass(slots=True, eq=False)
class Node:
    """A stretch of tokens, the slots that hold it, and what follows it in one or the other."""

    tokens: array[int]
    parent: Node | None
    holders: set[int] = field(default_factory=set)
    children: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class End:
    """Where a slot's sequence ends in the tree, and its length in tokens."""

    node: Node
    length: int = 0


class PrefixTree:
    """The tree and each slot's end in it. `used` counts the cells that hold a token, `peak` their
    largest number so far."""

    def __init__(self) -> None:
        self.used = 0
        self.peak = 0
        self._root = Node(array("i"), None)
        self._ends: dict[int, End] = {}

    # -- looking ---------------------------------------------------------------------------------

    def length(self, slot: int) -> int:
        """Tokens that a slot holds."""
        return self._ends[slot].length

    def end(self, slot: int) -> Node:
        """The node in which a slot's sequence ends."""
        return self._ends[slot].node

    def tokens(self, slot: int) -> array[int]:
        """All tokens that a slot holds, from the first on."""
        out = array("i")
        for node in reversed(list(self.path(slot))):
            out.extend(node.tokens)
        return out

    def path(self, slot: int) -> Iterator[Node]:
        """From a slot's end up to the root, without the root."""
        node = self._ends[slot].node
        while node.parent is not None:
            yield node
            node = node.parent

    def without(self, slots: set[int]) -> int:
        """Cells that none of these slots holds."""
        return sum(len(node.tokens) for node in self.nodes() if slots.isdisjoint(node.holders))

    def nodes(self) -> Iterator[Node]:
        """Every node but the root."""
        stack = list(self._root.children)
        while stack:
            node = stack.pop()
            yield node
            stack += node.children

    def matching(self, tokens: array[int]) -> Iterator[tuple[int, Node, bool]]:
        """Nodes along which `tokens` can be followed: how far, and whether to the node's end.

        What two slots evaluated at the same time lies there twice, so there may be several paths.
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

    def shares(self, slot: int, other: int, n: int) -> bool:
        """Whether two slots share their first `n` tokens."""
        mine = {id(node) for node in self.path(slot)}
        covered = 0
        for node in reversed(list(self.path(other))):
            if covered >= n:
                return True
            if id(node) not in mine:
                return False
            covered += len(node.tokens)
        return covered >= n

    # -- changing --------------------------------------------------------------------------------

    def add(self, slot: int) -> None:
        """A slot that holds nothing yet."""
        self._ends[slot] = End(self._root)

    def remove(self, slot: int) -> None:
        """Forget a slot and all that it alone holds."""
        self.truncate(slot, 0)
        del self._ends[slot]

    def append(self, slot: int, tokens: array[int]) -> None:
        """These tokens were evaluated at the slot's end."""
        end = self._ends[slot]
        node = end.node
        if node is not self._root and node.holders == {slot} and not node.children:
            node.tokens.extend(tokens)
        else:
            end.node = Node(array("i", tokens), node, {slot})
            node.children.append(end.node)
        end.length += len(tokens)
        self.used += len(tokens)
        self.peak = max(self.peak, self.used)

    def share(self, source: int, slot: int, n: int) -> None:
        """Let an empty slot hold the first `n` tokens of another."""
        self._ends[slot] = End(self._at(source, n), n)
        for node in self.path(slot):
            node.holders.add(slot)

    def truncate(self, slot: int, n: int) -> None:
        """Forget all but the first `n` tokens of a slot."""
        end = self._ends[slot]
        if end.length <= n:
            return
        stop = self._at(slot, n)
        node = end.node
        while node is not stop:
            assert node.parent is not None
            node.holders.discard(slot)
            if not node.holders:  # then it has no children either
                node.parent.children.remove(node)
                self.used -= len(node.tokens)
            node = node.parent
        end.node, end.length = stop, n

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
        below = self._ends[slot].length
        for node in self.path(slot):
            above = below - len(node.tokens)
            if above < n:
                if n < below:
                    self._split(node, n - above)
                    assert node.parent is not None
                    return node.parent
                return node
            below = above
        raise AssertionError(f"slot {slot} holds {self._ends[slot].length} tokens, not {n}")
