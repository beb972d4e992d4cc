"""SocialBench's items."""

from __future__ import annotations

from pathlib import Path

from tests.trainer.synth.formats.samples import SOCIAL, put
from trainer.synth.formats import Utterance, read


def test_a_right_choice_is_a_reply_only_where_choices_are_replies(tmp_path: Path) -> None:
    replies, feelings = read("socialbench", put(tmp_path / "s.jsonl", SOCIAL))
    assert replies.lines[-1] == Utterance("孙悟空", "怕个甚么！", own=True)
    assert [line.text for line in feelings.lines] == ["气杀我也！"]
