"""Conversations that others kept become lessons; what cannot is counted and named."""

import dataclasses
import json
import random

import pytest

from characters.card import load_cast
from trainer import compose, lessons, mix
from trainer.lessons import LessonError

KNOWN = load_cast()
ROLES = {"swj": "沙悟净", "swk": "孙悟空", "tsz": "唐三藏", "zbj": "猪八戒"}


def talk(system: str, *pairs: tuple[str, str]) -> dict:
    """A row as the seed has it: the system text on every turn."""
    turns = [{"system": system, "input": asked, "output": said} for asked, said in pairs]
    return {"conversation": turns}


def write(file, rows):
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def taken(file, **changes):
    losses = mix.Losses()
    found = mix.read(str(file), KNOWN, losses, **{"longest": 4000} | changes)
    return [one.lesson for one in found], losses


def test_a_row_of_the_seed_becomes_a_lesson_of_its_character(tmp_path):
    file = write(
        tmp_path / "swk.jsonl", [talk("孙悟空", ("你是谁？", "老孙是也。"), ("怕么？", "怕？"))]
    )
    (one,), losses = taken(file)
    assert one.speaker.id == "wukong"
    assert [turn.side for turn in one.scene.turns] == ["human", "character", "human"]
    assert one.reply == "怕？"
    assert one.scene.turns[1].text == "老孙是也。"
    assert not losses.named


def test_empty_targets_are_counted_and_never_learned(tmp_path):
    rows = [
        talk("唐三藏", ("一", ""), ("二", "善哉。")),
        talk("唐三藏", ("三", "  ")),
        talk("唐三藏", ("四", "阿弥陀佛。"), ("五", "")),
    ]
    made, losses = taken(write(tmp_path / "tsz.jsonl", rows))
    assert losses.counts() == {"empty target": 3, "no reply at all": 1}
    assert losses.named["empty target"] == ["tsz.jsonl:1", "tsz.jsonl:2", "tsz.jsonl:3"]
    assert [one.reply for one in made] == ["善哉。", "阿弥陀佛。"]
    assert [turn.text for turn in made[0].scene.turns] == ["一", "二"]
    for one in made:
        assert all(turn.text.strip() for turn in one.scene.turns)


def test_what_is_broken_is_named_with_its_line(tmp_path):
    rows = [
        talk("孙悟空", ("一", "二")),
        "{not json",
        {"text": "?"},
        talk("白素贞", ("三", "四")),
        {"conversation": "none"},
        talk("孙悟空", ("五" * 50, "六")),
    ]
    made, losses = taken(write(tmp_path / "a.jsonl", rows), longest=40)
    assert len(made) == 1
    assert losses.named["not JSON"] == ["a.jsonl:2"]
    assert [told.split()[0].rstrip(":") for told in losses.named["broken row"]] == [
        "a.jsonl:3",
        "a.jsonl:5",
    ]
    assert losses.named["unknown speaker"] == ["a.jsonl:4 ('白素贞')"]
    assert losses.named["longer than 40 characters"] == ["a.jsonl:6"]


def test_every_dialect_says_the_same(tmp_path):
    rows = [
        talk("孙悟空", ("你是谁？", "老孙。")),
        {
            "system": "孙悟空",
            "conversations": [
                {"from": "human", "value": "你是谁？"},
                {"from": "gpt", "value": "老孙。"},
            ],
        },
        {
            "messages": [
                {"role": "system", "content": "你是孙悟空。"},
                {"role": "user", "content": "你是谁？"},
                {"role": "assistant", "content": "老孙。"},
            ]
        },
        {"instruction": "你是谁？", "input": "", "output": "老孙。", "system": "孙悟空"},
    ]
    for name, text in (("lines", "\n".join(map(json.dumps, rows))), ("array", json.dumps(rows))):
        file = tmp_path / f"{name}.jsonl"
        file.write_text(text)
        made, losses = taken(file)
        assert not losses.named
        assert {(one.speaker.id, one.reply) for one in made} == {("wukong", "老孙。")}
        assert len(made) == 4


def test_a_file_can_be_given_a_voice(tmp_path):
    file = write(tmp_path / "a.jsonl", [{"instruction": "一", "output": "二"}])
    assert taken(file)[0] == []
    made, _ = taken(f"{file}=shaseng")
    assert made[0].speaker.id == "shaseng"
    with pytest.raises(LessonError, match="nobody here answers to 'nobody'"):
        taken(f"{file}=nobody")


def many(name: str, count: int) -> list[dict]:
    dice = random.Random(name)
    letters = "山水风月云雨花鸟虫鱼金木火土天地人马牛羊"
    return [
        talk(ROLES[name], (f"{number}问", "".join(dice.choices(letters, k=30))))
        for number in range(count)
    ]


def test_near_duplicates_go_wherever_they_stand(tmp_path):
    said = "想当年老孙大闹天宫，十万天兵天将也奈何不得，如今怎会怕一个小小的妖怪。"
    rows = many("swk", 40)
    rows.insert(0, talk("孙悟空", ("怕么", said)))
    rows.append(talk("孙悟空", ("怕么", said.replace("一个", "这个"))))
    rows.append(talk("猪八戒", ("怕么", said)))
    losses = mix.Losses()
    found = mix.read(str(write(tmp_path / "a.jsonl", rows)), KNOWN, losses, longest=4000)
    kept = mix.distinct(found, 0.7, losses)
    assert losses.named["near duplicate"] == ["a.jsonl:42 (of a.jsonl:1)"]
    assert len(kept) == 42, "alike lines of two characters both stay"


