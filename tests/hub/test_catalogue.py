"""The catalogue says of each model what people choose by, and nothing that cannot be so."""

from __future__ import annotations

import fnmatch
import json
import re
from pathlib import Path

import pytest

from engine.adapter import FINGERPRINT, read_adapter
from hub.catalogue import Entry, catalogue
from hub.error import HubError

ROOT = Path(__file__).resolve().parents[2]
KNOWN = catalogue()
VOICES = [one for one in KNOWN.values() if one.use == "voice"]
TALK = [one for one in KNOWN.values() if one.use == "talk"]
# Of these no configuration was found to reckon with.
WITHOUT_KV = {"minicpm5-1b"}


@pytest.mark.parametrize("entry", KNOWN.values(), ids=lambda entry: entry.name)
def test_an_entry_can_be_fetched_and_chosen(entry: Entry) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", entry.name)
    assert entry.what
    assert bool(entry.zh) is (entry.use in ("talk", "voice"))  # what the set-up page offers
    assert entry.licence
    if entry.use == "voice":
        assert KNOWN[entry.of].use == "talk"
        assert (ROOT / entry.adapter).is_file()
        return
    assert entry.repositories
    for repository in entry.repositories.values():
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", repository)
    assert entry.bytes > 10_000_000
    assert entry.revision == "" or re.fullmatch(r"[0-9a-f]{40}", entry.revision)


@pytest.mark.parametrize("entry", TALK, ids=lambda entry: entry.name)
def test_a_model_to_talk_with_says_what_it_takes(entry: Entry) -> None:
    assert entry.languages
    assert all(pattern.endswith(".gguf") for pattern in entry.files)
    assert (entry.kv > 0) is (entry.name not in WITHOUT_KV)
    assert entry.memory() > entry.bytes


@pytest.mark.parametrize(
    "entry", [one for one in KNOWN.values() if one.sha256], ids=lambda entry: entry.name
)
def test_a_checksum_is_of_a_file_that_is_fetched_at_a_known_commit(entry: Entry) -> None:
    for file, digest in entry.sha256.items():
        assert re.fullmatch(r"[0-9a-f]{64}", digest)
        assert any(fnmatch.fnmatchcase(file, pattern) for pattern in entry.files)
    # A publisher who makes the file anew would else make the catalogue refuse it.
    assert entry.revision or entry.name.startswith("qwen2.5-coder")


def test_no_file_is_listed_twice() -> None:
    listed = [
        (one.repositories.get("huggingface"), one.files, one.adapter) for one in KNOWN.values()
    ]
    assert len(set(listed)) == len(listed)
    digests = [digest for one in KNOWN.values() for digest in one.sha256.values()]
    assert len(set(digests)) == len(digests)


def test_there_is_something_for_every_machine_in_every_language() -> None:
    for language in ("zh", "en"):
        needed = sorted(one.memory() for one in TALK if language in one.languages.split())
        assert needed[0] < 2 << 30
        assert needed[-1] > 9 << 30
    for family in ("qwen3.5", "qwen3-", "qwen2.5", "internlm", "gemma-3", "gemma-4", "llama-3.1"):
        assert any(one.name.startswith(family) for one in TALK), family


@pytest.mark.parametrize(
    "text", ["", "model = 1", '[[model]]\nname = "x"', '[[model]]\nname = "x"\nfoo = 1', "\x00"]
)
def test_a_broken_catalogue_is_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(HubError, match="is no catalogue"):
        catalogue(file)


@pytest.mark.parametrize("entry", VOICES, ids=lambda entry: entry.name)
def test_a_voice_comes_with_its_card_and_says_what_it_was_made_for(entry: Entry) -> None:
    file = ROOT / entry.adapter
    assert file.stat().st_size <= 25_000_000
    adapter = read_adapter(file)
    assert adapter.values[FINGERPRINT], "it can be checked against its base"
    card = file.with_suffix(".json").read_text(encoding="utf-8")
    served = json.loads(str(adapter.values["mrp.style"]))
    assert served["repeat_penalty"] == json.loads(card)["recipe"]["sampling"]["repeat_penalty"]
    assert not re.search(r'"/|[A-Z]:\\\\', card), "paths are nobody else's business"
