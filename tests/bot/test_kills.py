"""Whoever kills the bot loses no message, and nobody is answered twice (`kills.py` does it)."""

import json
import os
import subprocess
import sys
from pathlib import Path

KILLS = os.environ.get("MRP_KILLS", "12")


def test_a_bot_that_is_killed_again_and_again_loses_nothing_and_says_nothing_twice():
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("kills.py"), "--kills", KILLS, "--seed", "5"],
        capture_output=True,
        text=True,
        timeout=60 + 3 * int(KILLS),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kills"] == int(KILLS)
    assert found["messages"] > int(KILLS)
    assert found["last_status"] == 0
    wrong = {
        what: found[what]
        for what in (
            *("lost", "heard_twice", "answered_twice", "unanswered", "wrong"),
            *("stored_twice", "never_shown", "broken_keys"),
        )
    }
    assert not any(wrong.values()), found
