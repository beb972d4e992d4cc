"""Whose label stands where in a reply: the speaker's own goes, anybody else's ends the reply."""

import time

import pytest

from bot.drafts import Draft
from bot.labels import labels_for
from characters.card import load_cast
from characters.turn import Scene, Turn

CAST = load_cast()
WUKONG, BAJIE = CAST["wukong"], CAST["bajie"]


def written(reply, *people, language="zh"):
    """The whole reply of 悟空, piece by piece and at once; and whether somebody else began."""
    turns = tuple(Turn(person, "x") for person in ("小明", *people))
    labels = labels_for(Scene((WUKONG, BAJIE), turns, language=language), WUKONG)
    slow, snapshots = Draft(labels), []
    for character in reply:
        snapshots.append(slow.add(character))
        if slow.ended:
            break
    text = slow.end()
    for earlier, later in zip(snapshots, [*snapshots[1:], text], strict=True):
        assert later.startswith(earlier)
    fast = Draft(labels)
    fast.add(reply)
    assert fast.end() == text
    return text, slow.ended


@pytest.mark.parametrize(
    "label",
    [
        *(
            "猪八戒：",
            "猪八戒:",
            "猪八戒 ：",
            "猪八戒﹕",
            "猪八戒︰",
            "猪八戒∶",
            "豬八戒：",
            "八戒：",
        ),
        *("**猪八戒：**", "**猪八戒**：", "*猪八戒*：", "__猪八戒__：", "# 猪八戒：", "- 猪八戒："),
        *(
            "> 猪八戒：",
            "【猪八戒】",
            "【猪八戒】：",
            "[猪八戒]：",
            "（猪八戒）",
            "「猪八戒」：",
            "猪八戒> ",
        ),
        *(
            "<b>猪八戒：</b>",
            "<b>猪八戒</b>：",
            "猪八戒（挠头）：",
            "猪八戒(挠头)：",
            "**猪八戒**（笑）：",
        ),
        *("Zhu Bajie:", "zhu bajie:", "ZHU BAJIE:", "Pigsy:", "pigsy :", "Zhu Bajie (laughing):"),
        *(
            "小明：",
            "**小明：**",
            "小明（点头）：",
            "旁白：",
            "Narrator:",
            "User:",
            "assistant:",
            "用户：",
        ),
        "Ｚｈｕ Ｂａｊｉｅ：",
    ],
)
def test_another_speakers_line_never_appears(label):
    assert written(f"老孙去也。\n{label}我也去") == ("老孙去也。", True)
    assert written(f"{label}我也去") == ("", True) or label in ("assistant:", "User:", "用户：")


@pytest.mark.parametrize(
    "label",
    [
        *(
            "孙悟空：",
            "孙悟空:",
            "悟空：",
            "孫悟空：",
            "孙悟空 ：",
            "孙悟空﹕",
            "Sun Wukong : ",
            "SUN WUKONG:",
        ),
        *(
            "**孙悟空：** ",
            "**孙悟空**：",
            "*孙悟空*：",
            "[孙悟空]：",
            "【孙悟空】",
            "（孙悟空）",
            "「孙悟空」：",
        ),
        *(
            "孙悟空（笑）：",
            "孙悟空> ",
            "<b>孙悟空：</b>",
            "孙悟空：\n孙悟空：",
            "assistant\n孙悟空：",
        ),
    ],
)
def test_the_speakers_own_label_goes(label):
    assert written(f"{label}俺来也") == ("俺来也", False)


@pytest.mark.parametrize("name", ["道", "说", "A", "空", "我", "Bo"])
def test_a_short_name_is_another_word_inside_a_line(name):
    told = f"那老者说道：去罢。他又说：不去！ A: one 空：空。我：我 Bo: {name}"
    assert written(told, name) == (told, False)
    assert written(f"去罢。\n{name}：不去！", name) == ("去罢。", True)


def test_a_name_is_no_part_of_another_word():
    assert written("MiniBob: x", "Bob")[0] == "MiniBob: x"
    assert written("我说小红：你来", "小红")[0] == "我说小红：你来"
    assert written("来了。小红：你来", "小红") == ("来了。", True)


def test_a_guest_with_a_characters_name_is_somebody_else():
    assert written("好。\n孙悟空（客）：俺", "孙悟空（客）") == ("好。", True)
    assert written("孙悟空（客）：俺", "孙悟空（客）") == ("", True)


@pytest.mark.parametrize(
    "said",
    [
        *(
            "悟空在此！",
            "孙悟空",
            "（笑）俺来也",
            "*笑* 俺来也",
            "**好！**",
            "我怕：\n一、念咒；\n二、师父",
        ),
        *("5 < 7\n对", "——去也", "八戒，你说：好不好？", "猪八戒\n好"),
    ],
)
def test_what_is_no_label_stays(said):
    assert written(said) == (said, False)


@pytest.mark.parametrize(
    "heading",
    ["**猪八戒**", "### 猪八戒", "__猪八戒__", "〖猪八戒〗", "{猪八戒}", "**猪八戒（笑）**"],
)
def test_a_heading_is_a_label(heading):
    assert written(f"老孙去也。\n{heading}\n我也去") == ("老孙去也。", True)


def test_the_speakers_own_heading_goes():
    assert written("**孙悟空**\n俺来也") == ("俺来也", False)


def test_action_marks_after_the_label_stay():
    assert written("孙悟空：*笑*俺来也")[0] == "*笑*俺来也"


@pytest.mark.parametrize(
    "awkward",
    [
        *("孙悟空（" * 1000, "*" * 4000 + "孙悟空", "\n" * 4000, "。" * 4000, "猪八戒" * 1300),
        *("。猪" * 2000, "<b" * 2000, "<b>" * 1300, "\n*猪八戒（" * 500, "（" * 4000),
    ],
)
def test_no_reply_takes_long(awkward):
    labels = labels_for(Scene((WUKONG, BAJIE)), WUKONG)
    best = 1.0
    for _ in range(3):
        draft, began = Draft(labels), time.process_time()
        draft.add(awkward)
        best = min(best, time.process_time() - began)
    assert best < 0.05
