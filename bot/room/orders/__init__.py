"""What a room does about each order: a table of functions, one for each command of `bot.commands`.

Whatever makes a character speak goes through `Speech.answer` or `Speech.keep`, so that it is stored
once and shown like every other line. Adding a command: a row in `bot.commands`, a function here.
"""

from __future__ import annotations

from bot import notices
from bot.commands import Order
from bot.room.exchange import Exchange
from bot.room.orders import replies, scene, stage, telling
from bot.room.orders.table import ORDERS

__all__ = ["ORDERS", "obey", "replies", "scene", "stage", "telling"]


async def obey(talk: Exchange, order: Order) -> None:
    """Carry out one order."""
    view, work = talk.view, talk.job.work
    if view.shared.people:
        told = await view.shared.people.obey(
            order, work.individual, work.name, view.key, view.private, view.language, alone=True
        )
        if told is not None:
            await view.notice(told, to=work.person, secret=True)
            return
    if carry_out := ORDERS.get(order.id):
        await carry_out(talk, order.argument)
    else:
        await talk.tell(notices.ELSEWHERE if order.id else notices.NO_SUCH_COMMAND, order.called)
