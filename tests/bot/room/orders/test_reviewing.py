"""/discover, /castmode, reports, and what a card says of summons and thumbs."""

import pytest

from bot.casts import Casts
from bot.stage import Message
from characters.card import read_card


@pytest.fixture
async def casts(memory, cast):
    if keys := await memory.redis.keys("mrp:1:{cast}:*"):
        await memory.redis.delete(*keys)
    return Casts(memory, cast)


async def made(casts, party, name, by="test:小红", reach="place", **more):
    table = {"id": "new", "language": "zh", "name": name, "greeting": "来了！", "brief": "小龙。"}
    card = read_card(table | more, "made")
    return await casts.keep(card, by, reach, place=party.room.view.place)


async def test_a_place_sees_its_cast_and_chooses_it(play, casts):
    party = play(["好。"])
    await made(casts, party, "小墨龙")
    await party.say("/阵容")
    assert party.notice.startswith("这里的阵容：原班和自创；成员做的要审核。")
    await party.say("/召唤 悟空", "/阵容 自创 自由")
    assert party.notice == "这里的阵容：只有自创；成员做的直接可用。"
    await party.say("/名册")
    assert "小墨龙" in party.notice
    assert "孙悟空" not in party.notice
    await party.say("/召唤 八戒")
    assert "没有人叫“八戒”" in party.notice
    await party.say("悟空，还在吗？")  # who is on stage stays there
    assert party.lines[-1] == ("孙悟空", "好。")
    await party.say("/退场 悟空")
    assert party.room.scene().cast == ()
    await party.say("/castmode shipped", "/阵容 什么")
    assert "/阵容 原班｜自创｜全部" in party.notice
    private = play(private=True)
    await private.say("/阵容 自创")
    assert "私聊没有自己的阵容" in private.notice


async def test_characters_are_found_by_words_in_either_script(play, casts):
    party = play()
    await made(casts, party, "小墨龙", categories=["书生", "龙"], persona="住在砚台裡。")
    for asked in ("小墨", "墨龍", "书生", "砚台里", "硯臺裏"[:2] + "里"):
        await party.say(f"/发现 {asked}")
        assert "小墨龙" in party.notice, asked
    await party.say("/发现 没有这样的")
    assert "没有找到" in party.notice
    await party.say("/发现 Monkey")
    assert "孙悟空" in party.notice
    await party.say("/发现 类别")
    assert "龙 (1)" in party.notice
    await party.say("/发现 最新")
    assert party.notice.splitlines()[1].startswith("小墨龙")


async def test_popular_is_counted_here_and_in_all_by_people_and_once(play, casts):
    here, there = play(["好。"]), play(["好。"])
    await made(casts, here, "小墨龙")
    for who in ("小明", "小红", "小明"):
        await here.room.hear(Message(f"test:{who}", who, "/召唤 小墨龙", moderator=True))
        await here.room.hear(Message(f"test:{who}", who, "/退场 小墨龙", moderator=True))
    await there.say("/召唤 悟空")
    await here.say("/召唤 悟空", "/发现")
    rows = here.notice.splitlines()
    assert rows[0] == "最常请的："
    assert rows[1].startswith("小墨龙：小龙。（👍0 👎0，这里 3 次，一共 3 次）")
    assert rows[2].startswith("🐵 孙悟空")
    assert "这里 1 次，一共 2 次" in rows[2]
    await here.say("/角色 小墨龙")
    assert "登台 3 次，请过的人约 2 位" in here.notice
    assert "小红" not in here.notice  # never who


async def test_thumbs_are_totals_on_the_card_and_sort_the_best(play, casts):
    party = play(["好。", "妙。"])
    await party.say("/召唤 悟空", "悟空，你好。")
    place = party.stage.done[-1].id
    for who, value in (("a", 1), ("b", 1), ("c", -1), ("b", 1), ("c", 0), ("d", -1), ("a", -1)):
        assert await party.room.rate(f"test:{who}", f"place of {place}", value)
    await party.say("/角色 悟空")
    assert "👍 1 👎 2" in party.notice
    await party.say("/召唤 八戒", "八戒，你好。")
    await party.room.rate("test:a", f"place of {party.stage.done[-1].id}", 1)
    await party.say("/发现 好评")
    assert party.notice.splitlines()[1].startswith("🐷 猪八戒")


