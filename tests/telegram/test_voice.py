"""Lines read aloud on Telegram: real notes of espeak-ng, decoded; and voice notes of people."""
# slow: real processes

from __future__ import annotations

import io
import math
from collections.abc import AsyncIterator

import pytest
import soundfile

from bot.limits import Rate
from speech.espeak import Espeak
from speech.sound import LOUDNESS, loudness
from speech.speaker import Speaker
from tests.fakes.recogniser import NOTE, REFUSED, TAKEN, Recogniser
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


async def silent(world: World, bot) -> None:
    """Until it was asked whether the greeting is read aloud, which is after it was said."""
    (room,) = bot.house._rooms.values()
    await bot.settled()
    await world.server.until(lambda: not room.aloud._working, 20)


async def test_voice_on_sends_each_answer_after_its_text(speaking: World):
    world = speaking
    async with world.bot() as bot:
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        await silent(world, bot)
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
    async with world.bot() as bot:
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        await silent(world, bot)
        world.server.says(world.ming, world.ming, "/voice room on")
        await world.hears("都会念出来", world.ming)
        world.server.says(world.ming, world.ming, "悟空，说")
        (first,) = await world.server.until(lambda: notes(world, world.ming))
        world.server.says(world.ming, world.ming, "/retry")
        await world.server.until(lambda: first.deleted, 20)
        (second,) = await world.server.until(lambda: notes(world, world.ming))
        assert second.voice != first.voice
        world.server.says(world.ming, world.ming, "/undo 2")
        await world.server.until(lambda: second.deleted, 20)


async def test_without_an_engine_the_bot_is_what_it_was(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        assert "aloud" not in world.server.shown(world.group)[-1].buttons()
        world.server.says(world.group, world.ming, "/voice on")
        await world.hears("没有声音")


@pytest.fixture
async def hearing(world: World) -> AsyncIterator[tuple[World, Recogniser]]:
    async with Recogniser() as recogniser:
        world.hearer = recogniser.hearer()
        yield world, recogniser


async def test_a_note_becomes_a_message_and_is_answered(hearing):
    world, recogniser = hearing
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        world.server.sends_note(world.ming, world.ming, NOTE, seconds=2)
        await world.hears("🎤 小明：悟空，你好", world.ming)
        await world.hears("知道了：悟空，你好", world.ming)
        assert recogniser.heard == [pytest.approx(1.5, abs=0.1)]


async def test_not_what_i_said_takes_it_out_of_the_room(hearing):
    world, _ = hearing
    async with world.bot() as client:
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        world.server.sends_note(world.group, world.ming, NOTE, seconds=2)
        await world.hears("知道了：悟空，你好")
        shown = next(m for m in world.server.shown(world.group) if "🎤" in m.text)
        (data,) = shown.buttons()
        query = world.server.presses(world.group, world.hong, shown.id, data)
        await world.server.until(lambda: query in world.server.answers)
        assert "🎤" in shown.text  # it is not hers to take back
        world.server.presses(world.group, world.ming, shown.id, data)
        await world.server.until(lambda: "收回" in shown.text)
        await client.settled()
        (room,) = client.house._rooms.values()
        assert not [t for t in room.scene().turns if t.side == "human"]


async def test_a_note_that_cannot_be_heard_is_one_sentence(hearing):
    world, recogniser = hearing
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        for what, sound, seconds, says in REFUSED:
            number = world.server.sends_note(
                world.ming, world.ming, sound, seconds=math.ceil(seconds)
            )

            def told(since: int = number, says: str = says) -> bool:
                shown = world.server.shown(world.ming)
                return any(m.id > since and says in m.text for m in shown)

            assert await world.server.until(told, 20), what
            assert not recogniser.heard, what
        fetched = [c for c in world.server.calls if c[0] == "file"]
        assert len(fetched) <= len(REFUSED) - 2  # what claims to be too long or large never is
        world.server.says(world.ming, world.ming, "悟空，还在吗")
        await world.hears("知道了：悟空，还在吗", world.ming)


async def test_a_note_of_any_shape_is_heard(hearing):
    world, recogniser = hearing
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        for number, (what, sound) in enumerate(TAKEN):
            recogniser.text = f"悟空，这是第{number}条"
            world.server.sends_note(world.ming, world.ming, sound, seconds=2)
            await world.hears(f"知道了：{recogniser.text}", world.ming)
            assert recogniser.heard[-1] == pytest.approx(1.5, abs=0.1), what


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"text": "[Music]"}, "没有听出话"),
        ({"text": "<|nospeech|>"}, "没有听出话"),
        ({"status": 500}, "拒绝了（500）"),
        ({"status": 401}, "检查密钥"),
        ({"hangs": True}, "没有应答"),
    ],
)
async def test_a_recogniser_that_fails_is_one_sentence(world: World, broken, says):
    async with Recogniser() as recogniser:
        world.hearer = recogniser.hearer(timeout=0.5)
        vars(recogniser).update(broken)
        async with world.bot():
            world.server.says(world.ming, world.ming, "/summon wukong")
            await world.hears("孙悟空", world.ming)
            world.server.sends_note(world.ming, world.ming, NOTE, seconds=2)
            await world.hears(says, world.ming)
            world.server.says(world.ming, world.ming, "悟空，还在吗")
            await world.hears("知道了：悟空，还在吗", world.ming)


async def test_what_is_misheard_as_an_order_is_none(hearing):
    world, recogniser = hearing
    recogniser.text = "/dismiss all"
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        world.server.sends_note(world.ming, world.ming, NOTE, seconds=2)
        await world.hears("知道了：dismiss all", world.ming)


async def test_without_hearing_a_note_in_private_is_declined(world: World):
    async with world.bot():
        world.server.sends_note(world.ming, world.ming, NOTE, seconds=2)
        await world.hears("听不了语音", world.ming)


async def test_who_is_not_heard_is_not_heard_by_voice_either(hearing, monkeypatch):
    """Who is blocked, or sends too much: their notes are neither listened to nor shown."""
    world, recogniser = hearing
    async with world.bot() as bot:
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        await bot.settled()
        (room,) = bot.house._rooms.values()
        limits = room.shared.limits
        monkeypatch.setattr(limits, "blocked", frozenset({f"telegram:{world.ming}"}))
        world.server.sends_note(world.group, world.ming, NOTE, seconds=2)
        world.server.says(world.group, world.hong, "悟空，在吗")
        await world.hears("知道了：悟空，在吗")
        monkeypatch.setattr(limits, "blocked", frozenset())
        monkeypatch.setattr(limits, "person", Rate(1, 1))
        limits._people.clear()
        world.server.sends_note(world.group, world.ming, NOTE, seconds=2)
        await world.hears("知道了：悟空，你好")
        await bot.settled()
        world.server.sends_note(world.group, world.ming, NOTE, seconds=2)
        await world.hears("太快")
        assert len(recogniser.heard) == 1
        assert sum("🎤" in m.text for m in world.server.shown(world.group)) == 1
