"""What each order does to a room."""

import asyncio
import itertools

from bot.commands import COMMANDS, Order
from bot.room.orders.replies import MOST_AUTO

WUKONG, BAJIE, SHASENG = "孙悟空", "猪八戒", "沙僧"


_numbers = itertools.count(1)


def numbered(prompt):
    number = next(_numbers)
    return f"这是第{number}个说法，各不相同{number * 7}。"


def speakers(play):
    return [name for name, _ in play.lines]


async def turns(play):
    scene, _ = await play.room.enter()
    return [t.text for t in scene.turns if t.side != "narration"]


# -- the scene -------------------------------------------------------------------------------------


async def test_a_scene_has_a_place_a_mood_and_a_chapter(play):
    p = play()
    await p.say("/summon 悟空", "/场景 月下荒庙；气氛 悲凉；第27回")
    assert "月下荒庙" in p.notice
    assert "悲凉" in p.notice
    assert "第 27 回" in p.notice
    await p.say("悟空，冷吗？")
    assert "场景：月下荒庙；悲凉" in p.prompts[-1]
    status = await p.room.status()
    assert (status.place, status.mood, status.chapter) == ("月下荒庙", "悲凉", 27)
    await p.say("/scene mood merry; chapter 3", "/scene")
    assert "merry" in p.notice
    assert "月下荒庙" in p.notice
    await p.say("/scene none")
    assert "没有布景" in p.notice


async def test_as_of_a_chapter_the_cards_are_who_they_were_then(play, cast):
    p = play(["老孙知道了，这便去也。", "说的是，老孙也这么想。"])
    await p.say("/summon 悟空 观音", "悟空，你是谁？", "/scene 第5回", "悟空，你又是谁？", "你好")
    assert "唐僧的大徒弟" in p.prompts[0]
    for prompt in p.prompts[1:]:
        assert "唐僧的大徒弟" not in prompt
        assert "美猴王" in prompt
    wukong = cast["wukong"]
    assert wukong.as_of(10).brief != wukong.as_of(5).brief != wukong.brief
    assert wukong.as_of(14) is wukong.as_of(0) is wukong


async def test_a_directors_note_stays_until_it_is_taken_away(play):
    p = play()
    await p.say("/summon 悟空", "/note 说话要短", "悟空，一", "悟空，二")
    assert all("提示：说话要短" in prompt for prompt in p.prompts[-2:])
    await p.say("/提示 无", "悟空，三")
    assert "提示" not in p.prompts[-1]


async def test_the_narrator_tells_and_everybody_hears(play):
    p = play()
    await p.say("/summon 悟空", "/旁白 天忽然黑了", "悟空，怕吗？")
    assert "旁白：天忽然黑了" in p.prompts[-1]
    assert p.stage.notices == ["旁白：天忽然黑了"]


async def test_in_a_pause_everything_is_heard_and_nobody_speaks(play):
    p = play()
    await p.say("/summon 悟空", "/pause", "悟空，你在吗？", "/next 悟空", "/retry")
    assert speakers(p) == [WUKONG]
    assert (await p.room.status()).paused
    await p.say("/开演", "悟空，现在呢？")
    assert speakers(p) == [WUKONG, WUKONG]
    assert "你在吗" in p.prompts[-1]


async def test_who_joins_is_told_where_it_is_and_nothing_that_was_said(play):
    p = play()
    await p.say("/summon 悟空", "/scene 高老庄", "悟空，钱在井里", "/summon 八戒", "八戒，钱呢？")
    assert "猪八戒来到高老庄，在场的有孙悟空、小明。" in p.prompts[-1]
    assert "井里" not in p.prompts[-1]
    await p.say("悟空？")
    assert "来到高老庄" not in p.prompts[-1]


# -- who speaks ------------------------------------------------------------------------------------