def test_the_dial_makes_shares_alike(tmp_path):
    files = [write(tmp_path / f"{n}.jsonl", many(n, c)) for n, c in (("swk", 64), ("swj", 16))]

    def counts(**dials) -> dict[str, int]:
        losses = mix.Losses()
        found = [one for f in files for one in mix.read(str(f), KNOWN, losses, longest=4000)]
        made = mix.mix(found, mix.Dials(held_out=0, near=0, **dials), losses)["train"]
        assert sum(losses.counts().values()) == 80 - len(made)
        return lessons.report(made)["lines"]

    assert counts() == {"wukong": 64, "shaseng": 16}
    assert counts(balance=0.5) == {"wukong": 32, "shaseng": 16}
    assert counts(balance=1.0) == {"wukong": 16, "shaseng": 16}
    assert counts(cap=10) == {"wukong": 10, "shaseng": 10}


def test_a_session_is_never_torn_apart_and_the_seed_decides(tmp_path):
    rows = [row | {"session": number // 4} for number, row in enumerate(many("swk", 200))]
    file = write(tmp_path / "a.jsonl", rows)

    def split(seed: int) -> dict[str, list[str]]:
        losses = mix.Losses()
        found = mix.read(str(file), KNOWN, losses, longest=4000)
        made = mix.mix(found, mix.Dials(seed=seed, held_out=0.2, near=0), losses)
        return {name: [one.id for one in those] for name, those in made.items()}

    once = split(1)
    assert once == split(1)
    assert once != split(2)
    sessions = {
        name: {(int(one.split(":")[1]) - 1) // 4 for one in those} for name, those in once.items()
    }
    assert not sessions["train"] & sessions["held_out"]
    assert 0.08 < len(once["held_out"]) / 200 < 0.35


def test_lessons_of_ours_keep_their_split(tmp_path):
    file = write(tmp_path / "a.jsonl", many("swk", 6))
    made, _ = taken(file)
    made = [dataclasses.replace(one, provenance={"method": "qa"}) for one in made]
    lessons.save(tmp_path / "ours", "train", made[:4])
    lessons.save(tmp_path / "ours", "held_out", made[4:])
    losses = mix.Losses()
    found = mix.read(str(tmp_path / "ours"), KNOWN, losses, longest=4000)
    mixed = mix.mix(found, mix.Dials(held_out=0.5, near=0), losses)
    assert {one.id for one in mixed["train"]} == {one.id for one in made[:4]}
    assert all(one.provenance == {"method": "qa"} for one in mixed["train"])
    assert {one.id for one in mixed["held_out"]} == {one.id for one in made[4:]}


def test_the_seeds_own_mix_is_its_own(tmp_path, capsys):
    files = []
    for name in ROLES:
        rows = [json.dumps(row, ensure_ascii=False) for row in many(name, 3100)]
        rows[10:10] = [rows[9]] * 3  # neighbours: `uniq` sees them
        rows[500] = rows[0]  # no neighbour: it does not
        files.append(write(tmp_path / f"{name}.jsonl", rows))
    out = tmp_path / "out"
    args = [*map(str, files), "--seed-exact", "-o", str(out), "--json"]
    assert compose.main(["mix", *args]) == 0
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])
    raw = (out / "xiyou.jsonl").read_text().splitlines()
    assert len(raw) == 12_000
    first = files[0].read_text().splitlines()
    unlike = [line for at, line in enumerate(first) if at == 0 or line != first[at - 1]]
    assert raw[:3000] == unlike[:1500] + unlike[-1500:]
    assert counts["train"]["lessons"] == 12_000
    assert len(lessons.load(out, "train")) == 12_000
    assert lessons.load(out, "held_out") == []


def test_four_files_to_one_folder_with_a_report(tmp_path, capsys):
    files = [write(tmp_path / f"{name}.jsonl", many(name, 60)) for name in ROLES]
    out = tmp_path / "out"
    args = ["mix", *map(str, files), "-o", str(out), "--held-out", "0.1", "--sample", "1", "--json"]
    assert compose.main(args) == 0
    told = capsys.readouterr().out
    counts = json.loads(told.splitlines()[-1])
    assert counts["train"]["lessons"] + counts["held_out"]["lessons"] == 240
    assert set(counts["train"]["lines"]) == {"wukong", "tangseng", "bajie", "shaseng"}
    assert counts["train"]["empty"] == 0
    assert "<|im_start|>assistant" in told
    assert len(lessons.load(out, "train")) == counts["train"]["lessons"]
    assert (out / "left-out.tsv").read_text() == ""


def test_bad_sources_are_one_sentence(tmp_path):
    with pytest.raises(LessonError, match="cannot be read"):
        compose.main(["mix", str(tmp_path / "gone.jsonl"), "-o", str(tmp_path / "out")])
    empty = write(tmp_path / "a.jsonl", [talk("白素贞", ("一", "二"))])
    with pytest.raises(LessonError, match=r"nothing is left.*1 × unknown speaker: a.jsonl:1"):
        compose.main(["mix", str(empty), "-o", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
