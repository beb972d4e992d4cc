"""The dense index end to end: a real embedding GGUF, through the front door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import mrp
from engine.shapes import SHAPES, Shape, write

NOVEL = """# 第一回　借书
阿青道：“鹿先生，这本棋谱借我看几日。”鹿先生道：“借便借了，莫教雨打湿。”
阿青道：“我用油布包着。”两个出门去了。
# 第二回　还书
阿青道：“鹿先生，棋谱还你。”鹿先生道：“怎么湿了一角？”阿青道：“是狗儿咬的。”
"""


@pytest.fixture
def novel(tmp_path: Path) -> Path:
    file = tmp_path / "novel.txt"
    file.write_text(NOVEL, encoding="utf-8")
    return file


def model(folder: Path, shape: Shape) -> Path:
    path = folder / f"{shape.width}.gguf"
    write(path, shape)
    return path


def test_a_dense_index_is_built_and_searched(
    novel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embedding = str(model(tmp_path, SHAPES["tiny"]))
    folder = str(tmp_path / "canon")
    assert mrp.main(["canon", "build", str(novel), "-o", folder, "--embed", embedding]) == 0
    words = ["canon", "search", "棋谱借我看几日", "--canon", folder, "-k", "1", "--json"]
    assert mrp.main([*words, "--embed", embedding]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [passage["section"] for passage in found["passages"]] == [1]
    assert mrp.main([*words, "--as-of", "1", "--embed", embedding]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert all(passage["section"] == 1 for passage in found["passages"])


def test_an_index_of_another_model_is_said_so(
    novel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = SHAPES["tiny"]
    other = Shape(**{**vars_of(small), "width": 2 * small.width, "heads": 2 * small.heads})
    folder = str(tmp_path / "canon")
    first = str(model(tmp_path, small))
    assert mrp.main(["canon", "build", str(novel), "-o", folder, "--embed", first]) == 0
    second = str(model(tmp_path, other))
    status = mrp.main(["canon", "search", "棋谱", "--canon", folder, "--embed", second])
    assert status == 2
    assert "another embedding model" in capsys.readouterr().err


def vars_of(shape: Shape) -> dict[str, Any]:
    return {name: getattr(shape, name) for name in shape.__dataclass_fields__}
