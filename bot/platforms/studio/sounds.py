"""The sound of a line, for the player under it on a room's page."""

from __future__ import annotations

from aiohttp import web

from bot import notices
from bot.platforms.studio.room_pages import opened
from bot.platforms.studio.site import Ask
from speech.error import Busy, SpeechError

KEPT = "private, max-age=3600"  # its address changes with the line's version


async def sound(ask: Ask) -> web.StreamResponse:
    """A line as OGG/Opus, made when somebody plays it. Parts of it are given, as players ask. Where
    nothing speaks, or it comes to nothing, one sentence as text."""
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    feed, room, _ = found
    item = feed.transcript.items.get(ask.part("line"))
    speaker = room.view.character(item.speaker) if item else None
    if item is None or speaker is None or item.growing or item.to not in ("", ask.visitor.person):
        return _sentence(404, notices.NOT_THERE[ask.language])
    if item.to:
        return _sentence(403, notices.NOT_ALOUD[ask.language])
    if not room.aloud.possible:
        return _sentence(404, notices.NO_SOUND[ask.language])
    try:
        made = await room.aloud.sound(item.text, speaker)
    except Busy as busy:
        return _sentence(503, busy.zh if ask.language == "zh" else busy.en)
    except SpeechError as problem:
        return _sentence(502, problem.zh if ask.language == "zh" else problem.en)
    return _part(ask.request, made.ogg)


def _sentence(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text)


def _part(request: web.Request, data: bytes) -> web.Response:
    """What of a file was asked for; Safari plays nothing of a server that gives no parts."""
    headers = {"Cache-Control": KEPT, "Accept-Ranges": "bytes"}
    try:
        wanted = request.http_range
    except ValueError:
        wanted = slice(None)
    if wanted.start is None and wanted.stop is None:
        return web.Response(body=data, content_type="audio/ogg", headers=headers)
    begin, end, _ = wanted.indices(len(data))
    if begin >= end:
        headers["Content-Range"] = f"bytes */{len(data)}"
        return web.Response(status=416, headers=headers)
    headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(data)}"
    return web.Response(status=206, body=data[begin:end], content_type="audio/ogg", headers=headers)