async def test_next_is_who_is_named_or_whoever_goes_on(play):
    p = play()
    await p.say("/summon 悟空 八戒 沙僧", "/next 沙僧", "/轮到 八戒", "/next 唐僧")
    assert speakers(p)[3:] == [SHASENG, BAJIE]
    assert "唐僧不在场" in p.notice
    await p.say("/next")
    assert len(p.lines) == 6
    assert speakers(p)[-1] != BAJIE


async def test_the_last_one_goes_on(play):
    p = play(numbered)
    await p.say("/summon 悟空 八戒", "八戒，说", "/接着说")
    assert speakers(p)[2:] == [BAJIE, BAJIE]
    assert p.lines[2][1] in p.prompts[-1]


async def test_characters_talk_among_themselves_as_often_as_asked(play):
    p = play(numbered)
    await p.say("/summon 悟空 八戒 沙僧", "/auto 5")
    said = speakers(p)[3:]
    assert len(said) == 5
    assert all(a != b for a, b in itertools.pairwise(said))
    await p.say(f"/auto {MOST_AUTO + 1}", "/auto x")
    assert len(p.lines) == 8
    assert str(MOST_AUTO) in p.notice


async def test_one_alone_does_not_talk_among_themselves(play):
    p = play()
    await p.say("/summon 悟空", "/auto 3")
    assert len(p.lines) == 1
    assert "两位" in p.notice


async def test_a_human_message_ends_the_chatter_at_once(play):
    p = play(lambda prompt: "滔滔不绝地说了又说，" * 3, delay=0.01)
    await p.say("/summon 悟空 八戒")
    chatter = asyncio.create_task(p.say("/auto 12"))
    while len(p.lines) < 4:
        await asyncio.sleep(0.005)
    before = len(p.lines)
    await p.say("悟空，听我说")
    await chatter
    said = await turns(p)
    at = said.index("悟空，听我说")
    assert at <= before + 1  # the line that was being said is broken off, and none follows
    assert said[at - 1].endswith("——") or at == before
    assert speakers(p)[-1] == WUKONG
    assert len(said) == at + 2


async def test_what_a_person_asked_for_is_answered_though_another_one_speaks(play):
    p = play(lambda prompt: "一二三四五六。", delay=0.003)
    await p.say("/summon 悟空 八戒")
    first = asyncio.create_task(p.say("悟空、八戒，你们好"))
    await asyncio.sleep(0.02)
    await p.say("悟空，我也在", by="小红")
    await first
    assert speakers(p)[2:] == [WUKONG, BAJIE, WUKONG]


# -- versions --------------------------------------------------------------------------------------


async def test_a_line_is_said_again_and_all_versions_stay(play):
    p = play(numbered)
    await p.say("/summon 悟空", "悟空，说", "/retry", "/换一个")
    one, two, three = (line.text for line in p.stage.done[1:])
    assert len({one, two, three}) == 3
    assert len({line.id for line in p.stage.done[1:]}) == 1
    assert [(d.version, d.versions) for d in p.stage.done[1:]] == [(1, 1), (2, 2), (3, 3)]
    assert p.stage.done[-1].places == p.stage.done[-2].places != ()
    assert (await turns(p))[-1] == three
    # The new version is an answer to what was said before the line, not to the line.
    assert one not in p.prompts[-1]
    await p.say("/retry 1")
    assert (await turns(p))[-1] == one
    assert p.stage.done[-1].version == 1
    assert p.stage.done[-1].versions == 3
    await p.say("悟空，还有呢？")
    assert one in p.prompts[-1]
    assert three not in p.prompts[-1]
    status = await p.room.status()
    assert (status.version, status.versions) == (1, 1)
    await p.say("/undo 2", "/retry 9")
    assert "3 个说法" in p.notice


async def test_another_process_sees_the_version_that_counts(play):
    p, other = play(numbered, name="versions"), play(name="versions")
    await p.say("/summon 悟空", "悟空，说")
    await other.room.enter()
    await p.say("/retry")
    assert await turns(other) == await turns(p)
    await p.say("/retry 1")
    assert await turns(other) == await turns(p)


