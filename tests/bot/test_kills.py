"""Whoever kills the bot loses no message, and nobody is answered twice (`kills.py` does it)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = os.environ.get("MRP_KILLS", "12")
WAYS = {
    "the bot": [],
    "Redis as well, and during the start": ["--redis", "0.5", "--starts", "0.3"],
    "on the embedded server": ["--embedded", "--redis", "0.5", "--starts", "0.3"],
    "on a cluster": ["--cluster", "--redis", "0.4", "--starts", "0.2"],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_bot_that_is_killed_again_and_again_loses_nothing_and_says_nothing_twice(way):
    script = Path(__file__).with_name("kills.py")
    done = subprocess.run(
        [sys.executable, script, "--kills", KILLS, "--seed", "5", *WAYS[way]],
        capture_output=True,
        text=True,
        timeout=120 + 10 * int(KILLS),
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
            *("stored_twice", "never_shown", "broken_keys", "servers_left"),
        )
    }
    assert not any(wrong.values()), found
