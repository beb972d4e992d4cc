"""`mrp` in a process that shares its weights with others (FSDP, DeepSpeed) though there is no GPU.

accelerate shards over GPUs only; on a CPU it falls back to whole copies. Here it is told that
there are GPUs while every tensor stays on the CPU and gloo carries it, so that what is ours (the
loss in pieces, what is listened to, the saved adapter) meets weights that really are shared out.
In float32, because a sharded model rounds to bf16 in other places than autocast does.
"""

import os
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate import PartialState
from accelerate.utils import DistributedType

sys.path.insert(0, str(Path(__file__).parents[2]))

import mrp
from trainer import base

as_told = transformers.TrainingArguments.__init__


def on_a_gpu(self: Any, *args: Any, **told: Any) -> None:
    as_told(self, *args, **told | {"use_cpu": False})


if __name__ == "__main__":
    os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"
    PartialState._prepare_backend = lambda *_, **__: ("gloo", DistributedType.MULTI_GPU)
    transformers.TrainingArguments.__init__ = on_a_gpu
    base.precision = lambda recipe: torch.float32
    sys.exit(mrp.main(sys.argv[1:]))
