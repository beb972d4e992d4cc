"""What a speaker has before it: book, lore and notes share what room there is."""

from dataclasses import replace

from bot.grounding import Passage, budget_of, facts_of
from bot.memory.lore import keep
from bot.room.tail import Before, before
from characters.card import Source
from characters.lore import Entry, Lorebook, Use
from characters.turn import Scene, Turn


def test_what_is_remembered_of_a_reply():
    entry = Entry("剑", "利", ("剑",))
    found = Before(
        None, (Passage(3, "甲乙丙丁。"), Passage(5, "子丑寅卯。")), (Use("b", entry, "利"),)
    )
    assert found.entries == (("b", "剑"),)
    assert found.quotes("子丑寅卯")[0] == (5, "子丑寅卯。")
    assert Before().quotes("x") == ()


async def test_lore_takes_no_more_than_its_share(play, memory):
    p = play(context=4096)
    many = tuple(Entry(f"e{n}", f"{n}" + "a" * 150, ("水",), order=n) for n in range(20))
    await keep(memory, p.room.key, Lorebook("b", many))
    await p.say("/summon 悟空", "悟空，喝水")
    read = p.prompts[-1]
    assert read.count("a" * 150) == 3  # 512 tokens, one a letter here
    assert read.index("17a") < read.index("18a") < read.index("19a")


RAKE = "九齿钉钯是猪八戒的兵器"


async def test_what_is_asked_about_is_told_from_the_casts_facts(play):
    p = play(context=4096)
    await p.say("/summon 悟空", "悟空，你那钉耙呢？")
    assert p.prompts[-1].rindex("钉耙呢") < p.prompts[-1].index(RAKE)
    await p.say("/why")
    assert p.notice == "孙悟空这句话面前有设定：《猪八戒》的「钉耙」"
    await p.say("今天真热。")
    assert RAKE not in p.prompts[-1]


async def test_what_has_not_happened_yet_is_not_told(play):
    p = play(context=4096)
    await p.say("/summon 悟空", "/scene 第2回", "悟空，虎皮裙是谁的？")
    assert "虎皮裙是孙悟空的" not in p.prompts[-1]
    await p.say("/scene 第14回", "悟空，虎皮裙是谁的？")
    assert "虎皮裙是孙悟空的" in p.prompts[-1]


def test_a_small_context_has_fewer_facts(cast):
    scene = Scene((cast["wukong"],), (Turn("小明", "悟空，钉耙重还是金箍棒重？"),))
    told = {
        context: facts_of(cast, scene, cast["wukong"], chapter=0, context=context, length=len)
        for context in (511, 512, 4096)
    }
    assert [len(facts) for facts in told.values()] == [0, 1, 2]


def test_a_small_context_has_no_lore():
    assert budget_of(500) == 0
    assert budget_of(512) == 64


async def test_an_authors_note_is_cut_and_the_directors_stands_last(play, cast):
    p = play(context=4096)
    await p.say("/summon 悟空", "/note 快些")
    scene = p.room.view.scene()
    wukong = replace(cast["wukong"], source=Source("{}", note="押韵。" * 400))
    tail = (await before(p.room.view, wukong, scene, "")).tail
    assert tail is not None
    own, _, director = tail.note.rpartition("\n")
    assert director == "快些"
    assert 0 < len(own) <= 4096 // 16
    assert own.endswith("押韵。")
