"""The list of rooms, invitations, editing a line, where a line comes from, the transcript."""

from dataclasses import replace

from bot.memory import StoredLine
from bot.platforms.studio import room_views, scene_pages
from bot.platforms.studio.room_views import sources
from canon import CanonError
from tests.studio.conftest import held


class Book:
    """A book of two chapters, as far as pages ask it."""

    last = 2

    def text(self, chapter):
        if chapter not in (1, 2):
            raise CanonError(f"no chapter {chapter}")
        return f"第{chapter}回 " + "山" * 500 + "猴王在水帘洞前观瀑布飞泉。" + "水" * 500


def test_a_passage_is_opened_in_its_chapter():
    line = StoredLine(
        "x", "wukong", ("嘻",), passages=((1, "猴王在水帘洞前观瀑布飞泉。"), (9, "无"))
    )
    first, second = sources(line, Book())  # type: ignore[arg-type]
    assert first.found.startswith("猴王在水帘洞前观瀑布飞泉。")
    assert first.before == "山" * room_views.AROUND
    assert 0 < len(first.after) <= room_views.AROUND
    assert (second.chapter, second.found) == (9, "")  # of another book
    assert [one.found for one in sources(line, None)] == ["", ""]


async def test_rooms_are_made_listed_and_taken_off(studio):
    browser = await studio.browser()
    _, text = await browser.get("/rooms")
    assert "还没有屋子" in text
    path = await studio.room(browser, "wukong")
    _, text = await browser.get("/rooms")
    assert f'href="{path}"' in text
    assert "/face/wukong" in text
    await browser.post("/rooms/remove", room=path.removeprefix("/room/"))
    _, text = await browser.get("/rooms")
    assert path not in text
    assert (await browser.get(path))[0] == 404


async def test_alone_is_private_and_together_is_not(studio):
    browser = await studio.browser()
    alone, together = await studio.room(browser), await studio.room(browser, alone=False)
    for path, private in ((alone, True), (together, False)):
        await browser.get(path)
        feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
        assert feed.room.private is private


async def test_somebody_is_asked_in_once(studio):
    ming = await studio.browser()
    path = await studio.room(ming, "wukong", alone=False)
    await studio.say(ming, path, "悟空，来客人了")
    _, _, where = await ming.post(f"{path}/invite")
    _, text = await ming.get(where)
    link = held(r"<code>http://127\.0\.0\.1(/join/[^<]+)</code>", text)
    hong = await studio.browser("test:小红", "小红")
    assert (await studio.stranger().get(link))[0] == 401
    assert (await hong.get(link))[0] == 200
    _, _, where = await hong.post(link)
    assert where == path
    _, text = await hong.get(path)
    assert "悟空，来客人了" in text
    lan = await studio.browser("test:小兰", "小兰")
    assert (await lan.post(link))[0] == 410
    # a guest asks nobody in, and nobody is asked into a room where one is alone
    assert (await hong.post(f"{path}/invite"))[0] == 404
    alone = await studio.room(ming)
    assert (await ming.post(f"{alone}/invite"))[0] == 404


async def test_a_line_is_edited_only_while_it_is_the_last(studio):
    said = iter(["头一句话。", "第二句话，不同。"])
    studio.script = lambda prompt: next(said, "又一句。")
    browser = await studio.browser()
    path = await studio.room(browser)
    assert (await browser.get(f"{path}/edit"))[0] == 404  # nobody has spoken
    await browser.post(f"{path}/order", order="summon wukong")
    await studio.quiet(path)
    await studio.say(browser, path, "悟空，说")
    _, text = await browser.get(f"{path}/edit")
    assert "头一句话。" in text
    line = held(r'name="line" value="([^"]+)"', text)
    await studio.say(browser, path, "悟空，再说")
    status, text, _ = await browser.post(f"{path}/edit", line=line, text="我改的话")
    assert status == 409
    assert "我改的话" in text
    line = held(r'name="line" value="([^"]+)"', text)
    status, _, where = await browser.post(f"{path}/edit", line=line, text="我改的话")
    assert (status, where) == (303, path)
    await studio.quiet(path)
    _, text = await browser.get(path)
    assert "我改的话" in text
    assert "第二句话" not in text


async def test_why_says_where_a_line_comes_from(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    await studio.say(browser, path, "悟空，你好")
    status, text = await browser.get(f"{path}/why")
    assert status == 200
    assert "--canon" in text
    studio.house.shared.book = Book()
    feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
    line = await feed.room.view.last_line()
    kept = replace(line, passages=((1, "猴王在水帘洞前观瀑布飞泉。"),))
    await feed.room.memory.shown(kept, kept.places)
    _, text = await browser.get(f"{path}/why")
    assert "<mark>猴王在水帘洞前观瀑布飞泉。" in text
    assert "第 1 回" in text
    studio.house.shared.book = None


async def test_the_transcript_has_pages(studio, monkeypatch):
    monkeypatch.setattr(scene_pages, "A_PAGE", 3)
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    for number in range(3):
        await browser.post(f"{path}/order", order="narrate", argument=f"第{number}件事。")
    await studio.quiet(path)
    _, text = await browser.get(f"{path}/transcript")
    assert [f"第{n}件事。" in text for n in range(3)] == [True] * 3
    earlier = held(r'transcript\?before=([^"]+)"', text)
    _, text = await browser.get(f"{path}/transcript?before={earlier}")
    assert "第0件事" not in text
    assert "孙悟空" in text
    for wrong in ("x", "1-", "-", "9" * 100, "1-1 COUNT 1"):
        status, _ = await browser.get(f"{path}/transcript", params={"before": wrong})
        assert status == 200
