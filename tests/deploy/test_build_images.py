"""The script that builds the images without Docker: what can be said without building any.

# slow: starts a shell
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "build-images"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *words], capture_output=True, text=True, timeout=60, check=False)


def test_bash_can_read_it():
    subprocess.run(["bash", "-n", SCRIPT], check=True, timeout=60)


def test_its_help_names_every_option():
    done = run("--help")
    assert done.returncode == 0
    options = set(re.findall(r"^    (--[a-z-]+)\)", SCRIPT.read_text("utf-8"), re.MULTILINE))
    assert len(options) > 4
    assert options <= set(re.findall(r"--[a-z-]+", done.stdout))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--bogus",), "there is no option --bogus"),
        (("--targets", "bot nope"), "there is no image nope"),
        (("--targets", "bot-gpu"), "docker build --target bot-gpu"),
        (("--work",), "--work needs a folder"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(words: tuple[str, ...], says: str):
    done = run(*words)
    assert done.returncode != 0
    assert says in done.stderr
    assert not done.stdout
