"""config.json with values of every wrong kind: one sentence, whatever the key."""

from __future__ import annotations

import math
from typing import Any

import pytest

from quantize.architecture import Architecture
from quantize.error import ConvertError

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 100,
    "max_position_embeddings": 512,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e4,
    "rope_scaling": {"rope_type": "linear", "factor": 2.0},
    "head_dim": 16,
    "sliding_window": 128,
    "use_sliding_window": True,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
}
ODD: tuple[Any, ...] = (
    *("x", "", -1, 0, 0.5, True, None, [], {}, [[]], {"factor": "x"}, "9" * 5000),
    *(math.nan, math.inf, -math.inf, 2**70),
)


def test_the_config_itself_is_read() -> None:
    assert Architecture.from_config(CONFIG).layers == 2
    assert Architecture.from_config({**CONFIG, "rms_norm_eps": None}).norm_epsilon == 1e-6


@pytest.mark.parametrize("key", CONFIG)
@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
def test_an_odd_value_is_read_or_one_sentence(key: str, value: Any) -> None:
    said = ""
    try:
        model = Architecture.from_config({**CONFIG, key: value})
    except ConvertError as problem:
        said = str(problem)
    if said:
        assert "\n" not in said
        assert len(said) < 400
    else:
        assert 0 < model.norm_epsilon <= 1
        assert 0 < model.rope.theta < math.inf
        assert all(0 < size < 1 << 31 for size in (model.width, model.layers, model.head_width))


@pytest.mark.parametrize("value", ["x", math.nan, -1, math.inf, [1]])
def test_an_epsilon_that_is_no_number_names_itself(value: Any) -> None:
    with pytest.raises(ConvertError, match="rms_norm_eps"):
        Architecture.from_config({**CONFIG, "rms_norm_eps": value})
