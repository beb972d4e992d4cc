"""What is read of a message, and what is not."""

from __future__ import annotations

import re

import pytest

from speech.reading import LONGEST_SENTENCE, runs, sentences


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("老孙来也！", ["老孙来也！"]),
        ("（挠头）莫慌！", ["莫慌！"]),
        ("(scratches his head) Fear not!", ["Fear not!"]),
        ("【掏出金箍棒】呔，妖怪！", ["呔，妖怪！"]),
        ("（他（悄悄）说）走。", ["走。"]),
        ("*smiles* Hello there. *bows*", ["Hello there."]),
        ("I *really* mean it.", ["I really mean it."]),
        ("**莫慌**，__莫慌__，~~莫慌~~，||莫慌||！", ["莫慌，莫慌，莫慌，莫慌！"]),
        ("# 回目\n正文来了。", ["回目，正文来了。"]),
        ("- 一\n- 二\n1. 三\n> 四", ["一，二，一，三", "四"]),
        ("看 [这里](https://a.example/b)！", ["看这里！"]),
        ("![图](https://a.example/b.png)在此。", ["图在此。"]),
        ("见 https://example.org/a_b?c=1，好。", ["见网址，好。"]),
        ("See www.example.org now.", ["See a link now."]),
        ("写信到 sun@example.org 罢。", ["写信到邮箱罢。"]),
        ("```\nrm -rf /\n```\n看看代码。", ["看看代码。"]),
        ("用 `ls` 看看罢。", ["用 ls 看看罢。"]),
        ("『好』，他说：「你也好」。", ["好，他说：你也好。"]),
        ("“好”，《西游记》好看。", ["好，西游记好看。"]),
        ("真的？！！", ["真的？"]),
        ("嗯……那——好吧～～", ["嗯。那，好吧"]),
        ("好😀好👨‍👩‍👧好❤️！", ["好好好！"]),
        ("<@12345> <#678> 你好 <:wukong:91011>", ["你好"]),
        ("a &amp; b &lt;b&gt;c", ["a and b c"]),
        ("花了3.5元，涨了100%。", ["花了三点五元，涨了百分之一百。"]),
        ("It is 3.5% of $5.50, i.e. little.", ["It is 3.5 percent of 5.50 dollars, i.e. little."]),
        ("Dr. Sun met Mr. Zhu at 5 p.m. today.", ["Dr. Sun met Mr. Zhu at 5 p.m. today."]),
        (r"他说\*不要\*，好。", ["他说不要，好。"]),
        ("| 名 | 数 |\n|---|---|\n| 桃 | 3 |", ["名，数，桃，三"]),
        ("", []),
        ("（只有动作）", []),
        ("*只有动作*", []),
        ("😀😀", []),
        ("……！？", []),
        ("\n \t\r\n", []),
        ("```code only```", []),
    ],
)
def test_a_message(written: str, read: list[str]):
    assert list(sentences(written)) == read


HOSTILE = [
    "-v en --stdin", "--help", "-w /tmp/x", "<speak><break time='9s'/>hi</speak>",
    "[[h@l'oU]] [[ ]]", "<voice name='x'>好</voice>", "好\x00好\x1b[31m红", "‮好‭",
    "$(id) `id` ;id| id", "％０５ｄ", "{{x}} {%y%}", "a" * 5000, "（" * 3000, "*" * 4000,
    "好" * 4096, "[" * 2000 + "](", "\\" * 3000, "1" * 4000, "<" * 3000, "-" * 3000, "1/" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_an_option_markup_or_a_phoneme_code(text: str):
    for sentence in sentences(text):
        assert not sentence.startswith("-")
        assert not re.search(r"[\[\]<>{}|$`\\\x00-\x1f‪-‮]", sentence), sentence
        assert len(sentence) <= 4 * LONGEST_SENTENCE


def test_what_is_ready_of_a_growing_message_is_what_is_read_of_the_whole():
    text = (
        "（挠头）**莫慌**，有老孙在此！*跳起来* 你看那山，高得很（指山），500年前我就住过。"
        "好。好。See [this](https://example.org)! 走罢，走罢。`完`"
    )
    whole = sentences(text)
    ready: tuple[str, ...] = ()
    for length in range(len(text) + 1):
        now = sentences(text[:length], growing=True)
        assert whole[: len(now)] == now, text[:length]
        ready = max(ready, now, key=len)
    assert len(ready) >= len(whole) - 1


def test_languages_are_told_apart():
    found = list(runs("俺用 iPhone 打电话给 CEO，好？"))
    assert found == [
        ("zh", "俺用"),
        ("en", "iPhone"),
        ("zh", "打电话给"),
        ("en", "CEO，"),
        ("zh", "好？"),
    ]
    assert list(runs("！？")) == []
