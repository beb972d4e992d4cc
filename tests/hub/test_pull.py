"""`mrp model pull` against hubs on this machine that break off, lie and serve the wrong file."""

# slow: hubs that break off are tried again

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from hub import cli as verb
from hub.catalogue import Entry, catalogue
from hub.error import HubError
from hub.pull import pull
from hub.sources import HuggingFace, ModelScope, Source
from tests.fakes.model_hub import COMMIT, FILES, Hub, serving


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


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_what_is_safe_comes_down_and_code_does_not(
    hub: Hub, source: Source, tmp_path: Path
) -> None:
    done = pull("owner/name", tmp_path / "m", source)
    wanted = {"config.json", "model.safetensors", "tokenizer.json"}
    assert names(tmp_path / "m") == wanted | {"source.json"}
    assert all((tmp_path / "m" / name).read_bytes() == FILES[name] for name in wanted)
    assert set(done.fetched) == wanted
    told = json.loads((tmp_path / "m" / "source.json").read_text())
    assert (told["repository"], told["source"]) == ("owner/name", source.name)
    assert told["files"][-1]["sha256"] == hashlib.sha256(FILES["model.safetensors"]).hexdigest()
    assert "folder" not in told, "no paths of this machine"


def test_what_is_there_is_not_fetched_again(hub: Hub, source: Source, tmp_path: Path) -> None:
    pull("owner/name", tmp_path / "m", source)
    (tmp_path / "m" / "config.json").write_bytes(b"x" * len(FILES["config.json"]))
    hub.asked.clear()
    done = pull("owner/name", tmp_path / "m", source)
    assert done.fetched == ("config.json",), "a changed file of the same size is noticed"
    assert not any(name == "model.safetensors" for _, name, _ in hub.asked)


