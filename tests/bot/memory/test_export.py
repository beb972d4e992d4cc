"""What one is given when one asks for everything."""

import json

from bot.memory import Asked, Fact

ASKED = Asked((("你怕什么？", False),), "我不怕。", character="wukong", people={"test:x1": "小明"})


async def test_thumbs_edits_and_choices_are_in_it_without_what_others_said(memory):
    person, feedback = memory.person("test:export 1"), memory.feedback
    for version, reply in ((1, "我不怕。"), (2, "老孙怕过谁！")):
        asked = Asked(ASKED.spans, reply, character="wukong", people=ASKED.people)
        await feedback.asked("test:export", "l1", version, asked)
    await feedback.rate("test:export", "l1", 1, person.person, -1)
    await feedback.chosen("test:export", "l1", 2, person.person)
    await feedback.edited("test:export", "l1", 1, person.person, "老孙天不怕。")
    await feedback.rate("test:export", "l1", 1, "test:somebody else", 1)
    told = (await person.export())["feedback"]
    assert {piece["kind"] for piece in told} == {"rate", "choice", "edit"}
    thumb = next(piece for piece in told if piece["kind"] == "rate")
    assert (thumb["value"], thumb["reply"], thumb["character"]) == (-1, "我不怕。", "wukong")
    edit = next(piece for piece in told if piece["kind"] == "edit")
    assert (edit["reply"], edit["instead_of"]) == ("老孙天不怕。", "我不怕。")
    assert all(piece["at"].endswith("Z") for piece in told)
    assert "你怕什么" not in json.dumps(told, ensure_ascii=False)


async def test_facts_say_with_which_account_they_were_told(memory):
    person = memory.person("test:export 2")
    await person.learn([Fact("我属猴")])
    (fact,) = (await person.export())["facts"]
    assert (fact["text"], fact["by"], fact["number"]) == ("我属猴", person.person, 1)
