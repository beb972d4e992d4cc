"""Introductions."""

from __future__ import annotations

from characters.card import load_cast
from evaluation.measures.selfhood import introduces_itself
from evaluation.measures.voices import Marker, Voices

CAST = load_cast()


def test_introductions() -> None:
    marks = (Marker("老孙", "wukong", 9, 9), Marker("老猪", "bajie", 9, 9))
    voices = Voices("", ("wukong", "bajie"), {}, marks)

    def itself(text: str, who: str) -> bool:
        return introduces_itself(text, CAST[who], list(CAST), "zh", voices)

    assert itself("我是孙悟空！", "wukong")
    assert itself("老孙在此。", "wukong")
    assert not itself("老孙在此，老猪也在。", "wukong")
    assert not itself("我是猪八戒。悟空是我师兄。", "wukong")
    assert itself("我是猪八戒。悟空是我师兄。", "bajie")
    assert not itself("", "wukong")
