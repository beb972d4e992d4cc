"""Scripts of evenings: what stands in the file is what is played and checked."""

from __future__ import annotations

from pathlib import Path

from evaluation.evening_scripts import Check, Evening, Step, read_evenings


def test_titles_languages_steps_and_checks(tmp_path: Path) -> None:
    (tmp_path / "b.evening").write_text("# Two\n@ language: en\nTom> Hi\n? language\n")
    (tmp_path / "a.evening").write_text(
        "# 甲\n/召唤 悟空\n小明>  喂 \n? holds 狗|犬\n? answered\n\n# 乙\n小明> 在？\n", "utf-8"
    )
    first, second, third = read_evenings(tmp_path)
    checks = (Check("holds", ("狗", "犬"), 4), Check("answered", (), 5))
    assert first == Evening("甲", "zh", (Step("", "/召唤 悟空"), Step("小明", "喂", checks)))
    assert (second.title, second.language) == ("乙", "zh")
    assert third == Evening("Two", "en", (Step("Tom", "Hi", (Check("language", (), 4),)),))
