"""Muon for matrices, AdamW for the rest: it learns, and it can be put down and taken up again."""

import copy
import io

import pytest
import torch
from torch import nn

from trainer.optimizer import MuonAdamW, orthogonal


@pytest.mark.parametrize("shape", [(8, 8), (16, 64), (64, 16), (1, 32)])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_an_update_is_nearly_orthogonal_whatever_its_size(shape, size):
    torch.manual_seed(0)
    # Singular values between 0.3 and 1, as a sum of random directions.
    left = torch.linalg.qr(torch.randn(shape[0], min(shape)))[0]
    right = torch.linalg.qr(torch.randn(shape[1], min(shape)))[0]
    matrix = size * left @ torch.diag(torch.linspace(0.3, 1, min(shape))) @ right.T
    made = orthogonal(matrix)
    assert made.shape == matrix.shape
    assert made.dtype == matrix.dtype
    values = torch.linalg.svdvals(made)
    assert values.min() > 0.65
    assert values.max() < 1.3
    # The directions stay: every one of them points the way it did.
    assert (torch.diag(left.T @ made @ right) > 0.6).all()


def test_a_zero_gradient_moves_nothing():
    assert torch.equal(orthogonal(torch.zeros(4, 6)), torch.zeros(4, 6))


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3))


def optimizer_of(model: nn.Module, **options) -> MuonAdamW:
    parameters = list(model.parameters())
    matrices = [p for p in parameters if p.ndim == 2]
    others = [p for p in parameters if p.ndim != 2]
    return MuonAdamW(
        matrices, others, **({"muon_lr": 0.02, "adam_lr": 0.01, "weight_decay": 0.01} | options)
    )


def steps(model: nn.Module, optimizer: MuonAdamW, count: int, seed: int) -> list[float]:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.linspace(-1, 1, 18).reshape(6, 3)
    losses = []
    for _ in range(count):
        x = torch.randn(32, 6, generator=generator)
        loss = ((model(x) - x @ truth) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_it_learns_a_small_regression():
    model = network()
    losses = steps(model, optimizer_of(model, muon_lr=0.1, adam_lr=0.05), 50, seed=2)
    assert sum(losses[-5:]) < 0.3 * sum(losses[:5])


@pytest.mark.parametrize("learning", ["matrices", "others"])
def test_both_kinds_learn(learning):
    model = network()
    before = copy.deepcopy(model.state_dict())
    rates = {"matrices": {"adam_lr": 0.0}, "others": {"muon_lr": 0.0}}[learning]
    steps(model, optimizer_of(model, **rates), 3, seed=2)
    for name, parameter in model.state_dict().items():
        moved = not torch.equal(parameter, before[name])
        assert moved == ((parameter.ndim == 2) == (learning == "matrices")), name


def test_what_was_saved_goes_on_exactly_as_if_never_stopped():
    model = network()
    optimizer = optimizer_of(model)
    steps(model, optimizer, 7, seed=3)
    saved = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, saved)

    saved.seek(0)
    found = torch.load(saved, weights_only=True)
    other = network()
    resumed = optimizer_of(other, muon_lr=9.0, adam_lr=9.0)  # the saved rates win
    other.load_state_dict(found["model"])
    resumed.load_state_dict(found["optimizer"])
    assert steps(other, resumed, 7, seed=4) == steps(model, optimizer, 7, seed=4)
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_saved_state_matters():
    model = network()
    steps(model, optimizer_of(model), 7, seed=3)
    fresh = copy.deepcopy(model)
    optimizer = optimizer_of(model)
    steps(model, optimizer, 1, seed=5)
    again = optimizer_of(fresh)
    again.load_state_dict(optimizer.state_dict())  # one step's momentum more
    steps(fresh, again, 1, seed=5)
    assert any(
        not torch.equal(a, b) for a, b in zip(model.parameters(), fresh.parameters(), strict=True)
    )


def test_the_step_of_a_matrix_is_as_large_as_adams():
    weight = nn.Parameter(torch.zeros(64, 16))
    optimizer = MuonAdamW([weight], [], muon_lr=0.1, adam_lr=0.0)
    torch.manual_seed(4)
    weight.grad = torch.randn(64, 16)
    optimizer.step()
    # AdamW moves every entry by about 0.2 to 0.4 times its rate (Moonlight, arXiv 2502.16982).
    assert 0.1 * 0.1 < weight.detach().square().mean().sqrt() < 0.1 * 0.4


def test_adam_moves_against_the_gradient_by_its_rate_at_first():
    bias = nn.Parameter(torch.zeros(3))
    optimizer = MuonAdamW([], [bias], muon_lr=0.0, adam_lr=0.1)
    bias.grad = torch.tensor([5.0, -0.01, 0.0])
    optimizer.step()
    torch.testing.assert_close(bias.detach(), torch.tensor([-0.1, 0.1, 0.0]), rtol=1e-3, atol=1e-6)


def test_decay_shrinks_matrices_only():
    weight, bias = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
    optimizer = MuonAdamW([weight], [bias], muon_lr=0.1, adam_lr=0.1, weight_decay=0.5)
    weight.grad, bias.grad = torch.zeros(2, 2), torch.zeros(2)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.full((2, 2), 0.95))
    torch.testing.assert_close(bias.detach(), torch.ones(2))


def test_what_has_no_gradient_stays():
    weight, bias = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
    MuonAdamW([weight], [bias], muon_lr=0.1, adam_lr=0.1, weight_decay=0.5).step()
    assert torch.equal(weight.detach(), torch.ones(2, 2))
    assert torch.equal(bias.detach(), torch.ones(2))
