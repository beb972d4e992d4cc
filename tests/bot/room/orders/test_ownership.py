"""Who may change a made character, and make one for a place or for all."""

from bot.permissions import Permissions
from bot.stage import Message

FORM = "小墨龙 | 墨龙来也！ | 一条爱写字的小龙。 | 别名：小墨、阿墨"


async def member(party, *texts, by="小红"):
    """Somebody who is no moderator."""
    for text in texts:
        await party.room.hear(Message(f"test:{by}", by, text))
    return party.notice


async def test_only_who_made_it_or_moderates_changes_it(play):
    party = play(["好。"])
    await party.say(f"/角色 创建 {FORM}", "/角色 保存 这里")
    for order in ("撤下 小墨", "交出 小墨", "修改 小墨 | 语气：坏"):
        assert "不是你做的" in await member(party, f"/角色 {order}")
    await member(party, "/角色 创建 小砚龙 | 来了 | 小龙", "/角色 保存 这里")
    await party.say("/角色 通过 小砚龙", "/角色 撤下 小砚龙")
    assert "撤下了" in party.notice


async def test_everywhere_is_for_who_runs_the_bot_unless_the_rights_say_who(play):
    party = play(["好。"])
    await party.say(f"/角色 创建 {FORM}", "/角色 保存 处处")
    assert "只有管这个机器人的人" in party.notice
    home = play(["好。"], limited=False)
    await home.say(f"/角色 创建 {FORM}", "/角色 保存 处处")
    assert "现在就可以请上场" in home.notice
    await party.say("/召唤 小墨")
    assert party.lines == [("小墨龙", "墨龙来也！")]
    open_ = play(["好。"], permissions=Permissions({"character_everywhere": "moderators"}))
    await open_.say("/角色 创建 小砚龙 | 来了 | 小龙", "/角色 保存 处处")
    assert "现在就可以请上场" in open_.notice


async def test_a_change_that_is_kept_elsewhere_stays_in_its_place_and_is_reviewed_there(play):
    party, other = play(["好。"]), play(["好。"])
    await party.say("/阵容 自由")
    await member(party, f"/角色 创建 {FORM}", "/角色 保存 这里")
    await party.say("/阵容 审核")
    private = play(["好。"], private=True)
    for room in (private, other):  # where 小红 moderates, or nobody does
        for text in ("/角色 修改 小墨 | 语气：坏", "/角色 保存"):
            await room.room.hear(Message("test:小红", "小红", text, moderator=True))
        assert "管理员通过以后" in room.notice
        (entry,) = room.room.shared.casts.entries()
        assert (entry.reach, entry.place, entry.waiting) == ("place", party.room.view.place, True)
        await party.say("/角色 通过 小墨")
    await party.say("/召唤 小墨")
    assert party.lines == [("小墨龙", "墨龙来也！")]


async def test_at_a_terminal_ones_private_characters_come_on_stage(play):
    home = play(["好。"], limited=False)
    await home.say(f"/角色 创建 {FORM}", "/角色 保存 私用", "/召唤 小墨", "/发现 爱写字")
    assert home.lines == [("小墨龙", "墨龙来也！")]
    assert "小墨龙：一条爱写字的小龙。" in home.notice
    open_ = play(["好。"])
    await open_.say("/召唤 小墨")
    assert open_.lines == []
