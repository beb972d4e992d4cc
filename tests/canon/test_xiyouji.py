"""What is promised about the real novel, measured where the data lies beside the checkout."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canon import Book, Canon, Quote, attribute, find_scenes
from canon.book import Section
from canon.names import NameTable
from canon.speakers import table_of
from tests.canon.conftest import data

LEADS = {"孙悟空", "唐僧", "猪八戒", "沙僧"}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data(name).read_text(encoding="utf-8").splitlines()]


def test_who_says_it_is_right_for_the_leads(
    xiyouji: tuple[Book, NameTable, list[Quote]],
) -> None:
    said = {(quote.section, quote.start): quote for quote in xiyouji[2]}
    right = named = gold_leads = five_way = 0
    gold = rows("quotes_dev.jsonl")
    for row in gold:
        quote = said[row["section"], row["start"]]
        truth = set(row["speaker"].split("、"))
        guess = set(quote.speaker.split("、"))
        named += bool(guess & LEADS)
        gold_leads += bool(truth & LEADS)
        right += bool(guess & truth & LEADS)
        five_way += bool(guess & truth) if truth & LEADS else not guess & LEADS
        assert quote.kind == row["kind"]
    assert right / named >= 0.97
    assert right / gold_leads >= 0.90
    assert five_way / len(gold) >= 0.95


def test_quotes_stand_where_they_say(xiyouji: tuple[Book, NameTable, list[Quote]]) -> None:
    book, _, quotes = xiyouji
    for quote in quotes:
        text = book.sections[quote.section - 1].text
        assert 0 < quote.start < quote.end <= len(text)
        if quote.repaired in ("", "unclosed", "mistyped"):
            assert text[quote.start] in "“「"
    ends = [(quote.section, quote.end) for quote in quotes]
    assert all(
        (quote.section, quote.start) >= end
        for quote, end in zip(quotes[1:], ends, strict=False)
        if quote.section == end[0]
    )


def test_no_scene_line_is_empty_and_nobody_answers_himself(
    xiyouji: tuple[Book, NameTable, list[Quote]],
) -> None:
    book, table, quotes = xiyouji
    scenes = find_scenes(book, quotes, table)
    assert len(scenes) > 500
    for scene in scenes:
        for turn in scene.turns:
            assert turn.text
            assert not (turn.speaker and turn.speaker in turn.addressee.split("、"))


def test_another_novel_without_a_table_gives_a_usable_cast() -> None:
    import lzma

    path = data("classics.jsonl.xz")
    sections = []
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["title"] == "三国演义":
                number = len(sections) + 1
                text = f"{row['heading']}\n{row['text']}"
                sections.append(Section(number, row["heading"], text, "classics", 0))
            elif sections:
                break
            if len(sections) == 30:
                break
    book = Book("三国演义", tuple(sections))
    table = table_of(book)
    assert not table.detect
    quotes = [q for q in attribute(book, table) if q.kind != "text"]
    counts: dict[str, int] = {}
    for quote in quotes:
        counts[quote.speaker] = counts.get(quote.speaker, 0) + 1
    assert {"曹操", "玄德", "吕布"} <= set(sorted(counts, key=lambda n: -counts[n])[:8])
    assert counts.get("?", 0) / len(quotes) < 0.03
    assert len(find_scenes(book, quotes, table)) > 100


def test_questions_find_their_passages(xiyouji_canon: Canon) -> None:
    from evaluation.search import measure

    result = measure(xiyouji_canon, rows("canon_qa_dev.jsonl"), rows("unknown_qa_dev.jsonl"), 5)
    assert result["recall"]["zh"]["recall"] >= 0.70
    assert result["recall"]["en"]["recall"] >= 0.70
    assert result["nothing_fits"] <= 0.05
    unknown = result["unknown"]
    assert all(kind["late"] == 0 for kind in unknown.values())
    assert unknown["anachronism"]["nothing_fits"] >= 7


QUESTIONS = [
    "红孩儿是谁的儿子",
    "金箍棒多重",
    "真假猴王",
    "取经成佛",
    "女儿国招亲",
    "who stole the fan",
]


@settings(max_examples=40, deadline=None)
@given(chapter=st.integers(1, 101), question=st.sampled_from(QUESTIONS))
def test_as_of_a_chapter_no_later_passage_is_returned(
    xiyouji_canon: Canon, chapter: int, question: str
) -> None:
    found = xiyouji_canon.as_of(chapter).search(question, character="wukong", k=8)
    assert all(hit.section <= chapter for hit in found.passages)


def test_before_he_is_met_nobody_knows_red_boy(xiyouji_canon: Canon) -> None:
    view = xiyouji_canon.as_of(27)
    assert view.search("红孩儿是谁的儿子？", character="wukong").nothing_fits
    (first,) = (c for c in xiyouji_canon.chapters() if "红孩儿" in c.first)
    assert first.number >= 40


@pytest.mark.parametrize("chapter", [0, 102])
def test_a_chapter_that_the_novel_lacks_is_refused(xiyouji_canon: Canon, chapter: int) -> None:
    from canon.error import ChapterOutOfRange

    with pytest.raises(ChapterOutOfRange, match="1 to 101"):
        xiyouji_canon.as_of(chapter)
