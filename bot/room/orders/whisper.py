"""/whisper: what one character hears and nobody else, and its answer for one person alone."""

from __future__ import annotations

from dataclasses import replace

from bot import notices
from bot.drafts import plain
from bot.room.exchange import Exchange
from bot.room.orders.table import order
from bot.whispers import addressed


@order("whisper")
async def _whisper(talk: Exchange, argument: str) -> None:
    """From here on it is a message like others, but for one: stored, answered, taken up after a
    crash. Nothing of it is repeated where others read, not even in an error."""
    view, work = talk.view, talk.job.work
    to, text = addressed(plain(argument), view.cast)
    told = ""
    if to is None or not text:
        told = notices.WHISPER_WHAT[view.language]
    elif to not in view.scene().cast:
        told = notices.NOT_HERE[view.language].format(to.name[view.language])
    elif view.memory.state.paused:
        told = notices.PAUSED[view.language]
    if told or to is None:
        await view.notice(told, to=work.person, secret=True)
        return
    message = replace(work, order=False, text=text, to=to.id)
    talk.job.work = await view.memory.update(work, message)
    await talk.answer()
