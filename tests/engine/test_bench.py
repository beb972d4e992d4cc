"""`mrp bench` runs, and its last line is what others read."""

import json
from pathlib import Path

import pytest

from engine import bench


def test_the_last_line_is_json_with_every_contender(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--model",
        str(tiny),
        "--scenes",
        "2",
        "--turns",
        "3",
        "--reply",
        "4",
        "--threads",
        "1",
    ]
    assert bench.main([*words, "--reply", "4", "--json"]) == 0
    out = capsys.readouterr().out.splitlines()
    contenders = json.loads(out[-1])["contenders"]
    assert set(contenders) == {"mrp", "naive", "shared"}
    expected = {
        *("prefill_ratio", "ttft_p50_s", "ttft_p95_s", "gap_p99_s", "gen_tok_s", "wall_s"),
        *("kv_cells_peak", "python_share"),
    }
    assert all(expected <= set(report) for report in contenders.values())
    assert contenders["mrp"]["prefill_ratio"] <= 1.1
    assert contenders["naive"]["prefill_ratio"] > contenders["mrp"]["prefill_ratio"]


def test_with_tails_only_new_tokens_tails_and_replies_are_read(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--model", str(tiny), "--scenes", "2", "--turns", "4", "--reply", "6", "--tail", "50"]
    assert bench.main([*words, "--threads", "1", "--only", "mrp", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])["contenders"]["mrp"]
    assert report["prefill_ratio_with_replies"] <= 1.1


def test_a_long_prompt_may_arrive(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model", str(tiny), "--scenes", "2", "--reply", "40", "--arrival", "300"]
    assert bench.main([*words, "--threads", "1", "--only", "mrp", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["contenders"]["mrp"]["gap_p99_s"]


def test_nothing_to_play_is_an_error(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--model", str(tiny), "--only", "nobody"]) == 2
    assert "no such contender" in capsys.readouterr().err


def test_quantiles_are_nearest_ranks() -> None:
    assert bench.quantile([3, 1, 2], 0.5) == 2
    assert bench.quantile([1, 2], 0.99) == 2
    assert bench.quantile([], 0.5) == 0
