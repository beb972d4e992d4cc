"""A neural model of a folder: loaded when it is first wanted, computing in one thread.

    model = Model(folder, missing, open_folder)
    text = await model.run(lambda opened: opened.transcribe(samples))

The libraries end the process on some broken files, so a folder is loaded in a process of its own
first. One thread computes: what a room waits for first is its text.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from speech.error import SpeechError

TIMEOUT = 60.0  # seconds for a sentence, and for a note of a minute
LOADING = 120.0  # seconds


class Model:
    """A model that is used from one thread.

    `missing` says what is lacking ("" for nothing), `opener` loads a folder; it is a function of a
    module, so that another process can be told its name.
    """

    def __init__(
        self, folder: Path, missing: Callable[[], str], opener: Callable[[Path], Any]
    ) -> None:
        self.folder = folder
        self.missing = missing
        self._open = opener
        self._opened: Any = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="speech")

    async def run(self, work: Callable[[Any], Any]) -> Any:
        """Compute with the opened model.

        Raises:
            SpeechError: it is missing, broken or too slow; or raised by `work`.
        """
        if lacks := self.missing():
            raise SpeechError(f"语音模型用不了：{lacks}", lacks)

        def whole() -> Any:
            if self._opened is None:
                probe(self.folder, self._open)
                self._opened = self._open(self.folder)
            return work(self._opened)

        try:
            async with asyncio.timeout(TIMEOUT + LOADING * (self._opened is None)):
                return await asyncio.get_running_loop().run_in_executor(self._thread, whole)
        except TimeoutError as late:
            raise SpeechError(
                "语音模型没有按时算完。", "the speech model did not finish in time."
            ) from late
        except (RuntimeError, ValueError, OSError) as problem:
            if isinstance(problem, SpeechError):
                raise
            raise broken(self.folder, str(problem)[:160]) from problem

    def close(self) -> None:
        """Let the model go; what it computes ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._opened = None


def broken(folder: Path, why: str) -> SpeechError:
    """The refusal of a folder whose files cannot be used."""
    return SpeechError(
        f"{folder} 的语音模型坏了或不全（{why}）：删掉后重新下载。",
        f"the speech model in {folder} is broken or incomplete ({why}); remove it and fetch it "
        "again with mrp model pull",
    )


def probe(folder: Path, opener: Callable[[Path], Any]) -> None:
    """Load a model in a process of its own.

    Raises:
        SpeechError: the process ended badly, or not in time.
    """
    script = (
        "import importlib, sys; from pathlib import Path; "
        "getattr(importlib.import_module(sys.argv[2]), sys.argv[3])(Path(sys.argv[1]))"
    )
    root = Path(__file__).resolve().parents[1]
    name = [opener.__module__, opener.__name__]
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, str(folder.resolve()), *name],
            cwd=root,
            capture_output=True,
            timeout=LOADING,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise broken(folder, "it cannot be loaded in time") from problem
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise broken(folder, re.sub(r"\s+", " ", last[-1])[:160] if last else "it cannot be loaded")
