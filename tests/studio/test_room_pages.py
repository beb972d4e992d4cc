"""A room in the browser: said once, streamed once, and only by who belongs there."""

import asyncio

from bot.commands import COMMANDS
from bot.platforms.studio import streams
from bot.stage import Message
from tests.bot.conftest import Script
from tests.studio.conftest import event, events_until, held

# Long, and never the same twice: a room cuts off who repeats itself.
POEM = "，".join(f"走到第{n}座山" for n in range(8)) + "。"


async def position(browser, path):
    _, text = await browser.get(path)
    return held(r"after=([^&\"]+)", text)


async def test_what_is_said_is_answered_stored_and_on_the_page(studio):
    studio.script = lambda prompt: "老孙来也，怕谁！"
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    await studio.say(browser, path, "悟空，你怕谁？")
    _, text = await browser.get(path)
    assert text.count("悟空，你怕谁？") == 1
    assert text.count("老孙来也，怕谁！") == 1
    assert "悟空，你怕谁？" in studio.prompts[-1]


async def test_the_same_form_sent_twice_is_heard_once(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    for _ in range(3):
        await browser.post(f"{path}/say", text="悟空，你好", id="0123456789abcdef")
        await studio.quiet(path)
    _, text = await browser.get(path)
    assert text.count("悟空，你好") == 1


async def test_the_orders_of_a_chat_by_buttons(studio):
    said = iter(["老孙头一个说法。", "换了一个说法，哈哈。", "八戒来了，有吃的么？"])
    studio.script = lambda prompt: next(said, "知道了，知道了。")
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
    await studio.say(browser, path, "悟空，说")

    async def press(order, **fields):
        status, _, _ = await browser.post(f"{path}/order", order=order, **fields)
        assert status == 303
        await studio.quiet(path)
        return feed.transcript.now

    now = await press("retry")
    assert (now.version, now.versions) == (2, 2)
    now = await press("retry 1")
    assert (now.version, now.versions) == (1, 2)
    assert (await press("summon bajie")).cast == ("wukong", "bajie")
    await press("next bajie")
    _, text = await browser.get(path)
    assert "八戒来了，有吃的么？" in text
    assert (await press("pause")).paused
    assert not (await press("resume")).paused
    await press("undo")
    _, text = await browser.get(path)
    assert "八戒来了，有吃的么？" not in text
    assert (await press("dismiss bajie")).cast == ("wukong",)
    await browser.post(f"{path}/scene", place="月下；荒庙", mood="悲凉", chapter="27", note="慢些")
    await studio.quiet(path)
    now = feed.transcript.now
    assert (now.place, now.mood, now.chapter, now.note) == ("月下，荒庙", "悲凉", 27, "慢些")
    await browser.post(f"{path}/scene", place="", mood="欢喜", chapter="0", note="")
    await studio.quiet(path)
    now = feed.transcript.now
    assert (now.place, now.mood, now.chapter, now.note) == ("", "欢喜", 0, "")
    await press("narrate", argument="天黑了。")
    _, text = await browser.get(path)
    assert text.count("天黑了。") == 1  # the turn, and no notice that says it again
    for wrong in ("no such order", "quit", "", "page x"):
        status, _, _ = await browser.post(f"{path}/order", order=wrong)
        assert status == 400


async def test_a_thumb_on_a_line(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    await studio.say(browser, path, "悟空，你好")
    feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
    line = feed.transcript.now.last
    await feed.room.settle()
    status, _, _ = await browser.post(f"{path}/order", rate=f"+ {line}")
    assert status == 303
    given = [piece async for piece in studio.memory.feedback.given()]
    assert [(piece.value, piece.person) for piece in given] == [(1, "test:小明")]
    for wrong in ("+ none", f"* {line}", "+", "x" * 300):
        assert (await browser.post(f"{path}/order", rate=wrong))[0] == 400


async def test_stop_breaks_a_line_off(studio):
    studio.engine._delay = 0.02
    studio.script = lambda prompt: "一" * 2000
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    start = await position(browser, path)
    async with studio.stream(browser, path, start) as stream:
        await browser.post(f"{path}/say", text="悟空，说个没完")
        await events_until(stream, "line character growing")
        await browser.post(f"{path}/order", order="stop")
        await studio.quiet(path)
    _, text = await browser.get(path)
    assert "——" in text
    assert "一" * 2000 not in text


async def test_a_line_grows_in_the_stream_and_a_reader_who_comes_back_sees_nothing_twice(studio):
    studio.engine._delay = 0.01
    studio.script = lambda prompt: POEM
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    start = await position(browser, path)
    async with studio.stream(browser, path, start) as stream:
        await browser.post(f"{path}/say", text="悟空，念诗")
        middle, seen = await events_until(stream, "line character growing")
        assert "悟空，念诗" in seen
    await studio.quiet(path)

    # lost in the middle: the rest comes, the person's own line does not come again
    async with studio.stream(browser, path, start, **{"Last-Event-ID": middle}) as stream:
        last, seen = await events_until(stream, POEM)
        assert "悟空，念诗" not in seen
        assert seen.count(POEM) == 1
    # up to date: nothing at all, until something new is said
    async with studio.stream(browser, path, "", **{"Last-Event-ID": last}) as stream:
        waiting = asyncio.create_task(event(stream))
        await browser.post(f"{path}/order", order="narrate", argument="天黑了。")
        _, seen = await waiting
        assert "天黑了。" in seen
        assert "走到第" not in seen.split('id="stage"')[0].split("#stage")[0]
    # from another process, or too far back: everything once, in the place of what stands there
    async with studio.stream(browser, path, "deadbeef-3") as stream:
        _, seen = await event(stream)
        assert 'hx-target="#lines" hx-swap="innerHTML"' in seen
        assert seen.count("悟空，念诗") == 1


async def test_nobody_sees_what_is_told_to_somebody_else(studio):
    ming = await studio.browser()
    path = await studio.room(ming, "wukong", alone=False)
    key = path.removeprefix("/room/")
    await studio.allow("test:小红", key)
    hong = await studio.browser("test:小红", "小红")
    start = await position(hong, path)
    async with studio.stream(hong, path, start) as stream:
        await studio.say(ming, path, "/export")
        await studio.say(ming, path, "/悄悄话 悟空 白骨夫人是妖怪")
        await studio.say(ming, path, "大家好")
        _, seen = await events_until(stream, "大家好")
    _, page = await hong.get(path)
    _, transcript = await hong.get(f"{path}/transcript")
    for text in (seen, page, transcript):
        assert "retention_days" not in text
        assert "白骨夫人是妖怪" not in text
    _, page = await ming.get(path)
    assert "retention_days" in page
    assert page.count("白骨夫人是妖怪") == 1
    _, transcript = await ming.get(f"{path}/transcript")
    assert "白骨夫人是妖怪" in transcript


async def test_rights_in_a_room_are_those_of_a_chat(studio):
    ming = await studio.browser()
    path = await studio.room(ming, "wukong", alone=False)
    await studio.allow("test:小红", path.removeprefix("/room/"))
    hong = await studio.browser("test:小红", "小红")
    await studio.say(ming, path, "悟空，记着这句")
    await hong.post(f"{path}/order", order="forget room")
    await studio.quiet(path)
    _, text = await hong.get(path)
    assert "悟空，记着这句" in text
    assert "管理员" in text
    await ming.post(f"{path}/order", order="forget room")
    await studio.quiet(path)
    _, text = await ming.get(path)
    assert "悟空，记着这句" not in text


async def test_a_forged_or_foreign_room_is_not_there(studio):
    ming = await studio.browser()
    path = await studio.room(ming, "wukong")
    await studio.say(ming, path, "悟空，秘密")
    hong = await studio.browser("test:小红", "小红")
    forged = [
        path,
        "/room/studio:a0",
        "/room/discord:1",
        "/room/telegram:5",
        "/room/x",
        "/room/%00",
    ]
    forged.append("/room/studio:..%2f..%2fme")
    for room in forged:
        for rest in ("", "/transcript", "/why", "/edit", "/stream", "/sound/1"):
            status, text = await hong.get(room + rest)
            assert status == 404, room + rest
            assert "秘密" not in text
        for rest in ("/say", "/order", "/scene", "/invite", "/edit"):
            status, text, _ = await hong.post(
                room + rest, text="我写的", order="recap", note="我写的"
            )
            assert status == 404, room + rest
    start = await position(ming, path)
    own = await studio.room(hong)
    async with studio.stream(hong, own, start) as stream:  # an event id of another room
        _, seen = await event(stream)
        assert "秘密" not in seen


async def test_ten_streams_of_one_person_are_six(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    start = await position(browser, path)
    streams = [
        await browser.http.get(f"{browser.url}{path}/stream", params={"after": start})
        for _ in range(10)
    ]
    for stream in streams[:4]:
        assert (await event(stream))[0] == "enough"
        assert not await stream.content.read()
    await browser.post(f"{path}/order", order="narrate", argument="天黑了。")
    for stream in streams[4:]:
        await events_until(stream, "天黑了。")
    assert len(studio.site.streams) == 6
    for stream in streams:
        stream.close()


async def test_what_nobody_heard_is_not_lost(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    script = {"HX-Request": "true"}
    long = "长" * 4097
    status, text, _ = await browser.post(f"{path}/say", text=long, headers=script)
    assert status == 429
    assert "还在" in text or "都在" in text
    status, text, _ = await browser.post(f"{path}/say", text=long)
    assert long[:4096] in text
    status, _, _ = await browser.post(f"{path}/say", text="悟空", headers=script)
    assert status == 204


async def test_the_same_scene_as_a_chat(studio):
    """A room of a platform of this process: both show what is said, and by whom."""
    chat = Script()

    async def door(name):
        return await studio.house.room("chat", name, lambda: chat) if name == "7" else None

    studio.house.doors["chat"] = door
    room = await door("7")
    ming = await studio.browser("chat:42", "小明", room="chat:7")
    await ming.post("/room/chat:7/order", order="summon wukong")
    await studio.quiet("/room/chat:7")
    await studio.say(ming, "/room/chat:7", "悟空，你好")
    assert any("小明：悟空，你好" in notice for notice in chat.notices)
    assert chat.lines[-1] == ("孙悟空", "知道了。")
    # said in the chat, seen in the browser
    start = await position(ming, "/room/chat:7")
    async with studio.stream(ming, "/room/chat:7", start) as stream:
        await room.hear(Message("chat:9", "小红", "八戒在哪里"))
        _, seen = await events_until(stream, "八戒在哪里")
        assert "小红" in seen
    # what is for one person is answered where it was asked
    before = len(chat.notices)
    await studio.say(ming, "/room/chat:7", "/memory")
    assert len(chat.notices) == before
    _, page = await ming.get("/room/chat:7")
    assert "记得你" in page
    await room.hear(Message("chat:42", "小明", "/memory"))
    assert len(chat.notices) == before + 1
    # a platform that is not here, and a room that it does not know
    await studio.allow("chat:42", "chat:8")
    await studio.allow("chat:42", "elsewhere:8")
    assert (await ming.get("/room/chat:8"))[0] == 404
    assert (await ming.get("/room/elsewhere:8"))[0] == 404


async def test_signing_out_ends_the_stream(studio, monkeypatch):
    monkeypatch.setattr(streams, "BEAT", 0.05)
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    start = await position(browser, path)
    async with studio.stream(browser, path, start) as stream:
        await studio.site.sessions.end_all("test:小明")
        async with asyncio.timeout(10):
            while await stream.content.readline():
                pass
    assert len(studio.site.streams) == 0


async def test_a_whisper_from_the_composer(studio):
    studio.script = lambda prompt: "老孙只说给你听。"
    ming = await studio.browser()
    path = await studio.room(ming, "wukong", "bajie", alone=False)
    await studio.allow("test:小红", path.removeprefix("/room/"))
    hong = await studio.browser("test:小红", "小红")
    _, text = await ming.get(f"{path}?to=wukong")
    assert 'name="to" value="wukong"' in text
    assert "只说给孙悟空听" in text
    status, _, _ = await ming.post(f"{path}/say", text="白骨夫人是妖怪", to="wukong")
    assert status == 303
    await studio.quiet(path)
    for browser, sees in ((ming, 1), (hong, 0)):
        _, text = await browser.get(path)
        assert text.count("白骨夫人是妖怪") == sees
        assert text.count("老孙只说给你听。") == sees
        assert ("悄悄话，只有你看得到" in text) == bool(sees)
    # an order is an order, and who is not there hears nothing
    await ming.post(f"{path}/say", text="/who", to="wukong")
    await ming.post(f"{path}/say", text="听得见么", to="<b>")
    await studio.quiet(path)
    _, text = await hong.get(path)
    assert "听得见么" not in text


async def test_every_command_has_a_form_that_is_obeyed(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    _, text = await browser.get(f"{path}/orders")
    for command in COMMANDS:
        assert (f'name="order" value="{command.id}"' in text) == (not command.here_only)
    for order, argument, told in (
        ("persona", "我是凤仙郡来的货郎", "货郎"),
        ("roll", "2d6+1", "2d6+1"),
        ("recap", "", ""),
        ("autoreply", "悟空 关", "孙悟空"),
    ):
        status, _, where = await browser.post(f"{path}/order", order=order, argument=argument)
        assert (status, where) == (303, path)
        await studio.quiet(path)
        _, text = await browser.get(path)
        assert told in text


async def test_choices_are_buttons(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    await browser.post(f"{path}/order", order="choices", argument="上山 | <b>下河</b>")
    await studio.quiet(path)
    _, text = await browser.get(path)
    assert "2. &lt;b&gt;下河&lt;/b&gt;" in text
    assert 'form="choose"' in text
    await studio.say(browser, path, "2")
    _, text = await browser.get(path)
    assert 'form="choose"' not in text
    assert "下河" in studio.prompts[-1]
