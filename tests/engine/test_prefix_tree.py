"""The tree holds each stretch of tokens once, whatever slots share it."""

import random

import pytest

from engine.prefix_tree import PrefixTree, as_tokens, common


def tree(*sequences: list[int]) -> PrefixTree:
    made = PrefixTree()
    for slot, tokens in enumerate(sequences):
        made.add(slot)
        made.append(slot, as_tokens(tokens))
    return made


def test_how_far_two_arrays_agree():
    assert common(as_tokens([1, 2, 3]), as_tokens([1, 2, 4])) == 2
    assert common(as_tokens([9, 1, 2]), as_tokens([1, 2, 4]), 1) == 2
    assert common(as_tokens([1]), as_tokens([])) == 0
    assert common(as_tokens([1]), as_tokens([1]), 5) == 0


def test_what_is_shared_is_counted_once_and_stays_while_anybody_holds_it():
    made = tree([1, 2, 3, 4])
    made.share(0, 1, 3)
    made.append(1, as_tokens([7, 8]))
    assert made.used == 6
    assert list(made.tokens(1)) == [1, 2, 3, 7, 8]
    assert made.shares(0, 1, 3)
    assert not made.shares(0, 1, 4)
    made.remove(0)
    assert made.used == 5
    assert list(made.tokens(1)) == [1, 2, 3, 7, 8]
    made.remove(1)
    assert (made.used, made.peak) == (0, 6)
    assert list(made.nodes()) == []


def test_a_prompt_is_followed_along_every_path():
    made = tree([1, 2, 3])
    made.share(0, 1, 2)
    made.append(1, as_tokens([5]))
    found = {(n, whole) for n, _, whole in made.matching(as_tokens([1, 2, 5, 6]))}
    assert (3, True) in found
    assert max(found) == (3, True)


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_changes_keeps_every_slot_as_a_list_would(seed):
    chance = random.Random(seed)
    made, lists, cells = PrefixTree(), dict[int, list[int]](), 0
    for step in range(120):
        doing = chance.choice(["append", "share", "truncate", "remove"])
        if doing == "append" or not lists:
            slot = chance.choice(sorted(lists) or [-1]) if lists and chance.random() < 0.7 else step
            if slot not in lists:
                made.add(slot)
                lists[slot] = []
            tokens = [chance.randrange(3) for _ in range(chance.randint(1, 5))]
            made.append(slot, as_tokens(tokens))
            lists[slot] += tokens
            continue
        slot = chance.choice(sorted(lists))
        if doing == "share" and lists[slot]:
            n = chance.randint(1, len(lists[slot]))
            made.share(slot, 1000 + step, n)
            lists[1000 + step] = lists[slot][:n]
        elif doing == "truncate":
            n = chance.randint(0, len(lists[slot]))
            made.truncate(slot, n)
            lists[slot] = lists[slot][:n]
        elif doing == "remove":
            made.remove(slot)
            del lists[slot]
        for each, tokens in lists.items():
            assert list(made.tokens(each)) == tokens
            assert made.length(each) == len(tokens)
        assert made.used == sum(len(node.tokens) for node in made.nodes())
        cells = max(cells, made.used)
        assert made.peak >= cells
