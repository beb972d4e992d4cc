"""Near duplicates and distinct pieces."""

import pytest

from trainer.duplicates import Shelf, distinct_grams, folded


def test_only_letters_count():
    assert folded("老孙，去也！ＡＢＣ") == folded("老孙去也abc") == "老孙去也abc"
    assert folded("！！") == "！！"


def test_a_near_duplicate_is_found_and_another_line_kept():
    shelf = Shelf(0.7)
    assert shelf.alike("老孙一个筋斗十万八千里，哪里都去得！", 0) is None
    assert shelf.alike("老孙一个筋斗十万八千里 哪里都去得", 1) == 0
    assert shelf.alike("师父，天色晚了，且寻个人家借宿罢。", 2) is None


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        ([], 1.0),
        (["好"], 1.0),
        (["一二三四五", "一二三四五"], 0.5),
        (["a b c d e", "a b c d x"], 0.75),
    ],
)
def test_distinct_pieces_are_counted_by_letters_or_by_words(texts, share):
    assert distinct_grams(texts) == pytest.approx(share)
