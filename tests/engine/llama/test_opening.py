"""A model is opened where it fits; what does not is a smaller plan, said, and never an abort."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import llama_cpp
import pytest
from llama_cpp import _ggml

from engine.cards import Card
from engine.llama import LlamaEngine, devices, loading, opening
from engine.llama.devices import Device, placed
from engine.llama.opening import open_model
from engine.sequence import ModelError, OutOfMemory, Sampling

MINI = Path("models/xiyou-mini.gguf")
GiB = 1 << 30
CARD = Device("CUDA0", "NVIDIA GeForce RTX 3070", 7 * GiB, 8 * GiB)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card, as far as anybody asks; llama.cpp itself stays on the processor."""
    for module in (devices, opening):
        monkeypatch.setattr(module, "devices", lambda: (CARD,))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many layers were to go onto the card, load by load."""
    found: list[int] = []
    real = loading.load

    def load(path: Path, *, layers: int = -1, vocabulary_only: bool = False) -> Any:
        if not vocabulary_only:
            found.append(layers)
        return real(path, layers=layers, vocabulary_only=vocabulary_only)

    monkeypatch.setattr(loading, "load", load)
    return found


def test_a_model_that_fits_goes_onto_the_card_as_a_whole(card: None, asked: list[int]) -> None:
    model = open_model(MINI, context=256, replies=1)
    assert asked == [-1]
    layers = llama_cpp.llama_model_n_layer(model._model) + 1
    assert model.placement == f"CUDA0, NVIDIA GeForce RTX 3070, 8.0 GiB: all {layers} layers"
    model.close()


@pytest.mark.parametrize("failures", [1, 2, 3, 4])
def test_out_of_memory_is_a_smaller_plan_and_is_said(
    card: None,
    asked: list[int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failures: int,
) -> None:
    """The cache cannot be had `failures` times: the fifth try is the processor's."""
    left = [failures]
    real = llama_cpp.llama_init_from_model

    def init(model: Any, params: Any) -> Any:
        if left[0]:
            left[0] -= 1
            return None
        return real(model, params)

    monkeypatch.setattr(llama_cpp, "llama_init_from_model", init)
    with caplog.at_level(logging.WARNING):
        model = open_model(MINI, context=256, replies=1)
    assert len(asked) == failures + 1
    assert (asked[-1] == 0) is (failures == 4)
    assert "out of memory" in caplog.text
    assert model.placement in caplog.text
    assert ("CPU" in model.placement) is (failures == 4)
    model.close()


def test_weights_that_the_card_refuses_end_on_the_processor(
    card: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loading.load

    def load(path: Path, *, layers: int = -1, vocabulary_only: bool = False) -> Any:
        if layers and not vocabulary_only:
            loading.forget_complaints()
            loading._complaints.append("cudaMalloc failed: out of memory")
            raise loading.unfit(f"{path} cannot be read")
        return real(path, layers=layers, vocabulary_only=vocabulary_only)

    monkeypatch.setattr(loading, "load", load)
    model = open_model(MINI, context=256, replies=1)
    assert model.placement.startswith("CPU; CUDA0")
    model.close()


def test_a_full_card_is_left_alone(monkeypatch: pytest.MonkeyPatch, asked: list[int]) -> None:
    full = Device("CUDA0", "NVIDIA GeForce RTX 3070", 1 << 20, 8 * GiB)
    for module in (devices, opening):
        monkeypatch.setattr(module, "devices", lambda: (full,))
    model = open_model(MINI, context=256, replies=1)
    assert asked == [0]
    model.close()


def test_a_machine_without_any_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_cpp, "llama_init_from_model", lambda model, params: None)
    with pytest.raises(ModelError, match="no memory for its cache"):
        open_model(MINI, context=256, replies=1)


def test_a_smaller_cache_is_tried_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    real = llama_cpp.llama_init_from_model
    sizes: list[int] = []

    def init(model: Any, params: Any) -> Any:
        sizes.append(params.n_ctx)
        return real(model, params) if params.n_ctx <= 512 else None

    monkeypatch.setattr(llama_cpp, "llama_init_from_model", init)
    model = open_model(MINI, context=256, replies=8)
    assert sizes[0] > sizes[-1] == 512
    assert model.cells == 512
    model.close()


def test_only_complaints_of_memory_are_tried_again() -> None:
    loading.forget_complaints()
    loading._complaints.append("unknown model architecture: 'x'")
    assert type(loading.unfit("no")) is ModelError
    loading._complaints.append("failed to allocate buffer of size 5")
    assert type(loading.unfit("no")) is OutOfMemory
    loading.forget_complaints()


@pytest.mark.parametrize(
    ("layers", "said"),
    [(-1, "all 29 layers"), (29, "all 29 layers"), (12, "12 of 29 layers"), (0, "lies idle")],
)
def test_what_a_model_computes_on_is_told(layers: int, said: str) -> None:
    told = placed(layers, 29, (CARD,))
    assert said in told
    assert "NVIDIA GeForce RTX 3070, 8.0 GiB" in told


def test_a_card_that_this_build_cannot_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cards", lambda: (Card("NVIDIA", "RTX 3070", 8 * GiB, 7 * GiB),))
    assert placed(-1, 29, ()) == "CPU; RTX 3070 lies idle (docs/gpu.md)"
    monkeypatch.setattr(devices, "cards", lambda: ())
    assert placed(-1, 29, ()) == "CPU"


def test_the_engine_says_what_it_computes_on() -> None:
    async def run() -> None:
        engine = LlamaEngine.open(MINI, context=256, replies=1)
        try:
            assert engine.placement
            reply = engine.stream(engine.encode("你好"), Sampling(max_tokens=2))
            [piece async for piece in reply]
            assert reply.usage.generated
        finally:
            await engine.close()

    asyncio.run(run())


class Library:
    """ggml's library with one processor and one card."""

    class _Function:
        def __init__(self, call: Any) -> None:
            self.call = call

        def __call__(self, *words: Any) -> Any:
            return self.call(*words)

    def __init__(self) -> None:
        def memory(device: int, free: Any, total: Any) -> None:
            free._obj.value, total._obj.value = 5 * GiB, 8 * GiB

        wrap = self._Function
        self.ggml_backend_dev_count = wrap(lambda: 2)
        self.ggml_backend_dev_get = wrap(lambda index: index)
        self.ggml_backend_dev_name = wrap(lambda device: (b"CPU", b"Vulkan0")[device])
        self.ggml_backend_dev_description = wrap(lambda device: (b"x", b"llvmpipe")[device])
        self.ggml_backend_dev_memory = wrap(memory)
        self.ggml_backend_dev_type = wrap(lambda device: device)


def test_devices_are_read_from_ggml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: True)
    monkeypatch.setattr(_ggml, "libggml", Library())
    (found,) = devices.devices()
    assert str(found) == "Vulkan0, llvmpipe, 8.0 GiB"
    assert found.free == 5 * GiB
    monkeypatch.setattr(_ggml, "libggml", object())
    assert devices.devices() == ()


def test_the_real_library_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: True)
    assert all(device.name for device in devices.devices())
