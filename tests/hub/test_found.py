"""Files of other programs are found where those programs keep them, and nothing else is."""

import hashlib
import json
from pathlib import Path

import pytest

from hub import found

BLOB = b"GGUF of a model"


@pytest.fixture
def home(tmp_path, monkeypatch) -> dict[str, str]:
    """An environment whose home is empty."""
    monkeypatch.chdir(tmp_path)
    return {"HOME": str(tmp_path)}


def put(file: Path, data: bytes = BLOB) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def ollama_model(models: Path, name: str, data: bytes = BLOB) -> Path:
    """Lay a model out as `ollama pull` does."""
    digest = hashlib.sha256(data).hexdigest()
    layers = [
        {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "a" * 64},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"},
    ]
    put(models / "manifests" / name, json.dumps({"schemaVersion": 2, "layers": layers}).encode())
    return put(models / "blobs" / f"sha256-{digest}", data)


def test_ollamas_models_by_the_names_that_ollama_gives(home, tmp_path):
    models = tmp_path / ".ollama" / "models"
    blob = ollama_model(models, "registry.ollama.ai/library/qwen3/8b")
    ollama_model(models, "registry.ollama.ai/somebody/mine/latest")
    ollama_model(models, "hf.co/bartowski/x-GGUF/Q4_K_M")
    found_ = {one.name: one for one in found.ollama(home)}
    assert found_.keys() == {
        "ollama:qwen3:8b",
        "ollama:somebody/mine:latest",
        "ollama:hf.co/bartowski/x-GGUF:Q4_K_M",
    }
    assert found_["ollama:qwen3:8b"].path == blob
    assert found_["ollama:qwen3:8b"].bytes == len(BLOB)


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[" * 100_000,
        b"{}",
        b'{"layers": 3}',
        b"\xff\xfe",
        b'{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "../../x"}]}',
        b'{"layers": [{"mediaType": "application/vnd.ollama.image.model"}]}',
    ],
)
def test_a_broken_manifest_is_left_out(home, tmp_path, manifest):
    put(tmp_path / ".ollama/models/manifests/registry.ollama.ai/library/a/b", manifest)
    assert list(found.ollama(home)) == []


def test_the_other_programs(home, tmp_path):
    put(tmp_path / ".lmstudio/models/lmstudio-community/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf")
    put(tmp_path / ".lmstudio/models/lmstudio-community/Qwen3-8B-GGUF/mmproj-model.gguf")
    put(tmp_path / ".cache/llama.cpp/ggml-org_gemma_gemma-Q8_0.gguf")
    put(tmp_path / ".cache/llama.cpp/manifest=ggml-org=gemma.json")
    repo = tmp_path / ".cache/huggingface/hub/models--Qwen--Qwen3-4B-GGUF"
    blob = put(repo / "blobs" / "abc")
    (repo / "snapshots" / "c1").mkdir(parents=True)
    (repo / "snapshots" / "c1" / "Qwen3-4B-Q4_K_M.gguf").symlink_to(blob)
    assert {one.name for one in found.files(home)} == {
        "lmstudio:lmstudio-community/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf",
        "llama.cpp:ggml-org_gemma_gemma-Q8_0.gguf",
        "hf:Qwen/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf",
    }


def test_a_split_model_is_one_and_counts_whole(home, tmp_path):
    folder = tmp_path / ".lmstudio/models/a/b"
    for part in (1, 2, 3):
        put(folder / f"m-{part:05}-of-00003.gguf", b"x" * part)
    put(folder / "broken-00001-of-00002.gguf")
    (only,) = found.lm_studio(home)
    assert (only.name, only.bytes) == ("lmstudio:a/b/m-00001-of-00003.gguf", 6)
    assert len(found.split_parts(only.path)) == 3


def test_nothing_is_there(home):
    assert list(found.files(home)) == []


def test_places_that_the_environment_names(home, tmp_path):
    ollama_model(tmp_path / "o", "registry.ollama.ai/library/tiny/1b")
    put(tmp_path / "l" / "x.gguf")
    put(tmp_path / "h" / "models--a--b" / "snapshots" / "c" / "y.gguf")
    told = home | {
        "OLLAMA_MODELS": str(tmp_path / "o"),
        "LLAMA_CACHE": str(tmp_path / "l"),
        "HF_HUB_CACHE": str(tmp_path / "h"),
    }
    assert [one.name for one in found.files(told)] == [
        "ollama:tiny:1b",
        "llama.cpp:x.gguf",
        "hf:a/b/y.gguf",
    ]
