"""Lines read aloud on Telegram: real notes of espeak-ng, decoded; and voice notes of people."""
# slow: real processes

from __future__ import annotations

import io

import pytest
import soundfile

from speech.espeak import Espeak
from speech.sound import LOUDNESS, loudness
from speech.speaker import Speaker
from tests.telegram.conftest import World


@pytest.fixture
def speaking(world: World) -> World:
    if missing := Espeak().missing():
        pytest.skip(missing)
    world.speaker = Speaker(Espeak())
    return world


def notes(world: World, chat: int | None = None) -> list:
    return [m for m in world.server.shown(chat or world.group) if m.voice]


def playable(note) -> float:
    """The seconds of a note that can be heard."""
    with soundfile.SoundFile(io.BytesIO(note.voice)) as file:
        assert (file.format, file.subtype, file.channels) == ("OGG", "OPUS", 1)
        assert file.samplerate in (24_000, 48_000)
        samples = file.read(dtype="float32")
        seconds = len(samples) / file.samplerate
    assert loudness(samples, file.samplerate) == pytest.approx(LOUDNESS, abs=3)
    assert abs(samples).max() > 0.05
    assert note.duration == pytest.approx(seconds, abs=1)
    return seconds


async def test_the_button_under_a_line_plays_it(speaking: World):
    world = speaking
    async with world.bot() as client:
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        await client.settled()  # it is known where the line stands
        line = world.server.shown(world.group)[-1]
        assert line.buttons()["aloud"] == "🔊"
        assert not notes(world)  # nobody asked for sound
        world.server.presses(world.group, world.ming, line.id, "aloud")
        (note,) = await world.server.until(lambda: notes(world))
        assert playable(note) > 1
        assert note.reply_to == line.id
        assert "孙悟空" in note.text


async def test_voice_on_sends_each_answer_after_its_text(speaking: World):
    world = speaking
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        world.server.says(world.ming, world.ming, "/voice on")
        await world.hears("念出来", world.ming)
        world.server.says(world.ming, world.ming, "悟空，你好")
        (note,) = await world.server.until(lambda: notes(world, world.ming))
        line = next(m for m in world.server.shown(world.ming) if "知道了" in m.text)
        assert line.id < note.id
        assert note.reply_to == line.id
        playable(note)
        world.server.says(world.ming, world.ming, "/语音 关")
        await world.hears("不再念出来", world.ming)


async def test_another_version_takes_the_note_with_it(speaking: World):
    world = speaking
    numbers = iter(range(1, 100))
    world.script = lambda prompt: f"老孙第{next(numbers)}回这样说了。"
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        world.server.says(world.ming, world.ming, "/voice room on")
        await world.hears("都会念出来", world.ming)
        world.server.says(world.ming, world.ming, "悟空，说")
        (first,) = await world.server.until(lambda: notes(world, world.ming))
        world.server.says(world.ming, world.ming, "/retry")
        await world.server.until(lambda: first.deleted)
        (second,) = await world.server.until(lambda: notes(world, world.ming))
        assert second.voice != first.voice
        world.server.says(world.ming, world.ming, "/undo 2")
        await world.server.until(lambda: second.deleted)


async def test_without_an_engine_the_bot_is_what_it_was(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        assert "aloud" not in world.server.shown(world.group)[-1].buttons()
        world.server.says(world.group, world.ming, "/voice on")
        await world.hears("没有声音")
