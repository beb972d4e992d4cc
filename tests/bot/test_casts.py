"""Characters that people made: kept, changed and withdrawn, and seen by every process at once."""

import asyncio
from dataclasses import replace

import pytest

from bot.casts import CastProblem, Casts, Setting
from bot.memory.characters import MOST_OF_A_PERSON
from characters.card import Lines, Words, read_card

HERE, THERE = "test:a server", "test:another server"
MING, HONG = "test:小明", "test:小红"


def made(name="小墨龙", **more):
    table = {
        "id": "new",
        "language": "zh",
        "name": name,
        "greeting": "来了！",
        "brief": "一条小龙。",
    }
    return read_card(table | more, "made")


async def nothing_kept(memory):
    if keys := await memory.redis.keys("mrp:1:{cast}:*"):
        await memory.redis.delete(*keys)


@pytest.fixture
async def casts(memory, cast):
    await nothing_kept(memory)
    return Casts(memory, cast)


@pytest.fixture
def other(memory, cast):
    """Another process: it shares Redis and nothing else."""
    return Casts(memory, cast)


def names(cast):
    return [character.name["zh"] for character in cast]


async def test_a_character_is_found_by_another_process_as_soon_as_it_is_kept(casts, other, cast):
    assert names(await other.of(HERE)) == names(cast)
    entry = await casts.keep(made(aliases=["小墨"]), MING, "place", place=HERE)
    assert (await other.of(HERE)).find("小 墨").id == entry.id
    assert other[entry.id] == entry.character
    assert len(await other.of(THERE)) == len(cast)


async def test_a_change_and_a_withdrawal_are_seen_too(casts, other):
    entry = await casts.keep(made(), MING, "place", place=HERE)
    await other.of(HERE)
    changed = replace(entry.character, brief=Words("一条大龙。"), name=Words("大墨龙"))
    await casts.keep(changed, MING, "place", place=HERE)
    now = await other.of(HERE)
    assert now.owner("小墨龙") is None
    assert now.find("大墨龙").brief["zh"] == "一条大龙。"
    await other.withdraw(entry.id)
    assert (await casts.of(HERE)).owner("大墨龙") is None
    assert casts.is_gone(entry.id)
    assert casts[entry.id].name["zh"] == "大墨龙"  # its lines stay readable
    again = await casts.keep(made("大墨龙"), HONG, "place", place=HERE)  # and the name is free
    assert again.id != entry.id


async def test_where_a_character_appears_is_its_reach(casts):
    await casts.keep(made("私房客"), MING)
    await casts.keep(made("本地客"), MING, "place", place=HERE)
    await casts.keep(made("四海客"), MING, "everywhere", place=HERE)
    await casts.keep(made("待审客"), HONG, "place", place=HERE, waiting=True)

    async def there(place, person=""):
        found = names(await casts.of(place, person=person))
        return [name for name in found if name.endswith("客")]

    assert await there(HERE) == ["本地客", "四海客"]
    assert await there(THERE) == ["四海客"]
    assert await there("", MING) == ["私房客", "本地客", "四海客"]
    assert await there("", HONG) == ["待审客", "四海客"]
    assert await there("") == ["四海客"]


async def test_what_is_private_is_in_no_place_unless_its_maker_is_alone_there(casts):
    await casts.keep(made("私房客"), MING)
    for person in ("", MING, HONG):
        assert (await casts.of(HERE, person=person)).owner("私房客") is None
    assert (await casts.of(HERE, person=HONG, alone=True)).owner("私房客") is None
    assert (await casts.of(HERE, person=MING, alone=True)).owner("私房客")
    found = await casts.find("私房客", place=HERE, person=MING)
    assert found == []


async def test_a_place_has_the_shipped_cast_its_own_or_both(casts, cast):
    await casts.keep(made("本地客"), MING, "place", place=HERE)
    await casts.keep(made("四海客"), MING, "everywhere", place=THERE)
    await casts.decide(HERE, Setting("own"))
    assert names(await casts.of(HERE)) == ["本地客"]
    await casts.decide(HERE, Setting("shipped"))
    assert names(await casts.of(HERE)) == names(cast)
    await casts.decide(HERE, Setting("both"))
    assert names(await casts.of(HERE)) == [*names(cast), "本地客", "四海客"]


@pytest.mark.parametrize("name", ["孫悟空", "WUKONG", "Monkey  King", "wukоng", "猪八戒"])
async def test_a_name_that_is_a_shipped_characters_is_refused(casts, name):
    with pytest.raises(CastProblem) as told:
        await casts.keep(made("小墨龙", aliases=[name]), MING)
    assert name in told.value.told("zh")
    assert "请换一个" in told.value.told("zh")
    assert name in told.value.told("en")
    assert await casts.owned_by([MING]) == []


