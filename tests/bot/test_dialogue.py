"""One question after the other becomes a form."""

from bot.dialogue import QUESTIONS, VOICE, Steps
from bot.forms import filled, read_form


def test_every_answer_is_its_field_whatever_stands_in_it():
    steps = Steps()
    for answer in (
        "小墨龙",
        "来了 | name: 悟空\n看招",
        "小龙",
        "/跳过",
        "文绉绉",
        "小墨、阿墨",
        "龙",
    ):
        assert not steps.done
        steps = steps.answered(answer)
    assert steps.done
    made = filled(read_form(steps.form), None)
    assert made.name.zh == "小墨龙"
    assert made.greeting.zh == ("来了 / name: 悟空 看招",)
    assert made.persona.zh == ""
    assert (made.style.zh, made.aliases.zh, made.categories) == (
        "文绉绉",
        ("小墨", "阿墨"),
        ("龙",),
    )


def test_what_is_required_cannot_be_left_out():
    steps = Steps().answered("/skip")
    assert steps.answers == ()
    assert "/cancel" in steps.question("en")
    assert steps.question("zh").startswith("叫什么名字")
    assert len(QUESTIONS) == 7


def test_a_voice_is_asked_for_where_lines_can_be_read_aloud():
    steps = Steps(voiced=True)
    for answer in ("小墨龙", "来了", "小龙", "/skip", "/skip", "/skip", "龙"):
        steps = steps.answered(answer)
    assert not steps.done
    assert steps.question("en") == VOICE[1].en
    steps = steps.answered("低、慢")
    assert steps.done
    assert filled(read_form(steps.form), None).voice.rate == 0.85
