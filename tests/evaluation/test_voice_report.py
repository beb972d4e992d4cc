"""`benchmarks/voice_report.sh` with a stand-in for `mrp`: what it asks for, and that it goes on."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "voice_report.sh"

# Notes its words, writes what the real one would, and fails where a file says so.
FAKE = """#!{python}
import json, pathlib, sys
words = sys.argv[1:]
home = pathlib.Path(__file__).parent
with (home / "calls").open("a") as calls:
    print(" ".join(words), file=calls)
fails = home / "fails"
if fails.exists() and fails.read_text() in " ".join(words):
    sys.exit(2)
option = dict(zip(words, words[1:]))
verb = words[1]
if verb == "report":
    out = pathlib.Path(option["-o"]); out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text("{{}}")
elif verb == "evenings":
    out = pathlib.Path(option["-o"]); out.mkdir(parents=True, exist_ok=True)
    (out / "evenings.json").write_text("{{}}")
elif verb == "transcripts":
    pathlib.Path(option["-o"]).write_text("# talks")
elif verb == "compare":
    pathlib.Path(option["--table"]).write_text("| axis | columns |\\n")
else:
    print("something for people")
    print(json.dumps({{"right": 0.5, "characters": {{"wukong": {{"right": 0.5}}}}}}))
"""


@pytest.fixture
def there(tmp_path: Path) -> Path:
    fake = tmp_path / "mrp"
    fake.write_text(FAKE.format(python=sys.executable))
    fake.chmod(fake.stat().st_mode | stat.S_IEXEC)
    for name in ("m.gguf", "v.gguf", "train.jsonl", "held_out.jsonl"):
        (tmp_path / name).write_text("")
    return tmp_path


def call(there: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "PATH": os.environ["PATH"],
        "MRP": str(there / "mrp"),
        "PYTHON": sys.executable,
        "OUT": str(there / "out"),
        "LESSONS": str(there / "train.jsonl"),
        "HELD_OUT": str(there / "held_out.jsonl"),
        **environ,
    }
    return subprocess.run(
        [str(SCRIPT), *words], cwd=there, env=settings, capture_output=True, text=True, check=False
    )


def calls(there: Path) -> list[str]:
    file = there / "calls"
    found = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return found


def test_all_columns_of_a_voice_once(there: Path) -> None:
    told = call(there, "m.gguf", "v.gguf", JUDGE="j.gguf", THREADS="1", MORE="mini")
    assert told.returncode == 0, told.stderr
    assert "| axis | columns |" in told.stdout
    assert "identity-taught-zh: 0.5  wukong 0.50" in told.stdout
    made = calls(there)
    reports = [line for line in made if line.startswith("evaluate report")]
    assert len(reports) == 5
    assert sum("--voice v.gguf" in line for line in reports) == 2
    assert sum("--cards name" in line for line in reports) == 1
    assert sum("--cards brief" in line for line in reports) == 1
    assert sum("--prompt haruhi" in line for line in reports) == 1
    for line in reports:
        assert "--quick --training" in line
        assert "--relevance j.gguf --written" in line
        assert "--threads 1" in line
    for verb in ("identity", "speaker", "evenings", "transcripts"):
        assert any(line.startswith(f"evaluate {verb}") for line in made), verb
    assert made[-1].split()[2:8][-1] == "mini"
    again = call(there, "m.gguf", "v.gguf", MORE="mini")
    assert again.returncode == 0
    assert [line.split()[1] for line in calls(there)] == ["compare"]


def test_what_failed_is_done_again_and_only_that(there: Path) -> None:
    (there / "fails").write_text("--language en")
    assert call(there, "m.gguf", "v.gguf").returncode != 0
    before = calls(there)
    (there / "fails").unlink()
    assert call(there, "m.gguf", "v.gguf").returncode == 0
    after = calls(there)
    assert "--language en" in before[-1]
    assert "--language en" in after[0]
    assert not any(line.startswith("evaluate report") for line in after)


def test_a_model_that_was_taught_itself_has_one_column(there: Path) -> None:
    assert call(there, "m.gguf", FULL="1", ONLY="taught identity").returncode == 0
    made = calls(there)
    assert [line.split()[1] for line in made] == ["report", "identity", "identity"]
    assert "--quick" not in made[0]
    assert "--voice" not in " ".join(made)


@pytest.mark.parametrize("words", [(), ("nowhere.gguf",), ("m.gguf", "nowhere.gguf")])
def test_without_a_model_it_says_how(words: tuple[str, ...], there: Path) -> None:
    told = call(there, *words)
    assert told.returncode == 2
    assert "voice_report.sh" in told.stdout or "nowhere.gguf" in told.stdout
    assert not calls(there)
