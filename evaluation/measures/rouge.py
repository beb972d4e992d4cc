"""Rouge-L as RoleBench counts it: jieba's words, rouge_chinese's F, one item after the other.

    rouge_l("老孙来也", "老孙去也")            0..1
    rolebench(rows, answers)                  CUS, RAW, SPE and their mean

The only door to jieba and rouge_chinese. Sources: RoleLLM (arXiv 2310.00746), section 5, and the
evaluator for it in OpenCompass. Published tables are ×100; these are 0..1.
"""

from __future__ import annotations

import logging
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from evaluation.error import EvaluationError

# What stands for a text without a word; the library refuses an empty one.
_NOTHING = "无内容"

# Which answer each part of RoleBench is held against.
PARTS = {
    "CUS": "general, against the answer in the role",
    "RAW": "general, against the plain answer",
    "SPE": "role-specific, against the answer in the role",
}


def words(text: str) -> list[str]:
    """jieba's words, blanks left out."""
    import jieba  # of the evaluate extra; it loads its dictionary when it is first used

    jieba.setLogLevel(logging.WARNING)
    return [word for word in jieba.cut(text) if word.strip()]


def rouge_l(candidate: str, reference: str) -> float:
    """The longest common subsequence of words as an F measure, 0..1."""
    from rouge_chinese import Rouge  # of the evaluate extra

    ours = " ".join(words(candidate)) or _NOTHING
    theirs = " ".join(words(reference)) or _NOTHING
    scores: list[dict[str, dict[str, float]]] = Rouge(metrics=["rouge-l"]).get_scores(
        [ours], [theirs]
    )
    return float(scores[0]["rouge-l"]["f"])


def rolebench(items: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Means by part over items of `part` (CUS, RAW or SPE), `answer` and `reference`, and `avg`.

    Raises:
        EvaluationError: no item, or a part that RoleBench does not have.
    """
    scores: dict[str, list[float]] = {}
    for item in items:
        if item["part"] not in PARTS:
            raise EvaluationError(f"RoleBench has {', '.join(PARTS)}, not {item['part']!r}")
        scores.setdefault(item["part"], []).append(rouge_l(item["answer"], item["reference"]))
    if not scores:
        raise EvaluationError("there is nothing to score: no item of RoleBench was given")
    means = {part: statistics.fmean(scores[part]) for part in PARTS if part in scores}
    return {**means, "avg": statistics.fmean(means.values())}
