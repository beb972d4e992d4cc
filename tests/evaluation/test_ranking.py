from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from canon import Canon
from evaluation.ranking import HERE, Example, as_ranking, before, example, learn, main, weights_of


def made(right: int, evidence: list[list[float]]) -> Example:
    count = len(evidence)
    return Example(
        "zh", 1, np.arange(count), np.arange(count) == right, np.array(evidence, dtype=np.float32)
    )


def test_learning_turns_to_the_evidence_that_tells() -> None:
    # The first kind of evidence speaks for the wrong passage, the second for the right one.
    examples = [made(0, [[0.0, 2.0], [3.0, 0.0]]) for _ in range(20)]
    learned = learn(examples, np.array([1.0, 0.0]))
    assert learned[1] > 0.5
    assert learned[0] < 0.5


def test_nothing_to_learn_from_leaves_the_weights() -> None:
    assert np.allclose(learn([], np.array([1.0, 0.3])), [1.0, 0.3], atol=1e-6)


def test_a_book_without_notes_has_fewer_weights() -> None:
    noted, plain = weights_of(noted=True), weights_of(noted=False)
    assert set(plain) < set(noted)
    assert not any(field in ("notes", "around", "chapter_notes") for field, _ in plain)


def test_a_vector_becomes_a_model() -> None:
    weights = [("passages", "pair"), ("passages", "asked"), HERE]
    model = as_ranking(weights, np.array([0.5, 2.0, 0.25]))
    assert model.fields == {"passages": {"pair": 0.5, "asked": 2.0}}
    assert model.here == 0.25


def test_both_sets_are_learned_and_written(
    search_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "question": "下棋输了什么？",
            "lang": "zh",
            "evidence": [{"chapter": 1, "quote": "输了铜铃"}],
        },
        {
            "question": "灶屋怎么了？",
            "lang": "zh",
            "evidence": [{"chapter": 2, "quote": "烧了灶屋"}],
        },
        {"question": "不在书里", "lang": "zh", "evidence": [{"chapter": 2, "quote": "书里没有"}]},
    ]
    path = tmp_path / "qa.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    canon = Canon.open(search_folder)
    weights = weights_of(noted=True)
    assert example(canon, rows[2], weights) is None
    one = example(canon, rows[0], weights)
    assert one is not None
    assert one.evidence.shape == (len(one.passages), len(weights))
    assert one.evidence[one.right] @ before(weights) == pytest.approx(
        (one.evidence @ before(weights)).max()
    )
    out = tmp_path / "ranking.toml"
    assert main(["--qa", str(path), "--canon", str(search_folder), "-o", str(out)]) == 0
    assert "noted, learned" in capsys.readouterr().out
    assert "[plain]" in out.read_text(encoding="utf-8")
