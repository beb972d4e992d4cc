"""Jobs: `mrp` commands run as processes of their own, one at a time, that outlive who began them.

    jobs = Jobs(data_folder() / "jobs", data_folder() / "workshop")
    job = jobs.start("train", ["train", "recipes/mine.toml"], "mine")
    jobs.find(job.id).state              "running"; "done", "failed", "cancelled", "broken off"
    jobs.cancel(job.id); jobs.resume(job.id)

Each job is a folder: `job.json` (what and how it is), `log` and `log.1` (the newest MB of what it
said), `losses.tsv` (step and loss). The process that minds it (`python -m bot.jobs …`)
holds the lock of all jobs, which its command inherits: whoever begins another one is refused, after
a crash too. A job whose minder is gone was broken off; it begins again with the same command, which
goes on where it stopped as far as it can.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Literal

from bot.platforms import registry
from bot.portable import apart, end_group, end_process, process_ended, process_id, try_lock

State = Literal["running", "done", "failed", "cancelled", "broken off"]

ROOT = Path(__file__).resolve().parents[1]
LOG_HALF = 512 << 10  # bytes of one of the two log files
MOST_LOSSES = 20_000
KEPT = 50  # jobs; older ones that have ended are forgotten
PATIENCE = 15.0  # seconds between asking a command to end and ending it
STARTING = 20.0  # seconds that a minder may take until it says so

_ID = re.compile(r"[0-9]{13}-[0-9a-f]{6}")
# "questions: 12 of 300, 4 s", " 10%|█   | 5/50 [00:01<…", "training: 5 of 50, loss 2.310"
_STEPS = re.compile(r"\b(\d{1,9}) of (\d{1,9})\b|\|\s*(\d{1,9})/(\d{1,9})\s*\[")
_LOSS = re.compile(r"(?<![a-z_])'?loss'?[:=]? +'?(\d+(?:\.\d+)?(?:e-?\d+)?)")


class JobProblem(RuntimeError):
    """A job that cannot begin, go on or end; the message says why."""

    for_user = True


class Busy(JobProblem):
    """Another job is running."""


@dataclass(frozen=True, slots=True)
class Job:
    """One command. `kind` is whose form it came from and `about` what it is about, for people;
    `begun` and `ended` are seconds since 1970; `minder` the process that minds it; `status` the
    command's exit status, None until it has ended. `done` of `of` steps, as far as it says."""

    id: str
    kind: str
    argv: tuple[str, ...]
    about: str = ""
    begun: float = 0.0
    ended: float = 0.0
    minder: str = ""
    status: int | None = None
    cancelled: bool = False
    done: int = 0
    of: int = 0

    @property
    def state(self) -> State:
        """How it is now: asks the system whether the minder is still there."""
        if self.status == 0:
            return "done"
        if self.cancelled and self.status is not None:
            return "cancelled"
        if self.status is not None:
            return "failed"
        if self.minder:
            return "broken off" if process_ended(self.minder) else "running"
        return "running" if time.time() - self.begun < STARTING else "broken off"


