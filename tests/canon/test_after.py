"""Speech tags behind the quote, on scenes whose speakers are known."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from canon import attribute, read_book, table_of
from canon.after import named_after, tag_after, tags_after

NAMES = ("沈砚", "周小满", "周大川", "欧阳雪", "老秦")
BEHIND = (
    "“{a}。”{n}说。",
    "“{a}？”{n}皱着眉问道。",
    "“{a}，”{n}把伞收好，慢慢地说，“{b}。”",
    "“{a}！”{n}喊了一声。",
    "“{a}。”{n}低声补充。",
    "“{a}……”{n}叹了口气，“{b}。”",
    "{n}摇摇头：“{a}。”",
    "{n}笑了：“{a}。”",
    "“{a}。”{n}回答道。",
)
SAID = ("雨停了再走", "钥匙在我这儿", "昨晚船没有回来", "你听见了么", "别回头", "门是锁着的")


def scene(seed: int, lines: int) -> tuple[str, list[str]]:
    dice = random.Random(seed)
    text, gold = [], []
    for _ in range(lines):
        name, form = dice.choice(NAMES), dice.choice(BEHIND)
        text.append("　　" + form.format(a=dice.choice(SAID), b=dice.choice(SAID), n=name))
        gold += [name] * form.count("“")
        if dice.random() < 0.2:
            text.append("　　窗外的雨下得更大了，屋檐下挂起一道水帘。")
    return "\n".join(text), gold


@pytest.fixture
def novel(tmp_path: Path) -> tuple[Path, list[str]]:
    parts = [scene(seed, 60) for seed in (1, 2)]
    text = "".join(f"第{n}章 雨\n\n{part}\n\n" for n, (part, _) in enumerate(parts, 1))
    path = tmp_path / "novel.txt"
    path.write_text(text, encoding="utf-8")
    return path, [name for _, gold in parts for name in gold]


def test_names_are_found_in_the_tags_and_each_quote_has_its_speaker(
    novel: tuple[Path, list[str]],
) -> None:
    book = read_book(novel[0])
    assert tags_after(book)
    assert set(named_after(book)) == set(NAMES)
    quotes = attribute(book, table_of(book))
    assert [quote.kind for quote in quotes] == ["speech"] * len(novel[1])
    right = [quote.speaker == name for quote, name in zip(quotes, novel[1], strict=True)]
    assert sum(right) / len(right) >= 0.97
    assert all(quote.confidence >= 0.7 for quote in quotes)


def test_he_answers_and_a_bare_line_goes_to_the_other(tmp_path: Path) -> None:
    lines = [
        "“你来了。”沈砚说。",
        "“雨太大。”周小满说道。",
        "“坐。”他说。",
        "“不坐了。”",
        "“那就走罢。”",
    ]
    text = "".join(f"第{n}章\n\n" + "\n".join(lines) + "\n\n" for n in (1, 2, 3))
    (tmp_path / "n.txt").write_text(text, encoding="utf-8")
    book = read_book(tmp_path / "n.txt")
    said = [quote.speaker for quote in attribute(book, table_of(book)) if quote.section == 2]
    assert said == ["沈砚", "周小满", "沈砚", "周小满", "沈砚"]


def test_a_colon_announces_the_next_quote_instead() -> None:
    text = "“走罢。”行者道：“来了。”八戒说。"
    assert tag_after(text, 5) is None
    tag = tag_after(text, text.index("”", 6) + 1)
    assert tag is not None
    assert (text[tag.start : tag.end], tag.spoken, tag.leads_on) == ("八戒说", True, False)
    assert tag_after("“走罢。”\n行者说。", 5) is None


def test_an_old_novel_is_read_as_before(tmp_path: Path) -> None:
    text = (
        "却说行者道：“师父，我去也。”三藏道：“早些回来。”行者应道：“晓得。”八戒说，那时节天晚。\n"
    )
    path = tmp_path / "n.txt"
    path.write_text(f"第一回 甲\n{text * 5}第二回 乙\n{text * 5}", encoding="utf-8")
    assert not tags_after(read_book(path))


FARM = """　　天还没亮，顾长风就醒了。他走到院子里，看见父亲正在打水。
　　“爹，我来吧。”顾长风快步走过去。
　　“不用。”顾老爹头也不抬，“你去叫你妹妹，今天要进城。”
　　“进城做什么？”
　　“卖柴。”
　　顾长风转身进了屋。顾小雨还蒙着被子。
　　“起来啦，小懒猪。”他笑着说。
　　顾小雨翻了个身，嘟囔道：“再睡一会儿嘛，哥。”
　　“爹说今天进城。”顾长风说，“去晚了没有糖葫芦。”
　　“真的？”顾小雨一下子坐了起来，“我这就起！”
　　门外传来顾老爹的声音：“快点！”

"""


@pytest.mark.parametrize("marks", ["“”", "「」"])
def test_names_that_only_act_are_found_too_and_a_voice_is_its_owners(
    marks: str, tmp_path: Path
) -> None:
    text = "".join(f"第{n}章 进城？\n\n{FARM}" for n in "一二三四")
    (tmp_path / "n.txt").write_text(text.translate(str.maketrans("“”", marks)), encoding="utf-8")
    book = read_book(tmp_path / "n.txt")
    said = [quote.speaker for quote in attribute(book, table_of(book)) if quote.section == 3]
    son, father, sister = "顾长风", "顾老爹", "顾小雨"
    assert said == [
        *(son, father, father, son, father, son, sister, son, son, sister, sister, father)
    ]
