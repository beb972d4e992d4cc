"""What there is to know: /recap, /why, /help."""

from __future__ import annotations

from bot import notices
from bot.commands import help_text
from bot.drafts import joined
from bot.room.exchange import Exchange
from bot.room.orders.lore import called
from bot.room.orders.table import is_said, last_line, order, setting
from characters.prompt import name_of

_RECAP = 8  # last turns that a recap tells


@order("recap")
async def _recap(talk: Exchange, argument: str) -> None:
    scene, language = talk.view.scene(), talk.view.language
    kept = zip(scene.turns, talk.view.memory.turns, strict=True)
    told = dict.fromkeys(s.text for s in talk.view.memory.state.summaries)
    # Everybody heard most of it: the longest summary tells it.
    summary = max(told, key=len, default="")
    rows = [notices.BEFORE[language].format(summary)] if summary else []
    said = [turn for turn, k in kept if is_said(k) and not turn.whispered]
    rows += setting(talk.view)
    for turn in said[-_RECAP:]:
        text = " ".join(turn.text.split())
        short = text if len(text) <= 60 else f"{text[:60]}……"
        rows.append(f"{name_of(turn, scene)}{'：' if language == 'zh' else ': '}{short}")
    if not rows:
        rows = [notices.NOTHING_YET[language]]
    await talk.view.notice("\n".join(rows), to=talk.job.work.person)


@order("why")
async def _why(talk: Exchange, argument: str) -> None:
    language = talk.view.language
    found = await last_line(talk)
    if found is None:
        return
    line, speaker = found
    name = speaker.name[language]
    if not line.passages and not line.lore:
        await talk.tell(notices.NO_PASSAGES if talk.view.shared.book else notices.NO_BOOK, name)
        return
    rows = [notices.LEANED[language].format(name)] if line.passages else []
    rows += [notices.PASSAGE[language].format(chapter, q) for chapter, q in line.passages]
    if line.lore:
        entries = (
            notices.LORE_ENTRY[language].format(called(book)[language], entry)
            for book, entry in line.lore
        )
        rows.append(notices.LORE_LEANED[language].format(name, joined(entries, language)))
    await talk.view.notice("\n".join(rows), to=talk.job.work.person)


@order("help")
async def _help(talk: Exchange, argument: str) -> None:
    await talk.view.notice(help_text(talk.view.language), to=talk.job.work.person)
