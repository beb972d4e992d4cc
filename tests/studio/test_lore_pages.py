"""Lorebooks of a room: added to by a form, brought in as a file, read by who speaks."""

import json

from tests.studio.test_making import send

BOOK = {
    "name": "西行记",
    "entries": {"0": {"uid": 0, "key": ["火焰山"], "content": "火焰山八百里。", "comment": "火"}},
}


async def test_an_entry_is_added_known_and_taken_away(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong", "bajie")
    _, text = await browser.get(f"{path}/lore")
    assert 'name="keys" maxlength="200" required value=""' in text
    status, _, _ = await browser.post(
        f"{path}/lore", keys="紧箍咒：、咒语", lore="只有唐僧会念。", who="bajie"
    )
    assert status == 303
    await studio.quiet(path)
    _, text = await browser.get(f"{path}/lore")
    assert "只有唐僧会念。" in text
    await studio.say(browser, path, "八戒，谁会念紧箍咒？")
    assert "只有唐僧会念。" in studio.prompts[-1]
    await studio.say(browser, path, "悟空，谁会念紧箍咒？")
    assert "只有唐僧会念。" not in studio.prompts[-1]
    await browser.post(f"{path}/lore", remove="紧箍咒")
    await studio.quiet(path)
    _, text = await browser.get(f"{path}/lore")
    assert "只有唐僧会念。" not in text


async def test_a_book_comes_in_as_a_file(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    data = json.dumps(BOOK, ensure_ascii=False).encode()
    status, _, _ = await send(browser, f"{path}/lore", {"book": (data, "book.json")})
    assert status == 303
    await studio.quiet(path)
    _, text = await browser.get(f"{path}/lore")
    assert "火焰山八百里。" in text
    await studio.say(browser, path, "悟空，火焰山远么？")
    assert "火焰山八百里。" in studio.prompts[-1]


async def test_what_is_no_book_is_said_and_what_was_typed_stays(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    for data, name in (
        (b"", "a.json"),
        (b"{", "a.json"),
        (b"\x89PNG\r\n\x1a\n", "a.png"),
        (b"<svg onload='alert(1)'/>", "<script>.svg"),
        (json.dumps({"name": "无书", "first_mes": "x"}).encode(), "card.json"),
    ):
        status, text, _ = await send(browser, f"{path}/lore", {"book": (data, name)})
        assert status == 400, name
        assert 'role="alert"' in text
        assert "<script>" not in text
    for fields in ({"keys": "", "lore": "我写了很久"}, {"keys": "：", "lore": "我写了很久"}):
        status, text, _ = await browser.post(f"{path}/lore", **fields)
        assert status == 400
        assert "我写了很久" in text
    _, text = await browser.get(f"{path}/lore")
    assert "还没有设定" in text