class Jobs:
    """The jobs of a folder. `workshop` is where their commands run, `program` what runs them."""

    def __init__(self, folder: Path, workshop: Path, program: Path = ROOT / "mrp.py") -> None:
        self.folder = folder
        self.workshop = workshop
        self.program = program
        self._minders: list[subprocess.Popen[bytes]] = []  # our children: to be waited for

    def all(self) -> list[Job]:
        """All jobs, the newest first."""
        if not self.folder.is_dir():
            return []
        names = sorted(
            (p.name for p in self.folder.iterdir() if _ID.fullmatch(p.name)), reverse=True
        )
        return [job for name in names if (job := self.find(name)) is not None]

    def find(self, job_id: str) -> Job | None:
        """A job by its id."""
        self._minders = [each for each in self._minders if each.poll() is None]
        return _read(self.folder / job_id) if _ID.fullmatch(job_id) else None

    def running(self) -> Job | None:
        """The job that runs now."""
        return next((job for job in self.all() if job.state == "running"), None)

    def start(self, kind: str, argv: Sequence[str], about: str = "") -> Job:
        """Begin `mrp ARGV`.

        Raises:
            Busy: another job is running.
            JobProblem: its folder cannot be written.
        """
        self._refuse_two()
        job = Job(
            f"{time.time_ns() // 1_000_000:013d}-{secrets.token_hex(3)}", kind, tuple(argv), about
        )
        self._forget_old()
        return self._begin(job)

    def resume(self, job_id: str, more: Sequence[str] = ()) -> Job:
        """Begin a job again that did not come to its end, with `more` words in its command.

        Raises:
            Busy, JobProblem: as `start`; there is none, or it is done.
        """
        job = self._known(job_id)
        if job.state == "done":
            raise JobProblem("this job is done; there is nothing to go on with")
        self._refuse_two()
        (self.folder / job_id / "cancel").unlink(missing_ok=True)
        argv = (*job.argv, *(word for word in more if word not in job.argv))
        job = replace(job, argv=argv, minder="", status=None, cancelled=False, ended=0.0)
        return self._begin(job)

    def cancel(self, job_id: str) -> None:
        """Ask a running job to end; after a while it is ended.

        Raises:
            JobProblem: there is none, or it does not run.
        """
        job = self._known(job_id)
        if job.state != "running" or not job.minder:
            raise JobProblem("this job is not running")
        (self.folder / job_id / "cancel").touch()
        with contextlib.suppress(ProcessLookupError):
            end_process(int(job.minder.split("/")[-2]))

    def log(self, job_id: str, most: int = 40_000) -> str:
        """The newest characters of what a job said."""
        held = b""
        for name in ("log.1", "log"):
            with contextlib.suppress(OSError):
                held += (self.folder / self._known(job_id).id / name).read_bytes()
        return held.decode("utf-8", "replace")[-most:]

    def losses(self, job_id: str) -> list[tuple[float, float]]:
        """Step and loss of a training, in order."""
        found: list[tuple[float, float]] = []
        with contextlib.suppress(OSError, ValueError):
            text = (self.folder / self._known(job_id).id / "losses.tsv").read_text("ascii")
            for line in text.splitlines():
                step, _, loss = line.partition("\t")
                found.append((float(step), float(loss)))
        return found

    def _known(self, job_id: str) -> Job:
        job = self.find(job_id)
        if job is None:
            raise JobProblem("there is no such job")
        return job

    def _refuse_two(self) -> None:
        if other := self.running():
            raise Busy(f"{' '.join(('mrp', *other.argv[:2]))} is running; one job at a time")

    def _begin(self, job: Job) -> Job:
        folder = self.folder / job.id
        job = replace(job, begun=time.time())
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.workshop.mkdir(parents=True, exist_ok=True)
            write(folder, job)
            with open(folder / "minder", "ab") as said:  # for whoever looks into a crash
                minder = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "bot.jobs",
                        *map(str, (folder, self.workshop, self.program)),
                    ],
                    cwd=self.workshop,
                    env=_environment(os.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    **apart(),
                )
            self._minders.append(minder)
        except OSError as problem:
            raise JobProblem(f"{folder}: the job cannot begin: {problem.strerror}") from problem
        return job

    def _forget_old(self) -> None:
        for job in self.all()[KEPT:]:
            if job.state != "running":
                for file in (self.folder / job.id).iterdir():
                    file.unlink(missing_ok=True)
                (self.folder / job.id).rmdir()


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a command is given: no token of a platform, and our packages where they lie."""
    variables = tuple(row.variable for row in registry.with_tokens())
    kept = {key: value for key, value in environment.items() if not key.startswith(variables)}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(paths)}


def _read(folder: Path) -> Job | None:
    try:
        told = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        return Job(**told | {"argv": tuple(told["argv"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(folder: Path, job: Job) -> None:
    partial = folder / f".job.{os.getpid()}.part"
    partial.write_text(json.dumps(asdict(job), ensure_ascii=False), encoding="utf-8")
    os.replace(partial, folder / "job.json")


# -- the minder: a process beside the command ----------------------------------------------------


def steps_of(line: str) -> tuple[int, int] | None:
    """How many steps of how many a line says are done; None: it says nothing of the kind."""
    found = list(_STEPS.finditer(line))
    if not found:
        return None
    done, of = (int(each) for each in found[-1].groups() if each is not None)
    return (done, of) if of > 0 and done <= of else None


def loss_of(line: str) -> float | None:
    """The loss that a line of a training tells."""
    found = _LOSS.search(line)
    return float(found[1]) if found else None


class _Said:
    """What the command says, as it is kept."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.folder, self.job = folder, job
        self._log: IO[bytes] = (folder / "log").open("ab")
        self._losses = 0
        self._written = 0.0

    def line(self, raw: bytes, end: bytes) -> None:
        text = raw.decode("utf-8", "replace")
        if steps := steps_of(text):
            self.job = replace(self.job, done=steps[0], of=steps[1])
            if time.monotonic() - self._written > 1.0:
                self._written = time.monotonic()
                write(self.folder, self.job)
        loss = loss_of(text)
        if loss is not None and self._losses < MOST_LOSSES:
            self._losses += 1
            with open(self.folder / "losses.tsv", "a", encoding="ascii") as out:
                out.write(f"{self.job.done or self._losses}\t{loss}\n")
        if end == b"\r" and steps:
            return  # a bar that is drawn over itself
        if raw.strip():
            self._log.write(raw + b"\n")
            self._log.flush()
        if self._log.tell() > LOG_HALF:
            self._log.close()
            os.replace(self.folder / "log", self.folder / "log.1")
            self._log = (self.folder / "log").open("ab")

    def close(self) -> None:
        self._log.close()


