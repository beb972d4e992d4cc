"""Backups of all that is remembered: made, taken along, checked and restored."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from bot import backup
from bot.platforms.studio.hosting.desk import at_home
from bot.platforms.studio.site import Ask


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup of the list. `at` is seconds since 1970."""

    name: str
    bytes: int
    at: float


async def page(ask: Ask) -> web.StreamResponse:
    """What there is."""
    return _page(ask)


def _page(ask: Ask, told: str = "", status: int = 200) -> web.Response:
    rows = []
    for file in backup.listed():
        with contextlib.suppress(OSError):  # it was taken away just now
            size = file.stat()
            rows.append(Kept(file.name, size.st_size, size.st_mtime))
    return ask.page(
        "backups.html",
        status=status,
        told=told,
        kept=rows,
        folder=at_home(backup.backups_folder()),
        can_restart=ask.site.desk.restart is not None,
    )


async def make(ask: Ask) -> web.StreamResponse:
    """One is made now."""
    try:
        await backup.make(ask.site.house.memory)
    except backup.BackupProblem as problem:
        return _page(ask, _words(ask)("in its words", problem), 500)
    return ask.see("owner", "backups")


async def take_along(ask: Ask) -> web.StreamResponse:
    """One as a file."""
    file = backup.named(ask.part("name"))
    if file is None:
        return ask.problem(404, "not found")
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    headers["Content-Type"] = "application/gzip"
    return web.FileResponse(file, headers=headers)


async def change(ask: Ask) -> web.StreamResponse:
    """One of the list is checked, restored or removed; or a file that was brought is checked and
    put there."""
    words, what = _words(ask), ask.text("do", 10)
    if what == "bring":
        return await _bring(ask)
    file = backup.named(ask.text("name", 200))
    if file is None:
        return _page(ask, words("backup gone"), 404)
    if what == "remove":
        file.unlink(missing_ok=True)
        return ask.see("owner", "backups")
    try:
        if what == "restore":
            if not ask.text("sure", 5):
                return _page(ask, words("backup sure"), 400)
            return await _restore(ask, file)
        found, _ = await asyncio.to_thread(backup.read, file)
    except backup.BackupProblem as problem:
        return _page(ask, _words(ask)("in its words", problem), 400)
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(found.made))
    return _page(ask, words("backup whole", file.name, found.rooms, found.people, at))


async def _restore(ask: Ask, file: Path) -> web.Response:
    """What is remembered is replaced; then the process begins anew, as its rooms are of before."""
    site = ask.site
    found, before = await backup.restore(site.house.memory, file)
    await site.house.casts.refresh()
    told = site.pages.words(ask.language)("backup restored", found.rooms, found.people, before.name)
    if site.desk.restart is not None:
        asyncio.get_running_loop().call_later(0.3, site.desk.restart)
        return ask.page("restarting.html", boot=site.desk.boot, told=told)
    return _page(ask, told)


async def _bring(ask: Ask) -> web.Response:
    words, field = _words(ask), ask.form.get("file")
    if not isinstance(field, web.FileField):
        return _page(ask, words("backup no file"), 400)
    folder = backup.backups_folder()
    target = folder / f"brought-{time.strftime('%Y-%m-%d-%H%M%S', time.gmtime())}{backup.SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = folder / f".{target.name}.part"
        try:
            _write(partial, field.file)
            await asyncio.to_thread(backup.read, partial)
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    except backup.BackupProblem as problem:
        why = str(problem).replace(f".{target.name}.part", field.filename[:80])
        return _page(ask, words("in its words", why), 400)
    except OSError as problem:
        return _page(ask, words("in its words", f"{folder}: {problem.strerror}"), 500)
    return ask.see("owner", "backups")


def _words(ask: Ask) -> Callable[..., str]:
    return ask.site.pages.words(ask.language)


def _write(file: Path, brought: Any) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as out:
        while piece := brought.read(1 << 20):
            out.write(piece)
