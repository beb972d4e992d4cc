"""What an adapter's configuration says is honoured, or refused by its name."""

import json

import pytest

from trainer import adapters
from trainer.shards import WeightsError

PLAIN = {"peft_type": "LORA", "r": 4, "lora_alpha": 6, "bias": "none", "init_lora_weights": True}
DOWN = "model.layers.1.mlp.down_proj"


def read(tmp_path, **changes):
    (tmp_path / "adapter_config.json").write_text(json.dumps(PLAIN | changes))
    return adapters.read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "rank", "scale"),
    [
        ({}, 4, 1.5),
        ({"use_rslora": True}, 4, 3.0),
        ({"alpha_pattern": {"down_proj": 12}}, 4, 3.0),
        ({"alpha_pattern": {"layers.1.mlp.down_proj": 8}}, 4, 2.0),
        ({"alpha_pattern": {r".*\.1\..*": 8}}, 4, 2.0),
        ({"alpha_pattern": {"layers.0.mlp.down_proj": 8, "own_proj": 9}}, 4, 1.5),
        ({"rank_pattern": {"down_proj": 2}}, 2, 3.0),
        ({"rank_pattern": {"down_proj": 9}, "use_rslora": True}, 9, 2.0),
        ({"rank_pattern": {"down_proj": 2}, "alpha_pattern": {"mlp.down_proj": 1}}, 2, 0.5),
        ({"init_lora_weights": "gaussian", "lora_dropout": 0.1, "target_modules": ["q"]}, 4, 1.5),
        ({"a_key_of_a_later_peft": None, "another": {}, "one more": False}, 4, 1.5),
    ],
)
def test_the_scale_is_pefts(changes, rank, scale, tmp_path):
    assert read(tmp_path, **changes).scale(DOWN, rank) == pytest.approx(scale)


def test_a_rank_that_the_weights_do_not_have_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"down_proj has rank 8, but .* says 4"):
        read(tmp_path).scale(DOWN, 8)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"peft_type": "IA3"}, "kind 'IA3'"),
        ({"use_dora": True}, "use_dora is True"),
        ({"init_lora_weights": "pissa"}, "'pissa', which changes the base"),
        ({"init_lora_weights": "pissa_niter_16"}, "'pissa_niter_16', which changes the base"),
        ({"init_lora_weights": "olora"}, "'olora', which changes the base"),
        ({"init_lora_weights": "loftq"}, "'loftq', which changes the base"),
        ({"init_lora_weights": "corda"}, "'corda', which changes the base"),
        ({"init_lora_weights": "lora_ga"}, "'lora_ga', which changes the base"),
        ({"bias": "all"}, "trains biases"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save is"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out is True"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices is"),
        ({"target_parameters": ["experts"]}, "target_parameters is"),
        ({"layer_replication": [[0, 2]]}, "layer_replication is"),
        ({"lora_bias": True}, "lora_bias is True"),
        ({"alora_invocation_tokens": [1, 2]}, "alora_invocation_tokens is"),
        ({"a_key_of_a_later_peft": 3}, "a_key_of_a_later_peft is 3"),
        ({"r": 0}, "r is 0"),
        ({"r": None}, "r is None"),
        ({"lora_alpha": "high"}, "lora_alpha 'high'"),
        ({"alpha_pattern": {"q_proj": 0}}, "alpha_pattern must map"),
        ({"rank_pattern": ["q_proj"]}, "rank_pattern must map"),
        ({"rank_pattern": {"(": 3}}, r"rank_pattern: '\('"),
    ],
)
def test_what_cannot_be_merged_is_one_sentence(changes, told, tmp_path):
    with pytest.raises(WeightsError, match=told) as problem:
        read(tmp_path, **changes)
    assert problem.value.for_user
    assert "\n" not in str(problem.value)
