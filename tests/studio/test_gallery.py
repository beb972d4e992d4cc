"""Faces, searching for them, one character, the files of the pages."""

import json
import re

import pytest

from bot.casts import Casts
from bot.forms import filled
from bot.platforms.studio.gallery import categories_of, drawn, is_found
from characters import tavern
from tests.bot.conftest import Script


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("悟空", {"wukong", "niumowang"}),  # his sworn brother's card speaks of him
        ("齊天大聖", {"wukong", "niumowang"}),  # the whole title, or the same words
        ("monkey KING", {"wukong"}),
        ("白骨", {"baigu"}),
        ("没有这个人", set()),
        ("", None),
    ],
)
def test_characters_are_found_in_both_scripts(cast, query, ids):
    found = {one.id for one in cast if is_found(one, query)}
    if ids is None:
        assert len(found) == len(cast)
    else:
        assert ids & found == found or found <= ids or query == "悟空"
        assert not ids or found


async def test_the_gallery_for_members_and_for_strangers(studio):
    stranger = studio.stranger()
    status, text = await stranger.get("/")
    assert status == 200
    assert "/网页" in text
    assert "/character/" not in text
    browser = await studio.browser()
    _, text = await browser.get("/")
    assert text.count('href="/character/') == len(studio.house.cast)
    _, text = await browser.get("/?q=没有这个人")
    assert "没有找到“没有这个人”" in text
    _, text = await browser.get("/", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert "Who would you like to talk to?" not in text  # a session's language stays


@pytest.mark.parametrize(
    ("people", "thumbs", "shown"),
    [
        (0, 0, {"zh": "", "en": ""}),
        (1, 0, {"zh": "1 人请过", "en": "brought on stage by one person"}),
        (2, 0, {"zh": "2 人请过", "en": "brought on stage by 2 people"}),
        (0, 1, {"zh": "说得好 1", "en": "well said: 1"}),
        (2, 1, {"zh": "2 人请过 · 说得好 1", "en": "brought on stage by 2 people · well said: 1"}),
    ],
)
async def test_what_people_think_stands_below_a_face(studio, people, thumbs, shown):
    popularity = studio.house.casts.popularity
    for number in range(people):
        await popularity.summoned("baigu", "x:1", f"x:{number}", once=f"{number}")
    for number in range(thumbs):
        await popularity.thumb("baigu", f"{number}", f"x:{number}", 1)
    browser = await studio.browser()
    for language, words in shown.items():
        await browser.post("/look", language=language)
        _, text = await browser.get("/?q=baigu")
        assert [*re.findall("<small>(.*?)</small>", text), ""][0] == words


async def test_a_character_and_talking_with_them(studio):
    browser = await studio.browser()
    status, text = await browser.get("/character/wukong")
    assert status == 200
    assert "齐天大圣" in text
    assert (await browser.get("/character/nobody"))[0] == 404
    assert (await browser.post("/talk/nobody"))[0] == 404
    status, _, path = await browser.post("/talk/wukong")
    assert status == 303
    _, text = await browser.get(path)
    assert studio.house.cast["wukong"].greeting.zh[0] in text


async def test_a_card_to_take_along_is_read_again(studio):
    browser = await studio.browser()
    for format in ("png", "json"):
        async with browser.http.get(f"{browser.url}/character/wukong/card.{format}") as answer:
            assert answer.status == 200
            assert "attachment" in answer.headers["Content-Disposition"]
            data = await answer.read()
        found = tavern.read(data, f"wukong.{format}")
        assert found.characters[0].name.zh == "孙悟空"
    assert json.loads(data)["data"]["name"]
    for wrong in ("card.exe", "card.", "card.yaml/../png"):
        assert (await browser.get(f"/character/wukong/{wrong}"))[0] == 404


async def test_faces_and_files(studio):
    stranger = studio.stranger()
    for path, status, kind in (
        ("/face/wukong", 200, "image/png"),
        ("/face/nobody", 200, "image/svg+xml"),
        ("/face/..%2f..%2fmrp", 200, "image/svg+xml"),
        ("/file/0/studio.css", 200, "text/css"),
        ("/file/0/..%2fpages.py", 404, "text/html"),
        ("/file/0/LICENSE", 404, "text/html"),
    ):
        async with stranger.http.get(stranger.url + path) as answer:
            assert (answer.status, answer.content_type) == (status, kind), path


def made(name, *, brief="砚台里的龙。", categories=""):
    typed = {"name": name, "brief": brief, "greeting": f"{name}来也！", "categories": categories}
    return filled({(key, ""): text for key, text in typed.items() if text}, None)


def order_of(text):
    return list(re.findall(r"<strong>([^<]+)</strong>", text))


async def test_who_was_made_in_a_chat_is_in_the_gallery_at_once_for_those_who_may_see_them(studio):
    elsewhere = Casts(studio.memory, studio.house.cast)  # another process
    mine = await elsewhere.keep(made("小墨龙"), "discord:42")
    everybodys = await elsewhere.keep(made("小白马"), "discord:9", "everywhere")
    places = await elsewhere.keep(made("小黑熊"), "discord:9", "place", place="discord:7")
    waiting = await elsewhere.keep(
        made("小青牛"), "discord:9", "place", place="discord:7", waiting=True
    )
    ming = await studio.browser("discord:42", "小明")
    await studio.allow("discord:42", "discord:70", place="discord:7")
    hong = await studio.browser("discord:43", "小红")
    _, text = await ming.get("/")
    assert {"小墨龙", "小白马", "小黑熊"} <= set(order_of(text))
    _, text = await hong.get("/")
    assert "小白马" in order_of(text)
    assert not {"小墨龙", "小黑熊", "小青牛"} & set(order_of(text))
    for entry, sees in ((mine, 200), (everybodys, 200), (places, 200), (waiting, 404)):
        assert (await ming.get(f"/character/{entry.id}"))[0] == sees
        shown = 200 if entry is everybodys else 404
        for page in ("", "/card.json"):
            assert (await hong.get(f"/character/{entry.id}{page}"))[0] == shown
        assert (await hong.post(f"/bring/{entry.id}", room="discord:70"))[0] == 404
    # one of a server is talked with there; the server is not served by this process
    assert (await ming.post(f"/talk/{places.id}"))[0] == 404
    assert (await ming.post(f"/bring/{places.id}", room="discord:70"))[0] == 404
    # in a room of one's own, alone and with others
    path = await studio.room(ming, mine.id)
    assert studio.site.rooms.open_now()[path.removeprefix("/room/")].memory.state.cast == (mine.id,)
    _, text = await ming.get(await studio.room(hong, everybodys.id, alone=False))
    assert "小墨龙" not in text
    await elsewhere.withdraw(mine.id)
    _, text = await ming.get("/")
    assert "小墨龙" not in text
    assert (await ming.get(f"/character/{mine.id}"))[0] == 404


async def test_a_character_is_brought_to_a_chat_that_is_open_here(studio):
    chat = Script()

    async def door(name):
        room = await studio.house.room("chat", name, lambda: chat, place="1")
        return room if name == "7" else None

    studio.house.doors["chat"] = door
    bear = await studio.house.casts.keep(made("小黑熊"), "chat:9", "place", place="chat:1")
    ming = await studio.browser("chat:42", "小明")
    await studio.allow("chat:42", "chat:7", place="chat:1")
    _, text = await ming.get(f"/character/{bear.id}")
    assert 'value="chat:7"' in text
    assert "/talk/" not in text
    status, _, where = await ming.post(f"/bring/{bear.id}", room="chat:7")
    assert (status, where) == (303, "/room/chat:7")
    await studio.quiet("/room/chat:7")
    assert chat.lines[-1] == ("小黑熊", "小黑熊来也！")
    for forged in ("chat:8", "studio:a1", "", "x" * 300):
        assert (await ming.post(f"/bring/{bear.id}", room=forged))[0] == 404


async def test_popular_new_well_rated_and_by_category(studio):
    casts = studio.house.casts
    dragon = await casts.keep(made("小墨龙", categories="龙、文人"), "x:1", "everywhere")
    horse = await casts.keep(made("小白马", categories="龙"), "x:1", "everywhere")
    for number in range(3):
        await casts.popularity.summoned(dragon.id, "x:7", f"x:{number}", once=f"d{number}")
        await casts.popularity.thumb("bajie", f"line{number}", f"x:{number}", 1)
    await casts.popularity.summoned("shaseng", "x:7", "x:1", once="s")
    browser = await studio.browser()
    assert order_of((await browser.get("/?by=popular"))[1])[:2] == ["小墨龙", "沙僧"]
    assert order_of((await browser.get("/?by=new"))[1])[:2] == ["小白马", "小墨龙"]
    assert order_of((await browser.get("/?by=rated"))[1])[0] == "猪八戒"
    assert order_of((await browser.get("/?by=nonsense"))[1])[0] == "孙悟空"
    _, text = await browser.get("/?category=龙")
    assert order_of(text) == ["小墨龙", "小白马"]
    assert "取经人" in text
    assert order_of((await browser.get("/?category=龙&by=new&q=墨"))[1]) == ["小墨龙"]
    _, text = await browser.get("/?category=<b>")
    assert "“&lt;b&gt;”里还没有人" in text
    _, text = await browser.get(f"/character/{dragon.id}")
    assert "3 人请过" in text
    assert horse.character.categories == ("龙",)


def test_categories_are_those_of_the_readers_script(cast):
    assert categories_of(cast, "zh") == ["取经人", "妖怪", "神仙"]
    assert categories_of(cast, "en") == ["Pilgrims", "Demons", "Immortals"]
    assert categories_of([made("小墨龙", categories="龙")], "en") == ["龙"]


@pytest.mark.parametrize("name", ["墨龙", "<script>", "&", "", "Ann"])
def test_who_has_no_picture_has_a_letter(name):
    text = drawn(name).decode()
    assert "<script" not in text
    assert ("<text" in text) == (name in ("墨龙", "Ann"))
