"""One reply on Discord: its messages while it grows, and the typing indicator before it.

posting = Posting(outlet, faces, line, posts=[], undeleted=Undeleted(outlet))
posting.grow(on_shown=typing.stop)       # a task that edits the draft until `end`
posting.line = longer
await posting.end()
await posting.write(done=True)           # posting.posts: where it stands
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.platforms.discord.errors import FAILED, UNEDITED, Gone, described
from bot.platforms.discord.faces import Faces
from bot.platforms.discord.outlets import Outlet, Post, Speaker
from bot.platforms.discord.text import WRITING, escape, nonce, parts, webhook_name
from bot.stage import Line

_log = logging.getLogger(__name__)

# Seconds. Discord allows 5 requests in 5 s for the bot's messages, 5 in 2 s a webhook.
FIRST, BETWEEN = 0.8, 1.2
TYPING = 8.0  # it lasts 10
MOST_UNDELETED = 20


class Undeleted:
    """Messages that could not be deleted; it is tried again whenever a reply is complete."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._posts: list[Post] = []

    def add(self, posts: Sequence[Post]) -> None:
        self._posts += (post for post in posts if post.id)

    async def delete(self) -> None:
        """Try once: nobody is to wait for it."""
        left, self._posts = self._posts, []
        for post in left:
            try:
                await self._outlet.delete(post)
            except FAILED as problem:
                _log.info("a draft could not be deleted: %s", described(problem))
                self._posts.append(post)
        del self._posts[:-MOST_UNDELETED]


class Posting:
    """A reply that is being written, and the messages that hold its parts."""

    def __init__(
        self,
        outlet: Outlet,
        faces: Callable[[], Faces],
        line: Line,
        *,
        posts: list[Post],
        undeleted: Undeleted,
    ) -> None:
        self.line = line
        self.posts = posts
        self.attempt = line.version  # part of the nonces
        self._outlet = outlet
        self._faces = faces
        self._undeleted = undeleted
        self._shown = ""
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def grow(self, on_shown: Callable[[], None]) -> None:
        """Post and edit the draft from now on; `on_shown` is called when it stands there."""
        if self._task is None:
            self._task = asyncio.create_task(self._grow(on_shown))

    async def end(self) -> None:
        """Stop editing the draft, after the request that is under way."""
        self._ending.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def write(self, *, done: bool) -> None:
        """Bring the messages up to date with the line.

        Raises:
            discord.HTTPException, AnswerLost, OSError: Discord does not answer. It may be called
                again: what stands there already is not posted twice.
        """
        await self._faces().ready(self.line.speaker)
        line, speaker = self.line, speaker_of(self.line, self._faces())
        contents = [escape(part) for part in parts(line.text)]
        if not done and contents:
            contents[-1] += WRITING
        for place, content in enumerate(contents):
            if place < len(self.posts) and await self._edited(place, speaker, content):
                continue
            post = await self._outlet.post(
                speaker,
                content,
                nonce=nonce(line.id, self.attempt, place),
                hook=self.posts[-1].hook if self.posts else 0,
            )
            self.posts.append(post)
        while len(self.posts) > len(contents):
            await self._outlet.delete(self.posts[-1])
            self.posts.pop()
        self._shown = line.text

    async def _edited(self, place: int, speaker: Speaker, content: str) -> bool:
        """Edit one part. False: it and all after it are to be posted anew, so that they stay in
        order; with other nonces, or Discord would return the deleted messages."""
        post = self.posts[place]
        if post.content == content and post.id:
            return True
        try:
            if not post.id:
                raise Gone
            self.posts[place] = await self._outlet.edit(post, speaker, content)
            return True
        except Gone:
            self.attempt += 1000
            self._undeleted.add(self.posts[place:])
            del self.posts[place:]
            await self._undeleted.delete()
            return False

    async def _grow(self, on_shown: Callable[[], None]) -> None:
        pause = FIRST
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
            if self._ending.is_set():
                return
            pause = BETWEEN
            if self.line.text == self._shown:
                continue
            try:
                await self.write(done=False)
                on_shown()
            except UNEDITED as problem:
                # A draft may be skipped; the complete reply is retried.
                _log.info("a draft was not shown: %s", described(problem))


class TypingIndicator:
    """Shows the bot typing in a channel until the first draft stands there."""

    def __init__(self, show: Callable[[], Awaitable[None]]) -> None:
        self._show = show
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._type())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _type(self) -> None:
        # Not for a reply that is there at once; and at most two minutes.
        await asyncio.sleep(0.5)
        for _ in range(15):
            try:
                await self._show()
            except FAILED as problem:
                _log.info("typing was not shown: %s", described(problem))
            await asyncio.sleep(TYPING)


def speaker_of(line: Line, faces: Faces) -> Speaker:
    """The author to show for a line."""
    name = line.speaker.name[line.language]
    return Speaker(webhook_name(name), faces.url(line.speaker))
