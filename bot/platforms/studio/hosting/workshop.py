"""The workshop: book, lessons, training, models and reports, by jobs that outlast the studio."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path

from aiohttp import web
from markupsafe import Markup

from bot.jobs import Job, JobProblem
from bot.platforms.studio.figures import curve
from bot.platforms.studio.hosting.commands import (
    BOOKS,
    COMMANDS,
    REPORTS,
    NotThere,
    Wares,
)
from bot.platforms.studio.hosting.desk import at_home
from bot.platforms.studio.site import Ask
from text.toml import read_toml

_BY_ID = {command.id: command for command in COMMANDS}
_MARKS = re.compile(r"[\s()（）\[\]【】《》〈〉「」『』“”‘’'!！,，、:：&+–—…·]+")
_NAME = re.compile(r"[\w][\w.-]{0,80}")
SHOWN = 40_000  # characters of a log
# A report is a page of its own, with its style in it; it runs nothing and loads nothing foreign.
REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
REPORT_FILES = {".html": "text/html", ".png": "image/png", ".svg": "image/svg+xml"}


async def page(ask: Ask) -> web.StreamResponse:
    """All forms, what runs, and what was done."""
    return await _page(ask)


async def _page(ask: Ask, told: str = "", status: int = 200) -> web.Response:
    desk = ask.site.desk
    wares = await asyncio.to_thread(Wares.of, desk.workshop)
    jobs = desk.jobs.all()
    return ask.page(
        "workshop.html",
        status=status,
        told=told,
        commands=COMMANDS,
        wares=wares,
        jobs=jobs,
        running=next((job for job in jobs if job.state == "running"), None),
        reports=_reports(desk.workshop),
        folder=at_home(desk.workshop),
    )


async def start(ask: Ask) -> web.StreamResponse:
    """A job begins."""
    desk, words = ask.site.desk, ask.site.pages.words(ask.language)
    command = _BY_ID.get(ask.text("command", 40))
    if command is None:
        return await _page(ask, words("work no command"), 400)
    chosen = {field.name: ask.text(field.name, 200) for field in command.fields}
    try:
        argv = command.argv(await asyncio.to_thread(Wares.of, desk.workshop), chosen)
        job = desk.jobs.start(command.id, argv, command.about(chosen))
    except NotThere:
        return await _page(ask, words("work not there"), 409)
    except JobProblem as problem:
        return await _page(ask, words("in its words", problem), 409)
    return ask.see("owner", "workshop", "job", job.id)


async def bring(ask: Ask) -> web.StreamResponse:
    """A book or a recipe is put into the workshop."""
    words, field = ask.site.pages.words(ask.language), ask.form.get("file")
    if not isinstance(field, web.FileField):
        return await _page(ask, words("backup no file"), 400)
    name, suffix = _name_of(field.filename), Path(field.filename).suffix.lower()
    if not _NAME.fullmatch(name) or suffix not in (*BOOKS, ".toml"):
        return await _page(ask, words("work no kind", ", ".join((*BOOKS, ".toml"))), 400)
    target = ask.site.desk.workshop / ("recipes" if suffix == ".toml" else "books") / name
    partial = target.with_name(f".{name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(field.file.read())
        if suffix == ".toml":
            read_toml(partial)
        partial.replace(target)
    except ValueError as problem:  # no TOML, or no text
        return await _page(ask, words("in its words", f"{name}: {problem}"), 400)
    except OSError as problem:
        return await _page(ask, words("in its words", f"{target}: {problem.strerror}"), 500)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return ask.see("owner", "workshop")


def _name_of(filename: str) -> str:
    """The name that a file is kept under: gaps and the marks of titles become dashes."""
    whole = Path(filename).name
    suffix = Path(whole).suffix
    return _MARKS.sub("-", whole.removesuffix(suffix)).strip("-") + suffix.lower()


async def job(ask: Ask) -> web.StreamResponse:
    """One job: how far it is, its losses, its log."""
    found = ask.site.desk.jobs.find(ask.part("job"))
    if found is None:
        return ask.problem(404, "not found")
    return _job_page(ask, found)


def _job_page(ask: Ask, found: Job, told: str = "", status: int = 200) -> web.Response:
    jobs = ask.site.desk.jobs
    if ask.by_script and found.state != "running":  # other buttons stand there from now on
        return web.Response(headers={"HX-Refresh": "true"})
    losses = jobs.losses(found.id)
    report = _report_of(ask.site.desk.workshop, found)
    return ask.page(
        "job_part.html" if ask.by_script else "job.html",
        status=status,
        told=told,
        job=found,
        command=" ".join(("mrp", *found.argv)),
        log=jobs.log(found.id, SHOWN),
        losses=losses,
        plot=_loss_curve([loss for _, loss in losses]) if len(losses) > 1 else "",
        report=report,
    )


def _loss_curve(losses: list[float]) -> Markup:
    """The losses with a little air below the least one: they never come near zero."""
    return curve(losses, min(losses) - 0.1 * (max(losses) - min(losses)))


async def change(ask: Ask) -> web.StreamResponse:
    """A job is cancelled, or goes on."""
    jobs, found = ask.site.desk.jobs, ask.site.desk.jobs.find(ask.part("job"))
    if found is None:
        return ask.problem(404, "not found")
    try:
        if ask.text("do", 10) == "cancel":
            jobs.cancel(found.id)
        else:
            command = _BY_ID.get(found.kind)
            jobs.resume(found.id, more=command.resumes if command else ())
    except JobProblem as problem:
        told = ask.site.pages.words(ask.language)("in its words", problem)
        return _job_page(ask, jobs.find(found.id) or found, told, 409)
    return ask.see("owner", "workshop", "job", found.id)


async def report(ask: Ask) -> web.StreamResponse:
    """A file of a report: its page, and the pictures in it."""
    name, file = ask.part("report"), ask.part("file")
    kind = REPORT_FILES.get(Path(file).suffix)
    path = ask.site.desk.workshop / REPORTS / name / file
    if not (_NAME.fullmatch(name) and _NAME.fullmatch(file) and kind and path.is_file()):
        return ask.problem(404, "not found")
    return web.FileResponse(
        path, headers={"Content-Type": kind, "Content-Security-Policy": REPORT_POLICY}
    )


def _reports(workshop: Path) -> list[tuple[str, str]]:
    """The reports by name, with the file of each one's page."""
    return [
        (page.parent.name, page.name)
        for page in sorted((workshop / REPORTS).glob("*/*.html"))
        if _NAME.fullmatch(page.parent.name) and _NAME.fullmatch(page.name)
    ]


def _report_of(workshop: Path, found: Job) -> tuple[str, str] | None:
    """The report that a job wrote."""
    made = next((Path(word).name for word in found.argv if word.startswith(f"{REPORTS}/")), "")
    return next((each for each in _reports(workshop) if each[0] == made), None)
