"""A character as a model: `model: "wukong"` in /v1/chat/completions plays it.

With `user` the talk is a private room of that user, kept here as in any chat platform: the
character remembers, the user's orders (/memory, /forget me, /help) work, and of the messages only
the last one is read. Without `user` nothing is kept: the messages are the talk.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import weakref
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from bot import notices
from bot.conversation import Crowded, language_of
from bot.drafts import Draft, Pace, orders_for, plain
from bot.endpoint import answers
from bot.endpoint.answers import Refusal
from bot.endpoint.completions import STOPPED, Chunks, only_wanted, whole
from bot.endpoint.requests import BadBody, Said, messages_of, openai_sampling, text_of
from bot.grounding import facts_of, passages
from bot.house import House
from bot.labels import labels_for
from bot.memory import MemoryProblem
from bot.room import LONGEST, Room
from bot.stage import Line, Message
from characters.card import Cast, Character, Language, Words
from characters.prompt import Tail
from characters.turn import Scene, Turn, safe_name
from characters.unheard import unheard

PLATFORM = "v1"
_GUEST: dict[Language, str] = {"zh": "客人", "en": "Guest"}
_PATIENCE_S = 600.0  # of a whole reply
_CAST_S = 5.0  # until it is known who there is
_MOST_MESSAGES = 400
_NO_FILE = Words(
    "这里只发得了文字，{} 没有发出去；角色卡可以要 json：/角色 导出 名字 json",
    "Only text can be sent here, and {} was not; ask for a card as json: /character export NAME "
    "json",
)


class Shown:
    """The stage of a user's room: lines when they are done, and notices."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.notices: list[str] = []

    def clear(self) -> None:
        """Forget what the last request showed."""
        self.lines.clear()
        self.notices.clear()

    def pace(self) -> Pace:
        return Pace(3600.0)  # only whole lines: what was streamed could not be taken back

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        self.notices.append(text)

    async def show(self, line: Line) -> tuple[str, ...]:
        if not line.done:
            return ()
        self.lines[line.id] = line
        return (line.id,)

    async def attach(self, name: str, data: bytes) -> str:
        try:
            self.notices.append(data.decode())  # a reply of the endpoint is text
        except UnicodeDecodeError:
            self.notices.append(f"{_NO_FILE.zh}\n{_NO_FILE.en}".format(name, name))
        return ""

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        self.lines.pop(line_id, None)


