"""What the host looks after: rooms as counts, figures, feedback."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot import feedback
from bot.memory.places import used_rooms
from bot.platforms import registry
from bot.platforms.studio.figures import shares
from bot.platforms.studio.hosting.words import COUNTED
from bot.platforms.studio.site import Ask

DAY = 86_400.0
MOST_ROOMS = 10_000  # that are counted
MOST_PAIRS = 100  # on a page


async def page(ask: Ask) -> web.StreamResponse:
    """Figures, and how many rooms there are: no names, no words."""
    house = ask.site.house
    counted = []
    for row in registry.PLATFORMS:
        day, month = [
            len(await used_rooms(house.memory, row.name, since=since, most=MOST_ROOMS))
            for since in (DAY, 30 * DAY)
        ]
        counted.append((row.name, day, month))
    return ask.page(
        "owner.html",
        model=house.voice.name,
        plots=ask.site.figures.plots(),
        minutes=ask.site.figures.minutes,
        shares=shares(house.shared.spoken),
        platforms=counted,
        counts=sorted(house.stats.items(), key=lambda item: (-item[1], item[0])),
        counted=COUNTED if ask.language == "zh" else {},
    )


async def pairs(ask: Ask) -> web.StreamResponse:
    """Feedback to read: which of two versions was better."""
    rows = feedback.dpo((await feedback.allowed(ask.site.house.memory))[0])
    return ask.page("feedback.html", pairs=list(rows)[-MOST_PAIRS:][::-1])


async def export(ask: Ask) -> web.StreamResponse:
    """The same as `mrp feedback export`, as a file."""
    kind = ask.part("kind")
    given = (await feedback.allowed(ask.site.house.memory))[0]
    rows: Iterable[Mapping[str, Any]]
    if kind == "dpo":
        rows = feedback.dpo(given)
    elif kind == "kto":
        rows = feedback.kto(given)
    else:
        return ask.problem(404, "not found")
    return web.Response(
        text="".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
        content_type="application/jsonl",
        headers={"Content-Disposition": f'attachment; filename="{kind}.jsonl"'},
    )
