"""Test lines and drafts of a character that is being made."""

from bot import audition
from bot.audition import DRAFTED_LINES, drafted, to_draft
from characters.card import read_card

SKETCH = {"id": "new", "language": "zh", "name": "小墨龙", "greeting": "来了！", "brief": "小龙。"}


def sketch(**more):
    return read_card(SKETCH | more, "made")


async def test_a_test_line_is_what_the_character_answers_and_no_more(play):
    party = play(["我是小墨龙。\n客人：真的？"])
    said = await audition.test_line(party.room.shared.voice, sketch(), "zh", person="test:小明")
    assert said == "我是小墨龙。"
    assert "你是谁？" in party.prompts[-1]


def test_what_is_drafted_is_what_is_missing_in_ones_own_language_first():
    assert to_draft(sketch())[:3] == ("persona.zh", "style.zh", "lines.zh")
    keys = to_draft(sketch(persona="长", style="快", lines=["一"]))
    assert set(keys) == {
        f"{k}.en" for k in ("name", "brief", "persona", "style", "lines", "greeting")
    }


async def test_rows_become_lines_marks_go_and_what_was_written_stays(play):
    def script(prompt):
        english = "You write character cards" in prompt
        return '1. "One."\n- Two.\n* Three.\nFour.' if english else "1. 「一」\n- 二\n“三”\n四"

    party = play(script)
    made = await drafted(party.room.shared.voice, sketch(persona="住砚台"), person="test:小明")
    assert made.lines.zh == ("一", "二", "三")
    assert made.lines.en == ("Two.", "Three.", "Four.")  # the first one is its greeting
    assert len(made.lines.en) == DRAFTED_LINES
    assert made.name.en == "One"
    assert (made.persona.zh, made.brief.zh, made.greeting.zh) == ("住砚台", "小龙。", ("来了！",))


async def test_a_line_is_new_and_quotation_marks_inside_a_text_stay(play):
    party = play(['来了！\n「好字！」\n“好字！”\n*好字！*\n自称：“墨龙！”\n小墨龙："再来。"'])
    made = await drafted(
        party.room.shared.voice, sketch(persona="x", style="y"), person="test:小明"
    )
    assert made.lines.zh == ("好字！", "自称：“墨龙！”", "再来。")


async def test_a_twin_in_the_wrong_language_is_left_out_and_asked_for_in_its_own(play):
    def script(prompt):
        return "I am Inky." if "Describe" in prompt else "我是墨龙，住在砚台里。"

    party = play(script)
    card = sketch(name={"zh": "小墨龙", "en": "Inky"}, brief={"zh": "小龙。", "en": "A dragon."})
    made = await drafted(party.room.shared.voice, card, person="test:小明")
    assert made.persona.en == "I am Inky."
    assert (made.style.en, made.lines.en) == ("", ())
    assert made.style.zh == "我是墨龙，住在砚台里。"
    asked = next(prompt for prompt in party.prompts if "Describe" in prompt)
    assert "A dragon." in asked
    assert "小龙" not in asked


async def test_what_the_model_does_not_end_is_cut_at_its_last_whole_sentence(play):
    party = play(["有头有尾的一句。" * 40 + "没有尾的"])
    made = await drafted(party.room.shared.voice, sketch(), person="test:小明")
    assert made.style.zh.startswith("有头有尾的一句。")
    assert made.style.zh.endswith("。")
    assert len(made.style.zh) <= 160


async def test_an_empty_answer_leaves_the_part_missing(play):
    party = play(["  \n「」\n"])
    made = await drafted(party.room.shared.voice, sketch(), person="test:小明")
    assert made == sketch()
