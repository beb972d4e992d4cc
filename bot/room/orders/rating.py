"""/rate: a thumb on the last line, where there are no buttons for it; and what every thumb does."""

from __future__ import annotations

from collections.abc import Mapping

from bot import notices
from bot.memory import StoredLine
from bot.room.exchange import Exchange
from bot.room.orders.table import last_line, order
from bot.room.view import View

THUMBS: Mapping[str, int] = {
    **dict.fromkeys(("up", "good", "+", "+1", "👍", "好", "赞"), 1),
    **dict.fromkeys(("down", "bad", "-", "-1", "👎", "差", "踩"), -1),
    **dict.fromkeys(("none", "0", "无", "取消", "收回"), 0),
}


async def rate(view: View, line: StoredLine, person: str, value: int) -> bool:
    """Count a person's thumb on the shown version of a line: 1 up, -1 down, 0 taken back. False:
    its prompt is not known any more, so that nothing is learned from it.

    Raises:
        MemoryProblem: it cannot be kept.
    """
    shared = view.shared
    shared.stats["rated"] += 1
    version = f"{line.id} {line.shown}"
    await shared.casts.popularity.thumb(line.speaker, version, person, value)
    return await shared.memory.feedback.rate(view.key, line.id, line.shown + 1, person, value)


@order("rate")
async def _rate(talk: Exchange, argument: str) -> None:
    value = THUMBS.get(argument.strip().rstrip("\ufe0f🏻🏼🏽🏾🏿").casefold())
    if value is None:
        await talk.tell(notices.HOW_RATE)
        return
    if not talk.job.work.individual:
        await talk.tell(notices.RATE_SHARED)
        return
    if (found := await last_line(talk)) is None:
        return
    line, speaker = found
    await rate(talk.view, line, talk.job.work.individual, value)
    told = notices.RATED if value else notices.UNRATED
    thumb = "👍" if value > 0 else "👎"
    await talk.tell(told, speaker.name[talk.view.language], thumb)
