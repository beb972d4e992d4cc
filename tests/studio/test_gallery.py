"""Faces, searching for them, one character, the files of the pages."""

import json

import pytest

from bot.platforms.studio.gallery import is_found
from characters import tavern


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
