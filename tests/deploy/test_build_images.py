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
        (("--driver", "zfs"), "there is no driver zfs: overlay or vfs"),
        (("--wheels", "/nowhere"), "there is no folder /nowhere"),
        (("--constraints", "/nowhere"), "there is no file /nowhere"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(words: tuple[str, ...], says: str):
    done = run(*words)
    assert done.returncode != 0
    assert says in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    ("mirror", "security"),
    [
        ("http://mirror.example/debian", "http://mirror.example/debian-security"),
        ("https://mirror.example/linux/debian", "https://mirror.example/linux/debian-security"),
        ("http://mirror.example/archive", None),
    ],
)
def test_apt_is_told_where_security_fixes_are(mirror: str, security: str | None):
    found = re.search(r"^sources\(\) \{.*?^\}", SCRIPT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    made = subprocess.run(
        ["bash", "-euc", f'suite=bookworm\n{found[0]}\nsources "$1"', "sources", mirror],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    lines = made.stdout.splitlines()
    assert lines[:2] == [f"deb {mirror} bookworm main", f"deb {mirror} bookworm-updates main"]
    assert lines[2:] == ([f"deb {security} bookworm-security main"] if security else [])