def _lines(stream: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """What a stream says, by line; a bar's carriage return ends one, too. With what ended it."""
    held = b""
    while piece := os.read(stream.fileno(), 65_536):
        *whole, held = re.split(rb"([\r\n])", held + piece)
        for number in range(0, len(whole), 2):
            yield whole[number], whole[number + 1]
        if len(held) > 65_536:
            yield held, b"\n"
            held = b""
    if held:
        yield held, b"\n"


def mind(folder: Path, workshop: Path, program: Path) -> int:
    """Run a job's command to its end, and keep what it says. Returns its exit status."""
    job = _read(folder)
    if job is None:
        return 2
    lock = try_lock(folder.parent / "lock")
    if lock is None:
        write(folder, replace(job, status=75, ended=time.time(), minder=process_id()))
        (folder / "log").write_text("another job is running; one at a time\n", encoding="utf-8")
        return 75
    job = replace(job, minder=process_id())
    write(folder, job)
    said = _Said(folder, job)
    with subprocess.Popen(
        [sys.executable, str(program), *job.argv],
        cwd=workshop,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **apart(lock),
    ) as command:
        asked: list[float] = []

        def end(*_: object) -> None:
            end_group(command.pid, at_once=bool(asked) and time.monotonic() - asked[0] > PATIENCE)
            asked.append(time.monotonic())
            if hasattr(signal, "alarm"):  # ask again, and then not
                signal.alarm(int(PATIENCE) + 1)

        for name in ("SIGTERM", "SIGINT", "SIGALRM"):
            if number := getattr(signal, name, None):
                signal.signal(number, end)
        if (folder / "cancel").exists():
            end()
        assert command.stdout is not None
        for raw, mark in _lines(command.stdout):
            said.line(raw, mark)
        status = command.wait()
    said.close()
    cancelled = (folder / "cancel").exists()
    write(folder, replace(said.job, status=status, ended=time.time(), cancelled=cancelled))
    return status


if __name__ == "__main__":
    sys.exit(mind(*map(Path, sys.argv[1:4])))
