"""Pictures of the host's pages, by day and by night, on a desk and on a phone; for docs and eyes.

MRP_STUDIO_PICTURES=pictures python -m pytest tests/studio/test_host_pages.py
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from bot.jobs import Job, write
from bot.memory import Link, Visitor
from bot.memory.reports import Report, report
from bot.platforms.studio.figures import Point
from characters.card import Lines, Words
from tests.studio.shots import DESK, PHONE

PAGES = {
    "figures": "/owner",
    "setup": "/owner/setup",
    "reviews": "/owner/reviews",
    "rules": "/owner/rules",
    "backups": "/owner/backups",
    "workshop": "/owner/workshop",
}
LOOKS = (
    ("zh", "light", DESK, "desk"),
    ("zh", "dark", DESK, "desk"),
    ("zh", "light", PHONE, "phone"),
    ("en", "dark", PHONE, "phone"),
)


def a_day() -> list[Point]:
    """Points as of an evening on which more and more people come, and leave."""
    points, heard, said, generated, reused, read = [], 0.0, 0.0, 0.0, 0.0, 0.0
    for minute in range(240):
        busy = math.exp(-(((minute - 150) / 60) ** 2)) * (1 + 0.18 * math.sin(minute / 3.1))
        heard, said = heard + 26 * busy + 1, said + 31 * busy + 1
        generated += 60 * (140 * busy + 6)
        read += 9000 * busy + 400
        reused += (9000 * busy + 400) * (0.93 - 0.1 * busy)
        queued = max(0, round(9 * busy - 3))
        first = 0.11 + 0.5 * busy**3
        points.append(
            Point(
                60.0 * minute,
                int(heard),
                int(said),
                int(generated),
                int(reused),
                int(read),
                queued,
                first,
            )
        )
    return points


async def furnish(studio, owner) -> str:
    """Something to see on every page. Returns the path of a job's page."""
    studio.site.figures._points.extend(a_day())
    studio.house.shared.spoken.update(
        {"wukong": 212, "bajie": 148, "tangseng": 77, "shaseng": 40, "baigujing": 23}
    )
    known = {one.id: one for one in studio.house.cast}
    casts = studio.house.casts
    made = []
    for name, brief, greeting in (
        ("黄袍怪", "奎木狼下界，爱一位公主爱得要命。", "公主莫怕，有我在，谁敢上山？"),
        ("蜘蛛精", "盘丝洞的七姐妹之一，手巧，爱热闹。", "哪里来的客人？先坐，喝口茶。"),
    ):
        character = replace(
            known["bajie"],
            id="",
            name=Words(name, name),
            aliases=Lines(),
            titles=(),
            brief=Words(brief, brief),
            greeting=Lines((greeting,), (greeting,)),
        )
        made.append(
            await casts.keep(
                character, "discord:7", "place", place="discord:8042", waiting=not made
            )
        )
    await report(studio.memory, Report(made[1].id, "discord:9", "discord:8042", "张口就骂人"))
    await owner.post(
        "/owner/rules/filter", **{"name": "钱", "words": "赌博\ncasino", "say-zh": "莫谈钱财。"}
    )
    await owner.post("/owner/backups/make")
    jobs = studio.site.desk.jobs
    argv = ("train", "recipes/example.toml", "-o", "runs/example")
    job = Job("1790000000000-abcdef", "train", argv, "example.toml", 1_790_000_000.0)
    job = replace(job, ended=1_790_005_700.0, status=0, done=186, of=186)
    folder = jobs.folder / job.id
    folder.mkdir(parents=True)
    write(folder, job)
    said = []
    with (folder / "losses.tsv").open("w") as out:
        for step in range(1, 187):
            loss = 1.55 + 2.2 * 0.975**step + 0.06 * ((step * 37) % 11 - 5) / 5
            out.write(f"{step}\t{loss:.3f}\n")
            said.append(f"training: {step} of 186, loss {loss:.3f} · 75 tokens/s")
    (folder / "log").write_text("1,742 lessons, 190,312 tokens in 186 packs\n" + "\n".join(said))
    return f"/owner/workshop/job/{job.id}"


async def pictures(studio, chromium, folder: Path) -> None:
    """A picture of each page in each look, whole pages; they must not be wider than the screen."""
    folder.mkdir(parents=True, exist_ok=True)
    owner = await studio.browser("studio:owner", "主人", role="owner")
    job = await furnish(studio, owner)
    for language, theme, size, kind in LOOKS:
        context = await chromium.new_context(
            locale="zh-CN" if language == "zh" else "en-GB", color_scheme=theme, viewport=size
        )
        page = await context.new_page()
        code = await studio.site.sessions.invite(Link(Visitor("studio:owner", "主人", "owner")))
        await page.goto(f"{studio.url}/enter/{code}")
        await page.locator("button.strong").click()
        for name, where in {**PAGES, "job": job}.items():
            await page.goto(studio.url + where)
            await page.wait_for_load_state("load")
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size["width"], f"{name} is {wide} wide"
            if name == "rules":
                await page.locator("#try-text").fill("走，去赌 博！")
                await page.locator("#try-speaker").select_option("wukong")
                await page.locator("#trial button").click()
                await page.locator(".verdict").first.wait_for()
                await page.evaluate("scrollTo(0, 0)")
            await page.screenshot(path=folder / f"host-{name}-{language}-{theme}-{kind}.png")
        await context.close()
