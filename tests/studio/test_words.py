"""Every word that a template asks for is there in both languages, and none is left over."""

import re

from bot.platforms.studio import pages
from bot.platforms.studio.gallery import SORTED
from bot.platforms.studio.hosting.words import HOSTING
from bot.platforms.studio.making import FIELDS
from bot.platforms.studio.room_words import ROOM_WORDS
from bot.platforms.studio.scene_pages import FORMATS
from bot.platforms.studio.words import WORDS

# Keys that templates put together.
COMPOSED = {f"make {field}" for field in FIELDS} | {f"by {how}" for how in ("", *SORTED)}
COMPOSED |= {f"share {form}" for form in FORMATS}
SOURCES = [*(pages.HERE / "templates").glob("*.html"), *pages.HERE.rglob("*.py")]


def test_words_and_templates_agree():
    text = "\n".join(file.read_text("utf-8") for file in SOURCES if not file.stem.endswith("words"))
    asked = set(re.findall(r"\bt\('([^']+)'", text)) | set(re.findall(r'words\("([^"]+)"', text))
    assert (asked - {"make ", "by ", "share "}) | COMPOSED <= WORDS.keys()
    left = {key for key in WORDS if f"'{key}'" not in text and f'"{key}"' not in text}
    left -= COMPOSED
    assert {key for key in left if not key.endswith(" title")} == set()
    for key in left:
        assert key.removesuffix(" title") in WORDS


def test_no_word_stands_for_two_things():
    for part in (HOSTING, ROOM_WORDS):
        assert all(WORDS[key] is words for key, words in part.items())


def test_both_languages_have_the_same_gaps():
    for key, words in WORDS.items():
        assert words.zh
        assert words.en
        assert words.zh.count("{}") == words.en.count("{}"), key
        assert words.zh == words.zh.strip()
