"""The wheel holds all that a room needs: built, looked into, installed and started."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")

# Data that code opens beside itself; a wheel without one of these breaks only when it is asked for.
DATA = {".toml", ".txt", ".tsv", ".json", ".png", ".lua", ".scene", ".gguf"}
PACKAGES = (
    "bot",
    "canon",
    "characters",
    "engine",
    "evaluation",
    "hub",
    "quantize",
    "speech",
    "text",
    "trainer",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The project's wheel, built as `pip install` would, with the tools that are here."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [*PIP, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
        timeout=240,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_all_of_our_files_are_in_it(wheel):
    tracked = subprocess.run(
        ["git", "ls-files", *PACKAGES, "models", "voices"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    if not tracked:
        pytest.skip("no git checkout to compare with")
    wanted = {name for name in tracked if Path(name).suffix in DATA | {".py"}}
    held = set(zipfile.ZipFile(wheel).namelist())
    assert sorted(wanted - held) == []


def test_nothing_of_the_tests_or_of_a_build_is_in_it(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} <= {
        *PACKAGES,
        "models",
        "voices",
        "mrp.py",
    }


def test_it_knows_its_commit(wheel):
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout to compare with")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    commit = zipfile.ZipFile(wheel).read("bot/COMMIT").decode().strip()
    assert head.startswith(commit.removesuffix("-dirty"))


def test_installed_into_an_empty_environment_it_opens_the_room(wheel, tmp_path):
    home = tmp_path / "env"
    venv.create(home, with_pip=False)
    site = Path(
        subprocess.run(
            [home / "bin" / "python", "-c", "import site; print(site.getsitepackages()[0])"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )
    subprocess.run(
        [*PIP, "install", "-q", "--no-deps", "--target", str(site), str(wheel)],
        check=True,
        timeout=120,
    )
    # The libraries come from the environment of the tests; a path file adds them without running
    # that environment's own path files, so this checkout stays out of it.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MRP_", "REDIS"))}
    env |= {"XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)}
    run = [str(home / "bin" / "python"), "-m", "mrp", "terminal", "--seed", "1"]
    done = subprocess.run(
        run,
        input="/summon wukong\n你是谁？\n/quit\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env=env,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("孙悟空：")]
    assert len(lines) >= 2
    where = subprocess.run(
        [run[0], "-c", "import mrp; print(mrp.__file__)"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=env,
        check=True,
    ).stdout
    assert str(site) in where
