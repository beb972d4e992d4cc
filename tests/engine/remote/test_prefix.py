"""What `benchmarks.prefix` counts with."""

from __future__ import annotations

from benchmarks.prefix import new_tokens, rooms_of
from engine.remote.pool import Pool


def test_a_token_is_new_where_no_other_prompt_goes_on_alike() -> None:
    assert new_tokens([]) == 0
    assert new_tokens([[1, 2, 3]] * 4) == 3
    assert new_tokens([[1, 2, 3], [1, 2, 3, 4], [1, 2, 9], [7, 2, 3]]) == 3 + 1 + 1 + 3
    assert new_tokens([[1, 2, 9], [7], [1, 2, 3, 4], [1, 2, 3]]) == 6  # in any order


def test_each_server_has_as_many_rooms() -> None:
    servers = ("127.0.0.1:1", "127.0.0.1:2")
    rooms = rooms_of(servers, 4)
    assert len(set(rooms)) == 4
    assert [Pool(servers).order(room, 0.0)[0] for room in rooms].count(servers[0]) == 2
    assert len(rooms_of(servers[:1], 3)) == 3
