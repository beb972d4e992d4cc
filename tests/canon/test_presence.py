from __future__ import annotations

from canon import Canon


def test_who_speaks_is_present(canon: Canon) -> None:
    assert set(canon.present(2)) == {"阿青", "白鹿", "石伯"}
    assert "胡三娘" not in canon.present(1)


def test_a_name_is_new_once(canon: Canon) -> None:
    first = [name for chapter in canon.chapters() for name in chapter.first]
    assert len(first) == len(set(first))
    assert "松溪桥" in canon.chapters()[0].first
    assert "胡三娘" in canon.chapters()[2].first


def test_a_chapter_counts_lines_and_names(canon: Canon) -> None:
    chapter = canon.chapters()[0]
    assert chapter.says["石伯"] == 3
    assert chapter.named["阿青"] >= 5
