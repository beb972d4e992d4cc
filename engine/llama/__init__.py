"""llama.cpp behind our own interface: the only door to llama_cpp for generation.

    engine = LlamaEngine.open("models/xiyou-mini.gguf", context=2048, replies=4)
    async for piece in engine.stream(engine.encode("…"), Sampling()):
        print(piece, end="")

Written against llama-cpp-python 0.3.36, whose low-level API moves: when it does, this folder does.
"""

from engine.llama.engine import LlamaEngine, LlamaReply, Options

__all__ = ["LlamaEngine", "LlamaReply", "Options"]
