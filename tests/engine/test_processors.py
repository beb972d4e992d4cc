"""How many threads a model computes with."""

import os

from engine.processors import processors


def test_never_more_than_the_process_may_use() -> None:
    assert 1 <= processors() <= (os.cpu_count() or 1)
