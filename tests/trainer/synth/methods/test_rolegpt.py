"""RoleGPT's few shots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.trainer.synth.methods.folders import Rows, Words, made
from trainer.synth import cli
from trainer.synth.methods.rolegpt import Nearest
from trainer.synth.rouge import rouge_l
from trainer.synth.wording import language_of
from trainer.synth.world import Pair


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