async def test_a_version_that_cannot_be_written_leaves_the_line_as_it_was(play):
    p = play(["就这一句，再没有别的了。"])
    await p.say("/summon 悟空", "悟空，说")
    before = await turns(p)
    await p.say("/retry")
    assert await turns(p) == before
    assert p.stage.done[-1].text == before[-1]
    assert p.stage.withdrawn == []


async def test_lines_are_taken_back(play):
    p = play(numbered)
    await p.say("/summon 悟空", "悟空，一", "悟空，二", "/undo")
    assert (await turns(p))[-1] == "悟空，二"
    assert len(p.stage.withdrawn) == 1
    await p.say("/撤回 3")
    assert len(await turns(p)) == 1
    assert "3 句" in p.notice
    await p.say("悟空，还在吗？")
    assert "悟空，一" not in p.prompts[-1]
    await p.say("/undo 50", "/undo")
    assert "没有角色" in p.notice or "收回" in p.notice


# -- what there is to know -------------------------------------------------------------------------


async def test_a_recap_tells_where_it_is_and_what_was_said_last(play):
    p = play()
    await p.say("/summon 悟空", "/scene 高老庄", "我是小明，来借金箍棒", "/前情")
    assert "高老庄" in p.notice
    assert "小明：我是小明，来借金箍棒" in p.notice
    assert "孙悟空：" in p.notice
    fresh = play()
    await fresh.say("/recap")
    assert "没有发生" in fresh.notice


async def test_what_was_trimmed_is_summed_up_for_those_who_heard_it(play):
    p = play(context=1800)
    await p.say("/summon 悟空")
    await p.say(*(f"悟空，第{i}件事：我要去钦天监" for i in range(20)))
    await p.room.settle()
    state = p.room.memory.state
    assert state.mark
    assert state.summary("wukong")
    assert len(state.summary("wukong")) <= 480
    assert state.summary("bajie") == ""
    await p.say("/summon 八戒", "八戒，你知道什么？")
    assert "钦天监" not in p.prompts[-1]
    await p.say("悟空，你还记得什么？")
    assert "此前：" in p.prompts[-1]
    await p.say("/recap")
    assert "前情：" in p.notice


async def test_a_model_that_sums_up_is_believed_when_it_speaks_of_the_scene(play):
    p = play(context=1800)
    answer = p.engine._script

    def script(prompt):
        if "把下面的对话概括" in prompt:
            return "小明要去钦天监，悟空知道了，第一件事说定了。"
        return answer(prompt)

    p.engine._script = script
    await p.say("/summon 悟空")
    await p.say(*(f"悟空，第{i}件事：我要去钦天监" for i in range(20)))
    await p.room.settle()
    assert p.room.memory.state.summary("wukong") == "小明要去钦天监，悟空知道了，第一件事说定了。"


async def test_every_command_does_something(play):
    """Each row of the table is an order of the room, of people, or of the terminal alone."""
    p = play()
    await p.say("/summon 悟空 八戒", "你好")
    people = {
        *("persona", "remember", "memory", "correct", "export"),
        *("optout", "optin", "share", "retention", "link", "unlink"),
    }
    for command in COMMANDS:
        if command.id in people or command.here_only or command.id in ("dismiss", "forget"):
            continue
        p.stage.notices.clear()
        before = len(p.lines)
        await p.room.obey(
            Order(command.id, "2" if command.id == "auto" else ""), person="test:a", name="a"
        )
        assert p.stage.notices or len(p.lines) > before, command.id
        assert not any("没有用处" in notice for notice in p.stage.notices), command.id
        if command.id == "pause":
            await p.say("/resume")


async def test_an_order_of_a_button_is_the_same_as_a_command(play):
    p = play()
    await p.room.obey(Order("summon", "悟空"), person="test:1", name="小明")
    assert speakers(p) == [WUKONG]
    await p.room.obey(Order("", "", "飞"), person="test:1", name="小明")
    assert "飞" in p.notice
