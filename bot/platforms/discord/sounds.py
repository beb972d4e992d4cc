"""Voice messages on Discord: sent by the bot itself, as an answer to the line that they are of.

    number = await send_note(client, channel, sound, name="wukong", reply_to=123)

Discord's documentation of Execute Webhook names the flags that a webhook may set, and
IS_VOICE_MESSAGE is not among them: a character's note comes from the bot, and answers the line.
Length and waveform count only where `payload_json` is sent as JSON, which discord.py does not do.
Where voice messages are forbidden, the sound is an attachment.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import secrets
from typing import Any

import discord

from bot.platforms.discord.errors import described
from bot.platforms.discord.text import NOBODY
from speech.sound import Sound

_log = logging.getLogger(__name__)

VOICE = 1 << 13  # IS_VOICE_MESSAGE


async def send_note(
    client: discord.Client, channel: Any, sound: Sound, *, name: str, reply_to: int
) -> int:
    """Send a note; returns the message's id.

    Raises:
        discord.HTTPException, AnswerLost, OSError: neither a voice message nor a file can be sent.
    """
    try:
        return await _voice_message(client, channel, sound, reply_to=reply_to)
    except (discord.Forbidden, discord.HTTPException) as problem:
        if problem.status not in (400, 403):
            raise
        _log.info("a voice message is sent as a file: %s", described(problem))
    more: dict[str, Any] = {}
    if reply_to:
        more["reference"] = discord.MessageReference(
            message_id=reply_to, channel_id=channel.id, fail_if_not_exists=False
        )
    file = discord.File(io.BytesIO(sound.ogg), f"{name}.ogg")
    sent = await channel.send(file=file, allowed_mentions=NOBODY, mention_author=False, **more)
    return int(sent.id)


async def _voice_message(
    client: discord.Client, channel: Any, sound: Sound, *, reply_to: int
) -> int:
    payload: dict[str, Any] = {
        "flags": VOICE,
        "attachments": [
            {
                "id": "0",
                "filename": "voice-message.ogg",
                "duration_secs": round(sound.seconds, 2),
                "waveform": base64.b64encode(sound.waveform).decode(),
            }
        ],
        "allowed_mentions": {"parse": [], "replied_user": False},
        "nonce": secrets.token_hex(12),
        "enforce_nonce": True,
    }
    if reply_to:
        payload["message_reference"] = {"message_id": str(reply_to), "fail_if_not_exists": False}
    form: list[dict[str, Any]] = [
        {"name": "payload_json", "value": json.dumps(payload), "content_type": "application/json"},
        {
            "name": "files[0]",
            "value": sound.ogg,
            "filename": "voice-message.ogg",
            "content_type": "audio/ogg",
        },
    ]
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=channel.id)
    sent = await client.http.request(route, form=form)
    return int(sent["id"])
