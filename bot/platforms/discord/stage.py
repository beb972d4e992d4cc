"""Streaming replies to Discord: drafts are posted, edited as they grow, and split into messages.

A reply is posted 0.8 s after its first text, then edited at most every 1.2 s, and once more when it
is complete. A reply that is complete at once is one message without an edit. Until something is
posted, the typing indicator is shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any

from bot.drafts import Pace
from bot.platforms.discord.answers import is_document
from bot.platforms.discord.errors import FAILED, Gone, described, retried
from bot.platforms.discord.faces import Faces
from bot.platforms.discord.outlets import Outlet, Post, Speaker
from bot.platforms.discord.text import WRITING, escape, nonce, parts, webhook_name
from bot.stage import Line
from characters.card import Words

_log = logging.getLogger(__name__)

# Seconds. Discord allows 5 requests in 5 s for the bot's messages, 5 in 2 s a webhook.
FIRST, BETWEEN = 0.8, 1.2
TYPING = 8.0  # it lasts 10
# Seconds for which a withdrawn draft stays: a reply that is written once more takes its place.
REPLACED_WITHIN = 8.0
TOLD_EVERY = 3600.0  # seconds between two messages to people that the bot cannot write somewhere

# The response to the interaction that is being carried out: notices go there first.
Says = Callable[[str, bool], Awaitable[bool]]
answering: ContextVar[Says | None] = ContextVar("answering", default=None)

NOT_IN_PUBLIC = Words(
    "这只能对你一个人说，可是我不能给你发私信：请用斜杠命令，或者私信我。",
    "This is for you alone, and I cannot write to you: use the slash command, or a direct message.",
)


class DiscordStage:
    """The `bot.stage.Stage` of one room.

    `send(text, nonce)` posts a notice, `type()` shows the typing indicator, `whisper(person, text)`
    sends a direct message and returns whether that worked. `private`: nobody but one person reads
    here. `why_silent()` is one sentence on why the bot may not write here.
    """

    def __init__(
        self,
        outlet: Outlet,
        faces: Callable[[], Faces],
        *,
        send: Callable[[str, str], Awaitable[None]],
        type: Callable[[], Awaitable[None]],
        whisper: Callable[[str, str], Awaitable[bool]],
        why_silent: Callable[[], str],
        private: bool = False,
    ) -> None:
        self.outlet = outlet
        self.asker = ""  # whoever spoke last: `platform:id`
        self._faces = faces
        self._send = send
        self._type = type
        self._whisper = whisper
        self.private = private
        self._why_silent = why_silent
        self._told_silent = -TOLD_EVERY
        self._writing: _Writing | None = None
        self._withdrawn: _Writing | None = None
        self._undeleted: list[Post] = []  # messages that could not be deleted
        self._typing: asyncio.Task[None] | None = None
        self._posts: dict[str, tuple[Post, ...]] = {}  # of the newest lines
        self._left: list[Post] = []  # messages of an earlier process

    # -- bot.stage.Stage -------------------------------------------------------------------------

    def pace(self) -> Pace:
        # A line is about to be written.
        if self._typing is None or self._typing.done():
            self._typing = asyncio.create_task(self._be_typing())
        return Pace(0.2)

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        says = answering.get()
        if says is not None and await says(text, secret):
            return
        if secret and not self.private:
            if to and await self._whisper(to, text):
                return
            text = f"{NOT_IN_PUBLIC.zh}\n{NOT_IN_PUBLIC.en}"
        for part in (text,) if is_document(text) else map(escape, parts(text)):
            await self.lasting("a notice", partial(self._send, part))

    async def show(self, line: Line) -> tuple[str, ...]:
        writing = self._writing
        if writing is None or writing.line.id != line.id or writing.line.version != line.version:
            if writing is not None:
                await self._stop(writing)
            self._writing = writing = await self._begun(line)
        writing.line = line
        if not line.done:
            if writing.task is None:
                writing.task = asyncio.create_task(self._grow(writing))
            return ()
        await self._stop(writing)
        self._writing = None
        self._no_typing()
        done = await self.lasting(
            f"a line of {line.speaker.id}", lambda _: self._write(writing, done=True)
        )
        posts = tuple(writing.posts)
        self._posts[line.id] = posts
        while len(self._posts) > 32:
            del self._posts[next(iter(self._posts))]
        await self._delete_leftovers()
        return tuple(str(post.id) for post in posts) if done else ()

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        self._no_typing()
        posts = list(self._posts.pop(line_id, ()))
        writing = self._writing
        if writing is not None and writing.line.id == line_id:
            await self._stop(writing)
            self._writing = None
            if not places and not posts:
                await self._withdraw_draft(writing)
                return
            posts += writing.posts
        known = {str(post.id) for post in posts}
        for place in places:
            if place not in known:
                await self.lasting("a message to take back", partial(self._find, place, posts))
        for post in dict.fromkeys(posts):
            await self.lasting("taking back", partial(self._delete, post))

    # -- after a start ---------------------------------------------------------------------------

    async def remember_what_stands(self) -> None:
        """Load the newest messages of characters, so that a reply that stands there is not posted
        again."""
        with contextlib.suppress(*FAILED):
            self._left = await self.outlet.standing(50)

    async def take_half_lines_back(self) -> None:
        """Delete drafts that an earlier process left unfinished."""
        left, self._left = self._left, []
        for post in left:
            if post.content.endswith(WRITING):
                await self.lasting("half a line", partial(self._delete, post))

    # -- drafts that are taken back --------------------------------------------------------------

    async def _withdraw_draft(self, writing: _Writing) -> None:
        """Delete a draft, a moment later: when the reply is written once more, its next draft is an
        edit of this one, and nothing jumps in the channel."""
        await self._delete_withdrawn()
        self._withdrawn = writing
        writing.task = asyncio.create_task(self._delete_later(writing))

    async def _delete_later(self, writing: _Writing) -> None:
        await asyncio.sleep(REPLACED_WITHIN)
        if self._withdrawn is writing:
            await self._delete_withdrawn()

    async def _delete_withdrawn(self) -> None:
        withdrawn, self._withdrawn = self._withdrawn, None
        for post in withdrawn.posts if withdrawn else ():
            await self.lasting("taking back", partial(self._delete, post))

    async def _begun(self, line: Line) -> _Writing:
        """The state of a reply of which the first draft is shown now."""
        withdrawn = self._withdrawn
        if withdrawn is not None and withdrawn.line.id == line.id:
            self._withdrawn = None
            if withdrawn.task is not None:
                withdrawn.task.cancel()
            writing = _Writing(line, withdrawn.posts)
            writing.attempt = max(withdrawn.attempt, line.version)
            return writing
        await self._delete_withdrawn()
        return _Writing(line, await self._standing(line))

    async def _delete_leftovers(self) -> None:
        """Delete what could not be deleted before; not for long, as nobody waits for it."""
        left, self._undeleted = self._undeleted, []
        for post in left:
            try:
                await self.outlet.delete(post)
            except FAILED as problem:
                _log.info("a draft could not be deleted: %s", described(problem))
                self._undeleted.append(post)
        del self._undeleted[:-20]

    async def _find(self, place: str, found: list[Post], _: str) -> None:
        post = await self.outlet.find(place)
        found += [post] if post else []

    async def _delete(self, post: Post, _: str) -> None:
        await self.outlet.delete(post)

    async def _standing(self, line: Line) -> list[Post]:
        """Where the line stands by now."""
        if line.places:
            known = {str(post.id): post for post in self._posts.get(line.id, ())}
            posts = []
            for place in line.places:
                post = known.get(place)
                if post is None:
                    with contextlib.suppress(*FAILED):
                        post = await self.outlet.find(place)
                posts.append(post or Post(0, ""))
            return posts
        if not self._left:
            return []
        # After a restart: the same text by the same name, or half a line of that name.
        name = self._speaker(line).name
        found = []
        for content in [escape(part) for part in parts(line.text)]:
            for post in self._left:
                same = post.content == content if line.done else False
                half = post.content.endswith(WRITING)
                if post.name in (name, escape(name)) and (same or half):
                    self._left.remove(post)
                    found.append(post)
                    break
        return sorted(found, key=lambda post: post.id)

    # -- writing ---------------------------------------------------------------------------------

    async def _grow(self, writing: _Writing) -> None:
        """Post and edit the draft until `_stop`."""
        pause = FIRST
        while not writing.ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(writing.ending.wait(), pause)
            if writing.ending.is_set():
                return
            pause = BETWEEN
            if writing.line.text == writing.shown:
                continue
            try:
                await self._write(writing, done=False)
                self._no_typing()
            except (Gone, *FAILED) as problem:
                # A draft may be skipped; the complete reply is retried (`lasting`).
                _log.info("a draft was not shown: %s", described(problem))

    @staticmethod
    async def _stop(writing: _Writing) -> None:
        """Stop editing the draft, after the request that is under way."""
        writing.ending.set()
        if writing.task is not None:
            await asyncio.wait({writing.task})

    async def _write(self, writing: _Writing, *, done: bool) -> None:
        line, speaker = writing.line, self._speaker(writing.line)
        contents = [escape(part) for part in parts(line.text)]
        if not done and contents:
            contents[-1] += WRITING
        for place, content in enumerate(contents):
            if place < len(writing.posts):
                post = writing.posts[place]
                if post.content == content and post.id:
                    continue
                try:
                    if not post.id:
                        raise Gone
                    writing.posts[place] = await self.outlet.edit(post, speaker, content)
                    continue
                except Gone:
                    # This part and all after it are posted anew, so that they stay in order; with
                    # other nonces, or Discord would return the deleted messages.
                    writing.attempt += 1000
                    self._undeleted += (old for old in writing.posts[place:] if old.id)
                    del writing.posts[place:]
                    await self._delete_leftovers()
            writing.posts.append(
                await self.outlet.post(
                    speaker,
                    content,
                    nonce=nonce(line.id, writing.attempt, place),
                    hook=writing.posts[-1].hook if writing.posts else 0,
                )
            )
        while len(writing.posts) > len(contents):
            await self.outlet.delete(writing.posts[-1])
            writing.posts.pop()
        writing.shown = line.text

    def _speaker(self, line: Line) -> Speaker:
        name = line.speaker.name[line.language]
        return Speaker(webhook_name(name), self._faces().url(line.speaker))

    async def lasting(self, what: str, step: Callable[[str], Awaitable[Any]]) -> bool:
        """Repeat `step` while Discord does not answer (see `errors.retried`)."""
        return await retried(what, step, on_forbidden=self._tell_silent)

    async def _tell_silent(self) -> None:
        """Tell whoever spoke last that the bot may not write here; at most once an hour."""
        if time.monotonic() - self._told_silent < TOLD_EVERY:
            return
        self._told_silent = time.monotonic()
        text, says = self._why_silent(), answering.get()
        if says is not None and await says(text, True):
            return
        if self.asker:
            await self._whisper(self.asker, text)

    # -- typing ----------------------------------------------------------------------------------

    async def _be_typing(self) -> None:
        # Not for a reply that is there at once; and at most two minutes.
        await asyncio.sleep(0.5)
        for _ in range(15):
            try:
                await self._type()
            except FAILED as problem:
                _log.info("typing was not shown: %s", described(problem))
            await asyncio.sleep(TYPING)

    def _no_typing(self) -> None:
        if self._typing is not None:
            self._typing.cancel()


class _Writing:
    """A reply that is being written, and the messages that hold its parts."""

    def __init__(self, line: Line, posts: list[Post]) -> None:
        self.line = line
        self.posts = posts
        self.shown = ""
        self.attempt = line.version
        self.ending = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
