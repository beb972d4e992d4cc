"""Whatever is named as a model and is none is refused in one sentence that says what to do."""

# slow: llama.cpp, and a tiny model

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

import mrp
from engine.shapes import SHAPES, write
from hub import machine

GiB = 1 << 30
NOWHERE = "http://127.0.0.1:9"  # the port of "discard": nobody listens there


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without models, and no network."""
    for name in ("MRP_MODEL", "MRP_MARKUP", "HF_TOKEN", "HF_HOME", "OLLAMA_MODELS", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "MRP_MODELS"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("MRP_HUB", NOWHERE)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert mrp.main(["terminal", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = [line for line in said.err.splitlines() if line.startswith("mrp terminal: ")]
    assert "Traceback" not in said.err
    return line


@pytest.mark.parametrize(
    ("name", "hints"),
    [
        (
            "qwen3-9b",
            ["there is no model called 'qwen3-9b'", "near to it: qwen3", "mrp model list"],
        ),
        ("孙悟空", ["there is no model called '孙悟空'", "near to it: "]),
        ("internlm2-chat-7b", ["not a model to talk with", "mrp model list"]),
        ("qwen3-embedding-0.6b", ["not a model to talk with"]),
        ("qwen2.5-0.5b", ["is not here: 0.5 GB to fetch", "mrp model pull qwen2.5-0.5b", "--yes"]),
        ("hf:owner/name", ["write hf:OWNER/REPOSITORY/FILE.gguf"]),
        ("hf:owner/name/file.gguf", ["is not here", "mrp model pull"]),
        ("ollama:nobody", ["is not on this machine", "mrp model list"]),
        ("lmstudio:a/b/c.gguf", ["is not on this machine"]),
        ("no/such/file.gguf", ["there is no model file", "--model echo"]),
        (".", ["there is no model file"]),
    ],
)
def test_a_name_that_means_nothing_here(
    capsys: pytest.CaptureFixture[str], name: str, hints: list[str]
) -> None:
    said = refused(capsys, "--model", name)
    assert all(hint in said for hint in hints), said


@pytest.mark.parametrize("name", ["qwen2.5-0.5b", "hf:owner/name/file.gguf"])
def test_no_network_says_how_to_go_on(capsys: pytest.CaptureFixture[str], name: str) -> None:
    said = refused(capsys, "--model", name, "--yes")
    assert "could not be fetched" in said
    assert "run the same command again" in said
    assert "mirror" in said


def test_a_hub_that_is_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MRP_HUB", "nowhere")
    said = refused(capsys, "--model", "qwen2.5-0.5b", "--yes")
    assert "MRP_HUB is 'nowhere': huggingface, modelscope, or an address" in said


def test_too_large_for_this_machine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "own_memory", lambda: 4 * GiB)
    monkeypatch.setattr(machine, "card_memory", lambda: (0, ""))
    said = refused(capsys, "--model", "qwen3-14b", "--yes")
    assert "GiB more than this machine has (4.0 GiB); these would fit: " in said


def text(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def embedding(path: Path) -> None:
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_block_count(1)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_tensor("token_embd.weight", np.zeros((4, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def adapter(path: Path) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def unknown_family(path: Path) -> None:
    write(path, SHAPES["tiny"], template="{{ their own }}")


FILES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "empty": (text(b""), ["it is empty"]),
    "page": (text(b"<html>login</html>"), ["web page"]),
    "pointer": (text(b"version https://git-lfs"), ["Git LFS pointer"]),
    "pickled": (text(b"PK\x03\x04"), ["pickled"]),
    "cut off": (text(b"GGUF\x03\x00\x00\x00"), ["cut off"]),
    "embedding": (embedding, ["it is an embedding model", "name a chat model"]),
    "adapter": (adapter, ["a LoRA adapter", "--voice"]),
    "family": (unknown_family, ["another family's chat template", "--markup", "vicuna"]),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_chat_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    make, hints = FILES[kind]
    file = tmp_path / "file.gguf"
    make(file)
    said = refused(capsys, "--model", str(file))
    assert all(hint in said for hint in hints), said


def test_the_way_out_for_a_template_of_no_family(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file.gguf"
    unknown_family(file)
    monkeypatch.setattr("sys.stdin", open("/dev/null", encoding="utf-8"))  # noqa: SIM115
    assert mrp.main(["terminal", "--model", str(file), "--markup", "chatml"]) == 0


def test_an_adapter_of_another_base(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name, hint in (("missing.gguf", "missing.gguf"), ("empty.gguf", "it is empty")):
        (tmp_path / "empty.gguf").touch()
        assert hint in refused(capsys, "--voice", str(tmp_path / name))