@pytest.mark.parametrize("name", ["小墨龍", "小 墨 龙", "「小墨龙」"])
async def test_a_name_that_is_somebodys_here_is_refused_and_free_elsewhere(casts, name):
    await casts.keep(made(), MING, "place", place=HERE)
    with pytest.raises(CastProblem, match="小墨龙's name already"):
        await casts.keep(made(name), HONG, "place", place=HERE)
    await casts.keep(made(name), HONG, "place", place=THERE)
    await casts.keep(made(name), HONG)


async def test_a_name_of_everywhere_is_taken_in_every_place(casts):
    await casts.keep(made(), MING, "everywhere")
    with pytest.raises(CastProblem):
        await casts.keep(made(), HONG, "place", place=HERE)
    with pytest.raises(CastProblem):
        await casts.keep(made(), HONG)


async def test_two_who_take_a_name_at_the_same_moment_do_not_both_get_it(casts, other):
    made_here = [
        each.keep(made(), person, "place", place=HERE)
        for each, person in ((casts, MING), (other, HONG))
    ]
    found = await asyncio.gather(*made_here, return_exceptions=True)
    assert sorted(isinstance(each, CastProblem) for each in found) == [False, True]
    assert len((await casts.of(HERE)).characters) == len(casts.shipped) + 1


@pytest.mark.parametrize("name", ["龙", "我们", "旁白", "Narrator", "all"])
async def test_a_word_that_everybody_uses_is_no_name(casts, name):
    with pytest.raises(CastProblem, match="cannot be a name"):
        await casts.keep(made(name), MING)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"name": "白" * 41}, "name.zh"),
        ({"brief": "白" * 401}, "brief.zh"),
        ({"persona": "白" * 100_000}, "persona.zh"),
        ({"greeting": ["来"] * 33}, "greeting.zh"),
        ({"lines": ["白" * 1001]}, "lines.zh"),
        ({"aliases": [f"小墨{n}" for n in range(17)]}, "aliases.zh"),
        ({"categories": ["龙" * 25]}, "categories"),
        ({"emoji": "🐉" * 17}, "emoji"),
        ({"titles": [{"zh": ["白" * 70_000]}]}, "card"),
    ],
)
async def test_what_is_too_long_is_refused_with_its_key_and_the_limit(casts, change, key):
    with pytest.raises(CastProblem) as told:
        await casts.keep(made(**change), MING)
    assert told.value.told("en").startswith(f"{key} is too long: ")


async def test_a_person_may_have_so_many_and_no_more(casts):
    for number in range(MOST_OF_A_PERSON):
        await casts.keep(made(f"小墨{number}号"), MING)
    with pytest.raises(CastProblem, match=f"{MOST_OF_A_PERSON} characters at most"):
        await casts.keep(made("多出来的"), MING)
    await casts.keep(made("小红的"), HONG)
    first = (await casts.owned_by([MING]))[0]
    await casts.keep(
        replace(first.character, brief=Words("改过。")), MING
    )  # a change is no new one


async def test_the_shipped_cast_stays(casts, cast):
    with pytest.raises(CastProblem, match="shipped"):
        await casts.keep(cast["wukong"], MING)
    with pytest.raises(CastProblem, match="shipped"):
        await casts.withdraw("wukong")
    with pytest.raises(CastProblem, match="No character"):
        await casts.withdraw("c_nobody")


async def test_the_picture_is_kept_and_goes_with_the_character(casts, other):
    entry = await casts.keep(made(), MING, face=b"\x89PNG picture")
    assert entry.face
    assert await other.face(entry.id) == b"\x89PNG picture"
    changed = await casts.keep(replace(entry.character, lines=Lines(("哼。",))), MING)
    assert changed.face == entry.face
    await casts.withdraw(entry.id)
    assert await casts.face(entry.id) is None


async def test_a_redis_that_was_restored_to_an_earlier_day_is_read_anew(casts, other, memory):
    await casts.keep(made(), MING, "place", place=HERE)
    await other.of(HERE)
    await nothing_kept(memory)
    assert (await other.of(HERE)).owner("小墨龙") is None


async def test_one_that_was_withdrawn_long_ago_has_a_name_for_its_lines(casts):
    assert casts["c_0123456789ab"].name["zh"] == "（已离开）"
    assert casts.is_gone("c_0123456789ab")
    assert not casts.is_gone("wukong")


async def test_a_place_that_is_called_otherwise_takes_its_cast_along(casts, other, cast):
    await casts.keep(made("本地客"), MING, "place", place=HERE)
    await casts.keep(made("待审客"), HONG, "place", place=HERE, waiting=True)
    await casts.decide(HERE, Setting("own", "free"))
    for _ in range(2):  # it was broken off and is done again
        await casts.move(HERE, THERE)
    assert names(await other.of(THERE)) == ["本地客"]
    assert [entry.waiting for entry in other.entries()] == [False, True]
    assert other.setting(THERE) == Setting("own", "free")
    await casts.keep(made("本地客"), HONG, "place", place=HERE)  # its name is free there
