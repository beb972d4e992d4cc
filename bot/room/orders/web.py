"""The way from a chat into the browser: /web."""

from __future__ import annotations

from bot import notices, rights
from bot.memory import Link, Sessions, Visitor
from bot.room.exchange import Exchange
from bot.room.orders.table import order


@order("web")
async def _web(talk: Exchange, argument: str) -> None:
    """A link that signs in whoever asked, once, as the person they are here."""
    view, work, language = talk.view, talk.job.work, talk.view.language
    if not work.individual:
        await view.notice(rights.SHARED_SENDER[language], to=work.person)
        return
    sessions = Sessions(view.shared.memory)
    address = await sessions.address()
    if not address:
        await talk.tell(notices.NO_WEB)
        return
    code = await sessions.invite(
        Link(
            Visitor(work.person, work.name, "moderator" if work.moderator else "member"),
            room=view.key,
            moderator=work.moderator or view.private,
            place=view.place,
        )
    )
    text = notices.WEB[language].format(f"{address}/enter/{code}")
    await view.notice(text, to=work.person, secret=True)
