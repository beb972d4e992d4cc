"""The transcript of a room, its branches, and files to share: by buttons, with a chat's rights."""

from bot.stage import Message
from tests.bot.conftest import Script
from tests.studio.conftest import held


async def talked(studio, *texts):
    """A room in which these were said and answered."""
    answers = iter(f"答{n}：老孙知道了。" for n in range(1, 50))
    studio.script = lambda prompt: next(answers)
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    for number, text in enumerate(texts):
        status, _, _ = await browser.post(f"{path}/say", text=text, id=f"0123456789abcde{number}")
        assert status == 303
        await studio.quiet(path)
    return browser, path


async def press(studio, browser, path, form, **fields):
    status, text, where = await browser.post(f"{path}/{form}", **fields)
    assert (status, where) == (303, path), text
    await studio.quiet(path)


async def test_on_from_an_earlier_line_and_back(studio):
    browser, path = await talked(studio, "悟空，一", "悟空，二", "悟空，三")
    _, text = await browser.get(f"{path}/transcript")
    place = held(r'答1[^"]*</p>\s*<button name="place" value="([^"]+)"', text)
    # Somebody speaks before the button is pressed: it means that line all the same.
    await studio.say(browser, path, "悟空，四")
    await press(studio, browser, path, "branch", place=place)
    _, text = await browser.get(path)
    assert "答1" in text.split('id="last"')[0]
    assert "悟空，二" not in text.split('id="last"')[0].split("notice")[0]
    _, text = await browser.get(f"{path}/transcript")
    assert "悟空，三" not in text
    left = held(r'value="branch (?!delete)([^"]+)"', text)
    await press(studio, browser, path, "branch", order=f"branch {left}")
    _, text = await browser.get(f"{path}/transcript")
    assert "悟空，四" in text


async def test_a_checkpoint_is_kept_gone_to_and_removed(studio):
    browser, path = await talked(studio, "悟空，一")
    await press(studio, browser, path, "branch", order="checkpoint", argument="进庙之前")
    await studio.say(browser, path, "悟空，二")
    _, text = await browser.get(f"{path}/transcript")
    assert "进庙之前" in text
    await press(studio, browser, path, "branch", order="branch 进庙之前")
    _, text = await browser.get(f"{path}/transcript")
    assert "悟空，二" not in text
    await press(studio, browser, path, "branch", order="branch delete 进庙之前")
    _, text = await browser.get(f"{path}/transcript")
    assert 'value="branch delete 进庙之前"' not in text


async def test_what_is_no_branch_changes_nothing(studio):
    browser, path = await talked(studio, "悟空，一")
    for fields in ({"order": "forget room"}, {"order": ""}, {"order": "undo"}, {}):
        status, _, _ = await browser.post(f"{path}/branch", argument="我写的", **fields)
        assert status == 400
    await press(studio, browser, path, "branch", place="another:room/line")
    _, text = await browser.get(f"{path}/transcript")
    assert "悟空，一" in text
    stranger = await studio.browser("test:她", "她")
    for page in ("transcript", "orders", "lore", "file/x"):
        assert (await stranger.get(f"{path}/{page}"))[0] == 404
    for form in ("branch", "lore"):
        assert (await stranger.post(f"{path}/{form}", order="branch", place="x"))[0] == 404


async def test_a_file_to_share_is_in_the_room_and_nowhere_else(studio):
    browser, path = await talked(studio, "悟空，<b>一</b>")
    other = await studio.browser("test:她", "她")
    for form, begins in (("markdown", "# "), ("html", "<!"), ("jsonl", "{")):
        await press(studio, browser, path, "order", order=f"transcript {form}")
        _, text = await browser.get(path)
        address = text.split('href="')[-1]
        links = [part.partition('"')[0] for part in text.split('href="') if "/file/" in part]
        address = [link for link in links if link.startswith(path)][-1]
        async with browser.http.get(browser.url + address) as answer:
            data = (await answer.read()).decode()
            assert answer.content_type == "application/octet-stream"
            assert answer.headers["Content-Disposition"].startswith("attachment")
        assert data.lstrip().startswith(begins)
        assert "<b>一</b>" not in data or form != "html"
        assert (await other.get(address))[0] == 404
    own = await studio.room(other)
    id = address.rpartition("/")[2]
    assert (await other.get(f"{own}/file/{id}"))[0] == 404  # the file of another room


async def test_a_file_that_was_asked_for_in_a_chat_goes_there(studio, monkeypatch):
    chat = Script()
    files = []

    async def attach(name, data):
        files.append(name)
        return ""

    monkeypatch.setattr(chat, "attach", attach)

    async def door(name):
        return await studio.house.room("chat", name, lambda: chat)

    studio.house.doors["chat"] = door
    room = await door("7")
    browser = await studio.browser("chat:42", "小明")
    await studio.allow("chat:42", "chat:7", moderator=True)
    await browser.get("/room/chat:7")
    await room.hear(Message("chat:9", "小红", "大家好", moderator=True))
    await room.hear(Message("chat:9", "小红", "/transcript", moderator=True))
    assert len(files) == 1
    feed = await studio.site.rooms.feed("chat:7")
    with feed._answering("chat:42"):  # somebody in a browser waits for another thing
        await room.hear(Message("chat:9", "小红", "/transcript", moderator=True))
    assert len(files) == 2
    files.pop()
    await browser.post("/room/chat:7/order", order="transcript html")
    await studio.quiet("/room/chat:7")
    assert len(files) == 1
    _, text = await browser.get("/room/chat:7")
    assert "/room/chat:7/file/" in text
