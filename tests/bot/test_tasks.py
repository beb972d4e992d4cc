"""What a model is asked beside talk."""

import pytest

from bot.tasks import LEAST, billions, tasks_of


@pytest.mark.parametrize(
    ("metadata", "size"),
    [
        ({"general.size_label": "0.5B"}, 0.5),
        ({"general.size_label": "135M"}, 0.135),
        ({"general.size_label": "8x7B"}, 56),
        ({"general.size_label": "30B-A3B"}, 30),
        ({"general.size_label": "1T"}, 1000),
        ({"general.name": "Qwen2.5 7B Instruct"}, 7),
        ({"general.name": "Meta-Llama-3.1-8B"}, 8),
        ({"general.name": "qwen2.5:14b-instruct"}, 14),
        ({"general.size_label": "large", "general.name": "Phi 3 mini 3.8B"}, 3.8),
        ({"general.size_label": "", "general.name": "GLM4"}, None),
        ({"general.name": "Bert 2Bit, 4 bits"}, None),
        ({"general.name": "model v1.5b2"}, None),
        ({}, None),
    ],
)
def test_the_size_of_a_model_by_label_or_name(metadata, size):
    assert billions(metadata) == pytest.approx(size) if size else billions(metadata) is None


def test_what_is_asked_follows_from_the_size():
    for task, least in LEAST.items():
        assert task in tasks_of({"general.size_label": f"{least or 0.1}B"})
        if least:
            assert task not in tasks_of({"general.size_label": f"{least * 900:.0f}M"})
    assert tasks_of({}) == frozenset(LEAST)  # of unknown size: a server that does not say


@pytest.mark.parametrize(("row", "plays"), [(None, False), (0, False), (768, True), (2048, False)])
def test_a_model_of_short_rows_only_plays(row, plays):
    tasks = tasks_of({"general.size_label": "70B"}, row)
    assert (tasks == {"turns"}) == plays
    assert ("drafts" not in tasks) == plays
