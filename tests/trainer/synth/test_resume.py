"""Killed with -9 in the middle, the same command goes on and pays for nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from trainer.synth import cli

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("method", ["qa", "ditto"])
def test_a_killed_run_repeats_no_paid_call(
    method: str, ask: Any, script: Any, tmp_path: Path, rows_of: Any
) -> None:
    more = ("--limit", "6", "--workers", "2")
    words = [sys.executable, "-m", "mrp", "synth", *ask(method, *more)]
    script.hang = 7 if method == "ditto" else 3
    run = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert script.hanging.wait(60)
    # The other worker goes on until it hangs too; both are then waiting for an answer.
    while len(script.bodies) < script.hang + 2:
        assert run.poll() is None
    os.kill(run.pid, signal.SIGKILL)
    run.wait(30)
    paid = [json.dumps(body, sort_keys=True) for body in script.answered]
    assert len(paid) == script.hang
    assert not (tmp_path / method).exists(), "no half file under a final name"

    script.hang = None
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    card = json.loads(done.stdout.splitlines()[-1])
    every = Counter(json.dumps(body, sort_keys=True) for body in script.answered)
    assert max(every.values()) == 1, "an answered prompt was asked again"
    assert card["calls"]["kept"] == len(paid)
    assert card["calls"]["asked"] == len(every) - len(paid)

    # An undisturbed run from an empty cache writes the same rows.
    other = ["--cache", str(tmp_path / "other.sqlite"), "-o", str(tmp_path / "fresh")]
    cli.main([*ask(method, *more), *other])
    for name in ("train.jsonl", "held_out.jsonl", "dropped.jsonl"):
        assert rows_of(tmp_path / method / name) == rows_of(tmp_path / "fresh" / name)
