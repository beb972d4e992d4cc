"""The loss in chunks is the loss, and all logits never exist at once."""

import weakref

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import LlamaConfig, LlamaForCausalLM

from trainer import loss
from trainer.rows import IGNORED

WORDS, WIDTH = 4096, 32


@pytest.fixture
def batch():
    torch.manual_seed(2)
    ids = torch.randint(0, WORDS, (1, 256))
    labels = ids.clone()
    labels[:, :96] = IGNORED
    return {"input_ids": ids, "labels": labels}


def small() -> LlamaForCausalLM:
    torch.manual_seed(3)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=WORDS,
            hidden_size=WIDTH,
            intermediate_size=48,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
        )
    )


@pytest.mark.parametrize("chunk", [1, 7, 64, 100_000])
def test_loss_and_gradients_are_those_of_the_whole(chunk, batch):
    plain, ours = small(), small()
    loss.install(ours, chunk)
    want, got = plain(**batch).loss, ours(**batch).loss
    assert got.item() == pytest.approx(want.item(), rel=1e-5)
    want.backward()
    got.backward()
    for (name, one), other in zip(plain.named_parameters(), ours.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-6), name


def test_a_count_from_the_trainer_divides_the_sum(batch):
    model = small()
    loss.install(model, 64)
    learned = int((batch["labels"][:, 1:] != IGNORED).sum())
    mean = model(**batch).loss
    assert model(**batch, num_items_in_batch=2 * learned).loss.item() == pytest.approx(
        mean.item() / 2, rel=1e-5
    )


def test_without_labels_the_model_is_as_it_was(batch):
    model = small()
    want = model(batch["input_ids"]).logits
    loss.install(model, 64)
    assert torch.equal(model(input_ids=batch["input_ids"]).logits, want)


class Live(TorchDispatchMode):
    """The most numbers in tensors of WORDS columns that were alive at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for one in out if isinstance(out, tuple | list) else (out,):
            # (WIDTH, WORDS) is the output matrix itself, turned.
            if isinstance(one, torch.Tensor) and one.shape[-1:] == (WORDS,) and len(one) != WIDTH:
                storage = one.untyped_storage()
                if storage._cdata not in self.known:
                    self.known.add(storage._cdata)
                    size = storage.nbytes() // 4
                    self.now += size
                    weakref.finalize(storage, self.free, storage._cdata, size)
        self.most = max(self.most, self.now)
        return out

    def free(self, which: int, size: int) -> None:
        self.known.discard(which)
        self.now -= size


def most_alive(model, batch) -> int:
    with Live() as live:
        model(**batch).loss.backward()
    return live.most


def test_all_logits_never_exist_at_once(batch):
    whole = small()
    assert most_alive(whole, batch) >= 160 * WORDS, "the measure sees what there is to see"
    ours = small()
    loss.install(ours, 8)
    assert most_alive(ours, batch) <= 6 * 8 * WORDS


def test_rows_that_nobody_learns_from_cost_nothing_and_give_zero():
    hidden = torch.randn(1, 6, WIDTH, requires_grad=True)
    labels = torch.full((1, 6), IGNORED)
    assert loss.summed(hidden, labels, nn.Linear(WIDTH, WORDS), 4).item() == 0
