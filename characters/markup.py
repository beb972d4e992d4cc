"""How turns are fenced for a model: markup is data, one value a family.

A fence is a pair of control texts around a block. Only these texts are ever encoded as control
tokens; all that people and characters say is encoded as plain text.

Families differ in what they can express. One rule for all: each turn is a block of its own, also
where one side speaks twice; a system part stands in the family's system fence, else in its user
fence; a system part amid the talk (the tail before a reply) stands in the fence that `tail` names.
Sources: the chat templates in the models' tokenizer_config.json, as llama.cpp's source package
collects them; tests/characters/test_families.py holds each family to its own template.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Role = Literal["system", "user", "assistant"]
_CHATML = ("<|im_start|>", "<|im_end|>")


@dataclass(frozen=True, slots=True)
class Markup:
    """`open[role]` starts a block, `shut(role)` ends it; `close` is the token a reply ends with.

    `names_next`: the tail always stands, as the reply cannot be begun with the speaker's name.
    `begin` stands once before everything (a BOS token, where the family wants one);
    `gap` follows `close` (ChatML has a line break there that the model is not asked to write);
    `thought` stands only before the reply that is asked for (an empty thought, so that a thinking
    model does not think aloud). `system_close` and `user_close`: what ends these blocks where it
    is not `close` and `gap`. `fences` are the control tokens in all of these; `tail` is the role
    of what is told amid the talk.
    """

    name: str
    system: str
    user: str
    assistant: str
    close: str
    gap: str = ""
    begin: str = ""
    thought: str = ""
    system_close: str | None = None
    user_close: str | None = None
    fences: tuple[str, ...] = _CHATML
    tail: Role = "system"
    names_next: bool = False

    def open(self, role: Role) -> str:
        return {"system": self.system, "user": self.user, "assistant": self.assistant}[role]

    def shut(self, role: Role) -> tuple[str, ...]:
        """The texts that follow a block, each encoded by itself."""
        own = {"system": self.system_close, "user": self.user_close}.get(role)
        return tuple(text for text in ((self.close, self.gap) if own is None else (own,)) if text)

    @property
    def control(self) -> tuple[str, ...]:
        """Every control text, for a tokenizer that is being made."""
        return tuple(text for text in (self.begin, *self.fences) if text)


# ChatML as Qwen2/2.5, LFM2 and Hermes use it; InternLM2 the same after its BOS.
CHATML = Markup(
    name="chatml",
    system="<|im_start|>system\n",
    user="<|im_start|>user\n",
    assistant="<|im_start|>assistant\n",
    close="<|im_end|>",
    gap="\n",
)
INTERNLM2 = replace(CHATML, name="internlm2", begin="<s>")
# Qwen3, Qwen3.5 and MiniCPM5 think unless an empty thought stands before the answer (their
# templates' enable_thinking=false).
QWEN3 = replace(CHATML, name="qwen3", thought="<think>\n\n</think>\n\n")
SMOLLM3 = replace(CHATML, name="smollm3", assistant="<|im_start|>assistant\n<think>\n\n</think>\n")
LLAMA3 = Markup(
    name="llama3",
    system="<|start_header_id|>system<|end_header_id|>\n\n",
    user="<|start_header_id|>user<|end_header_id|>\n\n",
    assistant="<|start_header_id|>assistant<|end_header_id|>\n\n",
    close="<|eot_id|>",
    fences=("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
)
# Gemma 1 to 3 know no system role: what it says is a user's turn.
GEMMA = Markup(
    name="gemma",
    system="<start_of_turn>user\n",
    user="<start_of_turn>user\n",
    assistant="<start_of_turn>model\n",
    close="<end_of_turn>",
    gap="\n",
    fences=("<start_of_turn>", "<end_of_turn>"),
)
GEMMA4 = Markup(
    name="gemma4",
    system="<|turn>system\n",
    user="<|turn>user\n",
    assistant="<|turn>model\n",
    close="<turn|>",
    gap="\n",
    thought="<|channel>thought\n<channel|>",
    fences=("<|turn>", "<turn|>"),
)
# Mistral with the Tekken tokenizer (Nemo and its role-play tunes); [SYSTEM_PROMPT] came later.
MISTRAL = Markup(
    name="mistral-tekken",
    system="[INST]",
    user="[INST]",
    assistant="",
    close="</s>",
    system_close="[/INST]",
    user_close="[/INST]",
    fences=("[INST]", "[/INST]", "</s>"),
)
MISTRAL7 = replace(
    MISTRAL,
    name="mistral-v7",
    system="[SYSTEM_PROMPT]",
    system_close="[/SYSTEM_PROMPT]",
    fences=("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", *MISTRAL.fences),
)
# Phi's template has a line break behind <|end|>, which its tokenizer strips (rstrip).
PHI3 = Markup(
    name="phi3",
    system="<|system|>\n",
    user="<|user|>\n",
    assistant="<|assistant|>\n",
    close="<|end|>",
    fences=("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
)
# GLM ends a block with the next one's role; replies end with <|user|>.
_GLM = ("[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>")
GLM46 = Markup(
    name="glm-4.6",
    system="<|system|>\n",
    user="<|user|>\n",
    assistant="<|assistant|>\n<think></think>\n",
    close="",
    begin="[gMASK]<sop>",
    fences=_GLM,
)
GLM47 = Markup(
    name="glm-4.7",
    system="<|system|>",
    user="<|user|>",
    assistant="<|assistant|></think>",
    close="",
    begin="[gMASK]<sop>",
    fences=_GLM,
)
# DeepSeek's system part stands bare before the first turn; amid the talk it is a user's.
DEEPSEEK = Markup(
    name="deepseek-v3.1",
    system="",
    user="<｜User｜>",
    assistant="<｜Assistant｜><think></think>",
    close="<｜end▁of▁sentence｜>",
    system_close="",
    user_close="",
    fences=("<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"),
    tail="user",
)
DEEPSEEK_R1 = replace(
    DEEPSEEK, name="deepseek-r1", assistant="<｜Assistant｜>", thought="<think>\n\n</think>\n\n"
)
_COMMAND = "<|START_OF_TURN_TOKEN|>"
_COMMAND_ROLES = (
    *(_COMMAND, "<|SYSTEM_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"),
    "<|END_OF_TURN_TOKEN|>",
)
COMMAND_R7B = Markup(
    name="command-r7b",
    system=f"{_COMMAND}<|SYSTEM_TOKEN|>",
    user=f"{_COMMAND}<|USER_TOKEN|>",
    assistant=f"{_COMMAND}<|CHATBOT_TOKEN|><|START_RESPONSE|>",
    close="<|END_RESPONSE|>",
    gap="<|END_OF_TURN_TOKEN|>",
    system_close="<|END_OF_TURN_TOKEN|>",
    user_close="<|END_OF_TURN_TOKEN|>",
    fences=(*_COMMAND_ROLES, "<|START_RESPONSE|>", "<|END_RESPONSE|>"),
)
COMMAND_R = Markup(
    name="command-r",
    system=f"{_COMMAND}<|SYSTEM_TOKEN|>",
    user=f"{_COMMAND}<|USER_TOKEN|>",
    assistant=f"{_COMMAND}<|CHATBOT_TOKEN|>",
    close="<|END_OF_TURN_TOKEN|>",
    fences=_COMMAND_ROLES,
)
# gpt-oss: instructions are the developer's; the final channel is opened, so it does not think.
GPT_OSS = Markup(
    name="gpt-oss",
    system="<|start|>developer<|message|># Instructions\n\n",
    user="<|start|>user<|message|>",
    assistant="<|start|>assistant<|channel|>final<|message|>",
    close="<|end|>",
    system_close="\n\n<|end|>",
    fences=("<|start|>", "<|message|>", "<|channel|>", "<|end|>"),
)
GRANITE = Markup(
    name="granite",
    system="<|start_of_role|>system<|end_of_role|>",
    user="<|start_of_role|>user<|end_of_role|>",
    assistant="<|start_of_role|>assistant<|end_of_role|>",
    close="<|end_of_text|>",
    gap="\n",
    fences=("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"),
)
KIMI = Markup(
    name="kimi-k2",
    system="<|im_system|>system<|im_middle|>",
    user="<|im_user|>user<|im_middle|>",
    assistant="<|im_assistant|>assistant<|im_middle|>",
    close="<|im_end|>",
    fences=("<|im_system|>", "<|im_user|>", "<|im_assistant|>", "<|im_middle|>", "<|im_end|>"),
)
SEED = Markup(
    name="seed-oss",
    system="<seed:bos>system\n",
    user="<seed:bos>user\n",
    assistant="<seed:bos>assistant\n",
    close="<seed:eos>",
    fences=("<seed:bos>", "<seed:eos>"),
)

# For servers that take chat messages only: `engine.remote` turns these fences into messages, in the
# roles that every template has, and nothing can be put into the model's mouth.
MESSAGES = replace(CHATML, name="messages", tail="user", names_next=True)

MARKUPS = {
    markup.name: markup
    for markup in (
        *(CHATML, INTERNLM2, QWEN3, SMOLLM3, LLAMA3, GEMMA, GEMMA4, MISTRAL, MISTRAL7, PHI3),
        *(GLM46, GLM47, DEEPSEEK, DEEPSEEK_R1, COMMAND_R, COMMAND_R7B, GPT_OSS, GRANITE, KIMI),
        SEED,
    )
}

# A family is known by what its chat template says: all of these texts, and none of those after
# them. The first that holds is taken.
_KNOWN: tuple[tuple[Markup, tuple[str, ...], tuple[str, ...]], ...] = (
    (LLAMA3, ("<|start_header_id|>", "<|eot_id|>"), ()),
    (GEMMA4, ("<|turn>", "<turn|>"), ()),
    (GEMMA, ("<start_of_turn>", "<end_of_turn>"), ()),
    (MISTRAL7, ("[SYSTEM_PROMPT]", "[INST]"), ()),
    # With a space behind it [INST] is of the generations before Tekken, which are plain text.
    (MISTRAL, ("[INST]", "[/INST]"), ("[INST] ", "<<SYS>>")),
    (GLM46, ("[gMASK]<sop>", "\\n<think></think>"), ()),
    (GLM47, ("[gMASK]<sop>", "</think>"), ()),
    (COMMAND_R7B, (_COMMAND, "<|START_RESPONSE|>"), ()),
    (COMMAND_R, (_COMMAND, "<|CHATBOT_TOKEN|>"), ()),
    (GPT_OSS, ("<|start|>", "<|channel|>", "<|message|>"), ()),
    (GRANITE, ("<|start_of_role|>", "<|end_of_role|>"), ()),
    (KIMI, ("<|im_middle|>", "<|im_user|>"), ()),
    (SEED, ("<seed:bos>",), ()),
    (PHI3, ("<|assistant|>", "<|end|>", "<|user|>"), ("[gMASK]",)),
    (DEEPSEEK, ("<｜Assistant｜>", "<think></think>"), ("<｜Assistant｜><think>\\n", "DSML")),
    (DEEPSEEK_R1, ("<｜Assistant｜>", "<think>\\n"), ()),
    (SMOLLM3, ("<|im_start|>", "reasoning_mode"), ()),
    (QWEN3, ("<|im_start|>", "enable_thinking"), ("<|im_sep|>",)),
    (CHATML, ("<|im_start|>",), ("<|im_sep|>",)),
)


def by_template(template: str) -> Markup | None:
    """The markup of a chat template; None where it is of no family known here."""
    return next(
        (
            markup
            for markup, said, unsaid in _KNOWN
            if all(text in template for text in said)
            and not any(text in template for text in unsaid)
        ),
        None,
    )
