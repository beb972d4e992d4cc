"""What of the book stands before a speaker: a query from the talk, passages within a budget."""

from typing import Any

from bot.grounding import LEAST_CONTEXT, Passage, leaning, passages, query_of, searches
from canon.error import UnknownCharacter
from characters.card import load_cast
from characters.turn import Scene, Turn

CAST = load_cast()


class Hit:
    def __init__(self, section: int, text: str) -> None:
        self.section, self.text = section, text


class Book:
    """A book that finds what it was given, and tells what it was asked."""

    last = 100

    def __init__(self, hits: list[Hit], *, fits: bool = True, knows: bool = True) -> None:
        self.hits, self.fits, self.knows = hits, fits, knows
        self.asked: list[tuple[str, str | None, int]] = []
        self.chapter = 0

    def as_of(self, chapter: int) -> "Book":
        self.chapter = chapter
        return self

    def search(self, query: str, character: str | None = None, k: int = 4) -> Any:
        if character and not self.knows:
            raise UnknownCharacter(character)
        self.asked.append((query, character, self.chapter))
        found = type("Found", (), {})()
        found.nothing_fits, found.passages = not self.fits, self.hits[:k]
        return found


def scene(*texts: str) -> Scene:
    return Scene((CAST["wukong"],), tuple(Turn("小明", text) for text in texts))


def ask(book: Book | None, *, chapter: int = 0, context: int = 4096, talk: Scene | None = None):
    return passages(
        book,  # type: ignore[arg-type]
        talk or scene("你的金箍棒从哪里来的？"),
        CAST["wukong"],
        chapter=chapter,
        context=context,
        length=len,
    )


def test_a_short_question_takes_the_one_before_along():
    assert (
        query_of(scene("你的金箍棒从哪里来的？", "那后来呢？"))
        == "你的金箍棒从哪里来的？ 那后来呢？"
    )
    assert (
        query_of(scene("嗯", "你的金箍棒从哪里来的？怎么那么重"))
        == "你的金箍棒从哪里来的？怎么那么重"
    )
    assert query_of(Scene((CAST["wukong"],))) == ""


def exchange(question: str, reply: str, message: str, *, to: frozenset[str] | None = None) -> Scene:
    turns = (Turn("小明", question), Turn("wukong", reply, "character"), Turn("小明", message))
    if to is not None:
        turns = (*turns[:1], Turn("bajie", reply, "character", witnesses=to), *turns[2:])
    return Scene((CAST["wukong"], CAST["bajie"]), turns)


def test_a_short_message_is_searched_for_with_the_exchange_before_it():
    found = searches(exchange("你偷过仙丹？", "偷了老君五壶丹。", "那后来呢？"), "wukong")
    assert [query for query, _ in found] == [
        "你偷过仙丹？ 偷了老君五壶丹。 那后来呢？",
        "那后来呢？",
    ]
    assert found[0][1] > found[1][1]
    english = searches(
        exchange("Did you fight Erlang?", "I did.", "How long did it last?"), "wukong"
    )
    assert english[0][0] == "Did you fight Erlang? I did. How long did it last?"


def test_a_message_that_says_what_it_is_about_is_searched_for_alone():
    long = "你在花果山水帘洞里当美猴王的时候一共有多少猴子？"
    assert searches(exchange("嗯", "好。", long), "wukong") == ((long, 1.0),)
    words = "How many monkeys lived with you in the Water Curtain Cave?"
    assert searches(exchange("Hm", "Yes.", words), "wukong") == ((words, 1.0),)


def test_what_the_speaker_did_not_hear_is_not_searched_for():
    talk = exchange("你偷过仙丹？", "老君的密室在东边。", "那后来呢？", to=frozenset({"bajie"}))
    assert not any("密室" in query for query, _ in searches(talk, "wukong"))


def test_passages_of_both_searches_come_once_the_shared_ones_first():
    class Two(Book):
        def search(self, query: str, character: str | None = None, k: int = 4) -> Any:
            found = super().search(query, character, k)
            texts = ["甲。", "乙。"] if " " in query else ["乙。", "丙。"]
            found.passages = [Hit(1, text) for text in texts]
            return found

    book = Two([])
    book_hits = ask(book, talk=exchange("你偷过仙丹？", "偷了五壶。", "那后来呢？"))
    assert len(book.asked) == 2
    assert [passage.text for passage in book_hits] == ["乙。", "甲。", "丙。"]


def test_passages_come_best_first_and_within_the_budget():
    book = Book(
        [Hit(3, "甲" * 300 + "。"), Hit(4, "乙" * 200 + "。" + "丙" * 200 + "。"), Hit(5, "丁。")]
    )
    found = ask(book)
    assert [p.chapter for p in found] == [3, 4, 5]
    assert found[1].text == "乙" * 200 + "。", "whole sentences only"
    assert sum(len(p.text) for p in found) <= 512


def test_nothing_where_nothing_fits_or_there_is_no_space():
    assert ask(None) == ()
    assert ask(Book([Hit(1, "甲。")], fits=False)) == ()
    assert ask(Book([Hit(1, "甲。")]), context=LEAST_CONTEXT - 1) == ()
    assert ask(Book([Hit(1, "甲。")]), talk=Scene((CAST["wukong"],))) == ()


def test_later_chapters_do_not_exist_and_ones_own_character_is_no_error():
    book = Book([Hit(1, "甲。")], knows=False)
    assert ask(book, chapter=27)
    assert book.asked == [("你的金箍棒从哪里来的？", None, 27)]
    ask(book, chapter=500)
    assert book.chapter == 100


def test_the_passage_that_a_reply_takes_most_from_comes_first():
    before = (
        Passage(3, "龙王取出一块神铁。悟空十分欢喜。"),
        Passage(59, "铁扇公主有一把芭蕉扇。"),
    )
    (chapter, quote), _ = leaning("那芭蕉扇是铁扇公主的！", before)
    assert (chapter, quote) == (59, "铁扇公主有一把芭蕉扇。")
    assert leaning("好", ()) == []
