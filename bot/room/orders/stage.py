"""Who is on stage: /summon, /dismiss, /who, /cast."""

from __future__ import annotations

import logging

from bot import notices
from bot.commands import ALL, people
from bot.drafts import joined
from bot.memory import MemoryProblem
from bot.room.exchange import Exchange
from bot.room.orders.table import more, nobody_called, order, setting
from bot.room.speech import Spoken
from characters.card import Character
from characters.macros import expand
from characters.turn import Turn

log = logging.getLogger(__name__)


@order("summon")
async def _summon(talk: Exchange, argument: str) -> None:
    wanted, unknown = people(argument, talk.view.cast)
    if not wanted and not unknown:
        await talk.tell(notices.WHOM)
    already: list[str] = []
    for character in wanted:
        scene = talk.view.scene()
        if character in scene.cast:
            already.append(character.name[talk.view.language])
            continue
        greetings = character.greeting.either(talk.view.language)
        # The second greeting is for joining others.
        greeting = expand(
            greetings[min(len(scene.cast), len(greetings) - 1, 1)],
            char=character.name[talk.view.language],
            user=talk.job.work.name,
            seed=f"{talk.view.key}/{len(talk.view.memory.turns)}",
            language=talk.view.language,
        )
        cast = (*(c.id for c in scene.cast), character.id)
        line = talk.job.work.line
        await talk.speech.keep(
            character,
            Spoken(greeting),
            then=more(talk),
            joined=_joining(talk, character),
            cast=cast,
        )
        await _count(talk, character, line)
    if already:
        await talk.tell(notices.ALREADY, joined(already, talk.view.language))
    await nobody_called(talk, unknown)


async def _count(talk: Exchange, character: Character, line: str) -> None:
    """A summons counts for how popular a character is; that it cannot be counted hinders nobody."""
    person = talk.job.work.individual
    if not person:
        return
    popularity = talk.view.shared.casts.popularity
    try:
        await popularity.summoned(character.id, talk.view.place, person, once=line)
    except MemoryProblem as problem:
        log.warning("a summons was not counted: %s", problem)


def _joining(talk: Exchange, character: Character) -> Turn | None:
    """The one line that who joins is told: where it is, and who is there."""
    scene, language = talk.view.scene().aloud(), talk.view.language
    heard = [turn for turn in scene.turns if turn.heard_by(character.id)]
    if not scene.turns or (heard and heard[-1] is scene.turns[-1]):
        return None  # nothing has happened, or it missed nothing
    there = [c.name[language] for c in scene.cast]
    there += dict.fromkeys(t.speaker for t in scene.turns[-12:] if t.side == "human")
    if not there:
        return None
    told = notices.JOINED[language].format(
        character.name[language], scene.place or notices.HERE[language], joined(there, language)
    )
    return Turn("", told, "narration", frozenset({character.id}))


@order("dismiss")
async def _dismiss(talk: Exchange, argument: str) -> None:
    scene, language = talk.view.scene(), talk.view.language
    wanted, unknown = people(argument, talk.view.known)
    if argument.strip().casefold() in ALL:
        wanted, unknown = scene.cast, ()
    elif not wanted and not unknown:
        await talk.tell(notices.WHOM_NOT)
        return
    leaving = [c for c in wanted if c in scene.cast]
    absent = [c for c in wanted if c not in scene.cast]
    if leaving:
        await talk.view.memory.write(cast=tuple(c.id for c in scene.cast if c not in leaving))
    for characters, says in ((leaving, notices.LEFT), (absent, notices.NOT_HERE)):
        if characters:
            names = joined((c.name[language] for c in characters), language)
            await talk.view.notice(says[language].format(names))
    await nobody_called(talk, unknown)
    if not talk.view.scene().cast:
        await talk.announce(notices.NOBODY)


def is_everybody(talk: Exchange, argument: str) -> bool:
    """Whether /dismiss empties a stage on which several are."""
    on_stage = talk.view.scene().cast
    wanted, _ = people(argument, talk.view.known)
    return len(on_stage) > 1 and set(on_stage) <= set(wanted)


@order("who")
async def _who(talk: Exchange, argument: str) -> None:
    scene, state, language = talk.view.scene(), talk.view.memory.state, talk.view.language
    if not scene.cast:
        await talk.tell(notices.NOBODY)
        return
    names = joined((c.name[language] for c in scene.cast), language)
    rows = [notices.ON_STAGE[language].format(names), *setting(talk.view)]
    if state.paused:
        rows.append(notices.PAUSED[language])
    await talk.view.notice("\n".join(rows), to=talk.job.work.person)


@order("cast")
async def _cast(talk: Exchange, argument: str) -> None:
    language = talk.view.language
    stored, rows = talk.view.shared.casts.entry, []
    for character in talk.view.cast:
        aliases = joined(character.aliases.either(language)[:3], language)
        row = notices.CAST_ROW if stored(character.id) is None else notices.MADE_ROW
        told = row[language] if aliases else "{emoji} {name}"
        rows.append(
            told.format(
                emoji=character.emoji,
                name=character.name[language],
                id=character.id,
                aliases=aliases,
            ).strip()
        )
    await talk.tell(notices.CAST, "\n".join(rows))
