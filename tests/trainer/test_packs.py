"""Packs hold whole lessons, hardly any room is lost, and nobody looks across."""

import random

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from trainer import packs
from trainer.rows import IGNORED


def rows(count: int, low: int = 8, high: int = 300):
    dice = random.Random(4)
    made = []
    for _ in range(count):
        size = dice.randint(low, high)
        ids = [dice.randrange(1, 64) for _ in range(size)]
        learned = dice.randint(1, size - 1)
        made.append((ids, [IGNORED] * learned + ids[learned:]))
    return made


def test_every_lesson_is_in_one_pack_whole():
    made = rows(400)
    packed = packs.pack(made, 512, random.Random(1))
    assert sorted(row for pack in packed for row in pack) == sorted(made)
    assert all(sum(len(ids) for ids, _ in pack) <= 512 for pack in packed)


def test_at_most_a_twentieth_of_the_room_is_lost():
    assert packs.waste(packs.pack(rows(400), 512, random.Random(1)), 512) <= 0.05
    # As the seed's: 177 tokens a conversation, 2,048 a pack.
    alike = rows(1000, 120, 240)
    assert packs.waste(packs.pack(alike, 2048, random.Random(1)), 2048) <= 0.05


def test_the_dice_decide_the_order_and_only_they():
    made = rows(60)
    once = packs.pack(made, 512, random.Random(1))
    assert once == packs.pack(made, 512, random.Random(1))
    assert once != packs.pack(made, 512, random.Random(2))


def test_a_batch_has_no_padding_and_new_positions_for_each_lesson():
    made = [([1, 2, 3], [IGNORED, 2, 3]), ([4, 5], [4, 5])]
    batch = packs.batch(made, isolated=True)
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4, 5]]
    # The first token of a lesson follows another lesson: never learned.
    assert batch["labels"].tolist() == [[IGNORED, 2, 3, IGNORED, 5]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert packs.batch(made, isolated=False)["position_ids"].tolist() == [[0, 1, 2, 3, 4]]


@pytest.fixture(params=["llama", "qwen3"])
def model(request):
    kind = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen3": (Qwen3Config, Qwen3ForCausalLM)}
    config, build = kind[request.param]
    torch.manual_seed(1)
    made = build(
        config(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
            initializer_range=0.2,
        )
    )
    return made.eval()


def logits_in(model, lessons, isolated: bool) -> list[torch.Tensor]:
    batch = packs.batch(lessons, isolated=isolated)
    del batch["labels"]
    with torch.no_grad():
        out = model(**batch, use_cache=False).logits[0]
    return list(out.split([len(ids) for ids, _ in lessons]))


def test_a_lesson_says_the_same_in_a_pack_as_alone(model):
    lessons = rows(5, 4, 20)
    together = logits_in(model, lessons, isolated=True)
    for lesson, there in zip(lessons, together, strict=True):
        (alone,) = logits_in(model, [lesson], isolated=True)
        assert alone.std() > 0.05
        assert (alone - there).abs().max() < 1e-4


def test_the_seeds_way_does_look_across(model):
    lessons = rows(3, 4, 20)
    together = logits_in(model, lessons, isolated=False)
    (alone,) = logits_in(model, [lessons[1]], isolated=False)
    assert (alone - together[1]).abs().max() > 1e-2
