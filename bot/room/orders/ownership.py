"""Whose a made character is: who may change it, and who may make one for which place."""

from __future__ import annotations

from bot.casts import Entry, Reach
from bot.room.exchange import Exchange
from bot.room.orders import making_words as words


async def theirs(talk: Exchange, name: str) -> Entry | None:
    """A stored character that this person may change; None, and they are told, otherwise."""
    entry = find(talk, name)
    if entry is None:
        shipped = talk.view.shared.casts.shipped.owner(name) if name else None
        if shipped:
            await talk.tell(words.SHIPPED, shipped.name[talk.view.language])
        else:
            await talk.tell(words.NOBODYS, name[:40])
        return None
    if not may_change(talk, entry):
        await talk.tell(words.NOT_YOURS, entry.character.name[talk.view.language])
        return None
    return entry


def find(talk: Exchange, name: str) -> Entry | None:
    """The stored character that a name means to this person here: theirs before others'."""
    casts = talk.view.shared.casts
    if not name.strip():
        return None
    mine = casts.now("", person=talk.job.work.individual).owner(name)
    found = casts.entry(mine.id) if mine else None
    if found and found.owner == talk.job.work.individual:
        return found
    here = talk.view.cast.owner(name)
    return casts.entry(here.id) if here else None


def may_change(talk: Exchange, entry: Entry) -> bool:
    """Whether this person may change or withdraw a character: its owner, a moderator of the place
    it was made for, and at a terminal whoever runs the bot."""
    if entry.owner and entry.owner == talk.job.work.individual:
        return True
    if talk.view.hosts:
        return True
    return entry.reach == "place" and moderates(talk, entry.place)


def moderates(talk: Exchange, place: str) -> bool:
    """Whether what this person makes for a place needs nobody's approval."""
    here = place == talk.view.place
    return (here and talk.job.work.moderator) or talk.view.hosts


def why_not(talk: Exchange, reach: Reach, place: str) -> words.Words | None:
    """Why somebody may not make a character for a place, or for all; None when they may."""
    view = talk.view
    if reach == "everywhere":
        allowed = view.hosts or view.shared.permissions.allows(
            "character_everywhere", moderator=talk.job.work.moderator
        )
        return None if allowed else words.NOT_EVERYWHERE
    off = view.shared.casts.setting(place).review == "off"
    if reach == "place" and off and not moderates(talk, place):
        return words.NOT_HERE
    return None


def may_at_once(talk: Exchange, reach: Reach, place: str) -> bool:
    """Whether what this person makes counts at once there: nobody refuses it, or has to approve."""
    if why_not(talk, reach, place) is not None:
        return False
    review = talk.view.shared.casts.setting(place).review
    return reach != "place" or review != "approve" or moderates(talk, place)
