"""/checkpoint and /branch: other ways that the talk went, and the way back."""

from __future__ import annotations

from bot import notices
from bot.drafts import plain
from bot.memory import StoredTurn
from bot.memory.branches import MOST_BRANCHES, TooManyBranches, go, keep, leave_at, remove
from bot.memory.stored import Branch
from bot.room.exchange import Exchange
from bot.room.orders.replies import last_turns
from bot.room.orders.table import is_said, number_in, order
from bot.room.view import View
from characters.prompt import name_of
from text.folding import fold

LONGEST = 24  # characters of a name
_SHOWN = 3  # last lines of where one has come to
_BACK = {"back", "回去", "返回", "回来"}
_HERE = {"here", "这里", "这儿", "此处"}
_DELETE = ("delete ", "remove ", "删除", "去掉")


@order("checkpoint")
async def _checkpoint(talk: Exchange, argument: str) -> None:
    name = _name(argument)
    if not name:
        await talk.tell(notices.BRANCH_NAME, LONGEST)
        return
    # Another spelling of a name that is there is that name.
    known = _find(talk.view, name)
    name = known.name if known else name
    try:
        kept = await keep(talk.view.memory, name, talk.job.work)
    except TooManyBranches:
        await talk.tell(notices.TOO_MANY_BRANCHES, MOST_BRANCHES)
        return
    talk.job.closed = True
    await talk.announce(notices.KEPT_AS, name, kept.turns, name)


@order("branch")
async def _branch(talk: Exchange, argument: str) -> None:
    text = " ".join(plain(argument).split())
    try:
        if not text:
            await _list(talk)
        elif text.casefold() in _HERE:
            await _from_reply(talk)
        elif deleted := next((text[len(d) :] for d in _DELETE if text.startswith(d)), ""):
            await _delete(talk, deleted.strip())
        elif text.casefold() in _BACK:
            others = [b for b in talk.view.memory.state.branches if _is_left(talk.view, b)]
            newest = max(others, key=lambda b: (b.at, not b.fixed), default=None)
            await _go(talk, newest.name if newest else text)
        elif (number := number_in(text, 0)) is not None:
            await _lines_back(talk, number)
        else:
            await _go(talk, text)
    except TooManyBranches:
        await talk.tell(notices.TOO_MANY_BRANCHES, MOST_BRANCHES)


async def _list(talk: Exchange) -> None:
    view, language = talk.view, talk.view.language
    rows = [
        notices.BRANCH_ROW[language].format(
            mark="■" if branch.fixed else "├",
            name=branch.name,
            turns=branch.turns,
            end="←" if branch.name == view.memory.state.branch else "",
        )
        for branch in view.memory.state.branches
    ]
    if rows:
        await talk.tell(notices.BRANCHES, "\n".join(map(str.strip, rows)))
    else:
        await talk.tell(notices.NO_BRANCHES)


async def _lines_back(talk: Exchange, number: int) -> None:
    turns = await talk.view.memory.between()
    said = sum(map(is_said, turns))
    if not said or not 1 <= number <= said:
        await talk.tell(notices.HOW_MANY if said else notices.NO_LINE, said)
        return
    before = turns[: len(turns) - len(last_turns(turns, number))]
    await _leave_at(talk, before[-1].id if before else "")


async def _from_reply(talk: Exchange) -> None:
    """On from the line, or the message, that the order replies to."""
    place = talk.job.work.reply_to
    line = await talk.view.line_at(place) if place else None
    turns = await talk.view.memory.between(hidden=True)
    found = next(
        (t for t in turns if place and _stands_at(t, place, line.id if line else "")), None
    )
    if found is None or talk.view.memory.state.hides(found.id):
        await talk.tell(notices.BRANCH_REPLY)
        return
    await _leave_at(talk, found.id)


async def _leave_at(talk: Exchange, turn: str) -> None:
    left = await leave_at(talk.view.memory, turn, talk.job.work)
    talk.job.closed = True
    await talk.announce(notices.BRANCHED, _end(talk.view), left)


async def _go(talk: Exchange, name: str) -> None:
    found = _find(talk.view, name)
    if found is None:
        names = "、".join(branch.name for branch in talk.view.memory.state.branches)
        none = notices.NO_SUCH_BRANCH if names else notices.NO_BRANCHES
        await talk.tell(none, name[:LONGEST], names)
        return
    left = await go(talk.view.memory, found.name, talk.job.work)
    talk.job.closed = True
    language = talk.view.language
    told = notices.GONE_TO[language].format(found.name, _end(talk.view))
    if left and left != found.name:
        told += "\n" + notices.LEFT_AT[language].format(left)
    await talk.view.notice(told)


async def _delete(talk: Exchange, name: str) -> None:
    found = _find(talk.view, name)
    if found is None:
        await _go(talk, name)  # which says that there is none
        return
    await remove(talk.view.memory, found.name, talk.job.work)
    talk.job.closed = True
    await talk.announce(notices.BRANCH_GONE, found.name)


def _is_left(view: View, branch: Branch) -> bool:
    return branch.name != view.memory.state.branch


def _stands_at(kept: StoredTurn, place: str, line: str) -> bool:
    return kept.message == place or (bool(line) and kept.line == line)


def _find(view: View, name: str) -> Branch | None:
    return next((b for b in view.memory.state.branches if fold(b.name) == fold(name)), None)


def _name(text: str) -> str:
    """A name that can be kept under; "" where it is none."""
    name = " ".join(plain(text).split())
    words = {*_BACK, *_HERE}
    taken = name.casefold() in words or name.startswith(_DELETE)
    good = 0 < len(name) <= LONGEST and number_in(name, 0) is None and not taken
    return name if good and any(map(str.isalnum, name)) else ""


def _end(view: View) -> str:
    """The last lines of where the talk is now, as everybody may know them."""
    scene = view.scene()
    colon = "：" if view.language == "zh" else ": "
    pairs = zip(scene.turns, view.memory.turns, strict=True)
    turns = [turn for turn, kept in pairs if is_said(kept) and not turn.whispered]
    rows = [f"{name_of(t, scene)}{colon}{' '.join(t.text.split())[:60]}" for t in turns[-_SHOWN:]]
    return "\n".join(rows) or notices.NOTHING_YET[view.language]
