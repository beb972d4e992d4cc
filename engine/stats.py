"""What the engine has done so far: counters and two histograms, for metrics and for `mrp bench`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(slots=True)
class Histogram:
    """Durations in seconds, in buckets that grow by a tenth: quantiles are right within 10%."""

    counts: dict[int, int] = field(default_factory=dict)
    count: int = 0
    total: float = 0.0
    longest: float = 0.0

    def add(self, seconds: float) -> None:
        bucket = math.ceil(math.log(max(seconds, 1e-6)) / math.log(1.1))
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.count += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)

    def quantile(self, q: float) -> float:
        """Seconds below which a share `q` (0…1) of the durations lie; 0 when there are none."""
        left = q * self.count
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 0:
                return min(1.1**bucket, self.longest)
        return 0.0


@dataclass(slots=True)
class Stats:
    """A snapshot. Tokens and replies are counts since the engine was opened; `cells` are tokens.

    `evaluated` are prompt tokens read, `reused` prompt tokens that were there already, `restored`
    those of them that came back from host memory, of which `offloaded_bytes` are in use. `busy_s`
    is the time of all steps, `model_s` the part of it inside llama.cpp's evaluation and sampling.
    `batch_fill` is tokens a step.
    """

    queued: int = 0
    writing: int = 0
    reading: int = 0
    replies: int = 0
    steps: int = 0
    evaluated: int = 0
    reused: int = 0
    restored: int = 0
    generated: int = 0
    failed: int = 0
    restarts: int = 0
    cells: int = 0
    cells_used: int = 0
    cells_peak: int = 0
    offloaded_bytes: int = 0
    busy_s: float = 0.0
    model_s: float = 0.0
    first_token: Histogram = field(default_factory=Histogram)
    gap: Histogram = field(default_factory=Histogram)

    @property
    def batch_fill(self) -> float:
        return (self.evaluated + self.generated) / max(1, self.steps)

    @property
    def python_share(self) -> float:
        """The part of the steps' time that is ours and not the model's."""
        return 1 - self.model_s / self.busy_s if self.busy_s else 0.0
