"""How turns are fenced for a model: markup is data, one value a family.

A fence is a pair of control texts around a block. Only these texts are ever encoded as control
tokens; all that people and characters say is encoded as plain text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Markup:
    """`open[role]` starts a block, `close` ends it; `end` is the token a reply ends with.

    `begin` stands once before everything (a BOS token, where the family wants one);
    `gap` follows `close` (ChatML has a line break there that the model is not asked to write);
    `thought` stands only before the reply that is asked for (an empty thought, so that a thinking
    model does not think aloud).
    """

    name: str
    system: str
    user: str
    assistant: str
    close: str
    gap: str = ""
    begin: str = ""
    thought: str = ""

    def open(self, role: Role) -> str:
        return {"system": self.system, "user": self.user, "assistant": self.assistant}[role]

    @property
    def control(self) -> tuple[str, ...]:
        """Every control text, for a tokenizer that is being made."""
        return tuple(t for t in (self.begin, "<|im_start|>", self.close) if t)


# ChatML as Qwen2/2.5/3 use it; InternLM2 the same after its BOS.
# Source: chat_template in the models' tokenizer_config.json.
CHATML = Markup(
    name="chatml",
    system="<|im_start|>system\n",
    user="<|im_start|>user\n",
    assistant="<|im_start|>assistant\n",
    close="<|im_end|>",
    gap="\n",
)
INTERNLM2 = Markup(
    name="internlm2",
    system=CHATML.system,
    user=CHATML.user,
    assistant=CHATML.assistant,
    close=CHATML.close,
    gap=CHATML.gap,
    begin="<s>",
)
# Qwen3 thinks unless an empty thought stands before the answer (its template's
# enable_thinking=false).
QWEN3 = Markup(
    name="qwen3",
    system=CHATML.system,
    user=CHATML.user,
    assistant=CHATML.assistant,
    close=CHATML.close,
    gap=CHATML.gap,
    thought="<think>\n\n</think>\n\n",
)

MARKUPS = {markup.name: markup for markup in (CHATML, INTERNLM2, QWEN3)}
