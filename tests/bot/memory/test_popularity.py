"""Summons and thumbs: a step that is sent twice counts once, and people are a number only."""

import pytest

from bot.memory.popularity import Popular, Popularity


@pytest.fixture
async def popularity(memory):
    if keys := await memory.redis.keys("mrp:1:{cast}:*"):
        await memory.redis.delete(*keys)
    return Popularity(memory)


async def test_a_summons_counts_once_by_its_line_here_and_in_all(popularity):
    for line, place, person in (
        ("l1", "test:here", "a"),
        ("l1", "test:here", "a"),  # the answer was lost, and it is sent again
        ("l2", "test:here", "a"),
        ("l3", "test:there", "b"),
        ("l4", "", "c"),
    ):
        await popularity.summoned("wukong", place, person, once=line)
    assert (await popularity.counts(["wukong", "bajie"], "test:here")) == {
        "wukong": Popular(4, 3, 2, 1),
        "bajie": Popular(),
    }
    assert (await popularity.counts(["wukong"]))["wukong"].summons_here == 1


async def test_a_thumb_that_changes_or_is_taken_back_is_taken_off_again(popularity):
    async def now():
        one = (await popularity.counts(["wukong"]))["wukong"]
        return one.up, one.down

    for value, counted in ((1, (1, 0)), (1, (1, 0)), (-1, (0, 1)), (0, (0, 0)), (0, (0, 0))):
        await popularity.thumb("wukong", "line 1", "a", value)
        assert await now() == counted
    await popularity.thumb("wukong", "line 1", "a", 1)
    await popularity.thumb("wukong", "line 2", "a", 1)
    await popularity.thumb("wukong", "line 1", "b", -1)
    assert await now() == (2, 1)


async def test_nothing_in_redis_tells_who_talked_with_whom(popularity, memory):
    await popularity.summoned("wukong", "test:here", "discord:4242", once="l1")
    await popularity.thumb("wukong", "l1", "discord:4242", 1)
    redis = memory.redis
    for key in await redis.keys("mrp:1:{cast}:*"):
        assert "4242" not in key
        kind = await redis.type(key)
        read = {"hash": redis.hgetall, "string": redis.get}.get(kind)
        if read and ":people:" not in key:
            assert "4242" not in str(await read(key))
