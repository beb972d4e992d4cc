"""`--model NAME` means a file, after at most one question."""

import hashlib

import pytest

from hub import choice
from hub.catalogue import Entry
from hub.choice import Choice, choose, default_model, hub_for, use
from hub.error import HubError
from hub.found import models_folder
from hub.sources import HuggingFace, ModelScope
from tests.fakes.model_hub import FILES, Hub, serving
from tests.hub.test_found import ollama_model

GGUF = b"GGUF" + bytes(range(200))


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("HF_ENDPOINT", "HF_TOKEN", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        server.files = {"tiny-q4_k_m.gguf": GGUF, **FILES}
        yield server


@pytest.fixture
def home(tmp_path, monkeypatch, hub: Hub) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {"HOME": str(tmp_path), "MRP_HUB": hub.url}


KNOWN = {
    "tiny": Entry(
        "tiny",
        "to try",
        {"huggingface": "owner/name", "modelscope": "owner/name"},
        "MIT",
        ("*q4_k_m.gguf",),
        len(GGUF),
        sha256={"tiny-q4_k_m.gguf": hashlib.sha256(GGUF).hexdigest()},
        use="talk",
    ),
    "trained": Entry("trained", "a base", {}, "MIT", (), 1),
    "voiced": Entry("voiced", "", {}, "MIT", (), 1, use="voice", of="tiny", adapter="v.gguf"),
}


def test_a_name_is_fetched_after_one_question_and_then_there(home):
    asked = []
    first = choose("tiny", ask=lambda what: not asked.append(what), environment=home, known=KNOWN)
    assert first.path.read_bytes() == GGUF
    assert first.path.parent == models_folder(home) / "tiny"
    assert len(asked) == 1
    assert "licence MIT" in asked[0]
    assert choose("tiny", environment=home, known=KNOWN) == first, "no question, no hub"


def test_what_was_broken_off_goes_on(home, hub):
    hub.breaks["tiny-q4_k_m.gguf"] = 1
    got = choose("tiny", ask=lambda what: True, environment=home, known=KNOWN)
    assert got.path.read_bytes() == GGUF


@pytest.mark.parametrize("ask", [None, lambda what: False])
def test_without_a_yes_nothing_is_fetched_and_the_command_is_named(home, hub, ask):
    with pytest.raises(HubError, match="mrp model pull tiny"):
        choose("tiny", ask=ask, environment=home, known=KNOWN)
    assert not hub.asked


def test_a_wrong_file_is_refused_at_every_hub(home, hub):
    hub.files["tiny-q4_k_m.gguf"] = GGUF[::-1]
    with pytest.raises(HubError, match="not the file of the catalogue"):
        choose("tiny", ask=lambda what: True, environment=home, known=KNOWN)


def test_a_voice_is_its_base_and_an_adapter(home):
    got = choose("voiced", ask=lambda what: True, environment=home, known=KNOWN)
    assert got.path.read_bytes() == GGUF
    assert got.adapter == choice.ROOT / "v.gguf"


def test_any_file_of_any_repository(home, hub):
    got = choose("hf:owner/name/tiny-q4_k_m.gguf", ask=lambda w: True, environment=home, known={})
    assert got.path.read_bytes() == GGUF
    hub.asked.clear()
    assert choose("hf:owner/name/tiny-q4_k_m.gguf", environment=home, known={}) == got
    assert not hub.asked


@pytest.mark.parametrize("name", ["hf:owner", "hf:owner/name", "hf:owner/name/x.bin"])
def test_a_half_written_reference_shows_the_whole_form(home, name):
    with pytest.raises(HubError, match="hf:OWNER/REPOSITORY/FILE"):
        choose(name, ask=lambda w: True, environment=home, known={})


def test_ollamas_name_without_a_tag_is_the_latest(home, tmp_path):
    models = tmp_path / ".ollama" / "models"
    blob = ollama_model(models, "registry.ollama.ai/library/qwen3/latest")
    assert choose("ollama:qwen3", environment=home, known={}).path == blob
    with pytest.raises(HubError, match="ollama:qwen3:latest"):
        choose("ollama:qwen3:8b", environment=home, known={})


def test_an_unknown_name_shows_what_is_near(home):
    with pytest.raises(HubError, match=r"'tinny'; near to it: tiny"):
        choose("tinny", environment=home, known=KNOWN)
    with pytest.raises(HubError, match="not a model to talk with"):
        choose("trained", environment=home, known=KNOWN)


def test_paths_stay_paths(home, tmp_path):
    file = tmp_path / "my model.gguf"
    file.write_bytes(GGUF)
    assert choose(str(file), environment=home, known=KNOWN) == Choice(str(file), file)
    missing = choose("not/there.gguf", environment=home, known=KNOWN)
    assert str(missing.path) == "not/there.gguf", "who opens it says so"
    assert choose("echo", environment=home, known=KNOWN).name == "echo"


def test_the_default_is_kept_and_given_back(home):
    assert choose(None, environment=home, known=KNOWN).path == choice.SHIPPED
    use("tiny", home)
    assert default_model(home) == "tiny"
    with pytest.raises(HubError, match="tiny is not here"):
        choose(None, environment=home, known=KNOWN)
    assert choose(None, environment=home | {"MRP_MODEL": "echo"}, known=KNOWN).name == "echo"
    use("", home)
    assert choose(None, environment=home, known=KNOWN).path == choice.SHIPPED


def test_the_hub_is_the_one_named(home):
    assert isinstance(hub_for({"MRP_HUB": "modelscope"}), ModelScope)
    assert isinstance(hub_for({"MRP_HUB": "huggingface"}), HuggingFace)
    mirror = hub_for(home)
    assert isinstance(mirror, HuggingFace)
    assert mirror.endpoint == home["MRP_HUB"]
    with pytest.raises(HubError, match="MRP_HUB"):
        hub_for({"MRP_HUB": "somewhere"})


def test_the_hub_is_else_the_first_that_answers(monkeypatch, hub):
    monkeypatch.setattr(
        choice, "_HUBS", (("http://127.0.0.1:9", HuggingFace), (hub.url, ModelScope))
    )
    assert isinstance(hub_for({}), ModelScope)
    monkeypatch.setattr(choice, "_HUBS", (("http://127.0.0.1:9", HuggingFace),))
    with pytest.raises(HubError, match="neither huggingface"):
        hub_for({})
