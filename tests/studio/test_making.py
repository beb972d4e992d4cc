"""A character is made, answers, is changed and withdrawn; cards of other programs come in."""

import aiohttp
import pytest

from bot.casts import Casts
from characters import tavern
from characters.tavern import pictures

MOLONG = {
    "name": "小墨龙",
    "brief": "一条爱写字的小龙。",
    "greeting": "墨龙来也，可有宣纸？",
    "persona": "住在砚台里，怕水，爱写狂草。",
    "style": "文绉绉。",
    "lines": "笔来！\n墨来！",
    "aliases": "墨龙、砚中龙",
    "categories": "龙、文人",
}


def form(browser, files=None, **fields):
    data = aiohttp.FormData()
    for key, value in ({"csrf": browser.csrf} | fields).items():
        data.add_field(key, value)
    for key, (content, name) in (files or {}).items():
        data.add_field(key, content, filename=name)
    return data


async def send(browser, path, files=None, **fields):
    data = form(browser, files, **fields)
    async with browser.http.post(browser.url + path, data=data, allow_redirects=False) as answer:
        return answer.status, await answer.text(), answer.headers.get("Location", "")


async def test_a_character_is_made_with_a_face_and_answers(studio):
    studio.script = lambda prompt: "墨龙知道了，且看我写！"
    browser = await studio.browser()
    face = pictures.blank("ink", 64)
    status, _, where = await send(browser, "/make", {"face": (face, "a.png")}, **MOLONG)
    assert status == 303
    _, text = await browser.get(where)
    assert "墨龙来也，可有宣纸？" in text
    assert "砚中龙" in text
    async with browser.http.get(browser.url + where.replace("character", "face")) as answer:
        assert (answer.content_type, await answer.read()) == ("image/png", face)
    _, text = await browser.get("/")
    assert "小墨龙" in text
    _, _, path = await browser.post(where.replace("/character/", "/talk/"))
    await studio.say(browser, path, "墨龙，写一个字")
    _, text = await browser.get(path)
    assert "墨龙知道了，且看我写！" in text
    # it is its maker's alone
    other = await studio.browser("test:她", "她")
    assert (await other.get(where))[0] == 404
    assert (await other.get(f"{where}/change"))[0] == 404
    assert (await send(other, f"{where}/change", **MOLONG))[0] == 404
    assert (await other.post(f"{where}/withdraw"))[0] == 404
    _, text = await other.get("/")
    assert "小墨龙" not in text


async def test_it_is_changed_and_withdrawn(studio):
    browser = await studio.browser()
    _, _, where = await send(browser, "/make", **MOLONG)
    _, text = await browser.get(f"{where}/change")
    for typed in MOLONG.values():
        assert typed.partition("\n")[0] in text
    status, _, again = await send(browser, f"{where}/change", **MOLONG | {"brief": "老了的龙。"})
    assert (status, again) == (303, where)
    _, text = await browser.get(where)
    assert "老了的龙。" in text
    await browser.post(f"{where}/withdraw")
    assert (await browser.get(where))[0] == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"greeting": " "},
        {"brief": "", "persona": ""},
        {"name": "孙悟空"},
        {"name": "名" * 41},
        {"name": "a:b"},
        {"persona": "长" * 8001},
    ],
)
async def test_what_cannot_be_kept_is_said_and_stays_in_the_form(studio, wrong):
    browser = await studio.browser()
    status, text, _ = await send(browser, "/make", **MOLONG | wrong)
    assert status == 400
    assert 'role="alert"' in text
    assert "笔来！" in text
    await studio.house.casts.refresh()
    assert studio.house.casts.entries() == ()


@pytest.mark.parametrize(
    "face",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>x</script>",
        b"\x89PNG\r\n\x1a\n" + b"x" * 50,
        b"\xff\xd8\xff" + b"x" * 50,
        b"\x89PNG\r\n\x1a\n" + b"x" * (2 << 20),
    ],
    ids=["svg", "html", "broken", "jpeg", "large"],
)
async def test_a_face_that_is_no_picture_is_refused(studio, face):
    browser = await studio.browser()
    status, text, _ = await send(browser, "/make", {"face": (face, "a.png")}, **MOLONG)
    assert status == 400
    assert "笔来！" in text


async def test_a_card_of_another_program_comes_in(studio):
    browser = await studio.browser()
    wukong = studio.house.cast["wukong"]
    card = tavern.write(wukong, format="png", face=pictures.blank("x", 32))
    status, text, _ = await send(browser, "/import", {"card": (card, "wukong.png")})
    assert status == 400  # the name is somebody's
    assert "孙悟空" in text
    _, _, where = await send(browser, "/make", **MOLONG)
    entry = studio.house.casts.entry(where.rpartition("/")[2])
    card = tavern.write(entry.character, format="json")
    await browser.post(f"{where}/withdraw")
    status, _, where = await send(browser, "/import", {"card": (card, "m.json")})
    assert status == 303
    _, text = await browser.get(where)
    assert "墨龙来也，可有宣纸？" in text
    for data, name in ((b"", "a.json"), (b"{}", "a.json"), (b"\x00" * 99, "a.png"), (b"PK", "x")):
        status, text, _ = await send(browser, "/import", {"card": (data, name)})
        assert status == 400
        assert 'role="alert"' in text
    assert (await send(browser, "/import"))[0] == 400


async def test_a_preview_and_a_test_line_keep_nothing(studio):
    studio.script = lambda prompt: "墨龙是也。"
    browser = await studio.browser()
    status, text, _ = await send(browser, "/make/preview", **MOLONG)
    assert status == 200
    assert "墨龙来也，可有宣纸？" in text
    assert "told" not in text
    _, text, _ = await send(browser, "/make/preview", **MOLONG | {"name": "<b>x"})
    assert "<b>x" not in text
    _, text, _ = await send(browser, "/make/try", **MOLONG)
    assert "墨龙是也。" in text
    await studio.house.casts.refresh()
    assert studio.house.casts.entries() == ()


async def test_the_host_lets_it_appear_everywhere(studio):
    owner = await studio.browser("studio:owner", "主人", role="owner")
    _, _, where = await send(owner, "/make", **MOLONG, reach="everywhere")
    other = await studio.browser("test:她", "她")
    assert (await other.get(where))[0] == 200
    status, _, mine = await send(
        other, "/make", **MOLONG | {"name": "小青蛇", "aliases": ""}, reach="everywhere"
    )
    assert status == 303
    entry = studio.house.casts.entry(mine.rpartition("/")[2])
    assert entry.reach == "private"  # a member lets nobody in everywhere
    assert isinstance(studio.house.casts, Casts)
