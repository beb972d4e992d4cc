"""The player under a line: its sound, for those who may be in the room, and why there is none."""

from __future__ import annotations

import io

import pytest
import soundfile

from bot.commands import Order
from bot.platforms.studio.feed import Feed
from bot.room import Room
from bot.stage import Message
from speech.error import SpeechError
from speech.speaker import Speaker
from tests.fakes.toner import Toner
from tests.studio.conftest import held


@pytest.fixture
def toner(studio) -> Toner:
    made = Toner()
    studio.house.shared.speaker = Speaker(made)
    return made


def player(text: str) -> str:
    """The address of the last line's sound."""
    assert "<audio" in text
    return held(r'src="(/[^"]*/sound/[^"]+)"', text[text.rindex("<audio") :])


async def fetched(browser, path: str, **headers) -> tuple[int, bytes, dict]:
    async with browser.http.get(browser.url + path, headers=headers) as answer:
        return answer.status, await answer.read(), dict(answer.headers)


async def test_a_line_is_made_when_it_is_played(studio, toner):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    status, text = await browser.get(path)
    assert status == 200
    address = player(text)
    assert not toner.said  # a page is no reason to synthesize a hundred lines
    status, data, headers = await fetched(browser, address)
    assert (status, headers["Content-Type"]) == (200, "audio/ogg")
    assert "private" in headers["Cache-Control"]
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (file.format, file.subtype) == ("OGG", "OPUS")
        assert file.frames / file.samplerate > 1
    said = list(toner.said)
    assert (await fetched(browser, address))[1] == data
    assert toner.said == said


@pytest.mark.parametrize(
    ("wanted", "begin", "end"),
    [("bytes=0-1", 0, 2), ("bytes=10-", 10, None), ("bytes=-5", -5, None)],
)
async def test_players_are_given_the_part_that_they_ask_for(studio, toner, wanted, begin, end):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    address = player((await browser.get(path))[1])
    whole = (await fetched(browser, address))[1]
    status, data, headers = await fetched(browser, address, Range=wanted)
    assert status == 206
    assert data == whole[begin:end]
    assert headers["Content-Range"].endswith(f"/{len(whole)}")
    assert (await fetched(browser, address, Range="bytes=99999999-"))[0] == 416
    assert (await fetched(browser, address, Range="lines=1-2"))[0] == 200


async def test_another_version_has_another_address(studio, toner):
    said = iter(["老孙来也，都让开！", "俺老孙到此一游！"])
    studio.script = lambda prompt: next(said)
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    await studio.say(browser, path, "悟空？")
    first = player((await browser.get(path))[1])
    await browser.post(f"{path}/order", order="retry")
    await studio.quiet(path)
    second = player((await browser.get(path))[1])
    assert first.partition("?")[0] == second.partition("?")[0]
    assert first != second
    await fetched(browser, second)
    assert toner.said == ["俺老孙到此一游！"]


async def test_only_who_may_be_in_the_room_hears_it(studio, toner):
    ming = await studio.browser()
    path = await studio.room(ming, "wukong")
    address = player((await ming.get(path))[1])
    hong = await studio.browser("test:小红", "小红")
    assert (await fetched(hong, address))[0] == 404
    assert (await fetched(studio.stranger(), address))[0] == 401
    assert not toner.said


async def test_why_there_is_no_sound_is_one_sentence(studio, toner):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    address = player((await browser.get(path))[1])
    for gone in ("none", "notice 1", "../../me", "%00"):
        status, _, _ = await fetched(browser, f"{path}/sound/{gone}")
        assert status == 404, gone
    toner.problem = SpeechError("引擎坏了。", "the engine is broken.")
    status, data, _ = await fetched(browser, address)
    assert status == 502
    assert data.decode() in ("引擎坏了。", "the engine is broken.")
    toner.problem = None
    assert (await fetched(browser, address))[0] == 200
    studio.house.shared.speaker = None
    status, data, _ = await fetched(browser, address)
    assert status == 404
    assert b"doctor" in data


async def test_without_an_engine_there_is_no_player(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    assert "<audio" not in (await browser.get(path))[1]


async def test_what_is_whispered_has_no_player(studio, toner):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    greeting = player((await browser.get(path))[1])
    await studio.say(browser, path, "/whisper wukong 有妖怪")
    text = (await browser.get(path))[1]
    assert "有妖怪" in text
    assert player(text) == greeting
    feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
    whispered = [i for i in feed.transcript.items.values() if i.to and i.kind == "character"]
    assert whispered
    for item in whispered:
        assert (await fetched(browser, f"{path}/sound/{item.key}"))[0] == 403
    assert not toner.said


async def test_voice_on_opens_the_player_of_an_answer(studio, toner):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    await studio.say(browser, path, "/voice on")
    await studio.say(browser, path, "悟空？")
    text = (await browser.get(path))[1]
    last = text[text.rindex('<details class="aloud"') :]
    assert last.startswith('<details class="aloud" open>')
    assert "autoplay" not in text  # only what comes while somebody listens begins by itself
    assert (await fetched(browser, player(text)))[0] == 200


async def test_a_chat_that_the_pages_show_too_still_plays_its_notes(studio, toner):
    """Who opens a chat's room in the browser must not silence it there."""
    played: list[str] = []

    class Chat(Feed):
        async def play(self, line, sound) -> None:
            played.append(line.text)

    chat = Chat()
    room = Room("chat", "1", studio.house.shared, chat)
    chat.join(room)
    studio.house.doors["chat"] = lambda name: opened()

    async def opened() -> Room:
        return room

    browser = await studio.browser()
    await studio.allow("test:小明", "chat:1", moderator=True)
    await browser.get("/room/chat:1")
    assert room.view.stage is not chat
    await room.obey(Order("summon", "wukong"), person="chat:9", name="小红")
    await room.obey(Order("voice", "room on"), person="chat:9", name="小红", moderator=True)
    studio.script = lambda prompt: "老孙来也，都让开！"
    await room.hear(Message("chat:9", "小红", "悟空？"))
    await room.settle()
    assert played == ["老孙来也，都让开！"]
    studio.house.doors.pop("chat")
