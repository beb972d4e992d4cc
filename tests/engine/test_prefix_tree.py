"""The tree of what lies in the KV cache; tests/engine/test_slots.py plays it against a cache."""

from array import array

from engine.prefix_tree import PrefixTree, as_tokens, common


def test_common_counts_from_a_start() -> None:
    assert common(array("i", [9, 1, 2, 3]), array("i", [1, 2, 4]), 1) == 2
    assert common(array("i"), array("i", [1])) == 0


def test_shared_stretches_are_counted_once_and_split_where_slots_part() -> None:
    tree = PrefixTree()
    for slot in (0, 1):
        tree.add(slot)
    tree.append(0, as_tokens(b"cards|one"))
    tree.share(0, 1, 6)
    tree.append(1, as_tokens(b"two"))
    assert (tree.used, tree.length(1)) == (12, 9)
    assert bytes(list(tree.tokens(1))) == b"cards|two"
    assert tree.shares(0, 1, 6)
    assert not tree.shares(0, 1, 7)
    assert max(depth for depth, _, _ in tree.matching(as_tokens(b"cards|tXX"))) == 7
    tree.truncate(0, 2)
    assert (tree.used, bytes(list(tree.tokens(0)))) == (9, b"ca")
    tree.remove(1)
    assert (tree.used, tree.peak) == (2, 12)
