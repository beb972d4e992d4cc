"""Lines read aloud on Discord: voice messages of the bot, decoded; else files."""
# slow: real processes

from __future__ import annotations

import base64
import io

import pytest
import soundfile

from bot.platforms.discord.sounds import VOICE
from speech.espeak import Espeak
from speech.sound import LOUDNESS, loudness
from speech.speaker import Speaker
from tests.discord.conftest import World, begun, panel_of


@pytest.fixture
def speaking(world: World) -> World:
    if missing := Espeak().missing():
        pytest.skip(missing)
    world.speaker = Speaker(Espeak())
    return world


def notes(world: World) -> list[dict]:
    return [
        m
        for m in world.server.messages(world.channel)
        if any(isinstance(data, bytes) for data in m["_files"].values())
    ]


def playable(message: dict) -> float:
    (data,) = message["_files"].values()
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (file.format, file.subtype, file.channels) == ("OGG", "OPUS", 1)
        samples = file.read(dtype="float32")
        assert loudness(samples, file.samplerate) == pytest.approx(LOUDNESS, abs=3)
        return len(samples) / file.samplerate


async def test_the_panels_button_sends_a_voice_message_that_answers_the_line(speaking: World):
    world = speaking
    async with world.bot():
        await begun(world)
        panel = await panel_of(world.server, world.channel)
        ((_, text),) = await world.lines_until(1)
        line = next(m for m in world.server.messages(world.channel) if m["content"] == text)
        await world.server.until(lambda: line["id"] and not notes(world))
        await world.server.click(world.ming, world.channel, panel["id"], "mrp:aloud")
        (note,) = await world.server.until(lambda: notes(world), 15)
        assert note["flags"] & VOICE
        assert note["message_reference"]["message_id"] == line["id"]
        assert playable(note) > 1
        (sent,) = [
            a.body
            for a in world.server.asked
            if isinstance(a.body, dict) and a.body.get("flags") == VOICE
        ]
        (told,) = sent["attachments"]
        assert told["duration_secs"] == pytest.approx(playable(note), abs=0.1)
        assert 10 <= len(base64.b64decode(told["waveform"])) <= 256


async def test_where_voice_messages_are_forbidden_it_is_a_file(speaking: World):
    world = speaking
    world.server.deny(world.channel, "send_voice_messages")
    async with world.bot():
        call = await world.server.slash(world.ming, world.channel, "voice", text="room on")
        await world.server.until(
            lambda: call.original and "念出来" in str(world.server.answer_to(call))
        )
        await begun(world)
        (note,) = await world.server.until(lambda: notes(world), 15)
        assert not note["flags"] & VOICE
        assert "wukong.ogg" in note["_files"]
        assert playable(note) > 1


async def test_without_an_engine_there_is_no_button(world: World):
    async with world.bot():
        await begun(world)
        panel = await panel_of(world.server, world.channel)
        assert "mrp:aloud" not in str(panel["components"])
