"""Who comes next, from tables of single next tokens."""

import math

from engine.remote.scoring import likelihoods


def asking(tables: dict[str, dict[str, float]]):
    asked = []

    async def peek(after: str):
        asked.append(after)
        return {token.encode(): p for token, p in tables.get(after, {}).items()}

    return peek, asked


async def test_names_that_part_at_once_cost_one_question():
    peek, asked = asking({"": {"孙悟": -0.1, "猪": -3.0, "沙僧：": -4.0, "猪八": -2.0}})
    assert await likelihoods(["孙悟空：", "猪八戒：", "沙僧：", "唐僧："], peek) == [
        *(-0.1, -2.0, -4.0, -6.0),
    ]
    assert asked == [""]


async def test_names_that_begin_alike_cost_two():
    peek, asked = asking({"": {"Sun": -1.0}, "Sun": {" W": -0.5, " B": -2.0}})
    assert await likelihoods(["Sun Wukong:", "Sun Bear:"], peek) == [-1.5, -3.0]
    assert asked == ["", "Sun"]


async def test_half_a_character_and_nothing_at_all():
    half = "孙".encode()[:2]

    async def peek(after: str):
        return {half: -1.0}

    assert await likelihoods(["孙", "孛"], peek) == [-1.0, -1.0]
    peek_none, _ = asking({})
    assert all(math.isfinite(s) for s in await likelihoods(["a", "b"], peek_none))
    assert await likelihoods([], peek) == []
    assert await likelihoods(["one"], peek) == [0.0]
