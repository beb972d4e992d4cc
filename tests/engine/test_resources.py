"""The plan for the memory: what gives way first, and when nothing fits."""

import pytest

from engine.resources import GiB, cell_bytes, plan
from engine.sequence import ModelError

SEVEN = {  # InternLM2-7B
    "general.architecture": "llama",
    "llama.block_count": "32",
    "llama.attention.head_count": "32",
    "llama.attention.head_count_kv": "8",
    "llama.embedding_length": "4096",
    "llama.feed_forward_length": "14336",
}
Q4 = int(4.4 * GiB)


def test_a_token_costs_what_llama_cpp_says() -> None:
    # 32 layers × 8 heads × (128 + 128) numbers
    assert cell_bytes(SEVEN) == {"f16": 131_072, "q8_0": 69_632}


def test_with_plenty_everything_is_as_wished() -> None:
    layout = plan(SEVEN, Q4, context=4096, replies=4, vram=24)
    assert (layout.cells, layout.kv, layout.layers) == (5 * 4096, "f16", -1)


def test_in_8_gib_a_7b_keeps_all_layers_and_two_contexts() -> None:
    layout = plan(SEVEN, Q4, context=4096, replies=8, vram=8)
    assert layout.kv == "q8_0"
    assert layout.layers == -1
    assert layout.cells >= 2 * 4096
    assert Q4 + layout.cells * cell_bytes(SEVEN)["q8_0"] < 7.2 * GiB


def test_in_4_gib_some_layers_stay_on_the_processor() -> None:
    layout = plan(SEVEN, Q4, context=2048, replies=2, vram=4)
    assert 0 < layout.layers < 32
    assert layout.cells == 2 * 2048


def test_nothing_fits() -> None:
    with pytest.raises(ModelError, match="GPU memory"):
        plan(SEVEN, Q4, context=4096, replies=2, vram=0.3)


def test_without_a_budget_only_the_cache_is_bounded() -> None:
    layout = plan(SEVEN, Q4, context=4096, replies=8)
    assert layout.cells * cell_bytes(SEVEN)["f16"] <= 2 * GiB
    assert plan({}, 0, context=512, replies=3).cells == 4 * 512
