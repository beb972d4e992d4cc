"""Host memory for idle rooms: a budget, what can be joined, and a file that may be damaged."""

from __future__ import annotations

from array import array
from pathlib import Path

from engine.offload import HostCache, SavedState


def saved(text: str, start: int = 0, when: float = 0.0, size: int = 10) -> SavedState:
    return SavedState(array("i", list(text.encode())), start, bytes(size), when)


def ids(text: str) -> array[int]:
    return array("i", list(text.encode()))


def test_the_budget_is_kept_and_the_least_worth_goes() -> None:
    host = HostCache(25)
    host.put(saved("long and old", when=0))
    host.put(saved("ab", when=1))
    host.put(saved("young one", when=2))
    assert (len(host), host.bytes) == (2, 20)
    assert host.find(ids("ab"), 0, whole=False)[1] is None
    host.put(saved("too big", size=26))
    assert len(host) == 2


def test_a_longer_state_replaces_what_it_contains() -> None:
    host = HostCache(100)
    host.put(saved("abc"))
    host.put(saved("abcdef"))
    assert len(host) == 1


def test_only_what_joins_the_stored_prefix_is_found() -> None:
    host = HostCache(100)
    host.put(saved("cards|room", start=6))
    assert host.find(ids("cards|room!"), 3, whole=False) == (3, None)
    end, found = host.find(ids("cards|rooX"), 6, whole=False)
    assert end == 9
    assert found is not None
    assert host.find(ids("cards|rooX"), 6, whole=True) == (6, None)
    host.take(found)
    assert (len(host), host.bytes) == (0, 0)


def test_a_file_takes_it_over_for_the_same_model_only(tmp_path: Path) -> None:
    path = tmp_path / "state"
    host = HostCache(1000)
    host.put(saved("one"))
    host.put(saved("two"))
    host.put(saved("joined", start=2))
    host.write(path, "model a")
    again = HostCache(1000)
    again.read(path, "model a", 5.0)
    assert len(again) == 2  # what begins elsewhere is of no use by itself
    other = HostCache(1000)
    other.read(path, "model b", 5.0)
    other.read(tmp_path / "missing", "model b", 5.0)
    assert len(other) == 0


def test_a_damaged_file_gives_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    host = HostCache(1000)
    host.put(saved("one"))
    host.put(saved("two"))
    host.write(path, "m")
    data = path.read_bytes()
    for cut in range(0, len(data), 7):
        path.write_bytes(data[:cut])
        again = HostCache(1000)
        again.read(path, "m", 0.0)
        assert len(again) <= 1
    for at in range(0, len(data), 5):
        path.write_bytes(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :])
        HostCache(1000).read(path, "m", 0.0)
