"""What is remembered of me, on a page: the same orders, the same person as in the chat."""

import json

import pytest

from bot.forms import filled
from bot.memory import Fact
from tests.studio.conftest import held


async def test_facts_are_seen_corrected_and_forgotten(studio):
    person = studio.memory.person("discord:42")
    await person.came("discord:7", "小明")
    await person.learn([Fact("我对花生过敏", pinned=True)])
    await person.learn([Fact("我怕水", heard=frozenset({"wukong", "bajie"}), sure=0.7)])
    await person.talked(["wukong"], private=True)
    browser = await studio.browser("discord:42", "小明")
    _, text = await browser.get("/me")
    assert "我对花生过敏" in text
    assert "知道的：猪八戒、孙悟空" in text
    assert "听来的，70%" in text
    assert "说过 1 回话" in text
    number = held(
        r'name="number" value="(\d+)">\s*<label[^>]*>[^<]*</label>\s*<input[^>]*花生', text
    )
    await browser.post("/me", order="correct", number=number, argument="我对虾过敏")
    _, text, _ = await browser.post("/me", order="remember", argument="我属猴")
    facts = {fact.text for fact in (await person.known()).facts}
    assert facts == {"我对虾过敏", "我怕水", "我属猴"}
    await browser.post("/me", order="forget", argument=number)
    assert {fact.text for fact in (await person.known()).facts} == {"我怕水", "我属猴"}


async def test_wishes(studio):
    browser = await studio.browser("discord:42", "小明")
    person = studio.memory.person("discord:42")
    await browser.post("/me", order="optout")
    await browser.post("/me", order="share", argument="yes")
    await browser.post("/me", order="retention", argument="30")
    profile = (await person.known()).profile
    assert (profile.in_groups, profile.shared, profile.days) == (False, True, 30)
    await browser.post("/me", order="name", argument="明哥")
    _, text = await browser.get("/me")
    assert 'value="明哥"' in text
    await browser.post("/me", order="name", argument="孙悟空")
    _, text = await browser.get("/me")
    assert "孙悟空（客）" in text


async def test_what_is_no_order_of_the_page_is_refused(studio):
    browser = await studio.browser()
    for order, argument in (("summon", "wukong"), ("forget", "room"), ("", ""), ("forget", "all")):
        status, _, _ = await browser.post("/me", order=order, argument=argument)
        assert status == 400, (order, argument)


async def test_two_accounts_become_one_person(studio):
    one = await studio.browser("discord:42", "小明")
    two = await studio.browser("telegram:7", "Ming")
    await studio.memory.person("discord:42").learn([Fact("我属猴", pinned=True)])
    _, text, _ = await one.post("/me", order="link")
    code = held(r"([2-9A-Z]{8})", held(r'class="told"[^>]*>([^<]+)', text))
    _, text, _ = await two.post("/me", order="link", argument=code)
    assert "discord" in text
    await two.post("/me", order="link", argument="yes")
    await one.post("/me", order="link")
    _, text, _ = await one.post("/me", order="link", argument="yes")
    _, text = await two.get("/me")
    assert "我属猴" in text
    assert "discord:42" in text
    path = await studio.room(one)
    assert (await two.get(path))[0] == 200  # the rooms are theirs together, too
    await two.post("/me", order="unlink")
    assert (await two.get(path))[0] == 404


async def test_export_and_erasing_everything(studio):
    browser = await studio.browser("discord:42", "小明")
    await browser.post("/me", order="remember", argument="我属猴")
    path = await studio.room(browser, "wukong")
    await studio.say(browser, path, "悟空，我的秘密")
    async with browser.http.get(browser.url + "/me/export") as answer:
        assert "attachment" in answer.headers["Content-Disposition"]
        kept = json.loads(await answer.text())
    assert kept["facts"][0]["text"] == "我属猴"
    assert any(said["text"] == "悟空，我的秘密" for said in kept["said"])
    other = await studio.browser("discord:42", "小明")
    await browser.post("/me", order="everything")  # not sure: nothing happens
    assert (await browser.get("/me"))[0] == 200
    await browser.post("/me", order="everything", argument="all")
    for each in (browser, other):
        assert (await each.get("/me"))[0] == 401
    keys = [key async for key in studio.memory.redis.scan_iter(match="*person:discord:42*")]
    assert keys == []


@pytest.mark.parametrize(("stay", "left"), [("", set()), ("stay", {"四海龙"})])
async def test_who_erases_everything_takes_their_characters_or_leaves_them(studio, stay, left):
    browser = await studio.browser("test:小明", "小明")
    assert 'name="characters"' not in (await browser.get("/me"))[1]  # nothing to choose
    for name, reach in (("私房龙", "private"), ("四海龙", "everywhere")):
        typed = {"name": name, "brief": "龙。", "greeting": f"{name}来了！"}
        one = filled({(key, ""): text for key, text in typed.items()}, None)
        await studio.house.casts.keep(one, "test:小明", reach)
    assert 'name="characters"' in (await browser.get("/me"))[1]
    await browser.post("/me", order="everything", argument="all", characters=stay)
    await studio.house.casts.refresh()
    entries = studio.house.casts.entries()
    assert {each.character.name["zh"] for each in entries} == left
    assert all(not each.owner for each in entries)
