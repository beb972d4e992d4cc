"""What a room does about each order: a table of functions, one for each command of `bot.commands`.

Whatever makes a character speak goes through `Speech.answer` or `Speech.keep`, so that it is stored
once and shown like every other line. Adding a command: a row in `bot.commands`, a function here.
"""

from __future__ import annotations

from bot import notices
from bot.commands import Order
from bot.permissions import (
    CHARACTER_REVIEW,
    DISMISS_ALL,
    FORGET_ROOM,
    UNDO_OWN,
    VOICE_ROOM,
    action_of,
)
from bot.room.exchange import Exchange
from bot.room.orders import (
    aloud,
    branches,
    chance,
    lore,
    making,
    proactive,
    rating,
    replies,
    reviewing,
    scene,
    sharing,
    stage,
    stage_sets,
    telling,
    web,
    whisper,
)
from bot.room.orders.table import ORDERS

__all__ = [
    "ORDERS",
    "aloud",
    "branches",
    "chance",
    "lore",
    "making",
    "obey",
    "proactive",
    "rating",
    "replies",
    "reviewing",
    "scene",
    "sharing",
    "stage",
    "stage_sets",
    "telling",
    "web",
    "whisper",
]

MODERATED = ("queue", "approve", "refuse", "reports")  # verbs of /character


async def obey(talk: Exchange, order: Order) -> None:
    """Carry out one order."""
    view, work = talk.view, talk.job.work
    if not await _may(talk, order):
        await talk.tell(notices.NOT_ALLOWED, order.called or order.id)
        return
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


async def _may(talk: Exchange, order: Order) -> bool:
    """Whether the rights let this person give the order: the one place where that is asked."""
    view, work = talk.view, talk.job.work
    action = action_of(order)
    if order.id == "forget" and scene.is_room(order.argument):
        action = FORGET_ROOM
    elif order.id == "voice" and aloud.is_for_room(order.argument):
        action = VOICE_ROOM
    elif order.id == "dismiss" and stage.is_everybody(talk, order.argument):
        action = DISMISS_ALL
    elif order.id == "undo" and replies.is_own(talk, order.argument):
        action = UNDO_OWN
    elif order.id == "character" and making.verb_of(order.argument)[0] in MODERATED:
        action = CHARACTER_REVIEW
    moderator = work.moderator or view.private or view.hosts
    return view.shared.permissions.allows(action, moderator=moderator)
