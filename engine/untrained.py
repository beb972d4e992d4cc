"""The same model before it learned anything: a GGUF's shape and vocabulary with random weights.

    write(Path("models/xiyou-mini.gguf"), Path("untrained.gguf"), seed=1)

A control for measures: what it scores is what a model of this size scores by being a model.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from engine.sequence import ModelError

SPREAD = 0.02  # standard deviation of the weights, as language models are initialised


def write(model: Path, path: Path, *, seed: int = 1) -> None:
    """Write the control: metadata as it was, norms of one, all other weights noise in F16.

    Raises:
        ModelError: the model is missing or no GGUF.
    """
    import gguf  # only who makes models needs it

    try:
        reader: Any = gguf.GGUFReader(model)
    except (OSError, ValueError) as problem:
        raise ModelError(f"{model} cannot be read as a GGUF: {problem}") from None
    architecture = reader.fields["general.architecture"].contents()
    partial = path.with_suffix(f".{os.getpid()}")
    writer: Any = gguf.GGUFWriter(partial, architecture)
    for name, field in reader.fields.items():
        # The first three describe the file, which is another one now.
        if name.startswith("GGUF.") or name in ("general.architecture", "general.name"):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, sub_type=inner)
    writer.add_name(f"{model.stem}, untrained")
    generator = np.random.default_rng(seed)
    for tensor in reader.tensors:
        shape = tuple(int(size) for size in reversed(tensor.shape))
        if len(shape) == 1:
            whole = np.ones if tensor.name.endswith("weight") else np.zeros
            writer.add_tensor(tensor.name, whole(shape, np.float32))
        else:
            weights = generator.standard_normal(shape, np.float32) * SPREAD
            writer.add_tensor(tensor.name, weights.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(path)
