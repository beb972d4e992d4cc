"""What is decided without a model: /roll, /choices."""

from __future__ import annotations

from dataclasses import replace

from bot import notices
from bot.choices import LEAST, LONGEST, MOST, offered, pick
from bot.dice import DiceError, parse, throw
from bot.drafts import plain
from bot.room.exchange import Exchange
from bot.room.orders.scene import NONE
from bot.room.orders.table import order
from characters.card import Words
from characters.turn import Turn


@order("roll")
async def _roll(talk: Exchange, argument: str) -> None:
    """What fell is told by the narrator, so that all on stage know it, and kept with the order:
    dice that fell once do not fall again after a crash."""
    view, work = talk.view, talk.job.work
    try:
        thrown = throw(parse(argument), view.shared.dice)
    except DiceError as problem:
        await talk.tell(problem.words)
        return
    told = notices.ROLLED[view.language].format(work.name, thrown)
    await view.memory.write(Turn("", told, "narration"), person=work.individual, work=work)
    talk.job.closed = True
    await view.notice(f"🎲 {told}")


@order("choices")
async def _choices(talk: Exchange, argument: str) -> None:
    view = talk.view
    open_ = view.memory.state.choices
    text = plain(argument).strip()
    if not text:
        await talk.tell(*(_shown(open_) if open_ else (notices.NO_CHOICES,)))
    elif text.casefold() in NONE:
        await view.memory.write(choices=())
        await talk.announce(notices.NO_CHOICES)
    elif (picked := pick(text, open_)) is not None:
        # In chats where only orders are heard: as if it had been said.
        said = replace(talk.job.work, order=False, text=picked)
        talk.job.work = await view.memory.update(talk.job.work, said)
        await talk.answer()
    else:
        new = offered(text)
        if not LEAST <= len(new) <= MOST:
            await talk.tell(notices.HOW_MANY_CHOICES, LEAST, MOST)
        elif any(len(one) > LONGEST for one in new):
            await talk.tell(notices.LONG_CHOICE, LONGEST)
        else:
            await view.memory.write(choices=new)
            await talk.announce(*_shown(new))


def _shown(choices: tuple[str, ...]) -> tuple[Words, str]:
    rows = "\n".join(f"{n}. {choice}" for n, choice in enumerate(choices, start=1))
    return notices.CHOICES, rows
