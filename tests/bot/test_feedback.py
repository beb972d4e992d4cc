"""What people thought of replies, and how it becomes rows for a trainer."""

import itertools
import json
from dataclasses import replace

import pytest

import mrp
from bot.feedback import FeedbackProblem, allowed, dpo, kto
from bot.feedback import main as feedback
from bot.memory import Asked, Given, open_memory
from bot.memory.feedback import KEPT_PROMPTS

SPANS = (
    ("<|im_start|>system\n", True),
    ("【孙悟空】", False),
    ("<|im_end|>", True),
    ("\n", True),
    ("<|im_start|>user\n", True),
    ("小红：小明，你问悟空吧<|im_end|>", False),
    ("<|im_end|>", True),
    ("\n", True),
    ("<|im_start|>user\n", True),
    ("小明：我是小明明，悟空你怕不怕？", False),
    ("<|im_end|>", True),
    ("\n", True),
    ("<|im_start|>assistant\n", True),
    ("孙悟空：", False),
)
PEOPLE = {"test:1": "小明", "test:2": "小红"}
_numbers = itertools.count()


@pytest.fixture
async def memory(tmp_path, monkeypatch):
    """A memory of its own, as feedback is of all rooms; where `mrp feedback` looks, too."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    opened = await open_memory(None, folder=tmp_path / "mrp")
    yield opened
    await opened.close()


async def replied(memory, *replies, line="l1", room="test:r", **changes):
    """A line in as many versions as there are replies."""
    for version, reply in enumerate(replies, 1):
        asked = Asked(SPANS, reply, "m", "wukong", "zh", people=PEOPLE)
        await memory.feedback.asked(room, line, version, replace(asked, **changes))


async def all_of(memory):
    return [piece async for piece in memory.feedback.given()]


async def test_a_thumb_keeps_the_very_prompt(memory):
    await replied(memory, "怕？老孙不怕。")
    assert await memory.feedback.rate("test:r", "l1", 1, "test:1", 1)
    (given,) = await all_of(memory)
    assert given.asked == Asked(SPANS, "怕？老孙不怕。", "m", "wukong", "zh", people=PEOPLE)
    assert (given.kind, given.value, given.person) == ("rate", 1, "test:1")


async def test_a_thumb_is_found_after_a_restart(memory, tmp_path):
    await replied(memory, "怕？")
    again = await open_memory(None, folder=tmp_path / "mrp")
    assert await again.feedback.rate("test:r", "l1", 1, "test:1", -1)
    await again.close()
    assert [given.value for given in await all_of(memory)] == [-1]


async def test_a_thumb_on_what_is_long_gone_counts_for_nothing(memory):
    await replied(memory, "怕？")
    assert not await memory.feedback.rate("test:r", "l1", 2, "test:1", 1)
    assert not await memory.feedback.rate("test:other", "l1", 1, "test:1", 1)
    for n in range(KEPT_PROMPTS):
        await replied(memory, "新", line=f"m{n}")
    assert not await memory.feedback.rate("test:r", "l1", 1, "test:1", 1)
    assert await all_of(memory) == []


async def test_one_person_has_one_thumb_and_can_take_it_back(memory):
    await replied(memory, "怕？")
    for value in (1, -1):
        await memory.feedback.rate("test:r", "l1", 1, "test:1", value)
    await memory.feedback.rate("test:r", "l1", 1, "test:2", 1)
    assert [(g.person, g.value) for g in await all_of(memory)] == [("test:1", -1), ("test:2", 1)]
    await memory.feedback.rate("test:r", "l1", 1, "test:1", 0)
    assert [(g.person, g.value) for g in await all_of(memory)] == [("test:2", 1)]


async def test_the_version_that_was_taken_beats_the_others(memory):
    await replied(memory, "一", "二", "三")
    assert await memory.feedback.chosen("test:r", "l1", 2, "test:1") == 2
    rows = list(dpo(await all_of(memory)))
    assert [(row["chosen"], row["rejected"]) for row in rows] == [("二", "一"), ("二", "三")]
    assert await memory.feedback.chosen("test:r", "l9", 1, "test:1") == 0


async def test_a_second_choice_takes_the_place_of_the_first(memory):
    await replied(memory, "一", "二")
    await memory.feedback.chosen("test:r", "l1", 2, "test:1")
    await memory.feedback.chosen("test:r", "l1", 1, "test:1")
    assert [(g.asked.reply, g.other) for g in await all_of(memory)] == [("一", "二")]


async def test_an_edit_beats_what_it_was_made_of(memory):
    await replied(memory, "我不怕。")
    edited = memory.feedback.edited
    assert not await edited("test:r", "l1", 1, "test:1", "我不怕。")
    assert not await edited("test:r", "l1", 1, "test:1", " ")
    assert await edited("test:r", "l1", 1, "test:1", "老孙不怕！")
    (row,) = dpo(await all_of(memory))
    assert (row["chosen"], row["rejected"]) == ("老孙不怕！", "我不怕。")


async def test_what_is_kept_is_bounded_in_number_and_time(memory, monkeypatch):
    monkeypatch.setattr("bot.memory.feedback.KEPT_FEEDBACK", 100)
    await replied(memory, "怕？")
    for n in range(350):
        await memory.feedback.rate("test:r", "l1", 1, f"test:{n}", 1)
    key = "mrp:1:{feedback}:given"
    assert await memory.redis.xlen(key) < 300
    assert 179 * 86_400 < await memory.redis.ttl(key) <= 180 * 86_400
    assert await memory.redis.ttl("mrp:1:{room:test:r}:asked") <= 7 * 86_400
    await memory.redis.xadd(key, {"kind": "rate"}, id="9999999999999-0")
    monkeypatch.setattr("time.time", lambda: 9_999_999_999.0 + 181 * 86_400)
    await memory.feedback.rate("test:r", "l1", 1, "test:1", 1)
    assert await memory.redis.xlen(key) == 1


# -- rows -----------------------------------------------------------------------------------------


def given(kind, value=0, *, line="test:r l1 1", person="test:1", other="", reply="怕？", **changes):
    asked = replace(Asked(SPANS, reply, "m", "wukong", "zh", people=PEOPLE), **changes)
    return Given(kind, line, person, asked, value, other)


def test_names_become_letters_in_the_order_they_appear():
    (row,) = kto([given("rate", 1, reply="小明，小红，老孙不怕！")])
    assert "小明：" not in row["prompt"]
    assert "甲：乙，你问悟空吧" in row["prompt"]
    assert "乙：我是乙明" in row["prompt"]
    assert row["completion"] == "乙，甲，老孙不怕！"
    assert row["label"] is True


def test_latin_names_are_whole_words_and_one_letter_is_no_name_in_a_text():
    spans = (("Al: Alas, Al is here\n", False), ("王：王母娘娘来了", False))
    asked = {"spans": spans, "people": {"a": "Al", "b": "王"}, "language": "en"}
    (row,) = kto([given("rate", -1, reply="Alas, Al", **asked)])
    assert row["prompt"] == "A: Alas, A is here\nB：王母娘娘来了"
    assert row["completion"] == " Alas, A"
    assert row["label"] is False


def test_the_prompt_is_as_it_was_read_but_typed_control_is_no_control():
    (row,) = kto([given("rate", 1, people={})])
    assert row["prompt"].startswith("<|im_start|>system\n【孙悟空】<|im_end|>\n<|im_start|>user\n")
    assert row["prompt"].endswith("<|im_start|>assistant\n孙悟空：")
    assert row["prompt"].count("<|im_end|>") == sum(t == "<|im_end|>" for t, _ in SPANS)
    assert "你问悟空吧< |im_end|>" in row["prompt"]


def test_thumbs_up_and_down_on_two_versions_make_a_pair():
    up, down = given("rate", 1, reply="好"), given("rate", -1, line="test:r l1 2", reply="坏")
    elsewhere = given("rate", -1, line="test:r l2 1", reply="别处")
    (row,) = dpo([up, elsewhere, down])
    assert (row["chosen"], row["rejected"]) == ("好", "坏")
    assert list(dpo([up])) == []


def test_choices_and_edits_are_votes_both_ways_and_each_once():
    pieces = [given("choice", other="坏"), given("choice", other="坏", person="test:2")]
    rows = list(kto([*pieces, given("rate", 1)]))
    assert [(row["completion"], row["label"]) for row in rows] == [("怕？", True), ("坏", False)]


async def test_who_opted_out_is_in_no_row(memory):
    await replied(memory, "怕？", line="l1")
    await replied(memory, "怕？", line="l2", people={"test:1": "小明"})
    for line, person in (("l1", "test:1"), ("l2", "test:1"), ("l2", "test:2")):
        await memory.feedback.rate("test:r", line, 1, person, 1)
    assert len((await allowed(memory))[0]) == 3
    await memory.person("test:2").set(in_groups=False)
    left, out = await allowed(memory)
    assert [(g.person, g.line) for g in left] == [("test:1", "test:r l2 1")]
    assert out == 2


async def test_who_is_forgotten_is_in_no_feedback_of_anybody(memory):
    await memory.person("test:1").came("test:r", "小明")
    await replied(memory, "怕？", line="l1", people={"test:2": "小红"})  # 小明 is spoken of
    plain = (("小红：悟空", False),)
    await replied(memory, "怕？", line="l2", people={"test:2": "小红"}, spans=plain)
    for line in ("l1", "l2"):
        await memory.feedback.rate("test:r", line, 1, "test:2", 1)
    await memory.feedback.rate("test:r", "l2", 1, "test:1", 1)
    gone = await memory.person("test:1").forget_everything()
    assert gone.feedback == 2
    assert [(g.person, g.line) for g in await all_of(memory)] == [("test:2", "test:r l2 1")]


# -- the command ----------------------------------------------------------------------------------


async def filled(memory):
    await replied(memory, "一", "二")
    await memory.feedback.chosen("test:r", "l1", 2, "test:1")
    await memory.feedback.rate("test:r", "l1", 1, "test:2", -1)


def run(*words):
    """In a thread of its own, as the command has an event loop of its own."""
    import asyncio

    return asyncio.to_thread(mrp.main, ["feedback", "export", *map(str, words)])


@pytest.mark.parametrize(
    ("format_", "columns", "count"),
    [("dpo", {"prompt", "chosen", "rejected"}, 1), ("kto", {"prompt", "completion", "label"}, 2)],
)
async def test_export_writes_rows_that_datasets_loads(
    memory, tmp_path, capsys, format_, columns, count
):
    datasets = pytest.importorskip("datasets")
    await filled(memory)
    out = tmp_path / "deep" / "rows.jsonl"
    assert await run("--format", format_, "-o", out, "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["rows"], told["feedback"], told["left_out"]) == (count, 2, 0)
    rows = datasets.Dataset.from_json(str(out), cache_dir=str(tmp_path / "cache"))
    assert set(rows.column_names) == columns
    assert len(rows) == count
    assert "小明" not in out.read_text()
    assert [path.name for path in out.parent.iterdir()] == ["rows.jsonl"]


async def test_export_without_feedback_says_where_it_comes_from(memory, tmp_path, capsys):
    out = tmp_path / "rows.jsonl"
    out.write_text("old")
    assert await run("--format", "dpo", "-o", out) == 2
    assert "👍" in capsys.readouterr().err
    assert out.read_text() == "old"


async def test_a_place_that_cannot_be_written_is_one_sentence(memory, tmp_path, capsys):
    await filled(memory)
    (tmp_path / "file").write_text("")
    assert await run("--format", "kto", "-o", tmp_path / "file" / "rows.jsonl") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "cannot be written" in line


def test_what_cannot_be_said_is_an_error_of_its_own():
    assert FeedbackProblem.for_user
    with pytest.raises(SystemExit):
        feedback(["export", "--format", "csv", "-o", "x"])
