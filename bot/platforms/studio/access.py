"""Who may open which page: the roles, and the one place where they are asked.

    problem = refusal(route.least, visitor)          # "": they may

What a visitor may do inside a room is not asked here: that a room is theirs is `Rooms.grant`, and
each order's rights are the room's own, the same as in a chat (`bot.permissions`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from bot.memory import Visitor
from bot.platforms.studio.site import Ask

Least = Literal["anybody", "member", "moderator", "owner"]
RANK: Mapping[str, int] = {"anybody": 0, "member": 1, "moderator": 2, "owner": 3}

Refusal = Literal["", "sign in", "forbidden"]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table of routes: a page or a form, and the least role that may use it."""

    method: Literal["GET", "POST"]
    path: str
    handler: Callable[[Ask], Awaitable[web.StreamResponse]]
    least: Least


def refusal(least: Least, visitor: Visitor | None) -> Refusal:
    """Why somebody may not use a route; "": they may. `visitor` None: nobody is signed in."""
    if least == "anybody":
        return ""
    if visitor is None:
        return "sign in"
    return "" if RANK.get(visitor.role, 0) >= RANK[least] else "forbidden"
