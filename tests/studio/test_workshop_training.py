"""A tiny voice is planned and trained by jobs of the workshop, form by form."""

# slow: torch, in processes of its own

import time

import pytest

from bot.jobs import Jobs
from bot.platforms.studio.hosting.commands import COMMANDS, Wares
from tests.trainer.conftest import internlm2, pieces, seed_files, tuning  # noqa: F401

BY_ID = {command.id: command for command in COMMANDS}


@pytest.fixture
def workshop(tmp_path, monkeypatch, tuning):  # noqa: F811
    monkeypatch.setenv("MRP_MODELS", str(tmp_path / "none"))
    jobs = Jobs(tmp_path / "jobs", tmp_path / "workshop")
    recipes = jobs.workshop / "recipes"
    recipes.mkdir(parents=True)
    tuning(recipes / "tiny.toml", epochs="1", accumulate="4")
    return jobs


def done(jobs, name, **chosen):
    """Run a form's command to its end, as the page does."""
    command = BY_ID[name]
    argv = command.argv(Wares.of(jobs.workshop), chosen)
    job = jobs.start(name, argv, command.about(chosen))
    end = time.monotonic() + 240
    while (found := jobs.find(job.id)).state == "running":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert found.state == "done", jobs.log(job.id)
    return found


@pytest.mark.timeout(900)
def test_a_tiny_training_to_its_losses(workshop):
    job = done(workshop, "plan", recipe="tiny.toml", memory="8GiB")
    assert "GiB" in workshop.log(job.id)
    job = done(workshop, "train", recipe="tiny.toml")
    losses = workshop.losses(job.id)
    assert len(losses) >= 3
    assert [step for step, _ in losses] == list(range(1, len(losses) + 1))
    assert losses[-1][1] < losses[0][1]
    wares = Wares.of(workshop.workshop)
    assert wares.choices("run") == ("tiny",)
    assert wares.choices("adapter") == ("tiny/adapter",)
