"""One value for all formats."""

from __future__ import annotations

from trainer.synth.formats import Utterance
from trainer.synth.formats.dialogue import exchanges, named_lines


def test_exchanges_join_what_two_sides_cannot_tell_apart() -> None:
    lines = [
        Utterance("", "来也", True),
        Utterance("甲", "一"),
        Utterance("乙", "二"),
        Utterance("", "三", True),
    ]
    lines += [Utterance("", "四", True), Utterance("甲", "五")]
    assert list(exchanges(lines)) == [("", "来也"), ("甲：一\n乙：二", "三\n四"), ("甲：五", "")]


def test_a_sentence_with_a_colon_is_no_name() -> None:
    assert named_lines("他说了一句话，大意是：走。") == [("", "他说了一句话，大意是：走。")]
    assert named_lines("Mr. Darcy: Good: yes.\nmore") == [("Mr. Darcy", "Good: yes.\nmore")]
