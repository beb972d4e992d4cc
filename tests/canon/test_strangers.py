"""Somebody without a name who comes into a clause."""

from __future__ import annotations

import pytest

from canon.strangers import UNNAMED, stranger


@pytest.mark.parametrize(
    ("clause", "who"),
    [
        ("那监斩官又来奏", "监斩官"),
        ("闪出一个瞽者", "瞽者"),
        ("里边走出降龙、伏虎二尊", UNNAMED),
        ("早有先跑的", UNNAMED),
        ("有先跑的", UNNAMED),
        ("被面前几个胆大的扯住道", UNNAMED),
        ("只听得路旁叫", UNNAMED),
        ("他回头道", ""),
    ],
)
def test_a_stranger_has_a_designation_or_none(clause: str, who: str) -> None:
    found = stranger(clause, 0, len(clause), last=True)
    assert found == who or (who == UNNAMED and found)


def test_in_an_earlier_clause_a_voice_is_only_heard() -> None:
    clause = "只听得路旁叫"
    assert stranger(clause, 0, len(clause), last=False) == ""
