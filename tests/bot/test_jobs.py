"""Jobs: one at a time, in processes that outlast who began them; cancelled, broken off, resumed."""

import os
import signal
import time

import pytest

from bot.jobs import KEPT, LOG_HALF, Busy, JobProblem, Jobs, loss_of, steps_of

# A command that says what it is told, and ends when a file is there.
PROGRAM = """
import os, pathlib, signal, sys, time
what, *rest = sys.argv[1:]
print("begun with", *rest, flush=True)
print("token" if any("TOKEN" in key for key in os.environ) else "no token", flush=True)
if what == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for step in range(1, 4):
    print(f"training: {step} of 3, loss {4 - step}.5 · 10 tokens/s", flush=True)
if what == "wait":
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
if what == "much":
    for _ in range(40):
        print("x" * 65_000, flush=True)
    print("the end", flush=True)
sys.exit(3 if what == "fail" else 0)
"""


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    made = Jobs(tmp_path / "jobs", tmp_path / "workshop", program)
    yield made
    (tmp_path / "workshop").mkdir(exist_ok=True)
    (tmp_path / "workshop" / "go").touch()
    if running := made.running():
        ended(made, running.id)


def until(true, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def ended(jobs, job_id):
    until(lambda: jobs.find(job_id).state != "running")
    return jobs.find(job_id)


def test_a_job_runs_to_its_end_and_says_how_far_it_is(jobs):
    job = ended(jobs, jobs.start("train", ["say", "a", "b"], "mine").id)
    assert (job.state, job.status, job.done, job.of, job.about) == ("done", 0, 3, 3, "mine")
    assert job.ended >= job.begun
    assert jobs.log(job.id).startswith("begun with a b\nno token\n")
    assert jobs.losses(job.id) == [(1, 3.5), (2, 2.5), (3, 1.5)]
    with pytest.raises(JobProblem, match="is done"):
        jobs.resume(job.id)
    failed = ended(jobs, jobs.start("train", ["fail"]).id)
    assert (failed.state, failed.status) == ("failed", 3)
    assert [each.id for each in jobs.all()] == [failed.id, job.id]


def test_one_at_a_time_and_it_outlasts_who_began_it(jobs):
    first = jobs.start("train", ["wait"])
    until(lambda: jobs.find(first.id).minder)
    with pytest.raises(Busy):
        jobs.start("train", ["say"])
    again = Jobs(jobs.folder, jobs.workshop, jobs.program)  # the studio was started anew
    running = again.running()
    assert running is not None
    assert running.id == first.id
    (jobs.workshop / "go").touch()
    assert ended(again, first.id).state == "done"


@pytest.mark.parametrize("what", ["wait"])
def test_cancelled_and_gone_on_with(jobs, what):
    job = jobs.start("train", [what])
    until(lambda: "3 of 3" in jobs.log(job.id))
    jobs.cancel(job.id)
    found = ended(jobs, job.id)
    assert (found.state, found.cancelled) == ("cancelled", True)
    with pytest.raises(JobProblem, match="not running"):
        jobs.cancel(job.id)
    (jobs.workshop / "go").touch()
    jobs.resume(job.id, more=["--resume"])
    found = ended(jobs, job.id)
    assert found.state == "done"
    assert found.argv == (what, "--resume")
    assert "begun with --resume" in jobs.log(job.id)


def test_broken_off_is_found_out_and_resumed(jobs):
    job = jobs.start("train", ["wait"])
    until(lambda: "3 of 3" in jobs.log(job.id))
    os.kill(int(jobs.find(job.id).minder.split("/")[-2]), signal.SIGKILL)
    assert ended(jobs, job.id).state == "broken off"
    # Its command still runs and holds the lock: nothing else is begun beside it.
    other = jobs.start("train", ["say"])
    assert ended(jobs, other.id).state == "failed"
    assert "one at a time" in jobs.log(other.id)
    (jobs.workshop / "go").touch()

    def resumed():
        jobs.resume(job.id)
        return ended(jobs, job.id).state == "done"

    until(resumed)


def test_a_log_is_bounded_and_ends_with_the_newest(jobs):
    job = ended(jobs, jobs.start("train", ["much"]).id)
    sizes = [f.stat().st_size for f in (jobs.folder / job.id).iterdir()]
    assert max(sizes) < LOG_HALF + 100_000
    assert jobs.log(job.id, 100).rstrip().endswith("the end")


def test_forged_ids_and_broken_folders_are_nobody(jobs, tmp_path):
    for forged in ("", "..", "../jobs", "1700000000000-zzzzzz", "x" * 300):
        assert jobs.find(forged) is None
        with pytest.raises(JobProblem, match="no such job"):
            jobs.cancel(forged)
    broken = jobs.folder / "1700000000000-abcdef"
    broken.mkdir(parents=True)
    (broken / "job.json").write_text("{")
    assert jobs.all() == []
    assert KEPT > 1


@pytest.mark.parametrize(
    ("line", "steps", "loss"),
    [
        ("questions: 12 of 300, 4 s, about 90 s left", (12, 300), None),
        ("training: 5 of 50, loss 2.310 · 75 tokens/s", (5, 50), 2.31),
        (" 10%|█         | 5/50 [00:01<00:09,  4.9it/s]", (5, 50), None),
        ("{'loss': 2.3124, 'grad_norm': 0.5, 'learning_rate': 1e-05}", None, 2.3124),
        ("{'eval_loss': 2.3124}", None, None),
        ("chapter 3 of the book, 5/50", None, None),
        ("9 of 3", None, None),
        ("", None, None),
    ],
)
def test_what_a_line_says(line, steps, loss):
    assert (steps_of(line), loss_of(line)) == (steps, loss)
