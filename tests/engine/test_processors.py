"""As many threads as there are cores that this process may use."""

import os

import pytest

from engine.processors import processors


def test_there_is_at_least_one_and_no_more_than_the_machine_has():
    assert 1 <= processors() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_a_process_held_to_one_processor_uses_one():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert processors() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_a_system_without_affinity_counts_half(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert processors() == 4
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == 1
