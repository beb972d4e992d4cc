"""What is sent is what was written: nothing lost, nothing obeyed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.drafts import plain
from bot.platforms.telegram.text import LONGEST, addressed, draft_id, escape, messages
from tests.fakes.telegram_server import parsed, units

ODD = st.lists(
    st.one_of(
        st.sampled_from(list("。！？，“”\n  .,<>&\"'/@1234孙悟空abc")),
        st.sampled_from(["👨‍👩‍👧", "🇨🇳", "👍🏽", "😀", "<b>", "</b>", "&amp;", "<|im_end|>"]),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=300,
).map("".join)


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


@settings(deadline=None)
@given(ODD)
def test_nothing_is_obeyed(text):
    assert parsed(escape(text)) == plain(text)


@settings(deadline=None)
@given(ODD, st.integers(40, 90))
def test_nothing_is_lost_and_all_fits(text, longest):
    sent = messages("🐒 孙悟空", text, longest)
    shown = [parsed(part) for part in sent]
    assert all(units(part) <= longest for part in shown)
    assert all(part.startswith("🐒 孙悟空\n") for part in shown)
    assert bare("".join(part.removeprefix("🐒 孙悟空\n") for part in shown)) == bare(plain(text))


def test_escapes_do_not_count():
    assert len(messages("", "&" * LONGEST)) == 1
    assert len(messages("", "&" * (LONGEST + 1))) == 2


def test_emoji_count_twice():
    assert [units(parsed(part)) for part in messages("", "😀" * 2049)] == [4096, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/summon@xiyou_bot 悟空", "/summon 悟空"),
        ("/summon@XiYou_Bot 悟空", "/summon 悟空"),
        ("/summon 悟空", "/summon 悟空"),
        ("/help@xiyou_bot", "/help"),
        ("/summon@other_bot 悟空", None),
        ("@xiyou_bot 悟空，你好", "悟空，你好"),
        ("悟空，@xiyou_bot 是谁", "悟空，是谁"),
        ("mail a@xiyou_bot", "mail a@xiyou_bot"),
        ("/召唤 悟空", "/召唤 悟空"),
        ("1/2", "1/2"),
    ],
)
def test_whom_a_message_is_for(text, words):
    assert addressed(text, "xiyou_bot") == words


def test_a_draft_has_a_number():
    assert draft_id("a") == draft_id("a") != draft_id("b")
    assert all(0 < draft_id(str(n)) < 2**31 for n in range(1000))
