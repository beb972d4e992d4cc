"""The model that ships: what it writes does not depend on what else is being written."""

import asyncio
from pathlib import Path

import llama_cpp

from engine.llama import LlamaEngine
from engine.sequence import Sampling

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "xiyou-mini.gguf"
NAMES = ["孙悟空", "唐僧", "猪八戒", "沙僧", "观音菩萨"]
SAID = [
    "你是谁？",
    "今晚吃甚么？",
    "前面有一座高山，恐有妖怪。",
    "师父被妖精捉去了，怎么办？",
    "Who are you?",
    "你怕不怕紧箍咒？",
    "把金箍棒拿来我看看。",
    "这里离西天还有多远？",
    "八戒又偷懒了。",
    "你最喜欢甚么？",
]


async def test_greedy_replies_equal_the_model_alone_on_a_hundred_prompts() -> None:
    engine = LlamaEngine.open(SHIPPED, context=512, replies=8, threads=1, flash=False)
    sampling = Sampling(temperature=0, max_tokens=32)

    def prompt(system: str, said: str, name: str) -> list[int]:
        return [
            *engine.encode("<|im_start|>system\n", True),
            *engine.encode(system),
            *engine.encode("<|im_end|>\n<|im_start|>user\n", True),
            *engine.encode("小明：" + said),
            *engine.encode("<|im_end|>\n<|im_start|>assistant\n", True),
            *engine.encode(name + "："),
        ]

    systems = ["这是一场多人对话。", "这是一场多人对话。场景：花果山水帘洞。"]
    prompts = [prompt(s, said, name) for s in systems for said in SAID for name in NAMES]

    async def write(number: int) -> list[int]:
        reply = engine.stream(prompts[number], sampling, room=str(number % 7))
        async for _ in reply:
            pass
        return reply.tokens

    together = await asyncio.gather(*map(write, range(len(prompts))))
    options = {"n_ctx": 512, "n_threads": 1, "n_threads_batch": 1, "verbose": False}
    llama = llama_cpp.Llama(str(SHIPPED), **options)
    ties = 0
    for tokens, written in zip(prompts, together, strict=True):
        llama.reset()
        alone: list[int] = []
        for token in llama.generate(tokens, temp=0.0):
            if token in engine.ends or len(alone) == sampling.max_tokens:
                break
            alone.append(token)
        pairs = enumerate(zip(written, alone, strict=False))
        if (at := next((n for n, (a, b) in pairs if a != b), None)) is not None:
            ties += 1
            judge = llama_cpp.Llama(str(SHIPPED), logits_all=True, **options)
            judge.eval([*tokens, *alone[:at]])
            logits = judge.scores[len(tokens) + at - 1]
            assert abs(logits[written[at]] - logits[alone[at]]) < 1e-2, "not a tie"
        elif len(written) != len(alone):
            # Half a character at the end is not shown; else one of the two ended by itself.
            assert abs(len(written) - len(alone)) <= 3
    print(f"{len(prompts) - ties} equal, {ties} part at a tie")
    assert len(prompts) == 100
    await engine.close()
