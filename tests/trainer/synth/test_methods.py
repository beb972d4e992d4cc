"""Every method end to end against a scripted endpoint: rows, provenance, promises of each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from characters.card import load_cast
from characters.prompt import Style
from trainer import lessons
from trainer.lessons import Lesson
from trainer.synth import cli
from trainer.synth.error import OptionError
from trainer.synth.methods.rolegpt import Nearest
from trainer.synth.rouge import rouge_l
from trainer.synth.run import METHODS
from trainer.synth.wording import language_of
from trainer.synth.world import Pair, World

CAST = load_cast()
SMALL = {
    "qa": ("--repeats", "1", "--limit", "12"),
    "dialogue": (),
    "continue": ("--count", "3"),
    "questions": ("--count", "1"),
    "profile": (),
    "rolegpt": ("--limit", "10"),
    "context-instruct": ("--count", "2"),
    "ditto": ("--count", "2"),
    "general": ("--limit", "16"),
}
LESSONS = [name for name, method in METHODS.items() if method.lessons]
Words = Callable[..., list[str]]
Rows = Callable[[Path], list[dict[str, Any]]]


def made(tmp_path: Path, method: str, rows_of: Rows) -> list[dict[str, Any]]:
    names = ("train.jsonl", "held_out.jsonl") if method in LESSONS else (f"{method}.jsonl",)
    return [row for name in names for row in rows_of(tmp_path / method / name)]


def dropped(tmp_path: Path, method: str, rows_of: Rows) -> list[dict[str, Any]]:
    return rows_of(tmp_path / method / "dropped.jsonl")


@pytest.mark.parametrize("method", METHODS)
def test_a_run_brings_rows_with_provenance_and_asks_nothing_twice(
    method: str, ask: Words, script: Any, tmp_path: Path, rows_of: Rows, capsys: Any
) -> None:
    words = ask(method, *SMALL[method])
    assert cli.main(words) == 0
    card = json.loads(capsys.readouterr().out.splitlines()[-1])
    rows = made(tmp_path, method, rows_of)
    assert rows
    assert card["rows"] == len(rows)
    assert card["calls"]["asked"] == len(script.answered)
    assert card["calls"]["read"] == 100 * len(script.answered)
    for row in rows:
        told = row["provenance"]
        assert told["method"] == method
        assert told["teacher"] == "scripted@127.0.0.1"
        assert told["prompts"]
        assert all(re.fullmatch("[0-9a-f]{64}", key) for key in told["prompts"])
        assert isinstance(told["seed"], int)
        assert told["sources"]
    files = sorted((tmp_path / method).iterdir())
    before = {file.name: file.read_bytes() for file in files if file.name != "card.json"}
    asked = len(script.bodies)
    assert cli.main(words) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(script.bodies) == asked, "a kept answer was paid for again"
    assert again["calls"]["asked"] == 0
    assert {name: (tmp_path / method / name).read_bytes() for name in before} == before


@pytest.mark.parametrize("method", LESSONS)
def test_rows_are_lessons_that_render(
    method: str, ask: Words, tmp_path: Path, rows_of: Rows
) -> None:
    cli.main(ask(method, *SMALL[method]))
    found = [
        one for split in lessons.SPLITS for one in lessons.load(tmp_path / method, split, CAST)
    ]
    assert len(found) == len(made(tmp_path, method, rows_of))
    for one in found:
        spans = one.spans(Style(cards="brief"))
        assert "".join(span.text for span in spans if span.learned).count(one.reply) == 1
        assert one.scene.turns, "somebody speaks before"
        assert one.scene.turns[-1].speaker != one.speaker.id, "nobody answers himself"
        assert one.reply.strip()


@pytest.mark.parametrize("method", METHODS)
def test_a_dry_run_counts_as_many_calls_and_asks_none(
    method: str, ask: Words, script: Any, tmp_path: Path, capsys: Any
) -> None:
    words = ask(method, *SMALL[method])
    assert cli.main([*words, "--dry-run", "--price-in", "1000"]) == 0
    rehearsed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert not script.bodies
    assert list(tmp_path.iterdir()) == []
    cli.main(words)
    real = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert rehearsed["calls"]["asked"] == real["calls"]["asked"] > 0
    assert rehearsed["cost"] > 0


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("qa", "general")])
def test_held_out_chapters_are_never_shown_to_a_teacher(
    method: str, ask: Words, script: Any, sentence: Callable[..., str]
) -> None:
    cli.main(ask(method, *SMALL[method]))
    told = json.dumps(script.bodies, ensure_ascii=False)
    held_out = [sentence(f"3-{scene}{letter}") for scene in range(3) for letter in "abcdefg"]
    shown = [sentence(f"1-{scene}{letter}") for scene in range(3) for letter in "abcdefg"]
    assert not [text for text in held_out if text in told]
    assert method == "questions" or [text for text in shown if text in told]


def test_pairs_of_the_book_are_of_two_speakers_and_one_scene(folder: Path, rows_of: Rows) -> None:
    world = World(CAST, (CAST["wukong"],), ("zh",), 1, 4000, folder)
    scenes = {row["id"]: row for row in rows_of(folder / "scenes.jsonl")}
    pairs = world.pairs(CAST["wukong"])
    assert len(pairs) > 10
    for pair in pairs:
        assert pair.asker != "孙悟空"
        assert pair.answer
        texts = [turn["text"] for turn in scenes[pair.source.removeprefix("canon:")]["turns"]]
        assert pair.question in texts
        assert pair.answer in texts


# --- qa --------------------------------------------------------------------------------------


def test_questions_times_characters_times_repeats(ask: Words, script: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("你怕冷么？\n\nAre you cold?\n", "utf-8")
    cli.main(ask("qa", "--questions", str(file), "--repeats", "3"))
    assert len(script.bodies) == 2 * 2 * 3
    assert {body["temperature"] for body in script.bodies} == {0.3}
    assert len({body["seed"] for body in script.bodies}) == 12


def test_repeats_that_say_the_same_are_dropped(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("你怕冷么？\n", "utf-8")
    script.answer = lambda body: json.dumps(
        {"reply": f"山高雪大，冷是冷些，{body['seed'] % 7}分罢了。"}
    )
    cli.main(ask("qa", "--questions", str(file), "--repeats", "4"))
    rows = made(tmp_path, "qa", rows_of)
    assert sorted(row["speaker"] for row in rows) == ["bajie", "wukong"]
    assert [row["reason"] for row in dropped(tmp_path, "qa", rows_of)] == ["near duplicate"] * 6


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("作为人工智能，我不怕冷。", "speaks as an assistant"),
        ("孙悟空：不怕。\n猪八戒：我怕。", "speaks for others"),
        ("我是唐僧，自然怕冷。", "takes itself for another"),
        ("1. 穿衣\n2. 烤火", "is set as a list"),
        ("I am not cold at all.", "in another language"),
        ("贫僧不怕。", "calls itself as another does"),
    ],
)
def test_a_reply_nobody_should_learn_is_dropped_with_its_reason(
    reply: str, reason: str, ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("你怕冷么？\n", "utf-8")
    script.answer = lambda body: json.dumps({"reply": reply})
    words = ask("qa", "--questions", str(file), "--repeats", "1", "--limit", "1")
    cli.main(words)
    assert made(tmp_path, "qa", rows_of) == []
    (one,) = dropped(tmp_path, "qa", rows_of)
    assert one["reason"] == reason
    assert one["question"] == "你怕冷么？"


def test_a_name_before_the_reply_and_marks_around_it_go(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    script.answer = lambda body: json.dumps({"reply": "孙悟空：“怕个甚么！”"})
    cli.main(ask("qa", "--languages", "zh", "--repeats", "1", "--limit", "1"))
    (row,) = made(tmp_path, "qa", rows_of)
    assert row["reply"] == "怕个甚么！"


# --- dialogue --------------------------------------------------------------------------------


def lost(sentence: Callable[..., str], chapter: int) -> str:
    return sentence(f"{chapter}-lost")


def test_a_quote_that_is_not_in_the_book_is_refused(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, sentence: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        item = body["response_format"]["json_schema"]["schema"]["properties"]["lines"]["items"]
        quotes = item["properties"]["quote"]["enum"]
        found = [{"quote": q, "speaker": "猪八戒"} for q in quotes if q == lost(sentence, 1)]
        return json.dumps({"lines": [*found, {"quote": "老孙没说过这话。", "speaker": "孙悟空"}]})

    script.answer = answer
    cli.main(ask("dialogue"))
    reasons = [row["reason"] for row in dropped(tmp_path, "dialogue", rows_of)]
    # Where the book has marks only what stands between them can be named at all.
    assert any("none of the choices" in reason for reason in reasons)
    for row in made(tmp_path, "dialogue", rows_of):
        assert "老孙没说过" not in json.dumps(row, ensure_ascii=False)


def test_what_the_rules_cannot_tell_the_teacher_tells(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, sentence: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        item = body["response_format"]["json_schema"]["schema"]["properties"]["lines"]["items"]
        quotes = item["properties"]["quote"]["enum"]
        mine = [q for q in quotes if q in [lost(sentence, n) for n in (1, 2, 4)]]
        return json.dumps({"lines": [{"quote": q, "speaker": "猪八戒"} for q in mine]})

    script.answer = answer
    cli.main(ask("dialogue"))
    rows = made(tmp_path, "dialogue", rows_of)
    assert {row["provenance"]["section"] for row in rows} == {1, 2, 4}, "3 is held out"
    for row in rows:
        spans = row["provenance"]["spans"]
        assert any(taught for *_, taught in spans)
        text = json.dumps(row, ensure_ascii=False)
        assert lost(sentence, row["provenance"]["section"]) in text


def test_a_plain_tag_outweighs_the_teacher(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    def answer(body: dict[str, Any]) -> str:
        item = body["response_format"]["json_schema"]["schema"]["properties"]["lines"]["items"]
        quotes = item["properties"]["quote"]["enum"]
        return json.dumps({"lines": [{"quote": q, "speaker": "猪八戒"} for q in quotes]})

    script.answer = answer
    cli.main(ask("dialogue"))
    reasons = {row["reason"] for row in dropped(tmp_path, "dialogue", rows_of)}
    assert "the tag says another: 孙悟空" in reasons
    for row in made(tmp_path, "dialogue", rows_of):
        for turn in [*row["turns"], {"speaker": row["speaker"], "text": row["reply"]}]:
            if turn["text"].startswith(("师父，", "呆子，", "你是何人")):
                assert turn["speaker"] == "wukong"


def test_a_book_without_marks_is_read_too(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    novel = tmp_path / "plain.txt"
    novel.write_text(
        "第一回 起程\n孙悟空说走罢走罢。猪八戒说老猪走不动了。\n第二回 歇脚\n孙悟空说到了到了。\n",
        "utf-8",
    )
    said = [
        {"quote": "走罢走罢", "speaker": "孙悟空"},
        {"quote": "老猪走不动了", "speaker": "猪八戒"},
        {"quote": "师父等等我", "speaker": "猪八戒"},
    ]
    script.answer = lambda body: json.dumps({"lines": said})
    cli.main(ask("dialogue", "--novel", str(novel)))
    (row,) = made(tmp_path, "dialogue", rows_of)
    assert [turn["text"] for turn in row["turns"]] == ["走罢走罢"]
    assert (row["speaker"], row["reply"]) == ("bajie", "老猪走不动了")
    reasons = [r for r in dropped(tmp_path, "dialogue", rows_of) if r.get("quote") == "师父等等我"]
    assert {row["reason"] for row in reasons} == {"not in the book"}


# --- continue, questions ---------------------------------------------------------------------


def test_a_scene_goes_on_only_if_the_character_answers_first(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, usual: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        value = json.loads(usual(body))
        turns = body["response_format"]["json_schema"]["schema"]["properties"]["turns"]
        value["turns"][0]["speaker"] = turns["items"]["properties"]["speaker"]["enum"][1]
        return json.dumps(value)

    script.answer = answer
    cli.main(ask("continue", "--count", "3"))
    assert made(tmp_path, "continue", rows_of) == []
    reasons = {row["reason"] for row in dropped(tmp_path, "continue", rows_of)}
    assert reasons == {"the character does not answer first"}


def test_scenes_begin_with_lines_of_the_book_and_never_copy_the_examples(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, folder: Path
) -> None:
    cli.main(ask("continue", "--count", "4"))
    text = (folder / "scenes.jsonl").read_text("utf-8")
    rows = made(tmp_path, "continue", rows_of)
    assert all(row["turns"][0]["text"] in text for row in rows)
    lengths = {len(row["turns"]) for row in rows}
    assert min(lengths) == 1, "some scenes are one answer"
    shown = re.findall(r"孙悟空：(师父，\S+)", script.bodies[0]["messages"][0]["content"])
    assert shown
    script.answer = lambda body: json.dumps(
        {"turns": [{"speaker": "孙悟空", "text": shown[0]}] * 2}
    )
    cli.main(ask("continue", "--count", "4", "--characters", "wukong", "--seed", "5", out="copied"))
    reasons = [row["reason"] for row in rows_of(tmp_path / "copied" / "dropped.jsonl")]
    assert "copied from an example" in reasons


def test_new_questions_are_unlike_the_old_ones_and_feed_other_methods(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, usual: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        value = json.loads(usual(body))
        value["questions"][0] = "早上好，昨晚睡得怎么样呀？"
        return json.dumps(value)

    script.answer = answer
    cli.main(ask("questions", "--count", "1", "--languages", "zh"))
    rows = made(tmp_path, "questions", rows_of)
    assert len(rows) == 2 * 9
    assert {r["reason"] for r in dropped(tmp_path, "questions", rows_of)} == {"near duplicate"}
    script.answer = usual
    file = tmp_path / "questions" / "questions.jsonl"
    cli.main(ask("qa", "--questions", str(file), "--repeats", "1"))
    asked = {(row["speaker"], row["turns"][0]["text"]) for row in made(tmp_path, "qa", rows_of)}
    assert asked == {(row["character"], row["question"]) for row in rows}


# --- RoleLLM ---------------------------------------------------------------------------------


def test_a_catchphrase_must_stand_in_card_or_book(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    answer = {"description": "天生石猴，性急胆大。", "catchphrases": ["有老孙在此", "俺老孙来也"]}
    script.answer = lambda body: json.dumps(answer)
    cli.main(ask("profile", "--characters", "wukong", "--languages", "zh"))
    (row,) = made(tmp_path, "profile", rows_of)
    assert row["catchphrases"] == ["有老孙在此"]
    (one,) = dropped(tmp_path, "profile", rows_of)
    assert (one["reason"], one["phrase"]) == ("catchphrase not in card or book", "俺老孙来也")


def test_five_pairs_of_the_role_stand_before_the_instruction(
    ask: Words, script: Any, folder: Path, rows_of: Rows, tmp_path: Path
) -> None:
    cli.main(ask("rolegpt", "--limit", "3", "--languages", "zh"))
    text = (folder / "scenes.jsonl").read_text("utf-8")
    for body in script.bodies:
        roles = [message["role"] for message in body["messages"]]
        assert roles == ["system"] + ["user", "assistant"] * 5 + ["user"]
        for message in body["messages"][2:-1:2]:
            assert message["content"] in text
    assert {row["provenance"]["shots"] for row in made(tmp_path, "rolegpt", rows_of)} == {5}


def test_the_item_itself_is_never_an_example(
    ask: Words, script: Any, folder: Path, tmp_path: Path, rows_of: Rows
) -> None:
    scene = rows_of(folder / "scenes.jsonl")[0]
    item = next(turn["text"] for turn in scene["turns"] if turn["text"].startswith("悟空，"))
    file = tmp_path / "item.txt"
    file.write_text(item + "\n" + item[:-3] + "\n", "utf-8")
    cli.main(ask("rolegpt", "--questions", str(file), "--characters", "wukong"))
    assert len(script.bodies) == 2
    for body in script.bodies:
        shown = [message["content"] for message in body["messages"][1:-1]]
        assert len(shown) == 10
        assert all(rouge_l(item, text) < 0.7 for text in shown)


def test_english_instructions_have_english_pairs_from_our_own_talk(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    cli.main(ask("rolegpt", "--limit", "2", "--languages", "en", "--characters", "wukong"))
    for body in script.bodies:
        assert len(body["messages"]) == 12
        for message in body["messages"]:
            assert language_of(message["content"]) == "en"
    sources = made(tmp_path, "rolegpt", rows_of)[0]["provenance"]["sources"]
    assert sum(source.startswith("talk:") for source in sources) == 5


def test_zero_shots_leave_the_profile_alone(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    profiles = tmp_path / "profile.jsonl"
    row = {
        "character": "wukong",
        "language": "zh",
        "description": "石猴一个",
        "catchphrases": ["嘻嘻"],
    }
    profiles.write_text(json.dumps(row) + "\n", "utf-8")
    words = ask("rolegpt", "--shots", "0", "--limit", "1", "--profiles", str(profiles))
    cli.main(words)
    (body,) = script.bodies
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "石猴一个" in body["messages"][0]["content"]
    assert "嘻嘻" in body["messages"][0]["content"]


def test_fewer_pairs_than_five_are_all_shown() -> None:
    pairs = [Pair("甲", q, "答", "x") for q in ("山高么？", "水深么？", "路远么？")]
    found = Nearest(pairs).to("前面的水深不深？", 5)
    assert found[0].question == "水深么？"
    assert len(found) == 3
    assert Nearest([]).to("山高么？", 5) == []
    assert Nearest(pairs).to("山高么", 5)[0].question != "山高么？"


def test_only_high_confidence_is_kept_and_once(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    def answer(body: dict[str, Any]) -> str:
        items = body["response_format"]["json_schema"]["schema"]["properties"]["items"]
        sure, unsure = items["items"]["properties"]["confidence"]["enum"]
        zh = sure == "高"
        made = [
            ("你在花果山住了多少年？" if zh else "How long did you live on the mountain?", sure),
            ("你在花果山住了多少年呢？" if zh else "How long did you live on that mountain?", sure),
            ("你的汽车是什么颜色？" if zh else "What colour is your car?", unsure),
        ]
        reply = "三五百年罢了。" if zh else "Three hundred years."
        rows = [{"question": q, "why": "…", "confidence": c, "answer": reply} for q, c in made]
        return json.dumps({"items": rows})

    script.answer = answer
    cli.main(ask("context-instruct", "--count", "1", "--characters", "wukong"))
    rows = made(tmp_path, "context-instruct", rows_of)
    assert [row["turns"][0]["text"] for row in rows] == [
        "你在花果山住了多少年？",
        "How long did you live on the mountain?",
    ]
    assert rows[0]["provenance"]["confidence"] == "高"
    assert rows[0]["provenance"]["why"] == "…"
    reasons = [row["reason"] for row in dropped(tmp_path, "context-instruct", rows_of)]
    assert sorted(set(reasons)) == ["low confidence", "near duplicate"]
    low = next(r for r in dropped(tmp_path, "context-instruct", rows_of) if "low" in r["reason"])
    assert (low["confidence"], low["why"]) == ("低", "…")


def test_ten_questions_a_role_without_a_scene_and_exemplars_of_other_works(
    ask: Words, script: Any
) -> None:
    cli.main(ask("context-instruct", "--count", "1", "--characters", "wukong", "--languages", "zh"))
    agnostic, based = script.bodies
    schema = agnostic["response_format"]["json_schema"]["schema"]["properties"]["items"]
    assert schema["maxItems"] == 10
    assert agnostic["messages"][0]["content"].count("[") - 1 >= 6
    assert based["messages"][0]["content"].count("林黛玉") >= 2
    assert "孙悟空：" in based["messages"][1]["content"]


# --- ditto -----------------------------------------------------------------------------------


def queries(body: dict[str, Any]) -> bool:
    return "known" in body["response_format"]["json_schema"]["schema"]["properties"]


def test_evidence_is_read_by_the_teacher_and_not_by_the_student(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    cli.main(ask("ditto", "--count", "2", "--languages", "zh", "--characters", "wukong"))
    rows = made(tmp_path, "ditto", rows_of)
    assert len(rows) == 2
    for row in rows:
        labels = row["provenance"]["turns"]
        assert [one["label"] for one in labels] == ["known", "unknown", "known", "premise"]
        assert len(row["turns"]) + 1 == 2 * len(labels), "one pair's questions are one talk"
        text = "".join(span.text for span in Lesson.from_row(row, CAST).spans(Style(cards="brief")))
        for one in labels:
            if one["evidence"]:
                assert one["evidence"] not in text
        assert row["passages"] == []
        assert CAST["wukong"].persona.zh not in text, "the brief card stands before it"
    known = [
        body
        for body in script.bodies
        if not queries(body) and "资料：" in body["messages"][0]["content"]
    ]
    assert known
    evidence = rows[0]["provenance"]["turns"][0]["evidence"]
    assert any(evidence in body["messages"][0]["content"] for body in known)


DETAILS = [
    "侦探",
    "作曲",
    "丞相",
    "王子",
    "梁山",
    "通话",
    "机器",
    "火车",
    "货币",
    "物理",
    "航海",
    "宝玉",
]


def test_a_denial_that_gives_it_away_is_dropped_and_known_ones_go_with_it(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, usual: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        text = body["messages"][0]["content"]
        if not queries(body) and "从没听说过" in text:
            return json.dumps({"reply": f"不认得那个{'、'.join(DETAILS)}。"})
        if not queries(body) and "问题里有错" in text:
            return json.dumps({"reply": ""})
        return usual(body)

    script.answer = answer
    cli.main(ask("ditto", "--count", "3", "--languages", "zh", "--characters", "wukong"))
    assert made(tmp_path, "ditto", rows_of) == []
    reasons = {row["reason"].split(":")[0] for row in dropped(tmp_path, "ditto", rows_of)}
    assert {"gives away", "too few unknown beside it"} <= reasons


def test_records_are_evidence_and_strangers(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    records = tmp_path / "records"
    records.mkdir()
    own = {
        "label": "齐天大圣",
        "description": "石猴",
        "claims": [["兵器", "如意金箍棒"], ["住处", "水帘洞"]],
    }
    other = {"meta": {"label": "李白", "description": "唐代诗人", "claims": [["友人", "杜甫"]]}}
    (records / "a.json").write_text(json.dumps([own, other]), "utf-8")
    words = ("--records", str(records), "--languages", "zh", "--characters", "wukong")
    cli.main(ask("ditto", "--count", "1", *words))
    (row,) = made(tmp_path, "ditto", rows_of)
    assert row["provenance"]["sources"] == ["record:a.json:1", "stranger:李白"]
    assert "如意金箍棒" in row["provenance"]["turns"][0]["evidence"]
    unknown = row["turns"][2]["text"]
    assert "李白" in unknown


# --- general ---------------------------------------------------------------------------------


def test_every_refusal_has_its_control(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, usual: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        if "不要推说不知" in body["messages"][0]["content"] and body["seed"] % 2:
            return json.dumps({"reply": "这个我却不知道。"})
        return usual(body)

    script.answer = answer
    cli.main(ask("general", "--languages", "zh"))
    rows = made(tmp_path, "general", rows_of)
    ids = {row["id"] for row in rows}
    refusals = [row for row in rows if row["provenance"]["part"] == "refusal"]
    assert refusals
    assert all(row["id"].replace("-refusal-", "-control-") in ids for row in refusals)
    assert {row["provenance"]["label"] for row in refusals} == {"unknown"}
    reasons = {row["reason"] for row in dropped(tmp_path, "general", rows_of)}
    assert reasons == {"declines what it knows", "its control was dropped"}


def test_a_refusal_that_explains_the_thing_is_dropped(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    script.answer = lambda body: json.dumps({"reply": "拨个号码便是。"})
    cli.main(ask("general", "--languages", "zh", "--characters", "wukong", "--limit", "1"))
    (one,) = dropped(tmp_path, "general", rows_of)
    assert one["reason"] == "gives away: 号码"


def test_general_answers_are_told_again(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    chat = tmp_path / "chat.json"
    rows = [
        {"instruction": "雨从哪里来？", "input": "", "output": "水汽升空，凝成雨滴。"},
        {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
    ]
    chat.write_text(json.dumps(rows), "utf-8")
    cli.main(ask("general", "--chat", str(chat), "--characters", "wukong"))
    told = [row for row in made(tmp_path, "general", rows_of) if "retell" in row["id"]]
    assert sorted(row["turns"][0]["text"] for row in told) == ["Hi", "雨从哪里来？"]
    assert {row["provenance"]["sources"][0] for row in told} == {"chat:chat.json"}
    assert any("水汽升空" in body["messages"][0]["content"] for body in script.bodies)


# --- the border ------------------------------------------------------------------------------


def test_the_book_is_asked_for_where_it_is_needed(script: Any, tmp_path: Path) -> None:
    words = ["dialogue", "-o", str(tmp_path / "x"), "--model", "m", "--url", script.url]
    with pytest.raises(OptionError, match="--canon"):
        cli.main(words)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--languages", "fr"), "--languages"),
        (("--leave-out", "x"), "--leave-out"),
        (("--limit", "0"), "--limit"),
        (("--questions", "/nowhere/q.txt"), "cannot be read"),
    ],
)
def test_a_choice_that_cannot_be_followed_is_said_so(
    more: tuple[str, ...], told: str, ask: Words
) -> None:
    with pytest.raises(OptionError, match=told):
        cli.main(ask("qa", *more))


def test_a_folder_of_somebody_else_is_left_alone(ask: Words, tmp_path: Path) -> None:
    (tmp_path / "qa").mkdir()
    (tmp_path / "qa" / "train.jsonl").write_text("precious", "utf-8")
    with pytest.raises(OptionError, match="choose another"):
        cli.main(ask("qa"))
    assert (tmp_path / "qa" / "train.jsonl").read_text("utf-8") == "precious"
