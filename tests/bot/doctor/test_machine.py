"""What is left of the machine, and when it is too little."""

from __future__ import annotations

import pytest

from bot.doctor.machine import Machine, check_disk, check_load, memory_left

GiB = 1 << 30


def test_the_memory_left_is_read_from_this_machine():
    assert memory_left() > 1 << 20


@pytest.mark.parametrize(
    ("free", "level"), [(50 * GiB, "well"), (1 * GiB, "warning"), (100 << 20, "fault")]
)
def test_the_disk_has_three_levels(free, level, tmp_path):
    machine = Machine(disk=lambda folder: free)
    (finding,) = check_disk(tmp_path / "not" / "yet", "the folder", machine)
    assert finding.level == level
    assert bool(finding.do) == (level != "well")


def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    (finding,) = check_disk(tmp_path, "the folder", Machine())
    assert finding.level == "fault"
    assert "cannot be written" in finding.says


@pytest.mark.parametrize(
    ("load", "threads", "said"),
    [(1.9, None, False), (2.9, None, False), (3.1, None, True), (9.0, 2, True), (9.0, 1, False)],
)
def test_a_busy_machine_is_said_unless_one_thread_is_asked_for(load, threads, said):
    found = check_load(Machine(load=lambda: load, cores=lambda: 2), threads)
    assert bool(found) == said
