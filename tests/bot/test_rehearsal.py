"""A rehearsal is the bot without a platform: rooms on one voice, each by itself."""

from bot.rehearsal import rehearsals
from bot.voice import open_voice
from characters.card import load_cast


async def test_a_script_is_answered_as_in_a_chat():
    cast, voice = load_cast(), open_voice("echo")
    async with rehearsals(voice, cast) as house:
        talk = await house.open("one")
        (greeting,) = await talk.say("小明", "/召唤 悟空")
        assert greeting.text == cast["wukong"].greeting.zh[0]
        (answer,) = await talk.say("小明", "悟空，你怕不怕？")
        assert (answer.speaker.id, answer.text) == ("wukong", "悟空，你怕不怕？")
        other = await house.open("two")
        assert await other.say("小明", "悟空，在么？") == (), "nobody is on stage there"
        assert len(await talk.say("小红", "再说一遍")) == 1
    await voice.close()


async def test_several_answers_come_together():
    voice = open_voice("echo")
    async with rehearsals(voice, load_cast()) as house:
        talk = await house.open("one")
        await talk.say("小明", "/召唤 悟空 八戒")
        said = await talk.say("小明", "悟空、八戒，你们好")
        assert [line.speaker.id for line in said] == ["wukong", "bajie"]
    await voice.close()


async def test_nothing_is_left_to_do_when_the_memory_closes(caplog):
    """What a room notes after its last line is noted before its memory goes."""
    voice = open_voice("echo")
    async with rehearsals(voice, load_cast()) as house:
        for name in ("one", "two", "three"):
            talk = await house.open(name)
            await talk.say("小明", "/召唤 悟空")
            await talk.say("小明", "悟空，你怕不怕？")
    await voice.close()
    assert [row.getMessage() for row in caplog.records if row.levelname == "ERROR"] == []