class Characters:
    """The cast of a house as models."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._shared = house.shared
        # One request at a time in each user's room, as long as somebody is there.
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._stages: dict[str, Shown] = {}
        house.on_leave.append(lambda platform, name: self._stages.pop(name, None))

    async def find(self, model: str, user: str) -> Character | None:
        """The character whose id or name a model's name is, among those that a user may talk with.

        Raises:
            Refusal: 503 while the stored characters cannot be read.
        """
        cast = await self._cast(user)
        named = next((c for c in cast if c.id == model), None)
        return named or (cast.owner(model) if model else None)

    async def rows(self, user: str) -> list[dict[str, Any]]:
        """The characters that a user may talk with, in the list of models; for "" those that
        everybody may.

        Raises:
            Refusal: 503 while the stored characters cannot be read.
        """
        cast = await self._cast(user)
        return [{"id": c.id, "name": c.name["zh"] or c.name["en"]} for c in cast]

    async def _cast(self, user: str) -> Cast:
        """The cast of a user's private rooms: also what was made for everybody, and by this user,
        in whatever chat or process."""
        try:
            async with asyncio.timeout(_CAST_S):
                return await self._house.casts.of("", person=f"{PLATFORM}:{user}" if user else "")
        except (MemoryProblem, TimeoutError) as problem:
            words = str(problem) or "the memory does not answer, so the cast is not known"
            raise Refusal(503, words, "server_error", 5.0) from None

    async def chat(
        self, request: web.Request, body: Mapping[str, Any], character: Character
    ) -> web.StreamResponse:
        """Answer as the character."""
        said = messages_of(body)
        if len(said) > _MOST_MESSAGES:
            said = said[-_MOST_MESSAGES:]
        if said[-1].role != "user" or not plain(said[-1].text).strip():
            raise BadBody("the last message must be the user's, with a text")
        if len(said[-1].text) > LONGEST:
            raise BadBody(f"the last message must have at most {LONGEST} characters")
        user = text_of(body, "user", longest=128)
        self._admit(f"{PLATFORM}:{user or request.remote or ''}", user, character)
        unkept = self._unkept(said, body, character)
        events = self._kept(user, said, character) if user else unkept
        if body.get("stream") is True:
            return await answers.stream(request, only_wanted(events, body))
        return web.json_response(await whole(events, chat=True))

    def _admit(self, person: str, user: str, character: Character) -> None:
        """Fair use, as in a room that strangers share.

        Raises:
            Refusal: 403 for who is blocked, 429 for who asks too much.
        """
        limits = self._shared.limits
        if limits is None:
            return
        room = f"{PLATFORM}:{_room(user, character)}" if user else person
        verdict = limits.admit(person, room)
        if verdict.allowed:
            return
        self._shared.stats[f"refused: {verdict.why}"] += 1
        if verdict.why == "blocked":
            raise Refusal(403, "this user is not answered here", "permission_denied")
        wait = min(verdict.wait_s, 3600.0)
        words = notices.NOT_SO_FAST["en"].format(round(wait + 0.5))
        raise Refusal(429, words, "rate_limit_exceeded", wait)

    # -- a user's private room -------------------------------------------------------------------

    async def _kept(
        self, user: str, said: Sequence[Said], character: Character
    ) -> AsyncGenerator[dict[str, Any], None]:
        make, name = Chunks(character.id, chat=True), _room(user, character)
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        try:
            async with lock, asyncio.timeout(_PATIENCE_S):
                stage = self._stages.setdefault(name, Shown())
                room = await self._house.room(
                    PLATFORM, name, lambda: stage, private=True, limited=False
                )
                await room.enter()
                if not room.scene().cast:
                    await room.memory.write(cast=(character.id,))
                stage.clear()
                hearing = asyncio.ensure_future(self._hear(room, user, said))
                try:
                    await asyncio.shield(hearing)
                except asyncio.CancelledError:  # the caller went away: what was said is kept
                    room.stop()
                    await asyncio.wait({hearing})
                    raise
                text = _shown(stage, room.language)
        except (MemoryProblem, TimeoutError) as problem:
            raise Refusal(503, str(problem) or "it took too long", "server_error", 5.0) from None
        length = self._house.voice.length
        yield make.piece(text)
        yield make.end("stop")
        yield make.usage(sum(length(each.text) for each in said), length(text))

    async def _hear(self, room: Room, user: str, said: Sequence[Said]) -> None:
        """The last message; a client that asks for the same one again wants another answer."""
        text, before = said[-1].text, [each for each in said[:-1] if each.role == "assistant"]
        turns = room.scene().turns
        again = (
            len(turns) >= 2
            and turns[-1].side == "character"
            and turns[-2].side == "human"
            and turns[-2].text == plain(text).strip()
            and (not before or before[-1].text.strip() != turns[-1].text)
        )
        message = "/retry" if again else text
        await room.hear(Message(f"{PLATFORM}:{user}", safe_name(user), message, moderator=True))

    # -- nothing is kept -------------------------------------------------------------------------

    def _tail(self, scene: Scene, character: Character) -> Tail | None:
        """What is looked up for a reply, as in a room that is at no chapter."""
        shared, voice = self._shared, self._house.voice
        context, length = voice.context, voice.length
        facts = facts_of(shared.cast, scene, character, chapter=0, context=context, length=length)
        named = [fact.text[scene.language] for fact in facts]
        spent = sum(map(length, named))
        found = passages(
            shared.book, scene, character, chapter=0, context=context, length=length, spent=spent
        )
        told = (*named, *(each.text for each in found))
        tail = Tail(told, unheard=unheard(shared.world(), scene, character, told))
        return tail if tail else None

    async def _unkept(
        self, said: Sequence[Said], body: Mapping[str, Any], character: Character
    ) -> AsyncGenerator[dict[str, Any], None]:
        voice, filter = self._house.voice, self._shared.filter
        make = Chunks(character.id, chat=True)
        scene = scene_of(said, character)
        text, language = said[-1].text, scene.language
        declined = filter.check(text, language, speaker=character)
        if declined:
            yield make.piece(declined)
            yield make.end("stop")
            return
        try:
            read = voice.read(scene, character, self._tail(scene, character))
        except Crowded:
            raise BadBody("the messages do not fit into the model's context") from None
        sampling = voice.sampling(scene, character, turn=len(scene.turns))
        if body.get("max_tokens", body.get("max_completion_tokens")) is not None:
            wanted = openai_sampling(body, voice.served).max_tokens
            sampling = replace(sampling, max_tokens=min(sampling.max_tokens, wanted))
        reply = voice.begin(read, sampling, room=f"{PLATFORM}:guest", person="")
        draft, sent = (
            Draft(
                labels_for(scene, character),
                orders=orders_for(scene, character),
                thinking=voice.thinks,
            ),
            "",
        )
        try:
            async for piece in reply:
                shown = draft.add(piece)
                if filter.broken(shown, "output"):
                    break
                if shown.startswith(sent) and len(shown) > len(sent):
                    yield make.piece(shown[len(sent) :])
                    sent = shown
                if draft.ended:
                    break
            last = draft.end()
            declined = filter.check(last, language, side="output", speaker=character)
            if declined or (last.startswith(sent) and len(last) > len(sent)):
                yield make.piece(f"\n{declined}" if declined else last[len(sent) :])
            yield make.end(STOPPED[reply.finish or "end"])
            yield make.usage(len(read.tokens), reply.usage.generated, reply.usage.reused)
        finally:
            await reply.aclose()


def scene_of(said: Sequence[Said], character: Character) -> Scene:
    """Messages as a scene of one character and its guest; a client's own instructions are left
    out, as the character's card says who it is."""
    heard = [language_of(each.text) for each in said if each.role == "user"]
    language: Language = next((each for each in reversed(heard) if each), "zh")
    turns: list[Turn] = []
    for message in said:
        text = plain(message.text).strip()
        if message.role == "system" or not text:
            continue
        if message.role == "assistant":
            turns.append(Turn(character.id, text[:LONGEST], "character"))
        else:
            turns.append(Turn(_GUEST[language], text[:LONGEST]))
    return Scene((character,), tuple(turns), language=language)


def _shown(stage: Shown, language: Language) -> str:
    """What a request comes to: the lines that were said, else what the house says."""
    lines = list(stage.lines.values())
    if not lines:
        return "\n".join(stage.notices)
    if len({line.speaker.id for line in lines}) == 1:
        return "\n".join(line.text for line in lines)
    colon = "：" if language == "zh" else ": "
    return "\n".join(f"{line.speaker.name[language]}{colon}{line.text}" for line in lines)


def _room(user: str, character: Character) -> str:
    """The name of a user's room with a character; users' names may hold anything."""
    plain_name = re.sub(r"[^\w.@-]", "", user)[:32]
    digest = hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{plain_name}.{digest}.{character.id}"
