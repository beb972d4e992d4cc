"""Which server a room belongs to."""

from engine.remote.pool import LONGEST_S, Pool

ROOMS = [f"room {n}" for n in range(200)]


def test_rooms_are_spread_and_only_those_of_a_lost_server_move():
    pool = Pool(("a", "b", "c"))
    home = {room: pool.order(room, 0.0)[0] for room in ROOMS}
    assert min(list(home.values()).count(name) for name in "abc") > 40
    pool.away("b", 0.0)
    moved = {room: pool.order(room, 0.0)[0] for room in ROOMS}
    assert all(moved[room] == home[room] for room in ROOMS if home[room] != "b")
    assert set(moved.values()) == {"a", "c"}
    pool.back("b")
    assert {room: pool.order(room, 0.0)[0] for room in ROOMS} == home


def test_pauses_grow_and_end():
    pool, now, pauses = Pool(("a",)), 0.0, []
    for _ in range(10):
        pool.away("a", now)
        pool.away("a", now)  # several requests saw the same absence
        pauses.append(pool.wait("a", now))
        assert pool.order("x", now) == []
        now += pauses[-1]
        assert pool.order("x", now) == ["a"]
        assert pool.absent() == ("a",)
    assert pauses == sorted(pauses)
    assert pauses[0] == 0.5
    assert pauses[-1] == LONGEST_S


def test_a_server_that_says_how_long():
    pool = Pool(("a", "b"))
    pool.away("a", 0.0, 7.0)
    assert pool.wait("a", 1.0) == 6.0
    assert pool.soonest(1.0) == 0.0
    pool.away("b", 0.0, 9.0)
    assert pool.soonest(1.0) == 6.0
