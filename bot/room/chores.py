"""What a room does when nobody waits: summaries of trimmed turns, learning, feedback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from bot.conversation import Reading
from bot.memory import Asked, StoredLine
from bot.memory.keys import stream_order
from bot.room.aloud import Aloud
from bot.room.view import View
from bot.summary import LONGEST, beginnings, by_hearers, is_about, with_summary
from engine.sequence import EngineError

log = logging.getLogger(__name__)

_SHARE = 8  # of the context that a summary may take: a character is about a token


class Chores:
    """One room's background tasks."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._tasks: set[asyncio.Task[Any]] = set()
        self._learned: str | None = None  # id of the newest turn that `people` was given
        self.aloud = Aloud(view, self.later)
        self._retried = ""  # id of the last line, when there are versions to choose from
        self._same = ("", 0)  # a line's id, and how often another version was no other

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something without anybody waiting for it."""
        task = asyncio.create_task(self.quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def quietly(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something; a failure is logged."""
        try:
            await work
        except Exception:  # a chore that fails must not end the process
            log.exception("%s: a background task failed", self._view.key)

    @property
    def idle(self) -> bool:
        """Whether nothing that was begun goes on."""
        return not self._tasks

    async def settle(self) -> None:
        """Wait for all that was begun."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # -- versions --------------------------------------------------------------------------------

    def same(self, line_id: str) -> int:
        """How often another version of this line was asked for and said the same."""
        return self._same[1] if self._same[0] == line_id else 0

    def same_again(self, line_id: str) -> None:
        self._same = (line_id, self.same(line_id) + 1)

    # -- feedback --------------------------------------------------------------------------------

    def asked(self, line: StoredLine, version: int, read: Reading, text: str) -> None:
        """Keep the prompt of a line, for those who will judge it."""
        view = self._view
        people = {kept.person: kept.turn.speaker for kept in view.memory.turns if kept.person}
        if line.person and line.person not in people:
            people[line.person] = ""
        asked = Asked(
            tuple((span.text, span.control) for span in read.spans),
            text,
            model=view.shared.voice.name,
            character=line.speaker,
            language=view.language,
            private=view.private,
            people=people,
        )
        self.later(view.shared.memory.feedback.asked(view.key, line.id, version, asked))

    def retried(self, line_id: str) -> None:
        """There are several versions of the last line to choose from."""
        self._retried = line_id

    def goes_on(self, person: str) -> None:
        """The talk goes on from the shown version of the last line: it was the best one."""
        if self._retried:
            self.later(self._chosen(self._retried, person))
            self._retried = ""

    async def _chosen(self, line_id: str, person: str) -> None:
        view = self._view
        line = (await view.memory.lines()).get(line_id)
        if line and len(line.texts) > 1:
            await view.shared.memory.feedback.chosen(view.key, line_id, line.shown + 1, person)

    # -- learning and summaries ------------------------------------------------------------------

    def begin(self) -> None:
        """The room is known: what was said before now was learned from by others."""
        if self._learned is None:
            turns = self._view.memory.turns
            self._learned = turns[-1].id if turns else ""

    def rest(self) -> None:
        """Nothing is to be done just now: time to learn, and to sum up what was trimmed."""
        view = self._view
        turns, people, state = view.memory.turns, view.shared.people, view.memory.state
        if people and turns:
            new = [kept for kept in turns if _is_later(kept.id, self._learned or "")]
            if new:
                self._learned = new[-1].id
                people.heard(view.key, view.private, new, view.scene())
        if state.mark and state.mark != state.summed:
            self.later(self._sum_up())

    async def _sum_up(self) -> None:
        """Sum up the turns that were trimmed since the last time, for those who heard them."""
        view, shared = self._view, self._view.shared
        state = view.memory.state
        mark, summaries, epoch = state.mark, state.summaries, state.epoch
        longest = min(LONGEST, shared.voice.context // _SHARE)
        trimmed = await view.memory.between(state.summed, mark)
        if shared.people:
            trimmed = await shared.people.rememberable(trimmed, view.private)
        # What was whispered is in no summary: those who read it may be others than who heard it.
        turns = [kept.turn for kept in trimmed if not kept.turn.whispered]
        for heard, earlier, part in by_hearers(state.cast, turns, summaries):
            scene = replace(view.scene(), turns=view.named(part), summary="")
            text = earlier
            if part:
                text = ""
                try:
                    if "summaries" in shared.voice.tasks:
                        text = await shared.voice.summed_up(
                            scene, earlier, longest=longest, room=view.key
                        )
                except EngineError as problem:
                    log.info("%s: no summary by the model: %s", view.key, problem)
                if not is_about(text, scene, earlier):
                    shared.stats["summaries without the model"] += 1
                    text = beginnings(scene, earlier, longest)
            summaries = with_summary(summaries, heard, text[: 2 * longest])
        # What was edited, deleted or forgotten meanwhile must not come back in a summary: the next
        # rest makes another one.
        now = view.memory.state
        if (now.mark, now.epoch) == (mark, epoch):
            await view.memory.write(summaries=summaries, summed=mark)
            shared.stats["summaries"] += 1


def _is_later(turn_id: str, than: str) -> bool:
    return stream_order(turn_id) > stream_order(than)
