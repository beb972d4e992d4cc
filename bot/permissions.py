"""Which orders need a moderator, and the file that changes that.

    permissions = load_permissions(Path("rights.toml"))
    permissions.allows("pause", moderator=False)       ->  False

What cannot be undone, or holds for everybody, is by default for moderators: the platform says who
is one (`Message.moderator`); in a private chat and at a terminal everybody is. Typed orders and
those of slash commands and buttons are checked in one place (`bot.room.orders.obey`).

A file (`--rights FILE`, MRP_RIGHTS) says who may give an order, by the order's English name:

    undo = "everyone"              # also other people's turns
    retry = "moderators"
    narrate = "nobody"

Besides the orders there are `forget_room`, `dismiss_all` and `undo_own`: taking back one's own last
turns with what was answered to them; `character_review` (the queue, approving, refusing, reports)
and `character_everywhere` (making characters for all places; nobody, unless the file says who);
and `voice_room`: /voice for everybody.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from bot.commands import ALL, COMMANDS, Order

Who = Literal["everyone", "moderators", "nobody"]

FORGET_ROOM, DISMISS_ALL, UNDO_OWN = "forget_room", "dismiss_all", "undo_own"
CHARACTER_REVIEW, CHARACTER_EVERYWHERE = "character_review", "character_everywhere"
VOICE_ROOM = "voice_room"
MODERATORS = frozenset(
    {FORGET_ROOM, DISMISS_ALL, "restore", "undo", "pause", "resume", "note", "edit", "language"}
    | {"auto", "branch", "checkpoint", "lore", "castmode", CHARACTER_REVIEW}
    | {VOICE_ROOM}
    | {"transcript", "autoreply", "proactive", "stageset"}
)
NOBODY = frozenset({CHARACTER_EVERYWHERE})  # on a chat platform; whoever runs the bot may
# Orders that only ask how it is, when nothing is said with them.
_ASKING = {"note", "language", "branch", "lore", "castmode", "autoreply", "proactive", "stageset"}
# What people may always do with what is remembered of them, and how they get help.
_THEIRS = frozenset(
    {"memory", "remember", "correct", "export", "optout", "optin", "share", "retention", "link"}
    | {"unlink", "persona", "forget", "help", "quit"}
)
_MADE = {CHARACTER_REVIEW, CHARACTER_EVERYWHERE, VOICE_ROOM}
ACTIONS = frozenset(
    {c.id for c in COMMANDS} - _THEIRS | {FORGET_ROOM, DISMISS_ALL, UNDO_OWN} | _MADE
)


class PermissionsError(ValueError):
    """A rights file that cannot be used; the message names the file and the key."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Permissions:
    """`rules` says of actions who may; the defaults hold for all others."""

    rules: Mapping[str, Who] = field(default_factory=dict)

    def allows(self, action: str, *, moderator: bool) -> bool:
        """Whether somebody may do this; `moderator` as the platform says."""
        default: Who = "moderators" if action in MODERATORS else "everyone"
        default = "nobody" if action in NOBODY else default
        match self.rules.get(action, default):
            case "everyone":
                return True
            case "moderators":
                return moderator
            case _:
                return False


def action_of(order: Order) -> str:
    """What an order is, as rules name it."""
    argument = order.argument.strip().casefold()
    if order.id == "dismiss" and argument in ALL:
        return DISMISS_ALL
    if order.id in _ASKING and not argument:
        return ""  # only asks what it is
    return order.id


def load_permissions(file: Path) -> Permissions:
    """Read a rights file.

    Raises:
        PermissionsError: it cannot be read, or a key or value is unknown.
    """
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as problem:
        raise PermissionsError(f"{file}: cannot be read as rights: {problem}") from problem
    for key, value in raw.items():
        if key not in ACTIONS:
            raise PermissionsError(
                f"{file}: unknown order {key!r}; there are {', '.join(sorted(ACTIONS))}"
            )
        if value not in get_args(Who):
            raise PermissionsError(
                f"{file}: {key}: must be one of {', '.join(get_args(Who))}, not {value!r}"
            )
    return Permissions(raw)
