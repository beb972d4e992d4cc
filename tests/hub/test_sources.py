"""What a hub answers is not believed: names, sizes and listings that are none are one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.error import HubError
from hub.pull import pull
from hub.sources import HuggingFace, ModelScope, Source
from tests.fakes.model_hub import Hub, serving


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in ("HF_ENDPOINT", "HF_TOKEN", "MODELSCOPE_ENDPOINT", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        yield server


@pytest.fixture(params=["huggingface", "modelscope"])
def source(request: pytest.FixtureRequest, hub: Hub) -> Source:
    return HuggingFace(hub.url) if request.param == "huggingface" else ModelScope(hub.url)


@pytest.mark.parametrize(
    "name",
    [
        "a" * 300 + ".json",
        "dir/" + "b" * 250 + ".gguf",
        "x\0.json",
        "line\nbreak.json",
        "\u202ea.json",
    ],
)
def test_a_name_that_is_none_is_one_sentence(
    hub: Hub, source: Source, tmp_path: Path, name: str
) -> None:
    hub.files[name] = b"{}"
    with pytest.raises(HubError, match="name that is none") as told:
        pull("owner/name", tmp_path / "m", source)
    assert len(str(told.value)) < 300


@pytest.mark.parametrize("size", ["zzz", -5, None, [], 1e400, {"a": 1}])
def test_an_odd_size_is_one_sentence(
    hub: Hub, source: Source, tmp_path: Path, size: object
) -> None:
    hub.lies["model.safetensors"] = size  # type: ignore[assignment]
    with pytest.raises(HubError):
        pull("owner/name", tmp_path / "m", source)


@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, b'{"a":' * 50_000, b"", b"<html>login</html>", b"null", b"[]", b'{"Data": 3}'],
)
def test_an_answer_that_is_no_listing_is_one_sentence(
    hub: Hub, source: Source, tmp_path: Path, body: bytes
) -> None:
    hub.answer = body
    with pytest.raises(HubError) as told:
        pull("owner/name", tmp_path / "m", source)
    assert len(str(told.value)) < 500
    assert not (tmp_path / "m").exists()
