"""Templates: escaped, addressed below the base path, the same for all who read along."""

import re

import pytest

from bot.memory import Visitor
from bot.platforms.studio.pages import FILES, HERE, Look, Pages
from bot.platforms.studio.transcript import Item, Now


def made(base=""):
    return Pages(base, lambda character, language: character)


def test_addresses_are_below_the_base_and_quoted():
    pages = made("/mrp")
    assert pages.path("room", "telegram:-100:7", "say") == "/mrp/room/telegram:-100:7/say"
    assert pages.path("face", "../x?y#z&") == "/mrp/face/..%2Fx%3Fy%23z%26"
    assert pages.path("") == "/mrp/"


def test_what_people_wrote_is_escaped_everywhere():
    pages = made()
    text = '</p><script>x</script>" onload="'
    for kind in ("human", "character", "narration", "notice"):
        item = Item("k", 1, kind, text, speaker=text, name=text)
        html = pages.part("changed.html", "zh", item)
        assert "<script>x" not in html
        assert '" onload="' not in html
    html = pages.part("stage.html", "zh", Now(cast=(text,), place=text, mood=text, note=text))
    assert "<script>x" not in html


def test_a_change_is_rendered_once_for_all(monkeypatch):
    pages = made()
    item = Item("k", 1, "human", "你好", name="小明")
    first = pages.shared("changed.html", "zh", item)
    assert pages.shared("changed.html", "zh", item) is first


@pytest.mark.parametrize("theme", ["", "dark", "light"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_says_its_language_and_theme(language, theme):
    look = Look(language, theme, Visitor(""), "", "/")
    html = made().page("welcome.html", look, cast=[])
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in html
    assert ("data-theme" in html) == bool(theme)


def test_all_files_are_there():
    assert made().files.keys() == FILES.keys()
    assert all(made().files.values())


def test_what_cannot_be_taken_back_takes_two_presses():
    """The buttons that throw something away are those of `sure`, but for single entries and facts,
    which can be written again."""
    again = {'name="remove" value="{{ entry.name }}"'}
    for file in (HERE / "templates").glob("*.html"):
        for button in re.findall(r"<button[^>]*>", file.read_text("utf-8")):
            if re.search(r"remove|withdraw|delete", re.sub(r"aria-label=\"[^\"]*\"", "", button)):
                assert any(each in button for each in again), f"{file.name}: {button}"
