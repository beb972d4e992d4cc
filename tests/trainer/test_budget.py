"""A run that goes by the clock."""

import time

import pytest
import torch

from trainer.budget import Budget


def budget(tmp_path, monkeypatch, seconds=100.0, steps=1000, warmup=0.01):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return Budget(seconds, steps, warmup, tmp_path / "spent.json"), now


def test_the_rate_falls_to_zero_by_the_deadline(tmp_path, monkeypatch):
    made, now = budget(tmp_path, monkeypatch)
    assert made.rate(0) == pytest.approx(0.1), "warming up"
    rates = []
    for step, now[0] in enumerate(range(0, 101, 20), start=20):
        rates.append(made.rate(step))
    assert rates == pytest.approx([0.98, 0.8, 0.6, 0.4, 0.2, 0.0])


def test_steps_end_it_when_there_are_few(tmp_path, monkeypatch):
    made, now = budget(tmp_path, monkeypatch, steps=10)
    now[0] = 1.0
    assert made.rate(5) == pytest.approx(0.5)
    assert made.rate(10) == 0.0


def test_it_stops_on_time_and_counts_interrupted_calls(tmp_path, monkeypatch):
    made, now = budget(tmp_path, monkeypatch)
    control = type("", (), {"should_training_stop": False})()
    made.on_train_begin(None, None, control)
    now[0] = 60.0
    made.on_step_end(None, None, control)
    assert not control.should_training_stop
    again, now = budget(tmp_path, monkeypatch)
    again.on_train_begin(None, None, control)
    assert again.rate(100) == pytest.approx(0.4)
    now[0] = 41.0
    again.on_step_end(None, None, control)
    assert control.should_training_stop


def test_a_broken_count_begins_anew(tmp_path, monkeypatch):
    (tmp_path / "spent.json").write_text("{")
    made, _ = budget(tmp_path, monkeypatch)
    assert made.before == 0


def test_the_optimizer_follows(tmp_path, monkeypatch):
    made, now = budget(tmp_path, monkeypatch, steps=100, warmup=0.0)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=2.0)
    schedule = made.scheduler(optimizer)
    now[0] = 50.0
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [pytest.approx(1.0)]
