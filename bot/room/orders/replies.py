"""Who speaks, and once more: /next, /continue, /auto, /retry, /edit, /undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot import notices
from bot.commands import people
from bot.drafts import joined, plain
from bot.memory import StoredTurn
from bot.room.delivery import show
from bot.room.exchange import Exchange
from bot.room.orders.table import anybody, is_said, last_line, more, nobody_called, number_in, order

AUTO, MOST_AUTO = 4, 12  # turns that characters talk among themselves
MOST_UNDO = 50


@order("next")
async def _next(talk: Exchange, argument: str) -> None:
    scene = talk.view.scene()
    if not await anybody(talk):
        return
    if argument:
        wanted, unknown = people(argument, talk.view.known)
        await nobody_called(talk, unknown)
        language = talk.view.language
        absent = [c.name[language] for c in wanted if c not in scene.cast]
        if absent:
            await talk.tell(notices.NOT_HERE, joined(absent, language))
        present = [c for c in wanted if c in scene.cast]
        speaker = present[0] if present else None
    else:
        speaker = await talk.whoever()
    if speaker:
        await talk.speech.answer(speaker, then=lambda turn: None)


@order("continue")
async def _continue(talk: Exchange, argument: str) -> None:
    if not await anybody(talk):
        return
    last = next(
        (t for t in reversed(talk.view.scene().aloud().turns) if t.side == "character"), None
    )
    on_stage = {c.id: c for c in talk.view.scene().cast}
    if last is None or last.speaker not in on_stage:
        await talk.tell(notices.NO_LINE)
        return
    await talk.speech.answer(on_stage[last.speaker], then=lambda turn: None)


@order("auto")
async def _auto(talk: Exchange, argument: str) -> None:
    number = number_in(argument, AUTO)
    if number is None or not 1 <= number <= MOST_AUTO:
        await talk.tell(notices.HOW_MANY, MOST_AUTO)
        return
    if len(talk.view.scene().cast) < 2:
        await talk.tell(notices.TOO_FEW)
        return
    for said in range(number):
        if talk.job.stopped or talk.job.overheard or talk.view.memory.state.paused:
            return
        speaker = await talk.whoever()
        then = more(talk) if said + 1 < number else (lambda turn: None)
        if speaker is None or not await talk.speech.answer(speaker, then=then, chatter=True):
            return


@order("retry")
async def _retry(talk: Exchange, argument: str) -> None:
    """Another version of the last line, or one that was there before."""
    found = await last_line(talk)
    if found is None:
        return
    line, speaker = found
    if argument:
        which = number_in(argument, 0)
        if which is None or not 1 <= which <= len(line.texts):
            await talk.tell(notices.WHICH_VERSION, len(line.texts))
            return
        line = replace(line, shown=which - 1)
        await talk.view.memory.change(line, talk.job.work)
        talk.job.closed = True
        await show(talk.view, talk.chores, line, speaker)
        if len(line.texts) > 1:
            talk.chores.later(
                talk.view.shared.memory.feedback.chosen(
                    talk.view.key, line.id, which, talk.job.work.person
                )
            )
        return
    if not await anybody(talk) or speaker not in talk.view.scene().cast:
        return
    await talk.speech.once_more(line, speaker)


@order("edit")
async def _edit(talk: Exchange, argument: str) -> None:
    """The last line in somebody's own words: one version more, which is the one that counts."""
    text = plain(argument).strip()
    found = await last_line(talk)
    if found is None:
        return
    line, speaker = found
    if not text or text == line.text:
        await talk.tell(notices.EDIT_WHAT)
        return
    old = line.shown + 1
    new = replace(line, texts=(*line.texts, text), shown=len(line.texts), passages=())
    new = await talk.view.memory.change(new, talk.job.work)
    talk.job.closed = True
    await show(talk.view, talk.chores, new, speaker)
    talk.chores.later(
        talk.view.shared.memory.feedback.edited(
            talk.view.key, line.id, old, talk.job.work.person, text
        )
    )


@order("undo")
async def _undo(talk: Exchange, argument: str) -> None:
    number = number_in(argument, 1)
    if number is None or not 1 <= number <= MOST_UNDO:
        await talk.tell(notices.HOW_MANY, MOST_UNDO)
        return
    gone = last_turns(_known_to(talk.job.work.individual, talk.view.memory.turns), number)
    if not gone:
        await talk.tell(notices.NO_LINE)
        return
    lines = await talk.view.memory.lines()
    await talk.view.memory.undo(gone, talk.job.work)
    talk.job.closed = True
    for kept in reversed(gone):
        line = lines.get(kept.line)
        if line and line.places:
            await talk.view.stage.withdraw(line.id, line.places)
        if line:
            rejected = talk.view.shared.memory.feedback.rejected(
                talk.view.key, line.id, line.shown + 1, talk.job.work.person
            )
            talk.chores.later(rejected)
    await talk.announce(notices.UNDONE, sum(is_said(kept) for kept in gone))


def is_own(talk: Exchange, argument: str) -> bool:
    """Whether /undo takes back only what its giver said, and what was answered to that."""
    number = number_in(argument, 1)
    person = talk.job.work.individual
    if not person or number is None:
        return False
    turns = _known_to(person, talk.view.memory.turns)
    gone = last_turns(turns, number)
    if not gone:
        return True
    before = turns[: len(turns) - len(gone)]
    asked = next((k for k in reversed(before) if k.turn.side != "character"), None)
    # An answer without the message that it answers counts for whom it answered.
    spoke = [k for k in gone if k.turn.side != "character"]
    if gone[0].turn.side == "character" and asked is not None:
        spoke.append(asked)
    return bool(spoke) and all(kept.person == person for kept in spoke if is_said(kept))


def _known_to(person: str, turns: Sequence[StoredTurn]) -> list[StoredTurn]:
    """The turns that somebody knows of: all but what others whispered, and was whispered back."""
    known, theirs = [], False
    for kept in turns:
        if kept.turn.whispered and kept.turn.side == "human":
            theirs = bool(person) and kept.person == person
        if theirs or not kept.turn.whispered:
            known.append(kept)
    return known


def last_turns(turns: Sequence[StoredTurn], number: int) -> list[StoredTurn]:
    """The last turns that somebody said, with what only one was told of in between."""
    at = len(turns)
    while at and number:
        at -= 1
        number -= is_said(turns[at])
    return list(turns[at:])
