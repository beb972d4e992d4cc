"""What is sent is what was written: nothing lost, nothing obeyed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.drafts import plain
from bot.platforms.discord.text import (
    LONGEST,
    WRITING,
    custom_id,
    escape,
    nonce,
    parts,
    told,
    webhook_name,
)
from bot.platforms.text import shortened, units

ODD = st.lists(
    st.one_of(
        st.sampled_from(list("。！？，“”\n  .,*_~`|<>[]()#-+:@/\\1234孙悟空abc")),
        st.sampled_from(["👨‍👩‍👧", "🇨🇳", "é", "👍🏽", "😀", "‼️", "@everyone", "://", "\n1."]),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=300,
).map("".join)


def shown(text: str) -> str:
    """What Discord shows of a text that holds escapes and no other markup."""
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", text).replace("@\u200b", "@")


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


@given(ODD)
def test_what_is_written_is_what_is_read(text):
    text = text.replace("\u200b", "")
    assert shown(escape(text)) == plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "*b*", "__u__", "~~s~~", "||spoiler||", "`code`", "> quote", "# heading", "-# small",
        "- list", "1. list", "[a](http://b)", "https://a.b", "<@123456789012345678>",
        "<@&123456789012345678>", "<#1>", "<:e:1>", "<t:1>", "</cmd:1>", "@everyone", "@here",
    ],
)  # fmt: skip
def test_nothing_is_markup_or_a_mention(text):
    for whole in (text, f"嗯\n{text}", f"嗯\n  {text}"):
        escaped = escape(whole)
        assert not re.search(r"@(everyone|here|[!&]?\d)", escaped)
        assert not re.search(r"(?<!\\)(?:\\\\)*[*_~`|<>\[\]]", escaped)
        assert not re.search(r"^\s*(#|-|\+|\d+\.)", escaped, re.MULTILINE)
        assert not re.search(r"(?<!\\)://", escaped)


@given(ODD)
def test_a_notice_to_one_person_is_escaped_like_all_others(text):
    assert told(text) == escape(text)


CODE = "aB3_-" * 6 + "xY"


def test_a_sign_in_link_of_its_own_line_can_be_pressed():
    link = f"http://127.0.0.1:8642/mrp/enter/{CODE}"
    assert told(f"*For you*:\n{link}") == f"\\*For you\\*:\n<{link}>"


@pytest.mark.parametrize(
    "line",
    [
        f"see http://a.b/enter/{CODE}",
        f"http://a.b/enter/{CODE} now",
        f"http://a.b/enter/{CODE}x",
        "http://a.b/enter/short",
        f"javascript://a.b/enter/{CODE}",
        f"http://a.b/<@1>/enter/{CODE}",
        f"[a](http://a.b/enter/{CODE})",
    ],
)
def test_whatever_else_looks_like_one_is_text(line):
    assert told(line) == escape(line)
    assert not re.search(r"(?<!\\)://", told(line))


@settings(deadline=None)
@given(ODD, st.integers(20, 120))
def test_nothing_is_lost_and_every_part_fits(text, longest):
    found = parts(text, longest)
    assert bare("".join(found)) == bare(plain(text))
    assert all(0 < units(escape(part)) <= longest for part in found if part)
    assert all(part for part in found)


@settings(deadline=None)
@given(ODD, st.integers(20, 60))
def test_parts_stay_while_the_text_grows(text, longest):
    text = plain(text).strip()
    before: tuple[str, ...] = ()
    for end in range(1, len(text) + 1):
        if text[end - 1].isspace():
            continue
        found = parts(text[:end], longest)
        for old, new in zip(before[:-1], found, strict=False):
            assert old == new
        before = found


def test_seams_are_at_the_ends_of_sentences():
    sentence = "师父莫怕，有老孙在此，甚么妖怪敢来！"
    found = parts(sentence * 300)
    assert len(found) > 1
    assert all(part.endswith("！") for part in found)


def test_a_text_without_any_seam_is_cut_all_the_same():
    *full, rest = [len(part) for part in parts("啊" * 5000)]
    assert all(LONGEST - 2 <= length <= LONGEST for length in full)
    assert sum(full) + rest == 5000


@pytest.mark.parametrize("whole", ["👨‍👩‍👧‍👦", "🇨🇳", "👍🏽", "é", "❤️"])
def test_what_is_seen_as_one_character_stays_whole(whole):
    for start in range(12):
        text = "a" * start + whole * 40
        for part in parts(text, 40):
            assert part.lstrip("a").replace(whole, "") == ""


def test_the_mark_of_a_draft_fits_too():
    assert LONGEST + units(WRITING) <= 2000


def test_a_shortened_text_says_so():
    assert shortened("悟空", 5) == "悟空"
    assert shortened("孙悟空在此", 4) == "孙悟空…"
    assert units(shortened("😀" * 60, 80)) <= 80


@given(st.text(max_size=200))
def test_any_name_becomes_one_that_discord_takes(name):
    found = webhook_name(name)
    assert 1 <= units(found) <= 80
    assert not re.search("clyde|discord", found, re.IGNORECASE)
    assert not set(found) & set("@#:`\n")
    assert found == found.strip()


def test_names_that_are_fine_stay():
    assert webhook_name("孙悟空 🐵") == "孙悟空 🐵"
    assert webhook_name("Discordia the Clydesdale") == "Dis·cordia the Cly·desdale"
    assert webhook_name("everyone") == "everyone·"
    assert webhook_name("\u200b ") == "…"


def test_a_nonce_is_short_and_its_own():
    found = {nonce(line, v, p) for line in ("1-0", "1-1") for v in (1, 2) for p in (0, 1)}
    assert len(found) == 8
    assert all(len(one) <= 25 for one in found)
    assert nonce("1-0", 1, 0) == nonce("1-0", 1, 0)


def test_a_custom_id_is_within_the_limit():
    assert custom_id("next") == "mrp:next"
    with pytest.raises(ValueError, match="100"):
        custom_id("x" * 100)
