"""Items follow the room's memory: what is new, different, gone, or was brought back."""

import pytest


@pytest.fixture
async def room(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
    return studio, browser, path, feed.transcript


def texts(transcript):
    items = sorted(transcript.items.values(), key=lambda item: item.seq)
    return [item.text for item in items][1:]  # without the greeting


async def test_what_is_erased_goes_and_what_is_brought_back_stands_where_it_stood(room):
    studio, browser, path, transcript = room
    await studio.say(browser, path, "悟空，一")
    before = texts(transcript)
    assert before == ["悟空，一", "知道了。"]
    await browser.post(f"{path}/order", order="forget room")
    await studio.quiet(path)
    assert transcript.items == {}
    await browser.post(f"{path}/order", order="narrate", argument="后来。")
    await studio.quiet(path)
    position = transcript.log.position
    await browser.post(f"{path}/order", order="restore")
    await studio.quiet(path)
    assert texts(transcript) == [*before, "后来。"]
    assert transcript.log.since(position) is None  # shown anew, in order


async def test_nothing_different_is_no_event(room):
    studio, browser, path, transcript = room
    await studio.say(browser, path, "悟空，一")
    number = transcript.log.number
    feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
    for _ in range(3):
        feed.changed()
        await feed.settle()
    assert transcript.log.number == number


async def test_what_another_process_writes_is_seen(room, memory):
    studio, _, path, transcript = room
    from characters.turn import Turn

    other = memory.room("studio", path.removeprefix("/room/studio:"))
    await other.look()
    await other.write(Turn("", "从别处说的。", "narration"), person="x:1")
    feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
    await feed.room.memory.look()
    await feed.settle()
    assert texts(transcript) == ["从别处说的。"]
