"""What moderators see to: characters that wait for approval, and what members reported.

for entry in waiting(casts, "discord:1234"): ...
await casts.review(entry.id, approved=True)
found = await reports(casts, memory, "discord:1234")
await clear_reports(memory, "discord:1234", character=found[0].character)
"""

from __future__ import annotations

from bot.casts import Casts, Entry
from bot.memory.connection import Connection
from bot.memory.reports import Report, clear_reports, reports_of

__all__ = ["Report", "clear_reports", "reports", "waiting"]


def waiting(casts: Casts, place: str | None) -> list[Entry]:
    """What members made for a place (None: for any) and nobody has approved yet, oldest first; as
    of the last `Casts.refresh`. Nobody sees to a private chat ("")."""
    if place == "":
        return []
    return [e for e in casts.entries() if e.waiting and place in (None, e.place)]


async def reports(casts: Casts, memory: Connection, place: str | None) -> list[Report]:
    """What members of a place (None: of all) reported about characters that are still there, newest
    first, without who did. What was reported in private chats ("") is for who runs the bot.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """
    await casts.refresh()
    if place == "":
        return []
    found = await reports_of(memory, place)
    return [each for each in found if casts.entry(each.character)]
