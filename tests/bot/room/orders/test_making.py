"""/character, typed: made, previewed, kept, changed, handed over and withdrawn; and who may."""

import pytest

from bot import notices
from bot.stage import Message

FORM = "小墨龙 | 墨龙来也！ | 一条爱写字的小龙。 | 别名：小墨、阿墨"


@pytest.fixture(autouse=True)
async def _nothing_made(memory):
    for pattern in ("mrp:1:{cast}:*", "mrp:1:{person:*}:sketch"):
        if keys := await memory.redis.keys(pattern):
            await memory.redis.delete(*keys)


async def member(party, *texts, by="小红"):
    """Somebody who is no moderator."""
    for text in texts:
        await party.room.hear(Message(f"test:{by}", by, text))
    return party.notice


async def test_made_in_one_room_previewed_kept_and_summoned_by_nickname_in_another(play):
    party = play(["我是小墨龙。", "写好了。"])
    await party.say(f"/创建角色 {FORM}")
    assert "还没有保存" in party.notice
    assert "名字：小墨龙" in party.notice
    assert "详情：（缺）" in party.notice
    assert "（还没有英文）" in party.notice
    assert "试一句：你是谁？ —— 我是小墨龙。" in party.notice
    assert len(party.room.view.cast) == 9  # nothing is kept before somebody says so
    await party.say("/角色 保存 这里", "/召唤 阿墨", "小墨，写个字。")
    assert party.lines == [("小墨龙", "墨龙来也！"), ("小墨龙", "写好了。")]
    other = play()
    other.room.view.place = party.room.view.place  # another channel of the same server
    await other.say("/召唤 小墨", "/名册")
    assert other.lines == [("小墨龙", "墨龙来也！")]
    assert "小墨龙（也叫小墨、阿墨）" in other.notice
    assert "c_" not in other.notice


