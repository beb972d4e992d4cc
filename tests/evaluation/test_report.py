"""Examinations end to end on voices that are right, swapped, mute and confused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import mrp
from characters.card import load_cast
from characters.style import Serving
from engine.echo import EchoEngine
from evaluation import exam, grid, page, run, standing
from evaluation.error import EvaluationError
from evaluation.examine import VOICES
from evaluation.measures import voices
from evaluation.score import Score, Value, difference, interval
from evaluation.subject import Answer, Ask, EngineSubject, FileSubject, Swapped, leads, read_answers

CAST = load_cast()
LEADS = leads(CAST, ["wukong", "tangseng", "bajie", "shaseng"])
SHIPPED = Path(__file__).parents[2] / "models" / "xiyou-mini.gguf"
SELF = {
    "孙悟空": "老孙便是，老孙一棒打去，呆子快走。",
    "唐僧": "贫僧稽首，徒弟啊，善哉善哉。",
    "猪八戒": "老猪在此，哥啊，老猪肚里饿了。",
    "沙僧": "二哥，大哥，师父在那里，我沙僧在此。",
}


@pytest.fixture(scope="module")
def asks() -> list[Ask]:
    return exam.build(LEADS, exam.read_questions(), size=exam.QUICK)


def speaker_of(prompt: str) -> str:
    return prompt.rsplit("\n", 1)[-1].rstrip("：:")


async def examined(
    asks: list[Ask], script: Callable[[str], str], *, swapped: bool = False
) -> run.Record:
    engine = EchoEngine(script, context=40_000)  # its tokens are bytes
    subject = EngineSubject(engine, Serving())
    record, _ = await run.examine(
        Swapped(subject, LEADS) if swapped else subject, asks, voices=voices.read(VOICES)
    )
    await subject.close()
    return record


def score(record: run.Record, name: str) -> float | None:
    found = record.score(name)
    return found.mean if found else None


# -- scores ----------------------------------------------------------------------------------------


def values(*rows: tuple[str, float]) -> tuple[Value, ...]:
    return tuple(Value(f"{group}/{i}", "a", group, x) for i, (group, x) in enumerate(rows))


def test_an_interval_holds_the_mean_and_is_none_for_one_group() -> None:
    some = values(*((f"g{n}", float(n % 2)) for n in range(40)))
    low, high = interval(some) or (1, 0)
    assert low < 0.5 < high
    assert 0.2 < high - low < 0.4
    assert interval(values(("g", 1.0), ("g", 0.0))) is None
    assert interval(()) is None
    assert interval(values(("a", 1.0), ("b", 1.0))) == (1.0, 1.0)


def test_replies_to_one_question_are_no_independent_evidence() -> None:
    apart = values(*((f"g{n}", float(n % 2)) for n in range(40)))
    together = values(*((f"g{n % 4}", float(n % 2)) for n in range(40)))
    width = [high - low for low, high in filter(None, map(interval, (apart, together)))]
    assert width[1] > 2 * width[0]


def test_a_difference_is_paired_where_questions_are_shared() -> None:
    hard = values(*((f"g{n}", n / 40) for n in range(40)))
    better = values(*((f"g{n}", n / 40 + 0.1) for n in range(40)))
    gap, pair = difference(better, hard) or (0, None)
    assert gap == pytest.approx(0.1)
    assert pair == (pytest.approx(0.1), pytest.approx(0.1))
    elsewhere = values(*((f"h{n}", n / 40) for n in range(40)))
    _, apart = difference(better, elsewhere) or (0, None)
    assert apart is not None
    assert apart[0] < 0.1 < apart[1]
    assert difference((), hard) is None


def test_an_axis_is_zero_at_chance_and_one_when_perfect() -> None:
    def stood(mean: float) -> float:
        found = Score("knows (choice)", values(("a", mean), ("b", mean)), "high", 0.25)
        return standing.standing([found])[0].value

    assert stood(0.25) == 0
    assert stood(1) == 1
    assert standing.standing([]) == []


def test_who_refuses_everything_gains_nothing() -> None:
    rejects = Score("rejects the unknown", values(("a", 1), ("b", 1)))
    refuses = Score("refuses the known", values(("a", 1), ("b", 1)), "low")
    assert standing.standing([rejects, refuses])[0].value == 0
    assert standing.standing([refuses]) == []


# -- the exam --------------------------------------------------------------------------------------


def test_ids_are_unique_and_the_same_for_everybody(asks: list[Ask]) -> None:
    again = exam.build(LEADS, exam.read_questions(), size=exam.QUICK)
    assert [ask.id for ask in asks] == [ask.id for ask in again]
    assert len({ask.id for ask in asks}) == len(asks)
    assert {ask.part for ask in asks} == {"self", "everyday", "facts", "unknown", "memory"}


def test_the_fact_stands_as_far_back_as_promised(asks: list[Ask]) -> None:
    for ask in asks:
        if ask.part == "memory":
            assert len(ask.scene.turns) == ask.expect.distance + 2
            told, between = ask.scene.turns[0].text, ask.scene.turns[1:]
            assert any(key in told for key in ask.expect.keys)
            assert not any(key in turn.text for turn in between for key in ask.expect.keys)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_question_gives_its_answer_away(language: exam.Language) -> None:
    whole = exam.build(LEADS, exam.read_questions(), language=language)
    assert len(whole) > 100
    for ask in whole:
        if ask.part == "facts":
            assert not any(key in ask.question for key in ask.expect.keys), ask.question
            assert any(key in ask.expect.choices[0] for key in ask.expect.keys)
            for wrong in ask.expect.choices[1:]:
                assert not any(key in wrong for key in ask.expect.keys), ask.question


def test_a_folder_without_questions_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"everyday\.toml"):
        exam.read_questions(tmp_path)
    (tmp_path / "facts.toml").write_text('[[fact]]\ncharacter = "wukong"\n')
    with pytest.raises(EvaluationError, match="number 1 has no question"):
        exam.read_questions(tmp_path)


# -- subjects --------------------------------------------------------------------------------------


async def test_the_right_voices_are_told_from_swapped_mute_and_confused_ones(
    asks: list[Ask],
) -> None:
    def right(prompt: str) -> str:
        return SELF[speaker_of(prompt)]

    good = await examined(asks, right)
    swapped = await examined(asks, right, swapped=True)
    mute = await examined(asks, lambda _: "")
    noise = await examined(asks, lambda _: "也就究竟粒幽" * 90)
    assert score(good, "knows itself") == 1
    assert score(good, "sounds like itself (bags of 5)") == 1
    assert score(good, "is a reply") == 1
    assert score(swapped, "knows itself") == score(swapped, "sounds like itself (bags of 5)") == 0
    assert (score(swapped, "speaks with another's words") or 0) > 0.7
    assert score(swapped, "is a reply") == 1
    assert score(mute, "empty") == 1
    assert score(mute, "is a reply") == 0
    assert score(noise, "is a reply") == 0
    assert score(noise, "cut at its longest") == 1
    for other in (swapped, mute, noise):
        lead = {row.axis: row for row in standing.ahead(good.scores, other.scores)}
        gap = lead[standing.OVERALL]
        assert gap.interval is not None
        assert gap.interval[0] > 0


async def test_the_worst_replies_come_first_and_none_is_lost(asks: list[Ask]) -> None:
    record = await examined(asks, lambda prompt: SELF["唐僧"])
    assert len(record.samples) == len(asks)
    weights = [sum(run.FAULTS[fault][1] for fault in s.faults) for s in record.samples]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0


async def test_a_long_talk_is_trimmed_like_a_rooms(asks: list[Ask]) -> None:
    far = next(ask for ask in asks if ask.expect.distance == 50)
    seen = []
    engine = EchoEngine(lambda prompt: seen.append(prompt) or "好", context=1500)
    subject = EngineSubject(engine, Serving(max_tokens=16))
    await subject.answer([far])
    assert far.question in seen[0]
    assert far.scene.turns[0].text not in seen[0]


async def test_cards_that_leave_no_room_are_said_so(asks: list[Ask]) -> None:
    subject = EngineSubject(EchoEngine(["好"], context=200), Serving(max_tokens=16))
    with pytest.raises(EvaluationError, match="fewer characters"):
        await subject.answer(asks[:1])


async def test_a_file_of_answers_is_a_subject(asks: list[Ask], tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    rows = [{"id": ask.id, "text": SELF[ask.speaker.name.zh]} for ask in asks[:-1]]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    subject = FileSubject.open(file)
    answers = await subject.answer(asks)
    assert answers[asks[-1].id] == Answer("")
    assert subject.missing == 1
    assert await subject.prefer(asks[0], ["a"]) is None
    with pytest.raises(EvaluationError, match="none of its answers"):
        await FileSubject({"x": Answer("y")}, name="z").answer(asks)


@pytest.mark.parametrize("line", ["", "nonsense", "[]", '{"id": 1, "text": "a"}', '{"id": "a"}'])
def test_a_broken_file_of_answers_names_the_line(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line)
    with pytest.raises(EvaluationError, match=r"line 1|no answers"):
        read_answers(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").write_text('{"id": "a", "text": ""}\n' * 2)
    with pytest.raises(EvaluationError, match="line 2: a second answer"):
        read_answers(tmp_path / "b.jsonl")


# -- the page --------------------------------------------------------------------------------------


async def test_a_report_says_everything_and_fetches_nothing(
    asks: list[Ask], tmp_path: Path
) -> None:
    record = await examined(asks, lambda prompt: f"<b>{SELF[speaker_of(prompt)]}</b>")
    run.write_record(tmp_path, record)
    html = page.write_report(tmp_path, record).read_text("utf-8")
    assert not re.search(r"<script|<link|src=|@import|href=\"http", html)
    assert 'name="viewport"' in html
    assert html.count("<svg") == 2
    assert "&lt;b&gt;老孙便是" in html
    assert "<b>老孙便是" not in html
    for measure in record.scores:
        assert measure.name.split("'")[0] in html
    again = run.read_record(tmp_path)
    assert again.scores == tuple(
        Score(
            s.name,
            tuple(Value(v.id, v.character, v.group, round(v.value, 5)) for v in s.values),
            s.better,
            s.chance,
        )
        for s in record.scores
    )
    assert again.samples == record.samples


def test_a_folder_that_is_no_report_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="mrp evaluate report"):
        run.read_record(tmp_path)
    (tmp_path / "report.json").write_text('{"format": 99}')
    with pytest.raises(EvaluationError, match="format 99"):
        run.read_record(tmp_path)


def test_scores_of_two_judges_are_not_set_against_each_other() -> None:
    one = Score("consistency", values(("a", 1), ("b", 1)), judge="x#1")
    other = Score("consistency", values(("a", 0), ("b", 0)), judge="y#1")
    assert not page.comparable(one, other)
    assert page.comparable(one, one)
    about = {"name": "m", "characters": []}
    html = page.comparison([run.Record(about, (s,), ()) for s in (one, other)])
    assert "another judge" in html
    assert "+1.000" not in html


# -- the front door --------------------------------------------------------------------------------


def test_from_a_model_to_a_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped model, the same untrained, and the same with its characters swapped."""
    small = [
        "--quick",
        "--threads",
        "1",
        "--characters",
        "wukong,bajie",
        "--questions",
        str(tmp_path / "q"),
    ]
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "everyday.toml").write_text(
        'zh = ["你平生最怕甚么？", "今日可累？", "前面那座山去得么？", "你爱吃甚么？", "走不走？",'
        '"你怎么看贪财的和尚？", "讲个笑话罢。", "下雨了。", "你信命么？", "等等我！"]'
    )
    words = ["evaluate", "report", str(SHIPPED), *small, "--json", "-o"]
    assert mrp.main([*words, str(tmp_path / "good")]) == 0
    assert mrp.main([*words, str(tmp_path / "untrained"), "--control", "untrained"]) == 0
    assert mrp.main([*words, str(tmp_path / "swapped"), "--control", "swapped"]) == 0
    capsys.readouterr()
    folders = [str(tmp_path / name) for name in ("good", "swapped", "untrained")]
    out = str(tmp_path / "compare.html")
    assert mrp.main(["evaluate", "compare", *folders, "-o", out, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(told["ahead_of"]) == 2
    for rows in told["ahead_of"].values():
        assert rows["overall"]["interval"][0] > 0
    assert "Voices side by side" in (tmp_path / "compare.html").read_text("utf-8")
    answers = read_answers(tmp_path / "good" / "answers.jsonl")
    assert all(answer.text for answer in answers.values())


def test_questions_for_others_and_their_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = tmp_path / "asks.jsonl"
    assert mrp.main(["evaluate", "asks", "--quick", "-o", str(asked)]) == 0
    rows = [json.loads(line) for line in asked.read_text("utf-8").splitlines()]
    assert {row["messages"][-1]["role"] for row in rows} == {"user"}
    answers = tmp_path / "answers.jsonl"
    answers.write_text(
        "\n".join(json.dumps({"id": r["id"], "text": SELF[r["character"]]}) for r in rows)
    )
    capsys.readouterr()
    words = ["evaluate", "report", str(answers), "--quick", "-o", str(tmp_path / "r"), "--json"]
    assert mrp.main(words) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["scores"]["knows itself"]["mean"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["report", "nowhere.gguf", "-o", "x"], "nowhere.gguf"),
        (["report", "nowhere.jsonl", "-o", "x"], "no file of answers"),
        (["report", "http://127.0.0.1:9/v1", "-o", "x"], "--name"),
        (["report", "m.gguf", "-o", "x", "--prompt", "haruhi"], "--canon"),
        (["report", "m.gguf", "-o", "x", "--label", "teacher"], "KEY=VALUE"),
        (["report", "m.gguf", "-o", "x", "--characters", "nobody"], "nobody"),
        (["report", "m.gguf", "-o", "x", "--held-out", "five"], "chapters are numbers"),
        (["report", "a.jsonl", "-o", "x", "--control", "untrained"], "need a GGUF"),
        (["report", "a.jsonl", "-o", "x", "--control", "swapped"], "cannot be swapped"),
        (["report", "http://127.0.0.1:9/v1", "-o", "x", "--prompt", "haruhi"], "need a GGUF"),
        (["report", "m.gguf", "-o", "x", "--training", "nowhere.txt"], "as training text"),
        (["report", "m.gguf", "-o", "x", "--judge", "http://127.0.0.1:9/v1"], "--judge-model"),
        (["compare", "one"], "two reports"),
        (["compare", "one", "two"], "is no report"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert mrp.main(["evaluate", *words]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in error
    assert not (tmp_path / "x").exists()


# -- teachers and students -------------------------------------------------------------------------


def cell(teacher: str, student: str, mean: float, judge: str = "") -> run.Record:
    names = ["knows (choice)", "rejects the unknown", "sounds like itself (bags of 5)"]
    scores = [Score(name, values(("a", mean), ("b", mean))) for name in names]
    if judge:
        scores.append(Score("ditto consistency", values(("a", 1), ("b", 1)), judge=judge))
    labels = {"teacher": teacher, "student": student}
    return run.Record({"name": "m"}, tuple(scores), (), (), labels)


def test_a_grid_has_a_cell_for_each_pair() -> None:
    rows = grid.grid([cell("big", "small", 0.5), cell("small", "big", 0.75)])
    text = grid.table(rows)
    assert "| big | 0.500 / 0.500 / 0.500 | – |" in text
    assert "| small | – | 0.750 / 0.750 / 0.750 |" in text


def test_a_grid_takes_a_judges_word_only_if_it_is_one_judges() -> None:
    same = grid.grid([cell("a", "b", 0.5, "x#1"), cell("b", "a", 0.5, "x#1")])
    assert same[0]["consistency"]["measure"] == "ditto consistency"
    mixed = grid.grid([cell("a", "b", 0.5, "x#1"), cell("b", "a", 0.5, "y#1")])
    assert mixed[0]["consistency"]["measure"] == "sounds like itself (bags of 5)"


def test_a_grid_needs_labels_that_differ() -> None:
    with pytest.raises(EvaluationError, match="--label teacher"):
        grid.grid([run.Record({"name": "m"}, (), ())])
    with pytest.raises(EvaluationError, match="two reports"):
        grid.grid([cell("a", "b", 0.5), cell("a", "b", 0.6)])


def test_rolebenchs_own_rows_are_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [
        {"part": "CUS", "role": "孙悟空", "generated": ["老孙来也"], "answer": "老孙来也"},
        {"part": "SPE", "reference": "老孙来也", "answer": ""},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    assert mrp.main(["evaluate", "rolebench", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["CUS"] == pytest.approx(1, abs=1e-6)
    assert told["SPE"] == 0
    assert told["avg"] == pytest.approx(0.5, abs=1e-6)
    file.write_text('{"part": "CUS", "answer": "a"}')
    assert mrp.main(["evaluate", "rolebench", str(file)]) == 2
    assert "row 1 needs" in capsys.readouterr().err
