"""A room as its parts see it: the scene, the language, and notices to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from bot import notices
from bot.choices import pick
from bot.conversation import greeted, language_of, scene_of, spoken_in
from bot.dialogue import Steps
from bot.memory import MemoryAway, Request, StoredLine, StoredTurn
from bot.room.shared import Shared
from bot.stage import Stage
from characters.card import Cast, Character, Language, UnknownCharacter, Words
from characters.turn import Scene, Turn

FOLLOWS = 3  # messages in another language after each other that change the room's


class View:
    """One room's memory and stage. `key` is `platform:name`; in a `private` room one person reads
    along, in any other one everybody may."""

    def __init__(
        self,
        platform: str,
        name: str,
        shared: Shared,
        stage: Stage,
        *,
        language: Language | None = None,
        private: bool = False,
        limited: bool = True,
    ) -> None:
        self.key = f"{platform}:{name}"
        self.private = private
        self.limited = limited  # several strangers share it
        self.shared = shared
        self.stage = stage
        self.memory = shared.memory.room(platform, name, self.connection)
        self.wanted = language
        self.away = False  # the memory is, and people know
        # Whose cast it has: that of a place (`platform:id` of a server or chat), and in a private
        # room or at a terminal that of the person who speaks there.
        self.place = "" if private else self.key
        self.owner = ""
        self.forms: dict[str, Steps] = {}  # who is making a character step by step, and how far

    @property
    def hosts(self) -> bool:
        """Whether whoever speaks here runs the bot, as at its terminal. A private room without
        limits of its own is no such place: the endpoint, which has one for each of its users, sees
        to their limits itself."""
        return not self.limited and not self.private

    async def refresh(self, person: str = "") -> None:
        """See who can be summoned by now, before something is done for a person.

        Raises:
            MemoryAway, MemoryProblem: it cannot be read now.
        """
        if (self.private or self.hosts) and person:
            self.owner = person
        await self.shared.casts.refresh(self.connection)

    @property
    def cast(self) -> Cast:
        """Who can be summoned here."""
        return self.shared.casts.now(self.place, person=self.owner, alone=self.hosts)

    @property
    def language(self) -> Language:
        """What the room speaks; Chinese until somebody says otherwise."""
        return self.memory.state.language or self.wanted or "zh"

    def heard(self, work: Request) -> tuple[Turn, dict[str, Any]]:
        """What somebody said as a turn, and the changes of the state that it makes: a number picks
        one of the choices, which is then what the person said."""
        picked = None if work.forwarded or work.to else pick(work.text, self.memory.state.choices)
        changes = self.decided_by(work.text)
        if picked is None:
            return self.turn_of(work), changes
        return Turn(work.name, picked), changes | {"choices": ()}

    @property
    def known(self) -> Cast:
        """Who can be summoned here, and who is on stage: their names mean them, too."""
        on_stage, cast = self.scene().cast, self.cast
        strange = [character for character in on_stage if character not in cast.characters]
        return Cast((*strange, *cast)) if strange else cast

    def turn_of(self, work: Request) -> Turn:
        """What somebody said, as it stands in the transcript."""
        text = work.text
        if work.forwarded:
            text = notices.FORWARDED[self.language].format(text)
        if work.to:
            return Turn(work.name, text, "human", frozenset((work.to,)), whispered=True)
        return Turn(work.name, text)

    def decided_by(self, text: str) -> dict[str, Any]:
        """Changes of the state that a person's words make: the first ones decide the language, and
        several in another one change it, unless somebody has chosen it."""
        state, said = self.memory.state, language_of(text)
        if said in (None, state.language) or state.language_chosen or self.wanted:
            return {}
        human = (k.turn.text for k in reversed(self.memory.turns) if k.turn.side == "human")
        before = list(islice(human, FOLLOWS - 1))
        if state.language and [language_of(one) for one in before] != [said] * (FOLLOWS - 1):
            return {}
        return {"language": said}

    def as_spoken(self, scene: Scene) -> Scene:
        """The scene as who answers reads it: names, cards and greetings in the language of who
        spoke last, unless the room's was chosen."""
        if self.memory.state.language_chosen or self.wanted:
            return greeted(scene)
        return greeted(replace(scene, language=spoken_in(scene) or scene.language))

    def scene(self, reader: str = "") -> Scene:
        """The room as it is, with what `reader` remembers of what was trimmed."""
        return scene_of(self.memory.state, self.memory.turns, self.shared.casts, reader)

    def answered(self, work: Request, reader: str) -> Scene:
        """The scene that a message is answered in. Where people spoke on since (a message that a
        process left behind is taken up later), it ends before that: what is answered is the last
        thing that was said, but for the answers it has already."""
        scene, stored = self.scene(reader), self.memory.turns
        asked = next((n for n, k in enumerate(stored) if k.line == work.id), len(stored))
        later = (n for n, k in enumerate(stored) if n > asked and k.turn.side == "human")
        until = next(later, None)
        if until is None:
            return scene
        rest = zip(stored[until:], scene.turns[until:], strict=True)
        own = [turn for k, turn in rest if k.line.partition(".")[0] == work.id]
        return replace(scene, turns=(*scene.turns[:until], *own))

    def named(self, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """Turns with shown names for whoever is not on stage."""
        kept = [StoredTurn("", turn) for turn in turns]
        return scene_of(self.memory.state, kept, self.shared.casts).turns

    def character(self, character_id: str) -> Character | None:
        try:
            return self.shared.casts[character_id]
        except UnknownCharacter:
            return None

    async def line_at(self, place: str) -> StoredLine | None:
        """The line that stands at a place of the platform."""
        lines = await self.memory.lines()
        return next((line for line in reversed(lines.values()) if place in line.places), None)

    async def last_line(self) -> StoredLine | None:
        """The last line that a character said aloud."""
        spoken = (k for k in reversed(self.memory.turns) if k.turn.side == "character")
        kept = next((k for k in spoken if not k.turn.whispered), None)
        if kept is None:
            return None
        found = (await self.memory.lines()).get(kept.line)
        return found or StoredLine(kept.line, kept.turn.speaker, (kept.turn.text,))

    async def say(self, words: Words, *values: object, to: str = "") -> None:
        """A notice in the room's language, with `values` in its gaps; to one person, or to all."""
        await self.notice(words[self.language].format(*values), to=to)

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        await self.stage.notice(text, to=to, secret=secret)

    async def connection(self, problem: MemoryAway | None) -> None:
        """The memory's connection went away, or (None) came back. Several steps may wait for it at
        the same time; people are told once."""
        if bool(problem) != self.away:
            self.away = bool(problem)
            if problem:
                await self.say(notices.AWAY, problem)
            else:
                await self.say(notices.BACK)
