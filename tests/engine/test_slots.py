"""The prefix tree against a cache that is played cell by cell."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.prefix_tree import as_tokens
from engine.slots import Move, Slots


def fill(slots: Slots, tokens: str, **claim: object) -> int:
    """Claim, read and give back; returns the slot."""
    ids = as_tokens(tokens.encode())
    options: dict[str, object] = {"reserve": 0, "room": "", "now": 0.0, **claim}
    got = slots.claim(ids, **options)  # type: ignore[arg-type]
    assert got is not None
    slots.grow(got.slot, ids[got.reused :])
    slots.release(got.slot, float(options["now"]))  # type: ignore[arg-type]
    return got.slot


def longest(slots: Slots, tokens: str) -> int:
    return slots.longest(as_tokens(tokens.encode()))[0]


def test_the_longest_prefix_is_found_wherever_it_lies() -> None:
    slots = Slots(100, 8)
    for tokens in ("cards|room one", "cards|room two", "other"):
        fill(slots, tokens)
    assert longest(slots, "cards|room two, and on") == 14
    assert longest(slots, "cards|room X") == 11
    assert longest(slots, "oXXX") == 1
    assert longest(slots, "nothing") == 0


def test_a_common_prefix_takes_its_cells_once() -> None:
    slots = Slots(100, 8)
    fill(slots, "cards|one", room="1")
    fill(slots, "cards|two", room="2")
    assert slots.used == len("cards|one") + len("two")


def test_a_transcript_grows_in_place() -> None:
    slots = Slots(100, 8)
    first = fill(slots, "cards|one", room="1")
    assert fill(slots, "cards|one, and more", room="1") == first
    assert slots.used == len("cards|one, and more")


def test_a_tail_of_the_same_room_gives_way() -> None:
    slots = Slots(100, 8)
    first = fill(slots, "transcript[tail]", room="1")
    claim = slots.claim(as_tokens(b"transcript, next"), reserve=0, room="1", now=1)
    assert claim is not None
    assert (claim.slot, claim.reused, claim.moves) == (first, 10, (Move("keep", first, 10),))
    assert slots.used == 10


def test_another_listeners_transcript_stays() -> None:
    slots = Slots(200, 8)
    fill(slots, "cards|what everybody heard in that room", room="1")
    fill(slots, "cards|only the late one", room="1")
    assert longest(slots, "cards|what everybody heard in that room") == 39


def test_cells_are_promised_not_just_hoped_for() -> None:
    slots = Slots(30, 8)
    assert slots.claim(as_tokens(b"0123456789"), reserve=10, room="", now=0) is not None
    assert slots.claim(as_tokens(b"abcdefghij"), reserve=1, room="", now=0) is None
    assert slots.claim(as_tokens(b"abcdefghij"), reserve=0, room="", now=0) is not None


def test_idle_slots_make_room_the_least_worth_first() -> None:
    slots = Slots(30, 8)
    fill(slots, "old: 789", now=0)
    fill(slots, "new: 789", now=90)
    assert slots.claim(as_tokens(b"abcdefghij"), reserve=10, room="", now=100) is not None
    assert slots.wanting() == 6
    least = slots.least(100)
    assert least is not None
    slots.drop(least)
    assert longest(slots, "old: ") == 0
    assert longest(slots, "new: ") == 5
    assert slots.wanting() == 0


def test_a_slot_with_nothing_of_its_own_is_given_up() -> None:
    slots = Slots(30, 8)
    fill(slots, "abcdef")
    claim = slots.claim(as_tokens(b"abcdef"), reserve=0, room="2", now=1)
    assert claim is not None
    assert slots.release(claim.slot, 1) == Move("keep", claim.slot, 0)
    assert longest(slots, "abcdef") == 6


def test_what_cannot_be_cut_is_continued_at_its_end_only() -> None:
    slots = Slots(100, 8, can_truncate=False)
    fill(slots, "transcript[tail]")
    assert longest(slots, "transcript, next") == 0
    assert slots.matched(as_tokens(b"transcript, next")) == 10
    assert longest(slots, "transcript[tail] goes on") == 16


def test_a_fork_keeps_the_state_at_a_mark() -> None:
    slots = Slots(100, 8, can_truncate=False)
    claim = slots.claim(as_tokens(b"transcript[tail]"), reserve=0, room="", now=0)
    assert claim is not None
    slots.grow(claim.slot, as_tokens(b"transcript"))
    forked = slots.fork(claim.slot, room="", now=0)
    assert forked is not None
    assert forked[1] == Move("copy", forked[0], 10, claim.slot)
    slots.grow(claim.slot, as_tokens(b"[tail]"))
    assert longest(slots, "transcript, next") == 10


class Cache(RuleBasedStateMachine):
    """llama.cpp's unified cache, played: a slot is a list of cells, a copy shares cells."""

    cells, size = 60, 6

    def __init__(self) -> None:
        super().__init__()
        self.slots = Slots(self.cells, self.size)
        self.cache: dict[int, list[tuple[int, int]]] = {}  # slot -> (cell, token)
        self.wanted: dict[int, list[int]] = {}  # running slot -> tokens still to be read
        self.extra: dict[int, int] = {}
        self.next_cell = 0
        self.now = 0.0

    def do(self, move: Move | None) -> None:
        if move is None:
            return
        if move.kind == "copy":
            assert not self.cache.get(move.slot)
            self.cache[move.slot] = self.cache[move.source][: move.n]
        else:
            self.cache[move.slot] = self.cache.get(move.slot, [])[: move.n]

    @rule(
        stem=st.sampled_from(["", "abc", "abcdefgh", "abcdefghijkl", "abcxyz"]),
        rest=st.text("abxy", min_size=1, max_size=10),
        reserve=st.integers(0, 10),
        room=st.sampled_from(["", "1", "2"]),
    )
    def claim(self, stem: str, rest: str, reserve: int, room: str) -> None:
        tokens = as_tokens((stem + rest).encode())
        self.now += 1
        holder = self.slots.longest(tokens[:-1])[1]
        if self.slots.full and (least := self.slots.least(self.now, holder)) is not None:
            self.do(self.slots.drop(least))
        found = self.slots.longest(tokens[:-1])[0]
        claim = self.slots.claim(
            tokens, reserve=reserve, room=room, now=self.now, limit=len(tokens) - 1
        )
        if claim is None:
            return
        assert claim.reused == found
        for move in claim.moves:
            self.do(move)
        held = self.cache.setdefault(claim.slot, [])
        assert [token for _, token in held] == list(tokens[: claim.reused])
        while self.slots.wanting():
            least = self.slots.least(self.now)
            assert least is not None, "a promise that cannot be kept"
            self.do(self.slots.drop(least))
        self.wanted[claim.slot] = list(tokens[claim.reused :])
        self.extra[claim.slot] = reserve

    @precondition(lambda self: self.wanted)
    @rule(data=st.data(), n=st.integers(1, 6))
    def read(self, data: st.DataObject, n: int) -> None:
        slot = data.draw(st.sampled_from(sorted(self.wanted)))
        tokens = self.wanted[slot][:n]
        if not tokens and self.extra[slot]:
            tokens, self.extra[slot] = [120], self.extra[slot] - 1
        self.wanted[slot] = self.wanted[slot][n:]
        for token in tokens:
            self.cache[slot].append((self.next_cell, token))
            self.next_cell += 1
        if tokens:
            self.slots.grow(slot, as_tokens(tokens))

    @precondition(lambda self: self.wanted)
    @rule(data=st.data(), keep=st.booleans())
    def end(self, data: st.DataObject, keep: bool) -> None:
        slot = data.draw(st.sampled_from(sorted(self.wanted)))
        del self.wanted[slot]
        if keep:
            self.do(self.slots.keep(slot, self.slots.tree.length(slot) // 2))
            self.do(self.slots.release(slot, self.now))
        else:
            self.do(self.slots.drop(slot))

    @invariant()
    def the_books_are_right(self) -> None:
        for slot in [*self.slots.idle, *self.slots.running]:
            held = self.cache.get(slot, [])
            assert list(self.slots.tree.tokens(slot)) == [token for _, token in held]
            others = {
                cell
                for name in [*self.slots.idle, *self.slots.running]
                if name != slot
                for cell, _ in self.cache.get(name, [])
            }
            assert self.slots.own(slot) == sum(cell not in others for cell, _ in held)
        used = {cell for cells in self.cache.values() for cell, _ in cells}
        assert self.slots.used == len(used) <= self.cells


TestCache = Cache.TestCase
TestCache.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


def test_a_sequence_that_can_never_fit_waits_for_ever_not_aborts() -> None:
    slots = Slots(10, 2)
    assert slots.claim(as_tokens(b"x" * 11), reserve=0, room="", now=0) is None


@pytest.mark.parametrize("can_truncate", [True, False])
def test_clearing_leaves_nothing(can_truncate: bool) -> None:
    slots = Slots(50, 4, can_truncate=can_truncate)
    fill(slots, "abc")
    fill(slots, "abd")
    slots.clear()
    assert (slots.used, slots.idle, slots.running) == (0, [], [])
