"""Background tasks of one client: failures are logged, and all end when the client closes.

tasks = Tasks()
tasks.spawn(upload(), "uploading faces")
with tasks.tracked():            # a task that the library started
    ...
await tasks.close()
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterator
from typing import Any

from bot.memory import MemoryProblem
from bot.platforms.discord.errors import FAILED

_log = logging.getLogger(__name__)

CLOSE_TIMEOUT = 5.0  # seconds that cancelled tasks get to end


class Tasks:
    """The set of running tasks. `closing` is true from the first call of `close` on."""

    def __init__(self) -> None:
        self.closing = False
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> None:
        """Run `work` as a task of its own; `what` names it in the log."""
        if self.closing:
            work.close()
            return
        task = asyncio.create_task(self._logged(work, what), name=what)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # A task that is cancelled before its first step never awaits its coroutine.
        task.add_done_callback(lambda _: work.close())

    @contextlib.contextmanager
    def tracked(self) -> Iterator[None]:
        """Within the block, the current task (one of discord.py's own) is cancelled by `close`."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            yield
        finally:
            self._running.discard(task)

    async def close(self) -> None:
        """Cancel all tasks and wait a few seconds for them to end."""
        self.closing = True
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=CLOSE_TIMEOUT)

    async def _logged(self, work: Coroutine[Any, Any, Any], what: str) -> None:
        try:
            await work
        except MemoryProblem as problem:
            _log.error("%s: %s", what, problem)
        except FAILED as problem:
            _log.error("%s failed: %s", what, problem)
        except Exception:
            # The top of a task: an error that is not logged here is never seen.
            if not self.closing:
                _log.exception("%s failed", what)
