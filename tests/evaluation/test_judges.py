"""Judges behind a real HTTP server on 127.0.0.1 that says what the test wants."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from characters.card import load_cast
from characters.turn import Scene, Turn
from evaluation import exam
from evaluation.endpoint import Chat, EndpointSubject, messages
from evaluation.error import EvaluationError
from evaluation.judges import charactereval, coser, ditto, panel, rolellm
from evaluation.judges.verdict import last_choice, last_number, listed
from evaluation.subject import Answer, Ask, Expect, leads

CAST = load_cast()
LEADS = leads(CAST, ["wukong", "tangseng", "bajie", "shaseng"])
ASKS = exam.build(LEADS, exam.read_questions(), size=exam.QUICK)

Script = Callable[[str], str]


class Server:
    """Speaks the protocol; `script` makes the answer from the last message."""

    def __init__(self) -> None:
        self.script: Script = lambda _: ""
        self.asked: list[dict[str, object]] = []
        self.failures = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        told = await request.json()
        self.asked.append(told)
        if self.failures:
            self.failures -= 1
            return web.json_response({"error": {"message": "busy"}}, status=503)
        text = self.script(told["messages"][-1]["content"])
        return web.json_response(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": told["model"],
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": text},
                    }
                ],
                "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4},
            }
        )


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", running.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    running.url = f"http://127.0.0.1:{port}/v1"
    yield running
    await runner.cleanup()


@pytest.fixture
async def judge(server: Server) -> AsyncIterator[Chat]:
    chat = Chat(server.url, model="wise")
    yield chat
    await chat.close()


def some(part: str, count: int = 8) -> list[tuple[Ask, Answer]]:
    return [(ask, Answer("老孙来也")) for ask in ASKS if ask.part == part][:count]


# -- what is understood ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8", 8),
        ("It is good.\n8/10", 8),
        ("分数：7\n", 7),
        ("3 of them, but:\n[[9]]", 9),
        ("10 / 10", 10),
        ("8.0", 8),
        ("11", None),
        ("none", None),
        ("", None),
    ],
)
def test_the_last_number_of_the_last_line(text: str, number: int | None) -> None:
    assert last_number(text, 1, 10) == number


def test_the_choice_in_brackets_goes_before_one_in_passing() -> None:
    names = ["孙悟空", "唐僧", "猪八戒"]
    assert last_choice("像唐僧。最符合的角色为[孙悟空]，而非唐僧", names) == "孙悟空"
    assert last_choice("The most suitable role is 猪八戒", names) == "猪八戒"
    assert last_choice("nobody", names) is None
    assert last_choice("", names) is None


def test_a_list_is_found_in_a_fence_and_nonsense_is_not() -> None:
    assert listed('```json\n[{"a": 1}]\n```') == [{"a": 1}]
    assert listed('words [not] then [{"a": 2}] more') == [{"a": 2}]
    assert listed("[]") == []
    assert listed("[1, 2]") is None
    assert listed("") is None


# -- Ditto -----------------------------------------------------------------------------------------


async def test_ditto_consistency_is_the_share_of_right_picks(server: Server, judge: Chat) -> None:
    replies = some("everyday")
    server.script = lambda _: "The most suitable role is [孙悟空]"
    score = await ditto.consistency(judge, replies, tuple(CAST))
    right = sum(ask.speaker.id == "wukong" for ask, _ in replies)
    assert score.mean == pytest.approx(right / len(replies))
    assert score.judge.startswith("wise#")
    for told in server.asked:
        prompt = str(told["messages"])
        assert len(re.findall(r"\\n- ", prompt)) == 4


async def test_what_is_not_understood_is_left_out_and_counted(server: Server, judge: Chat) -> None:
    replies = some("facts", 4)
    server.script = lambda prompt: "hm" if replies[0][0].question in prompt else "9/10"
    score = await ditto.knowledge(judge, replies)
    assert (score.mean, score.unparsed) == (9, 1)
    server.script = lambda _: ""
    score = await ditto.knowledge(judge, replies)
    assert (score.mean, score.unparsed) == (None, 4)


async def test_ditto_rejection_holds_known_questions_against_refusers(
    server: Server, judge: Chat
) -> None:
    server.script = lambda _: "1"
    replies = [*some("facts", 2), *some("unknown", 6)]
    assert (await ditto.rejection(judge, replies)).mean == pytest.approx(6 / 8)


# -- RoleLLM ---------------------------------------------------------------------------------------


def item(number: int, **answers: str) -> rolellm.Item:
    return rolellm.Item(f"q{number}", f"q{number}", "wukong", "孙悟空", "", "怕么？", answers)


async def test_a_judge_that_likes_the_first_place_gives_everybody_half(
    server: Server, judge: Chat
) -> None:
    server.script = lambda _: json.dumps(
        [{"model": "model-1", "reason": "", "rank": 1}, {"model": "model-2", "rank": 2}]
    )
    shares = await rolellm.ranking(judge, [item(n, ours="甲", theirs="乙") for n in range(3)])
    assert {name: score.mean for name, score in shares.items()} == {"ours": 0.5, "theirs": 0.5}


async def test_shares_add_up_to_one_with_ties(server: Server, judge: Chat) -> None:
    def fair(prompt: str) -> str:
        first = re.search(r"(model-\d): 甲", prompt)
        assert first
        ranks = {f"model-{n}": 2 for n in (1, 2, 3)} | {first[1]: 1}
        if "乙乙" in prompt:
            ranks = dict.fromkeys(ranks, 1)
        return json.dumps([{"model": name, "rank": rank} for name, rank in ranks.items()])

    server.script = fair
    items = [item(1, a="甲", b="乙", c="丙"), item(2, a="甲", b="乙乙", c="丙")]
    shares = await rolellm.ranking(judge, items)
    means = {name: score.mean for name, score in shares.items()}
    assert means["a"] == pytest.approx((1 + 1 / 3) / 2)
    assert sum(mean or 0 for mean in means.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[{"model": "a", "rank": 1}]',
        '[{"model": "a", "rank": 1}, {"model": "a", "rank": 2}]',
        '[{"model": "a", "rank": "first"}, {"model": "b", "rank": 2}]',
        '[{"model": "a", "rank": 1}, {"model": "c", "rank": 2}]',
    ],
)
def test_a_ranking_that_is_none_is_not_guessed_at(text: str) -> None:
    assert rolellm.firsts(text, ["a", "b"]) is None


# -- CharacterEval and CoSER -----------------------------------------------------------------------


async def test_all_twelve_dimensions_are_judged(server: Server, judge: Chat) -> None:
    server.script = lambda prompt: "4" if "utterance" in prompt else "2"
    scores = await charactereval.dimensions(judge, some("everyday", 12))
    assert len(scores) == 12
    named = {score.name: score.mean for score in scores}
    assert named["character: utterance (1..5)"] == 4
    assert named["character: fluency (1..5)"] == 2


@pytest.mark.parametrize(
    ("severities", "rounds", "expected"),
    [([], 0, 100), ([5, 5], 0, 50), ([3], 10, 100), ([5] * 30, 10, 0), ([4], 5, 87.5)],
)
def test_points_as_published(severities: list[int], rounds: int, expected: float) -> None:
    assert coser.points([{"severity": each} for each in severities], rounds) == expected


def test_severities_out_of_range_are_no_points() -> None:
    assert coser.points([{"severity": 9}], 1) is None
    assert coser.points([{}], 1) is None
    assert coser.points([{"severity": True}], 1) is None


def start() -> Ask:
    scene = Scene(LEADS[:2], (Turn("土地", "大圣，走不得！"),))
    return Ask("b", "book", "b", scene, LEADS[0], 1, expect=Expect(line="老孙偏要走"))


async def test_a_scene_is_played_until_it_ends_but_not_before_the_fifth_round(
    server: Server, judge: Chat
) -> None:
    server.script = lambda prompt: "END" if "Who speaks next" in prompt else "走罢"
    play = await coser.act(EndpointSubject(judge), judge, start(), "")
    assert play.rounds == coser.MAY_END
    speakers = [turn.speaker for turn in play.scene.turns[1:]]
    assert all(one != other for one, other in itertools.pairwise(speakers))


async def test_nobody_answers_themselves_and_strangers_are_not_called(
    server: Server, judge: Chat
) -> None:
    server.script = lambda prompt: "玉帝" if "Who speaks next" in prompt else "走罢"
    play = await coser.act(EndpointSubject(judge), judge, start(), "", rounds=6)
    assert [turn.speaker for turn in play.scene.turns[1:]] == ["wukong", "tangseng"] * 3


async def test_the_whole_panel(server: Server, judge: Chat) -> None:
    def wise(prompt: str) -> str:
        if "JSON list" in prompt:
            return '[{"instance": "x", "type": "y", "severity": 2}]'
        if "Who speaks next" in prompt:
            return "END"
        return "[孙悟空]" if "most suitable" in prompt else "1"

    server.script = wise
    asks = [*ASKS, start()]
    answers = {ask.id: Answer("老孙来也") for ask in asks}
    scores = await panel.judge(judge, EndpointSubject(judge), asks, answers, tuple(CAST), most=12)
    assert len({score.name for score in scores}) == len(scores) == 3 + 12 + 4
    assert all(score.judge.startswith("wise#") for score in scores)
    # Where 孙悟空 is none of the four, the pick is not understood.
    assert [score.name for score in scores if score.unparsed] == ["ditto consistency"]
    acting = [score.mean for score in scores if score.name.startswith("acting")]
    assert acting == [pytest.approx(100 - 5 * (2 - 0.3 * 5))] * 4


# -- an endpoint as the one who is examined --------------------------------------------------------


async def test_an_endpoint_is_examined_as_it_is_served(server: Server, judge: Chat) -> None:
    server.script = lambda _: "孙悟空：老孙来也"
    ask = next(a for a in ASKS if a.speaker.id == "wukong" and len(a.scene.cast) > 1)
    answers = await EndpointSubject(judge).answer([ask])
    assert answers[ask.id] == Answer("老孙来也", "end", 3)
    told = messages(ask)
    assert [message["role"] for message in told] == ["system", "user"]
    assert "猪八戒" in told[0]["content"]
    assert ask.question in told[1]["content"]


async def test_a_busy_server_is_asked_again(server: Server, judge: Chat) -> None:
    server.failures = 2
    server.script = lambda _: "好"
    assert (await judge.ask([{"role": "user", "content": "x"}], temperature=0, max_tokens=9))[0]
    assert len(server.asked) == 3


async def test_a_server_that_is_not_there_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("evaluation.endpoint._TRIES", 0)
    chat = Chat("http://127.0.0.1:9/v1", model="m")
    with pytest.raises(EvaluationError, match="is the server running"):
        await chat.ask([{"role": "user", "content": "x"}], temperature=0, max_tokens=9)
    await chat.close()


async def test_a_judges_scores_are_in_the_report(server: Server, tmp_path: Path) -> None:
    import asyncio

    import mrp

    server.script = lambda _: "1"
    questions = tmp_path / "q"
    questions.mkdir()
    (questions / "everyday.toml").write_text('zh = ["走不走？"]')
    words = ["evaluate", "report", server.url, "--name", "m", "--questions", str(questions)]
    words += ["--judge", server.url, "--judge-model", "wise", "-o", str(tmp_path / "r")]
    assert await asyncio.to_thread(mrp.main, words) == 0
    told = json.loads((tmp_path / "r" / "report.json").read_text("utf-8"))
    judged = {name: row["judge"] for name, row in told["scores"].items() if row["judge"]}
    assert "character: utterance (1..5)" in judged
    assert all(re.fullmatch(r"wise#[0-9a-f]{10}", mark) for mark in judged.values())
    assert told["scores"]["ditto consistency"]["unparsed"] == 8
