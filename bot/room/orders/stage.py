"""Who is on stage: /summon, /dismiss, /autoreply, /who, /cast."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from bot import notices
from bot.commands import ALL, people
from bot.drafts import joined
from bot.memory import MemoryProblem
from bot.room.exchange import Exchange
from bot.room.orders.table import more, nobody_called, order, setting
from bot.room.speech import Spoken
from characters.card import Character
from characters.greetings import Situation, greetings_for
from characters.macros import expand
from characters.turn import Scene, Turn

_WISH = {
    **dict.fromkeys(("on", "yes", "开", "开启", "可以"), True),
    **dict.fromkeys(("off", "no", "关", "关闭", "不"), False),
}

log = logging.getLogger(__name__)


@order("summon")
async def _summon(talk: Exchange, argument: str) -> None:
    wanted, unknown = people(argument, talk.view.cast)
    if not wanted and not unknown:
        await talk.tell(notices.WHOM)
    await bring_on(talk, wanted)
    await nobody_called(talk, unknown)


async def bring_on(talk: Exchange, wanted: Sequence[Character], *, greet: bool = True) -> None:
    """Bring characters on stage, each with its greeting; who is there already is told."""
    already: list[str] = []
    for character in wanted:
        scene = talk.view.scene()
        if character in scene.cast:
            already.append(character.name[talk.view.language])
            continue
        cast = (*(c.id for c in scene.cast), character.id)
        line = talk.job.work.line
        if not greet:
            await talk.view.memory.write(cast=cast)
            await _count(talk, character, f"{line} {character.id}")
            continue
        greeting, *others = await _greetings(talk, character, scene)
        await talk.speech.keep(
            character,
            Spoken(greeting),
            others=others,
            then=more(talk),
            joined=_joining(talk, character),
            cast=cast,
        )
        await _count(talk, character, line)
    if already:
        await talk.tell(notices.ALREADY, joined(already, talk.view.language))


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


async def _greetings(talk: Exchange, character: Character, scene: Scene) -> tuple[str, ...]:
    """What the character may say as it comes, by where, when and whom it meets; the first one is
    said, the others are versions of it (`/retry 2`)."""
    view, work = talk.view, talk.job.work
    known = False
    if work.individual and any(one.known is not None for one in character.greetings):
        person = await view.shared.memory.person(work.individual, view.connection).known()
        met = [person.bonds.get((character.id, scope)) for scope in {view.private, False}]
        known = any(bond and bond.talks for bond in met)
    situation = Situation(
        view.language,
        place=view.memory.state.place,
        hour=time.localtime(view.shared.clock()).tm_hour,
        known=known,
        joining=bool(scene.cast),
    )
    texts = greetings_for(
        character.greeting, character.greetings, situation, len(view.memory.turns)
    )
    return tuple(
        expand(
            text,
            char=character.name[view.language],
            user=work.name,
            seed=f"{view.key}/{character.id}",
            language=view.language,
        )
        for text in texts
    )


@order("autoreply")
async def _autoreply(talk: Exchange, argument: str) -> None:
    """Whether characters answer when nobody has called them; kept for who comes back, too."""
    view, language = talk.view, talk.view.language
    *words, last = argument.split() or [""]
    wish = _WISH.get(last.casefold())
    name = " ".join(words if wish is not None else (*words, last))
    wanted, unknown = people("" if name.casefold() in ALL else name, view.cast)
    if name.casefold() in ALL:
        wanted = view.scene().cast
    elif not wanted and not unknown:
        wanted = view.scene().cast
        if wish is not None or not wanted:
            await talk.tell(notices.WHOSE_REPLIES)
            return
    reserved = list(view.memory.state.reserved)
    if wanted and wish is not None:
        ids = [c.id for c in wanted]
        reserved = [one for one in reserved if one not in ids] + ([] if wish else ids)
        await view.memory.write(reserved=tuple(reserved))
    rows = [
        notices.AUTO_REPLY[language].format(
            c.name[language], notices.UNASKED[c.id not in reserved][language]
        )
        for c in wanted
    ]
    if rows:
        changed = wish is not None
        await view.notice("\n".join(rows), to="" if changed else talk.job.work.person)
    await nobody_called(talk, unknown)


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
    if quiet := [c.name[language] for c in scene.cast if c.id in state.reserved]:
        rows.append(notices.RESERVED[language].format(joined(quiet, language)))
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