def test_what_breaks_off_goes_on(
    hub: Hub, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100_000)  # else 10 MB
    hub.breaks["model.safetensors"] = 2
    pull("owner/name", tmp_path / "m", source)
    assert (tmp_path / "m" / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    ranges = [wanted for verb, _, wanted in hub.asked if verb == "GET" and wanted]
    assert len(ranges) == 2
    assert ranges[0] != ranges[1] != "bytes=0-"


def test_a_hub_that_always_breaks_off_is_given_up_and_nothing_is_lost(
    hub: Hub, tmp_path: Path
) -> None:
    hub.files["model.safetensors"] = FILES["model.safetensors"][:600]
    hub.breaks["model.safetensors"] = 99
    with pytest.raises(HubError, match="run the same command again"):
        pull("owner/name", tmp_path / "m", ModelScope(hub.url))
    assert not (tmp_path / "m" / "model.safetensors").exists()
    assert not (tmp_path / "m" / "source.json").exists()
    assert 0 < (tmp_path / "m" / "model.safetensors.part").stat().st_size < 600
    hub.breaks.clear()
    pull("owner/name", tmp_path / "m", ModelScope(hub.url))
    assert len((tmp_path / "m" / "model.safetensors").read_bytes()) == 600


def test_a_size_that_is_a_lie_is_noticed(hub: Hub, source: Source, tmp_path: Path) -> None:
    for size in (len(FILES["tokenizer.json"]) - 5, len(FILES["tokenizer.json"]) + 5):
        hub.lies["tokenizer.json"] = size
        with pytest.raises(HubError, match=r"tokenizer\.json"):
            pull("owner/name", tmp_path / "m", source)
        assert "tokenizer.json" not in names(tmp_path / "m")
        shutil.rmtree(tmp_path / "m")


def test_a_wrong_file_is_noticed_and_removed(hub: Hub, source: Source, tmp_path: Path) -> None:
    for name in ("model.safetensors", "config.json"):
        hub.served = {name: FILES[name][::-1]}
        with pytest.raises(HubError, match=f"{name} has another checksum.*removed"):
            pull("owner/name", tmp_path / "m", source)
        assert not (tmp_path / "m" / name).exists()
        assert not (tmp_path / "m" / "source.json").exists()
        shutil.rmtree(tmp_path / "m")


def test_a_file_that_is_not_the_catalogues_is_not_even_fetched(
    hub: Hub, source: Source, tmp_path: Path
) -> None:
    def entry(sha256: str) -> dict[str, Entry]:
        repositories = {"huggingface": "owner/name", "modelscope": "owner/name"}
        sums = {"model.safetensors": sha256}
        one = Entry("tiny", "", repositories, "MIT", ("*.safetensors",), 1, "", sums)
        return {"tiny": one}

    with pytest.raises(HubError, match="not the file of the catalogue"):
        pull("tiny", tmp_path / "m", source, known=entry("0" * 64))
    assert not (tmp_path / "m").exists()
    right = hashlib.sha256(FILES["model.safetensors"]).hexdigest()
    done = pull("tiny", tmp_path / "m", source, known=entry(right))
    assert (done.fetched, done.licence) == (("model.safetensors",), "MIT")


def test_pickled_weights_stay_where_they_are(hub: Hub, source: Source, tmp_path: Path) -> None:
    del hub.files["model.safetensors"]
    with pytest.raises(HubError, match=r"only pickled weights \(pytorch_model\.bin\)"):
        pull("owner/name", tmp_path / "m", source)
    with pytest.raises(HubError, match="pickled"):
        pull("owner/name", tmp_path / "m", source, patterns=["*"])
    del hub.files["pytorch_model.bin"]
    with pytest.raises(HubError, match="no safetensors or GGUF called"):
        pull("owner/name", tmp_path / "m", source)


def test_a_path_out_of_the_folder_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.files["../evil.json"] = b"{}"
    with pytest.raises(HubError, match="outside its folder"):
        pull("owner/name", tmp_path / "m", ModelScope(hub.url))


def test_one_file_of_any_repository(hub: Hub, source: Source, tmp_path: Path) -> None:
    hub.files |= {"a-Q8_0.gguf": b"GGUF8", "a-Q4_K_M.gguf": b"GGUF4"}
    done = pull("owner/name", tmp_path / "m", source, patterns=["*Q4_K_M.gguf"])
    assert done.fetched == ("a-Q4_K_M.gguf",)


def test_too_little_room_is_said_before_anything_is_fetched(
    hub: Hub, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(HubError, match="GB are still to come"):
        pull("owner/name", tmp_path / "m", source)
    assert not any(name == "model.safetensors" for _, name, _ in hub.asked)


def test_what_is_not_there_is_said_so(hub: Hub, source: Source, tmp_path: Path) -> None:
    with pytest.raises(HubError, match=r"is not there|404"):
        pull("owner/other", tmp_path / "m", source)
    with pytest.raises(HubError, match=r"not in the catalogue; known are .*qwen3-4b"):
        pull("qwen9", tmp_path / "m", source)
    with pytest.raises(HubError, match=r"name of a repository|could not|404|not there"):
        pull("a/b/c", tmp_path / "m", source)


def test_a_hub_that_is_away_names_the_other_ways(tmp_path: Path) -> None:
    for away, saying in (
        (HuggingFace("http://127.0.0.1:9"), "--source modelscope"),
        (ModelScope("http://127.0.0.1:9"), "--source huggingface"),
    ):
        with pytest.raises(HubError, match=saying):
            pull("owner/name", tmp_path / "m", away)


def test_the_catalogue_is_whole() -> None:
    known = catalogue()
    assert {"internlm2-chat-7b", "internlm2-chat-1_8b", "qwen3-4b", "qwen3-8b"} < known.keys()
    root = Path(verb.__file__).parent.parent
    for entry in known.values():
        assert not entry.recipe or (root / entry.recipe).is_file(), entry.recipe
        if entry.use == "voice":  # it comes with the project
            continue
        both = {"huggingface", "modelscope"}
        # Conversions by others than the publisher are named on the hub where they are known to be.
        assert entry.repositories.keys() == both or (entry.use != "base" and entry.repositories)
        assert entry.licence
        assert entry.bytes > 10**8


def test_a_voice_is_here_and_its_base_is_fetched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice = next(entry for entry in catalogue().values() if entry.use == "voice")
    words = ["pull", voice.name, "--to", str(tmp_path), "--endpoint", "http://127.0.0.1:9"]
    with pytest.raises(HubError, match="--source modelscope"):
        verb.main(words)
    assert f"a voice for {voice.of}, which is fetched" in capsys.readouterr().err


def test_the_verb_pulls_and_lists(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["pull", "owner/name", "--to", str(tmp_path), "--endpoint", hub.url, "--json"]
    assert verb.main(words) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (done["revision"], len(done["files"])) == (COMMIT, 3)
    assert verb.main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out.splitlines()[-1])["models"]
    assert "qwen3-8b" in {entry["name"] for entry in listed}


# -- what a hub says is not believed ----------------------------------------------------------


def test_a_file_without_a_checksum_is_refused(hub: Hub, source: Source, tmp_path: Path) -> None:
    hub.without_sums = True
    with pytest.raises(HubError, match=r"has a checksum.*--unverified"):
        pull("owner/name", tmp_path / "m", source)
    assert not (tmp_path / "m").exists()
    done = pull("owner/name", tmp_path / "m", source, unverified=True)
    assert "model.safetensors" in done.fetched


def test_a_pin_of_the_catalogue_is_enough_and_binds_every_mirror(
    hub: Hub, source: Source, tmp_path: Path
) -> None:
    def known(data: bytes) -> dict[str, Entry]:
        sums = {"model.safetensors": hashlib.sha256(data).hexdigest()}
        repositories = {"huggingface": "owner/name", "modelscope": "owner/name"}
        return {"tiny": Entry("tiny", "", repositories, "MIT", ("*.safetensors",), 1, "", sums)}

    hub.without_sums = True
    with pytest.raises(HubError, match="another checksum"):
        pull("tiny", tmp_path / "m", source, known=known(b"something else"))
    assert not (tmp_path / "m" / "model.safetensors").exists()
    pull("tiny", tmp_path / "m", source, known=known(FILES["model.safetensors"]))


def test_a_name_that_is_no_folder_is_one_sentence(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("owner/" + "n" * 300, "owner/na\0me"):
        with pytest.raises(HubError):
            verb.main(["pull", name, "--to", str(tmp_path), "--endpoint", hub.url])


def test_the_catalogues_commit_is_the_one_that_is_fetched(hub: Hub, tmp_path: Path) -> None:
    entry = Entry(
        name="one",
        what="",
        repositories={"huggingface": "owner/name", "modelscope": "owner/name"},
        licence="",
        files=("*.safetensors",),
        bytes=1,
        revision=COMMIT,
    )
    for source, revision in ((HuggingFace(hub.url), COMMIT), (ModelScope(hub.url), "master")):
        done = pull("one", tmp_path / source.name, source, known={"one": entry})
        assert done.revision == revision
