"""How turns are fenced for a model: markup is data, one value a family.

A fence is a pair of control texts around a block. Only these texts are ever encoded as control
tokens; all that people and characters say is encoded as plain text.

Families differ in what they can express. One rule for all: each turn is a block of its own, also
where one side speaks twice; a system part stands in the family's system fence, else in its user
fence; a system part amid the talk (the tail before a reply) stands in the fence that `tail` names.
Older families fence with ordinary text (`plain`): there everything that is said has the fences in
it made harmless first, see `characters.fences`.
Sources: the chat templates in the models' tokenizer_config.json, as llama.cpp's source package
collects them, and llama.cpp's own formatter for families without one; RoleLLaMA's is from its
paper (arXiv 2310.00746). tests/characters/test_families.py holds each family to its template.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from characters.fences import defused

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

    `plain` are fences that are ordinary text in this family. `lead` is the space it has between a
    fence and what is said; it is encoded with the latter, because vocabularies hold " Old" as one
    token.
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
    plain: tuple[str, ...] = ()
    lead: str = ""

    def said(self, text: str, role: Role | None = None) -> str:
        """A text as it stands in the prompt: no fence is in it, and where it begins the block of a
        `role`, the family's `lead` comes first (a system part without a fence has none)."""
        lead = self.lead if role and (role != "system" or self.system) else ""
        return lead + (defused(text, self.plain) if self.plain else text)

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
# Mistral 7B: [INST] is plain text in its first two versions, a token in the third. There is no
# system part: official templates run it into the first user's turn, here it is one of its own.
MISTRAL1 = Markup(
    name="mistral-v1",
    system=" [INST]",
    user=" [INST]",
    assistant="",
    close="</s>",
    system_close=" [/INST]",
    user_close=" [/INST]",
    fences=("</s>",),
    plain=("[INST]", "[/INST]"),
    lead=" ",
)
MISTRAL3 = replace(MISTRAL, name="mistral-v3", lead=" ")
LLAMA2 = replace(
    MISTRAL1,
    name="llama2",
    system="[INST] <<SYS>>\n",
    user="[INST] ",
    system_close="\n<</SYS>>\n\n [/INST]",
    plain=(*MISTRAL1.plain, "<<SYS>>", "<</SYS>>"),
    lead="",
)
# Phi-4 has ChatML's names with a token of its own between role and text.
PHI4 = Markup(
    name="phi4",
    system="<|im_start|>system<|im_sep|>",
    user="<|im_start|>user<|im_sep|>",
    assistant="<|im_start|>assistant<|im_sep|>",
    close="<|im_end|>",
    fences=("<|im_start|>", "<|im_sep|>", "<|im_end|>"),
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
GLM4 = replace(GLM46, name="glm-4", assistant="<|assistant|>\n")
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
# Families that fence with plain text. Alpaca's and Vicuna's preambles are system parts, which stand
# bare before the first turn; amid the talk they are a user's.
ALPACA = Markup(
    name="alpaca",
    system="",
    user="### Instruction:\n",
    assistant="### Response:\n",
    close="</s>",
    gap="\n\n",
    system_close="\n\n",
    user_close="\n\n",
    fences=("</s>",),
    tail="user",
    plain=("###",),
)
# RoleLLaMA puts the role into Alpaca's instruction and what is said into its input.
ROLELLAMA = replace(
    ALPACA,
    name="rolellama",
    system="### Instruction:\n",
    user="### Input:\n",
    system_close=None,
    user_close=None,
    tail="system",
)
VICUNA = Markup(
    name="vicuna",
    system="",
    user="USER:",
    assistant="ASSISTANT:",
    close="</s>",
    gap="\n",
    system_close="\n\n",
    user_close="\n",
    fences=("</s>",),
    tail="user",
    plain=("USER:", "ASSISTANT:", "SYSTEM:"),
    lead=" ",
)
# Zephyr's and TinyLlama's role names look like tokens and are none.
ZEPHYR = Markup(
    name="zephyr",
    system="<|system|>\n",
    user="<|user|>\n",
    assistant="<|assistant|>\n",
    close="</s>",
    gap="\n",
    fences=("</s>",),
    plain=("<|system|>", "<|user|>", "<|assistant|>"),
)
DEEPSEEK_LLM = Markup(
    name="deepseek-llm",
    system="",
    user="User:",
    assistant="Assistant:",
    close="<｜end▁of▁sentence｜>",
    system_close="\n\n",
    user_close="\n\n",
    fences=("<｜end▁of▁sentence｜>",),
    tail="user",
    plain=("User:", "Assistant:"),
    lead=" ",
)
DEEPSEEK_CODER = replace(
    ALPACA,
    name="deepseek-coder",
    close="\n<|EOT|>",
    gap="\n",
    system_close="",
    user_close="\n",
    fences=("<|EOT|>",),
)
# MiniCPM 1 and 2; later ones speak ChatML.
MINICPM = Markup(
    name="minicpm",
    system="",
    user="<用户>",
    assistant="<AI>",
    close="",
    system_close="",
    user_close="",
    fences=(),
    tail="user",
    plain=("<用户>", "<AI>"),
)

# For servers that take chat messages only: `engine.remote` turns these fences into messages, in the
# roles that every template has, and nothing can be put into the model's mouth.
MESSAGES = replace(CHATML, name="messages", tail="user", names_next=True)

MARKUPS = {
    markup.name: markup
    for markup in (
        *(CHATML, INTERNLM2, QWEN3, SMOLLM3, LLAMA3, GEMMA, GEMMA4, MISTRAL, MISTRAL7, PHI3),
        *(GLM46, GLM47, DEEPSEEK, DEEPSEEK_R1, COMMAND_R, COMMAND_R7B, GPT_OSS, GRANITE, KIMI),
        *(SEED, PHI4, GLM4, MISTRAL1, MISTRAL3, LLAMA2, ALPACA, ROLELLAMA, VICUNA, ZEPHYR),
        *(DEEPSEEK_LLM, DEEPSEEK_CODER, MINICPM),
    )
}

# A family is known by what its chat template says: all of these texts, and none of those after
# them. The first that holds is taken.
_KNOWN: tuple[tuple[Markup, tuple[str, ...], tuple[str, ...]], ...] = (
    (LLAMA3, ("<|start_header_id|>", "<|eot_id|>"), ()),
    (GEMMA4, ("<|turn>", "<turn|>"), ()),
    (GEMMA, ("<start_of_turn>", "<end_of_turn>"), ()),
    (MISTRAL7, ("[SYSTEM_PROMPT]", "[INST]"), ()),
    # With a space behind it [INST] is of the generations before Tekken; with one before it, too, of
    # those in which it is plain text.
    (MISTRAL, ("[INST]", "[/INST]"), ("[INST] ", "<<SYS>>")),
    (LLAMA2, ("[INST] ", "<<SYS>>", "eos_token"), ()),
    (MISTRAL1, (" [INST] ", " [/INST]", "eos_token"), ()),
    (MISTRAL3, ("[INST] ", "[/INST]", "[AVAILABLE_TOOLS]"), ()),
    (MISTRAL1, ("[INST] ", " [/INST]", "eos_token"), ()),
    (MISTRAL3, ("[INST] ", "[/INST]", "eos_token"), ()),
    (GLM46, ("[gMASK]<sop>", "\\n<think></think>"), ()),
    (GLM47, ("[gMASK]<sop>", "</think>"), ()),
    (GLM4, ("[gMASK]<sop>", "<|assistant|>"), ()),
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
    (PHI4, ("<|im_start|>", "<|im_sep|>", "<|im_end|>"), ()),
    # Others have the same names for roles and end no user's turn (Falcon 3).
    (ZEPHYR, ("'<|user|>\\n' + message['content'] + eos_token", "<|assistant|>"), ()),
    (ROLELLAMA, ("### Instruction:", "### Input:", "### Response:", "eos_token"), ()),
    (DEEPSEEK_CODER, ("### Instruction:", "### Response:", "<|EOT|>"), ()),
    (ALPACA, ("### Instruction:", "### Response:"), ()),
    (VICUNA, ("USER: ", "ASSISTANT: "), ("SYSTEM: ",)),
    (DEEPSEEK_LLM, ("User: ", "Assistant: ", "eos_token"), ("System: ",)),
    (MINICPM, ("<用户>", "<AI>"), ()),
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
