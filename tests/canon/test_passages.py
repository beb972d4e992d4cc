from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from canon.book import Book, Section
from canon.passages import LONGEST, cut_passages


@settings(max_examples=60, deadline=None)
@given(st.text("天地玄黄，。！“”\n　", max_size=1500))
def test_passages_are_short_and_cover_every_character(text: str) -> None:
    section = Section(1, "回", f"回\n{text}", "mini.txt", 0)
    covered = set()
    for passage in cut_passages(Book("mini", (section,))):
        assert 0 < passage.end - passage.start <= LONGEST
        assert passage.start >= section.body
        covered.update(range(passage.start, passage.end))
    missing = set(range(section.body, len(section.text))) - covered
    assert all(section.text[at].isspace() for at in missing)
