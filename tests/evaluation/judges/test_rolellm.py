"""RoleLLM's ranking by a scripted judge."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from evaluation.endpoint import Chat
from evaluation.judges import rolellm


def item(number: int, **answers: str) -> rolellm.Item:
    return rolellm.Item(f"q{number}", f"q{number}", "wukong", "孙悟空", "", "怕么？", answers)


async def test_a_judge_that_likes_the_first_place_gives_everybody_half(
    server: Any, judge: Chat
) -> None:
    server.script = lambda _: json.dumps(
        [{"model": "model-1", "reason": "", "rank": 1}, {"model": "model-2", "rank": 2}]
    )
    shares = await rolellm.ranking(judge, [item(n, ours="甲", theirs="乙") for n in range(3)])
    assert {name: score.mean for name, score in shares.items()} == {"ours": 0.5, "theirs": 0.5}


async def test_shares_add_up_to_one_with_ties(server: Any, judge: Chat) -> None:
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
