"""Our own talk: everybody can answer everything, as themselves."""

import re

import pytest

from characters.card import LANGUAGES, load_cast
from trainer.talk import IDENTITY, TALK_FOLDER, UNKNOWN, TalkError, load_talk, wording

CAST = load_cast()
TALK = load_talk()
IDS = [character.id for character in CAST]

# The names that tell a lead apart: their own, and how nobody else speaks of themselves.
SELVES = {
    "wukong": ("老孙", "孙悟空", "悟空", "Wukong", "Old Sun"),
    "tangseng": ("贫僧", "唐三藏", "Tang Sanzang", "Sanzang", "poor monk"),
    "bajie": ("老猪", "猪八戒", "Bajie", "Old Pig"),
    "shaseng": ("老沙", "沙僧", "沙悟净", "Sha Wujing", "Friar Sand"),
}
EXCLUSIVE = {"wukong": "老孙", "tangseng": "贫僧", "bajie": "老猪", "shaseng": "老沙"}


def test_all_nine_have_a_file():
    assert set(TALK.answers) == set(IDS)


@pytest.mark.parametrize("who", IDS)
def test_everybody_answers_every_topic_in_every_language_it_is_asked_in(who):
    assert set(TALK.answers[who]) == set(TALK.asks)
    silent = [
        (topic, language)
        for topic, asks in TALK.asks.items()
        for language in LANGUAGES
        if asks[language] and not TALK.answers[who][topic][language]
    ]
    assert not silent


def test_the_topics_of_the_shares_are_asked_about():
    assert {*IDENTITY, *UNKNOWN} <= set(TALK.asks)
    assert not set(IDENTITY) & set(UNKNOWN)


@pytest.mark.parametrize("topic", TALK.asks)
def test_a_topic_can_hold_out_a_phrasing_and_keep_one(topic):
    assert len(TALK.asks[topic]["zh"]) >= 2
    assert len(TALK.asks[topic]["en"]) != 1


def test_no_ask_stands_twice_in_a_topic_or_in_two_topics():
    seen = {}
    for topic, asks in TALK.asks.items():
        for language in LANGUAGES:
            for ask in asks[language]:
                assert ask not in seen, f"{ask!r} in {topic} and {seen.get(ask)}"
                seen[ask] = topic


@pytest.mark.parametrize("who", IDS)
def test_no_answer_stands_twice_in_a_topic(who):
    for topic, answers in TALK.answers[who].items():
        for language in LANGUAGES:
            assert len(set(answers[language])) == len(answers[language]), topic


@pytest.mark.parametrize("who", IDS)
def test_answers_are_one_line_without_markup(who):
    for topic, answers in TALK.answers[who].items():
        for language in LANGUAGES:
            for line in answers[language]:
                assert line == line.strip(), topic
                assert not re.search(r"[\n<>|]", line), line


@pytest.mark.parametrize("who", IDS)
def test_answers_are_in_the_language_they_are_filed_under(who):
    chinese = re.compile(r"[\u3400-\u9fff]")
    for answers in TALK.answers[who].values():
        assert all(chinese.search(line) for line in answers["zh"])
        assert not any(chinese.search(line) for line in answers["en"])


@pytest.mark.parametrize("topic", IDENTITY)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", SELVES)
def test_a_lead_who_is_asked_who_it_is_says_so(who, language, topic):
    lines = TALK.answers[who][topic][language]
    assert lines
    assert not [line for line in lines if not any(name in line for name in SELVES[who])]


@pytest.mark.parametrize("who", IDS)
def test_nobody_calls_themselves_what_is_another_leads(who):
    for topic in IDENTITY:
        for line in TALK.answers[who][topic]["zh"]:
            for other, word in EXCLUSIVE.items():
                assert other == who or word not in line, (topic, line)


def test_nobody_says_what_the_novel_never_says():
    assert not [line for line in wording() if "俺老孙" in line]


def test_the_wording_for_the_tokenizer_holds_asks_answers_and_cards():
    texts = set(wording())
    assert set(TALK) <= texts
    assert set(TALK.asks["who_are_you"]["zh"]) <= texts
    assert set(TALK.answers["bajie"]["phone"]["en"]) <= texts
    for character in CAST:
        assert character.persona.zh in texts
        assert set(character.lines.en) <= texts


# --- files of one's own ----------------------------------------------------------------------

ASKS = '[food]\nzh = ["吃甚么？", "饿么？"]\nen = ["Hungry?"]\n'
ANSWERS = 'character = "bajie"\n[food]\nzh = ["斋饭。"]\nen = ["Always."]\n'


def written(tmp_path, asks=ASKS, **answers):
    (tmp_path / "asks.toml").write_text(asks, encoding="utf-8")
    for name, text in answers.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_of_ones_own_is_read(tmp_path):
    talk = load_talk(written(tmp_path, pig=ANSWERS), CAST)
    assert talk.asks == {"food": {"zh": ("吃甚么？", "饿么？"), "en": ("Hungry?",)}}
    assert talk.answers == {"bajie": {"food": {"zh": ("斋饭。",), "en": ("Always.",)}}}
    assert sorted(talk) == sorted(["吃甚么？", "饿么？", "Hungry?", "斋饭。", "Always."])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (ANSWERS.replace("bajie", "nezha"), "nezha"),
        (ANSWERS.replace('character = "bajie"', ""), "character"),
        (ANSWERS.replace("[food]", "[sleep]"), "sleep"),
        (ANSWERS.replace('"斋饭。"', '"斋饭。", " "'), "food.zh"),
        (ANSWERS.replace('"Always."', "3"), "food.en"),
        (ANSWERS.replace("en =", "fr ="), "food"),
        ('character = "bajie"\nfood = 3\n', "food"),
        ("character = ", "pig.toml"),
    ],
)
def test_a_mistake_names_the_file_and_the_topic(text, named, tmp_path):
    folder = written(tmp_path, pig=text)
    with pytest.raises(TalkError) as told:
        load_talk(folder, CAST)
    assert str(folder / "pig.toml") in str(told.value)
    assert named in str(told.value)
    assert told.value.for_user


def test_a_text_where_a_list_belongs_is_a_mistake(tmp_path):
    with pytest.raises(TalkError, match=re.escape("food.zh")):
        load_talk(written(tmp_path, pig=ANSWERS.replace('["斋饭。"]', '"斋饭。"')), CAST)


def test_a_number_where_a_list_belongs_is_a_mistake(tmp_path):
    with pytest.raises(TalkError, match=re.escape("food.zh")):
        load_talk(written(tmp_path, pig=ANSWERS.replace('["斋饭。"]', "3")), CAST)


def test_a_folder_without_asks_is_named(tmp_path):
    with pytest.raises(TalkError, match=re.escape("asks.toml")):
        load_talk(tmp_path, CAST)


def test_each_file_is_named_after_its_character():
    for file in TALK_FOLDER.glob("*.toml"):
        assert file.stem == "asks" or file.stem in IDS
