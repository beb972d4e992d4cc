"""A file appears under its name only when it is complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quantize.error import QuantizeError


@contextmanager
def aside(output: Path, size: int, error: type[QuantizeError]) -> Iterator[Path]:
    """A path beside `output` to write to; it takes the name when the block ends well, and is gone
    when it does not. Two runs that write one file each have their own; the last one wins.

    `size` in bytes is what will be needed at most. Raises `error` for a place that cannot be
    written to, is too full, or fills up on the way.
    """
    if output.is_dir():
        raise error(f"{output} is a folder; name the file to write")
    if not output.parent.is_dir():
        raise error(f"{output.parent} is not a folder")
    free = shutil.disk_usage(output.parent).free
    if size > free:
        raise error(
            f"{output.parent} has {free / 1e9:.1f} GB free, but {output.name} needs "
            f"{size / 1e9:.1f} GB"
        )
    path = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        yield path
        os.replace(path, output)
    except OSError as problem:
        raise error(f"{output} cannot be written: {problem.strerror}") from problem
    finally:
        path.unlink(missing_ok=True)