async def test_a_form_is_typed_in_english_too_with_labels_on_lines_of_their_own(play):
    party = play(["I am Inky."], language="en")
    await party.say(
        "/character create\nname: Inky\ngreeting: Here I am!\nshort: A dragon.\nlong: It writes.\n"
        "manner: bookish\nlines: Hm. / Well written!\ncategories: dragon, books\nemoji: 🐉"
    )
    assert "Lines: Hm. / Well written!" in party.notice
    assert "A test line: Who are you? — I am Inky." in party.notice
    await party.say("/character keep private", "/character mine")
    assert "Inky（in your private chat only）" in party.notice
    entry = party.room.shared.casts.entries()[0]
    assert entry.character.name.en == "Inky"
    assert entry.character.name.zh == ""
    assert entry.character.categories == ("dragon", "books")
    assert (entry.reach, entry.owner) == ("private", "test:小明")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/角色 创建", "名字、开场白和一种介绍是必需的"),
        ("/角色 创建 小墨龙", "greeting: is missing"),
        ("/角色 创建 小墨龙 | 来了", "brief"),
        ("/角色 创建 悟空 | 来了 | 一只猴子", "「悟空」已经是孙悟空的名字了"),
        ("/角色 创建 旁白 | 来了 | 一个声音", "不能当名字"),
        (f"/角色 创建 小墨龙 | 来了 | {'长' * 3000}", "brief.zh太长：有 3000，最多 400"),
        ("/角色 创建 小：墨 | 来了 | 小龙", "must not hold colons"),
        ("/角色 保存", "没有正在做的角色"),
        ("/角色 起草", "没有正在做的角色"),
        ("/角色 放弃", "没有正在做的角色"),
        ("/角色 撤下 悟空", "本来就有的角色"),
        ("/角色 撤下 没这人", "没有叫“没这人”的角色"),
        ("/角色 修改 没这人 | 语气：好", "没有叫“没这人”的角色"),
        ("/角色 没这人", "没有叫“没这人”的角色"),
        ("/角色", "/角色 创建 名字"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence_and_nothing_is_kept(play, text, says):
    party = play()
    await party.say(text)
    assert says in party.notice
    await party.say("/角色 我的")
    assert "还没有做过角色" in party.notice


async def test_a_kept_one_is_changed_shown_handed_over_and_withdrawn(play):
    party = play(["好。"])
    await party.say(f"/角色 创建 {FORM}", "/角色 保存 这里", "/召唤 小墨")
    await party.say("/角色 修改 小墨 | 语气：文绉绉", "/角色 保存")
    await party.say("/角色 查看 小墨")
    assert "语气：文绉绉" in party.notice
    assert "登台 1 次，请过的人约 1 位" in party.notice
    await party.say("/角色 修改 小墨 | 语气：无", "/角色 保存", "/角色 小墨")
    assert "语气：（缺）" in party.notice
    await party.say("/角色 撤下 小墨")
    assert party.lines[-1] == ("小墨龙", "我这就告辞了，诸位保重。")
    assert "撤下了" in party.notice
    assert party.room.scene().cast == ()


async def test_a_sketch_is_changed_before_it_is_kept_and_outlives_the_room(play):
    party = play(["好。"])
    await party.say(f"/角色 创建 {FORM}", "/角色 修改 名字：小砚龙")
    assert "名字：小砚龙" in party.notice
    later = play(["好。"], name="another room")
    await later.say("/角色 查看")
    assert "名字：小砚龙" in later.notice
    await later.say("/角色 放弃", "/角色 保存")
    assert "没有正在做的角色" in later.notice


async def test_what_a_member_makes_waits_until_a_moderator_approves(play):
    party = play(["好。"])
    assert "管理员通过以后" in await member(party, f"/角色 创建 {FORM}", "/角色 保存 这里")
    await party.say("/召唤 小墨")
    assert party.lines == []
    assert await member(party, "/角色 通过 小墨") == notices.NOT_ALLOWED.zh.format("角色")
    await party.say("/召唤 小墨")
    assert party.lines == []
    await party.say("/角色 待审")
    assert "小墨龙：一条爱写字的小龙。" in party.notice
    await party.say("/角色 通过 小墨", "/召唤 小墨")
    assert party.lines == [("小墨龙", "墨龙来也！")]


async def test_what_is_refused_is_its_makers_alone(play):
    party = play(["好。"])
    await member(party, f"/角色 创建 {FORM}", "/角色 保存 这里")
    await party.say("/角色 退回 小墨", "/召唤 小墨", "/角色 待审")
    assert party.lines == []
    assert "没有等待审核的角色" in party.notice
    entry = party.room.shared.casts.entries()[0]
    assert (entry.reach, entry.owner, entry.waiting) == ("private", "test:小红", False)


@pytest.mark.parametrize(("review", "lines"), [("自由", 1), ("关闭", 0)])
async def test_a_place_decides_whether_members_make_characters(play, review, lines):
    party = play(["好。"])
    await party.say(f"/阵容 {review}")
    await member(party, f"/角色 创建 {FORM}", "/角色 保存 这里", "/召唤 小墨")
    assert len(party.lines) == lines
    if not lines:
        await party.say(f"/角色 创建 {FORM}", "/角色 保存 这里", "/召唤 小墨")
        assert len(party.lines) == 1  # moderators still do


async def test_the_orders_of_moderators_are_not_given_by_members(play):
    party = play(["好。"])
    for order in (
        "/阵容 自创",
        "/角色 待审",
        "/角色 通过 小墨",
        "/角色 举报单",
        "/character queue",
    ):
        before = len(party.stage.notices)
        await member(party, order)
        assert len(party.stage.notices) == before + 1
        called = order[1:].partition(" ")[0]
        assert party.notice == notices.NOT_ALLOWED.zh.format(called)
    assert party.room.shared.casts.setting(party.room.view.place).mode == "both"


async def test_missing_parts_are_drafted_shown_and_kept_only_then(play):
    def script(prompt):
        if "character cards" in prompt:
            return '"Ink first."\n2. Then write.\n- Then paint.\nToo much.'
        if "人物卡" in prompt:
            return "「先磨墨。」\n2. 再写字。\n- 后画画。\n多的一句。"
        return "好。"

    party = play(script)
    await party.say(f"/角色 创建 {FORM}")
    assert "/角色 起草" in party.notice
    await party.say("/角色 起草")
    assert party.stage.notices[-2].startswith("正在起草 ")  # a small machine takes its time
    assert "还没有保存" in party.notice
    assert "台词：先磨墨。 / 再写字。 / 后画画。" in party.notice
    assert "（缺）" not in party.notice
    told = len(party.stage.notices)
    await party.say("/角色 起草")
    assert party.stage.notices[told:] == ["这张卡什么都不缺。"]
    assert party.room.shared.casts.entries() == ()
    await party.say("/角色 保存")
    made = party.room.shared.casts.entries()[0].character
    assert made.missing == ()
    assert made.brief.zh == "一条爱写字的小龙。"  # what somebody wrote stays
    assert made.greeting.zh == ("墨龙来也！",)


async def test_forget_all_takes_ones_characters_along_or_hands_them_over(play):
    party = play(["好。"])
    await party.say(f"/角色 创建 {FORM}", "/角色 保存 这里")
    await party.say("/角色 创建 小砚龙 | 来了 | 小龙", "/角色 保存 私用")
    people = party.room.shared.memory.person("test:小明")
    assert [card["name"]["zh"] for card in (await people.export())["made"]] == ["小墨龙", "小砚龙"]
    assert await people.hand_over() == 2
    await party.room.shared.casts.refresh()
    (left,) = party.room.shared.casts.entries()
    assert (left.character.name.zh, left.owner) == ("小墨龙", "")
    await party.say("/角色 创建 小纸龙 | 来了 | 小龙", "/角色 保存 这里", "/召唤 小纸龙")
    gone = await people.forget_everything()
    assert gone.characters == 1
    await party.say("在吗？", by="小红")
    assert party.room.shared.casts.entries() == (left,)
    assert [c.id for c in party.room.scene().cast] == []
    assert party.lines[-1][0] == "（已离开）"  # not even its name is kept


async def test_made_step_by_step_with_answers_that_are_no_talk(play):
    party = play(["我是小墨龙。"])
    await party.say("/召唤 悟空", "/角色 创建")
    assert party.notice.endswith("叫什么名字？（/取消 不做了）")
    await party.say("悟空")
    assert "「悟空」已经是孙悟空的名字了" in party.notice
    assert party.notice.endswith("叫什么名字？（/取消 不做了）")
    for answer in (
        "小墨龙",
        "墨龙来也！",
        "一条爱写字的小龙。",
        "/跳过",
        "文绉绉",
        "小墨",
        "/skip",
    ):
        await party.say(answer)
    assert "还没有保存" in party.notice
    assert "语气：文绉绉" in party.notice
    assert [name for name, _ in party.lines] == ["孙悟空"]  # nobody took an answer for talk
    await party.say("/角色 保存", "/召唤 小墨", "你好。")
    assert ("小墨龙", "墨龙来也！") in party.lines
    assert len(party.lines) == 3


async def test_others_go_on_talking_and_cancel_ends_it(play):
    party = play(["好。"])
    await party.say("/召唤 悟空", "/角色 创建", "小墨龙")
    await party.say("悟空，你好。", by="小红")
    assert party.lines[-1] == ("孙悟空", "好。")
    await party.say("/取消")
    assert "放弃了" in party.notice
    await party.say("悟空，再见。")
    assert len(party.lines) == 3
    assert party.room.shared.casts.entries() == ()
