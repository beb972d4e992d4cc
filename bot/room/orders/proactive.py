"""/proactive: whether, when and how often a character may speak first."""

from __future__ import annotations

import re
import unicodedata

from bot import notices
from bot.memory.unasked import (
    LEAST_MINUTES,
    MOST_A_DAY,
    MOST_MINUTES,
    Unasked,
    allow,
)
from bot.room.exchange import Exchange
from bot.room.orders.scene import NONE
from bot.room.orders.table import order
from text.numerals import CHINESE, number

_NUMBER = rf"[\d{CHINESE}]{{1,6}}"
_SILENCE = re.compile(rf"({_NUMBER})\s*(分钟?|分鐘|小时|小時|minutes?|min|m|hours?|h)?")
_HOURS = re.compile(r"(\d{1,2})\s*(?:点|點|:00)?\s*[-–—~到至]\s*(\d{1,2})\s*(?:点|點|:00)?")
_OFTEN = re.compile(rf"(?:[一每]天|x)?\s*({_NUMBER})\s*(?:次|times?|x|/day)")
_UTC = re.compile(r"(?:utc|gmt)\s*([+-]\s*\d{1,2}(?:[.:]\d{1,2})?)?")


@order("proactive")
async def _proactive(talk: Exchange, argument: str) -> None:
    view = talk.view
    text = unicodedata.normalize("NFKC", argument).casefold().strip()
    platform, _, name = view.key.partition(":")
    if text in NONE | {"关", "no", "不"}:
        await view.memory.write(unasked=None)
        await allow(view.shared.memory, platform, name, allowed=False)
        await talk.announce(notices.NOT_PROACTIVE)
        return
    if text:
        wish = wished(text)
        if wish is None:
            await talk.tell(notices.HOW_PROACTIVE, LEAST_MINUTES, MOST_MINUTES // 1440, MOST_A_DAY)
            return
        # The list first: a room in it without a wish is taken off, one with a wish is never missed.
        await allow(view.shared.memory, platform, name, allowed=True)
        await view.memory.write(unasked=wish)
    now = view.memory.state.unasked
    if now is None:
        await talk.tell(notices.NOT_PROACTIVE)
        return
    clock = "" if now.utc is None else f" UTC{now.utc:+g}"
    told = notices.PROACTIVE[view.language].format(
        now.minutes, f"{now.first}–{now.end}{clock}", now.most
    )
    await view.notice(told, to="" if text else talk.job.work.person)


def wished(text: str) -> Unasked | None:
    """What a line wishes: "60 9-22 3次 utc+8", in any order; None when it is none, or out of
    bounds. The silence must be there."""
    left, found = text, {}
    for key, pattern in (("utc", _UTC), ("hours", _HOURS), ("often", _OFTEN), ("after", _SILENCE)):
        match = pattern.search(left)
        if match:
            found[key] = match
            left = f"{left[: match.start()]} {left[match.end() :]}"
    if re.sub(r"[\s,，、;；]", "", left) or "after" not in found:
        return None
    value = number(found["after"][1]) or 0
    minutes = value * 60 if (found["after"][2] or "m")[0] in "h小" else value
    hours = found.get("hours")
    first, end = (int(hours[1]), int(hours[2])) if hours else (9, 22)
    most = (number(found["often"][1]) or 0) if "often" in found else 3
    utc = _offset(found["utc"][1] or "+0") if "utc" in found else None
    fits = (
        LEAST_MINUTES <= minutes <= MOST_MINUTES
        and 1 <= most <= MOST_A_DAY
        and first <= 24
        and end <= 24
        and first != end
        and (utc is None or -14 <= utc <= 14)
    )
    return Unasked(minutes, first, end, most, utc) if fits else None


def _offset(text: str) -> float:
    hours, _, rest = text.replace(" ", "").replace(".", ":").partition(":")
    part = int(rest) / 60 if rest else 0.0
    return int(hours) + (-part if hours.startswith("-") else part)