async def test_reports_are_read_by_moderators_without_who_made_them(play, casts):
    party = play()
    await made(casts, party, "小墨龙")
    for who, why in (("小明", "骂人"), ("小刚", "抄来的"), ("小刚", "抄袭")):
        text = f"/角色 举报 小墨龙 | {why}"
        await party.room.hear(Message(f"test:{who}", who, text))
    await party.say("/角色 举报单")
    assert party.notice == "举报（2 条）：\n小墨龙：抄袭\n小墨龙：骂人"
    elsewhere = play()
    await elsewhere.say("/角色 举报单")
    assert elsewhere.notice == "没有举报。"
    await party.room.shared.memory.person("test:小刚").forget_everything()
    await party.say("/角色 举报单")
    assert party.notice == "举报（1 条）：\n小墨龙：骂人"
    await party.say("/角色 举报单 清空")
    assert party.notice == "没有举报。"


@pytest.mark.parametrize("text", ["/角色 举报", "/角色 举报 小墨龙", "/角色 举报 悟空 | 太皮"])
async def test_a_report_needs_a_made_character_and_a_reason(play, casts, text):
    party = play()
    await made(casts, party, "小墨龙")
    await party.say(text)
    assert "举报谁，为什么" in party.notice


async def test_a_moderator_reads_a_waiting_card_before_deciding_and_members_do_not(play, casts):
    party = play(["好。"])
    await casts.keep(
        read_card({"id": "new", "language": "zh", "name": "小墨龙", "greeting": "来了！",
                   "brief": "小龙。", "persona": "住在砚台里。"}, "made"),
        "test:小红", "place", place=party.room.view.place, waiting=True,
    )  # fmt: skip
    await party.say("/阵容")
    assert "等待审核 1 个（/角色 待审），举报 0 条" in party.notice
    await party.room.hear(Message("test:小刚", "小刚", "/阵容"))
    assert party.notice.startswith("这里的阵容")
    assert "等待审核" not in party.notice
    await party.say("/角色 待审")
    assert party.notice.startswith("等待审核（1 个）：\n小墨龙：小龙。\n")
    await party.say("/角色 查看 小墨龙")
    assert "详情：住在砚台里。" in party.notice
    assert "在这里，等待审核" in party.notice
    await party.room.hear(Message("test:小刚", "小刚", "/角色 查看 小墨龙"))
    assert "没有叫“小墨龙”的角色" in party.notice
    elsewhere = play()  # another place's moderator neither sees nor decides
    await elsewhere.say("/角色 查看 小墨龙")
    assert "没有叫“小墨龙”的角色" in elsewhere.notice
    await elsewhere.say("/角色 通过 小墨龙")
    assert "没有叫“小墨龙”的角色在等" in elsewhere.notice
    await party.say("/角色 通过 小墨龙", "/召唤 小墨龙")
    assert party.lines == [("小墨龙", "来了！")]


async def test_reports_are_done_with_one_by_one_and_go_with_their_character(play, casts):
    party = play(["好。"])
    entries = [await made(casts, party, name) for name in ("小墨龙", "小砚龙", "小纸龙")]
    for number, name in enumerate(("小墨龙", "小砚龙", "小纸龙")):
        text = f"/角色 举报 {name} | 第 {number} 件"
        await party.room.hear(Message("test:小刚", "小刚", text))
    await party.say("/角色 举报单 清空 小砚龙")
    assert party.notice == "举报（2 条）：\n小纸龙：第 2 件\n小墨龙：第 0 件"
    await party.say("/角色 举报单 清空 没这人")
    assert "没有叫“没这人”的角色" in party.notice
    await casts.withdraw(entries[0].id)
    await party.say("/角色 举报单")
    assert party.notice == "举报（1 条）：\n小纸龙：第 2 件"


async def test_a_person_reports_so_many_until_moderators_have_seen_to_them(play, casts):
    party = play()
    for number in range(21):
        await made(casts, party, f"小墨龙{number}号", by=f"test:{number % 2}")
        text = f"/角色 举报 小墨龙{number}号 | 太多"
        await party.room.hear(Message("test:小刚", "小刚", text))
    assert party.notice.startswith("你举报过的 20 个，管理员还没有看完")
    await party.say("/角色 举报单")
    assert party.notice.startswith("举报（20 条）")


async def test_what_is_reported_in_a_private_chat_is_for_who_runs_the_bot(play, casts):
    ink = await made(casts, play(), "小墨龙", reach="everywhere")
    await play(private=True, name="小明").say("/角色 举报 小墨龙 | 悄悄说：骂人")
    other = play(private=True, name="小刚")
    for text in ("/角色 举报单", "/角色 举报单 清空", "/角色 举报单 清空 小墨龙", "/角色 待审"):
        await other.say(text)
        assert "骂人" not in other.notice
    home = play(limited=False)
    await home.say("/角色 举报单")
    assert "悄悄说：骂人" in home.notice
    await casts.withdraw(ink.id)
