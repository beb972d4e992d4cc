"""ShareGPT's conversations and the messages of chat APIs."""

from __future__ import annotations

import pytest

from trainer.synth.error import FormatError
from trainer.synth.formats import chat


def test_a_system_text_stands_beside_the_turns_or_first_among_them() -> None:
    beside = {"system": "甲", "conversations": [{"from": "gpt", "value": "俺"}]}
    among = {"messages": [{"role": "system", "content": "甲"}, {"role": "user", "content": "谁"}]}
    assert chat.dialogue(beside, "x", chat.SHAREGPT).system == "甲"
    assert chat.dialogue(among, "x", chat.MESSAGES).system == "甲"


@pytest.mark.parametrize("who", ["gpt", "assistant", "chatgpt", "model", "bot"])
def test_every_name_of_the_model_is_the_model(who: str) -> None:
    row = {"conversations": [{"from": "human", "value": "谁"}, {"from": who, "value": "俺"}]}
    assert [line.own for line in chat.dialogue(row, "x", chat.SHAREGPT).lines] == [False, True]


def test_somebody_unknown_and_a_message_without_words_are_named() -> None:
    with pytest.raises(FormatError, match="'tool' is nobody"):
        chat.dialogue({"messages": [{"role": "tool", "content": "1"}]}, "x", chat.MESSAGES)
    with pytest.raises(FormatError, match="content: is missing"):
        chat.dialogue({"messages": [{"role": "user"}]}, "x", chat.MESSAGES)
