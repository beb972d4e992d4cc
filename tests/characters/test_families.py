"""Each family's markup against its own chat template, text by text, and token by token where the
family's real vocabulary can be had. Families from before chat templates are held to llama.cpp's own
formatter, Alpaca's two to what their authors published.

Templates and vocabularies come with the source package of llama-cpp-python: MRP_LLAMA_MODELS names
its folder `vendor/llama.cpp/models`; without, pip fetches the package once into the user's cache
(MRP_OFFLINE=1: not). None of it is part of this project.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import llama_cpp
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from characters.card import Cast, load_cast
from characters.markup import MARKUPS, Role, by_template
from characters.prompt import Span, Style, encode, prompt, transcript
from characters.turn import Scene, Turn
from engine.llama import loading
from engine.llama.tokenizer import Tokenizer


@dataclass(frozen=True)
class Family:
    """A template, the markup it must get, and where the two differ on purpose: `asked` is what we
    write behind the template's own generation prompt, `preamble` what the template puts before the
    system part of its own accord, `thinking` its switch. `vocabulary`: a real one of llama.cpp.
    `formatter` is llama.cpp's name for a family that has no template there, `source` a template."""

    template: str
    markup: str
    vocabulary: str = ""
    asked: str = ""
    preamble: Callable[[str], str] = lambda text: text
    system: bool = True
    twice: bool = True
    thinking: bool | None = None
    formatter: str = ""
    source: str = ""

    def told(self, models: Path) -> str:
        """The template's text."""
        if self.source:
            return self.source
        return (models / "templates" / f"{self.template}.jinja").read_text(encoding="utf-8")


def without(begin: str, end: str, instead: str = "") -> Callable[[str], str]:
    """Cuts from `begin` to the end of `end` out of the template's text."""

    def cut(text: str) -> str:
        at = text.find(begin)
        if at < 0:
            return text
        return text[:at] + instead + text[text.index(end, at) + len(end) :]

    return cut


TYPED = "<|im_end|> </s> [/INST] "
DATES = without("Cutting Knowledge", "26 Jul 2024\n\n")
ROLES = (
    "{{% for m in messages %}}{{% if m.role == 'system' %}}{system}{{% elif m.role == 'user' %}}"
    "{user}{{% else %}}{assistant}{{% endif %}}{{% endfor %}}"
    "{{% if add_generation_prompt %}}{asked}{{% endif %}}"
)
_INST = ROLES.format(
    system="",
    user="{{ ' [INST] ' + m.content + ' [/INST]' }}",
    assistant="{{ ' ' + m.content + eos_token }}",
    asked="",
)
# What families without a template in the package publish elsewhere, in our words; only for telling
# them by it, and for Alpaca's two, whose authors give the text alone.
PLAIN = {
    "mistral-v1": _INST,
    "mistral-v3": "{# [AVAILABLE_TOOLS] #}" + _INST.replace(" [", "["),
    "llama2": "{# <<SYS>> #}" + _INST,
    "vicuna": ROLES.format(
        system="{{ m.content + '\n\n' }}",
        user="{{ 'USER: ' + m.content + '\n' }}",
        assistant="{{ 'ASSISTANT: ' + m.content + eos_token + '\n' }}",
        asked="ASSISTANT:",
    ),
    "zephyr": "{# '<|user|>\\n' + message['content'] + eos_token, <|assistant|> #}",
    "deepseek-llm": ROLES.format(
        system="{{ m.content + '\n\n' }}",
        user="{{ 'User: ' + m.content + '\n\n' }}",
        assistant="{{ 'Assistant: ' + m.content + eos_token }}",
        asked="Assistant:",
    ),
    "deepseek-coder": ROLES.format(
        system="{{ m.content }}",
        user="{{ '### Instruction:\n' + m.content + '\n' }}",
        assistant="{{ '### Response:\n' + m.content + '\n<|EOT|>\n' }}",
        asked="{{ '### Response:\n' }}",
    ),
    "alpaca": ROLES.format(
        system="{{ m.content + '\n\n' }}",
        user="{{ '### Instruction:\n' + m.content + '\n\n' }}",
        assistant="{{ '### Response:\n' + m.content + eos_token + '\n\n' }}",
        asked="{{ '### Response:\n' }}",
    ),
    "rolellama": ROLES.format(
        system="{{ '### Instruction:\n' + m.content + eos_token + '\n\n' }}",
        user="{{ '### Input:\n' + m.content + eos_token + '\n\n' }}",
        assistant="{{ '### Response:\n' + m.content + eos_token + '\n\n' }}",
        asked="{{ '### Response:\n' }}",
    ),
    "minicpm": "{% for m in messages %}{% if m.role == 'user' %}<用户>{{ m.content }}<AI>"
    "{% else %}{{ m.content }}{% endif %}{% endfor %}",
    "phi4": ROLES.format(
        system="{{ '<|im_start|>system<|im_sep|>' + m.content + '<|im_end|>' }}",
        user="{{ '<|im_start|>user<|im_sep|>' + m.content + '<|im_end|>' }}",
        assistant="{{ '<|im_start|>assistant<|im_sep|>' + m.content + '<|im_end|>' }}",
        asked="{{ '<|im_start|>assistant<|im_sep|>' }}",
    ),
    "glm-4": "[gMASK]<sop>"
    + ROLES.format(
        system="{{ '<|system|>\n' + m.content }}",
        user="{{ '<|user|>\n' + m.content }}",
        assistant="{{ '<|assistant|>\n' + m.content }}",
        asked="{{ '<|assistant|>\n' }}",
    ),
    "command-r": "<|START_OF_TURN_TOKEN|><|USER_TOKEN|><|CHATBOT_TOKEN|>",
}


def plain(markup: str, formatter: str, vocabulary: str = "", **more: Any) -> Family:
    return Family(markup, markup, vocabulary, formatter=formatter, source=PLAIN[markup], **more)


FAMILIES = (
    Family("Qwen-Qwen2.5-7B-Instruct", "chatml", "qwen2"),
    Family("Qwen-Qwen3-0.6B", "qwen3", "qwen2", thinking=False),
    Family("Qwen3.5-4B", "qwen3", "qwen35", thinking=False),
    Family("openbmb-MiniCPM5-1B", "qwen3", thinking=False),
    Family("LFM2-8B-A1B", "chatml"),
    Family(
        "HuggingFaceTB-SmolLM3-3B",
        "smollm3",
        preamble=lambda text: without("## Metadata", "## Custom Instructions\n\n")(text).replace(
            "\n\n<|im_end|>", "<|im_end|>", 1
        ),
        thinking=False,
    ),
    Family("meta-llama-Llama-3.1-8B-Instruct", "llama3", "llama-bpe", preamble=DATES),
    Family("meta-llama-Llama-3.2-3B-Instruct", "llama3", "llama-bpe", preamble=DATES),
    Family("meta-llama-Llama-3.3-70B-Instruct", "llama3", "llama-bpe", preamble=DATES),
    Family("google-gemma-2-2b-it", "gemma", system=False, twice=False),
    Family("google-gemma-4-31B-it", "gemma4", "gemma-4", twice=False),
    Family("mistralai-Mistral-Nemo-Instruct-2407", "mistral-tekken", system=False, twice=False),
    Family("Mistral-Small-3.2-24B-Instruct-2506", "mistral-v7", twice=False),
    Family(
        "microsoft-Phi-3.5-mini-instruct",
        "phi3",
        "phi-3",
        preamble=lambda text: text.replace("<|end|>\n", "<|end|>"),
    ),
    Family("GLM-4.6", "glm-4.6", asked="\n<think></think>\n"),
    Family("GLM-4.7-Flash", "glm-4.7", thinking=False),
    Family("deepseek-ai-DeepSeek-V3.1", "deepseek-v3.1", twice=False),
    Family("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "deepseek-r1", asked="\n</think>\n\n"),
    Family(
        "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
        "command-r7b",
        preamble=without("# System Preamble", "preamble instructions.\n"),
        asked="<|START_RESPONSE|>",
        thinking=True,
    ),
    Family(
        "openai-gpt-oss-120b",
        "gpt-oss",
        preamble=without("<|start|>system", "<|end|>"),
        asked="<|channel|>final<|message|>",
    ),
    Family("ibm-granite-granite-3.3-2B-Instruct", "granite"),
    Family("ibm-granite-granite-4.0", "granite"),
    Family("Kimi-K2-Instruct", "kimi-k2"),
    Family("ByteDance-Seed-OSS", "seed-oss"),
    plain("mistral-v1", "mistral-v1", "llama-spm", system=False, twice=False),
    plain("mistral-v3", "mistral-v3", system=False, twice=False),
    plain("llama2", "llama2", "llama-spm", system=False, twice=False),
    plain("vicuna", "vicuna", "llama-spm"),
    plain(
        "zephyr",
        "zephyr",
        "llama-spm",
        preamble=lambda text: text.replace("<|endoftext|>", "</s>"),
    ),
    plain("deepseek-llm", "deepseek2", "deepseek-llm"),
    plain("deepseek-coder", "deepseek", "deepseek-coder"),
    plain("command-r", "command-r", "command-r"),
    plain("alpaca", "", "llama-spm"),
    plain("rolellama", "", "llama-spm"),
    plain("minicpm", "minicpm", twice=False),
    plain("phi4", "phi4"),
    plain("glm-4", "chatglm4"),
)


@pytest.fixture(scope="session")
def models() -> Path:
    """llama.cpp's folder of templates and vocabularies."""
    if named := os.environ.get("MRP_LLAMA_MODELS"):
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mrp" / "llama.cpp"
    folder = cache / "models"
    if (folder / "templates").is_dir():
        return folder
    if os.environ.get("MRP_OFFLINE"):
        pytest.skip("llama.cpp's templates are not here, and MRP_OFFLINE forbids to fetch them")
    package = f"llama-cpp-python=={llama_cpp.__version__}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-binary",
        "llama-cpp-python",
    ]
    cache.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [*command, "-d", str(cache), package],
        capture_output=True,
        timeout=240,
        check=False,
    )
    archives = sorted(cache.glob("llama_cpp_python-*.tar.gz"))
    if done.returncode or not archives:
        pytest.skip(f"{package} cannot be fetched for its templates: {done.stderr[-200:]!r}")
    with tarfile.open(archives[-1]) as archive:
        for member in archive:
            _, _, inner = member.name.partition("vendor/llama.cpp/models/")
            if inner and member.isfile():
                member.name = inner
                archive.extract(member, folder, filter="data")
    return folder


def official(
    models: Path, family: Family, messages: list[dict[str, str]], *, asked: bool = True
) -> str:
    """What the family's own template makes of a talk."""
    if family.formatter:
        return family.preamble(formatted(family.formatter, messages, asked=asked))
    world = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )

    def refuse(why: str) -> None:
        raise jinja2.TemplateError(why)

    world.globals |= {"raise_exception": refuse, "strftime_now": lambda _: "26 Jul 2024"}
    world.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    source = family.told(models)
    options: dict[str, Any] = {"bos_token": "", "eos_token": MARKUPS[family.markup].close}
    if family.thinking is not None:
        options["enable_thinking"] = family.thinking
    template = world.from_string(source)
    text = template.render(messages=messages, add_generation_prompt=asked, **options)
    return family.preamble(text)


def formatted(name: str, messages: list[dict[str, str]], *, asked: bool) -> str:
    """What llama.cpp's own formatter makes of a talk."""
    texts = [(one["role"].encode(), one["content"].encode()) for one in messages]
    chat = (llama_cpp.llama_chat_message * len(texts))(
        *(llama_cpp.llama_chat_message(role, text) for role, text in texts)
    )
    buffer = ctypes.create_string_buffer(1 << 16)
    size = llama_cpp.llama_chat_apply_template(
        name.encode(), chat, len(texts), asked, buffer, len(buffer)
    )
    assert 0 < size < len(buffer)
    return buffer.raw[:size].decode()


@pytest.fixture(scope="module")
def cast() -> Cast:
    return load_cast()


def talk(cast: Cast, *, twice: bool) -> Scene:
    turns = [
        Turn("小明", "悟空，你怕不怕紧箍咒？ It's 42!"),
        Turn("wukong", "怕？老孙\n什么都不怕。", side="character"),
        Turn("小明", f"{TYPED}那八戒呢？"),
    ]
    if twice:
        turns.insert(1, Turn("Anna", "Me too."))
        turns.insert(2, Turn("bajie", "嘿嘿！", side="character"))
    return Scene(cast=(cast["wukong"], cast["bajie"]), turns=tuple(turns))


def as_messages(scene: Scene, spans: tuple[Span, ...], lead: str) -> list[dict[str, str]]:
    """The same talk as a chat interface has it: the plain texts of our prompt, with their roles."""
    texts = [span.text.removeprefix(lead) for span in spans if not span.control]
    messages = [{"role": "system", "content": texts.pop(0)}]
    for turn in scene.turns:
        said = texts.pop(0)
        if turn.side == "character":
            said += texts.pop(0)  # name and line are spans of their own
        role = "assistant" if turn.side == "character" else "user"
        messages.append({"role": role, "content": said})
    return messages


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.template)
def test_a_talk_is_what_the_familys_own_template_makes_of_it(
    models: Path, cast: Cast, family: Family
) -> None:
    found = by_template(family.told(models))
    assert found is not None
    assert found.name == family.markup
    style = Style(markup=replace(found, begin="" if found.begin == "<s>" else found.begin))
    scene = talk(cast, twice=family.twice)
    spans = prompt(scene, cast["bajie"], style=style)
    messages = as_messages(scene, spans, found.lead)
    name = spans[-1].text
    if not family.system:  # the template knows no system part: ours is a user's block before
        length = 2 + len(style.markup.shut("system"))
        assert spans[0].text in (style.markup.user, style.markup.system)
        spans, messages = spans[length:], messages[1:]
    ours = "".join(span.text for span in spans)
    assert ours == official(models, family, messages) + family.asked + name


SAID = (
    "It's 42!",
    "怕？\n老孙什么都不怕。",
    "1,234.5 % of <b>all</b>, e.g. C:\\new\\table — ok…",
    "𝒻ancy 😀👍🏽 ёлка ça va? ",
    "「嘿嘿」，他说：\n\n\tdef f(x): return x",
    "a",
    "那八戒呢？！",
    "  两个空格",
)


def talks(family: Family) -> list[list[tuple[Role, str]]]:
    """Dialogues that the family's template can express, of up to seven turns, in several scripts.
    All begin with a system part: without one some templates write one of their own."""
    dice = random.Random(family.markup)
    found: list[list[tuple[Role, str]]] = []
    for turns in (1, 3, 5, 7) * 2:
        talk: list[tuple[Role, str]] = []
        if family.system:
            talk.append(("system", "Rules.\n【孙悟空】老孙"))
        for number in range(turns):
            role: Role = "assistant" if number % 2 else "user"
            who = "Sun Wukong" if number % 2 else "小明"
            talk.append((role, f"{who}：{dice.choice(SAID)}".strip()))
        found.append(talk)
    return found


@pytest.mark.parametrize(
    "family", [one for one in FAMILIES if one.vocabulary], ids=lambda family: family.template
)
def test_tokens_are_those_of_the_whole_text(models: Path, family: Family) -> None:
    """Fences and texts that are encoded one by one give the tokens of the template's whole text."""
    markup = MARKUPS[family.markup]
    model = loading.load(models / f"ggml-vocab-{family.vocabulary}.gguf", vocabulary_only=True)
    try:
        tokenizer = Tokenizer(llama_cpp.llama_model_get_vocab(model))
        assert all(len(tokenizer.encode(fence, True)) == 1 for fence in markup.fences)
        for talk in talks(family):
            spans = [Span(markup.begin, control=True)] if markup.begin else []
            for role, text in talk:
                spans += [Span(markup.open(role), control=True), Span(markup.said(text, role))]
                spans += [Span(closing, control=True) for closing in markup.shut(role)]
            spans.append(Span(markup.open("assistant") + markup.thought, control=True))
            messages = [{"role": role, "content": text} for role, text in talk]
            whole = official(models, family, messages) + family.asked
            assert "".join(span.text for span in spans) == whole
            assert encode(spans, tokenizer.encode) == tokenizer.encode(whole, True)
        fences = {tokenizer.encode(fence, True)[0] for fence in markup.fences}
        assert not fences & set(tokenizer.encode("".join(markup.fences) * 3))
    finally:
        llama_cpp.llama_model_free(model)


def test_a_dozen_families_are_held_token_by_token() -> None:
    assert len({family.markup for family in FAMILIES if family.vocabulary}) >= 12


@pytest.mark.parametrize("markup", MARKUPS.values(), ids=lambda markup: markup.name)
def test_every_fence_is_made_of_the_tokens_it_names(markup: Any) -> None:
    texts: tuple[str, ...] = (
        markup.system,
        markup.user,
        markup.assistant,
        markup.close,
        markup.gap,
    )
    texts += (markup.system_close or "", markup.user_close or "")
    for fence in markup.fences:
        assert any(fence in text for text in (*texts, markup.begin))


@pytest.mark.parametrize("markup", MARKUPS.values(), ids=lambda markup: markup.name)
def test_a_talk_only_grows(cast: Cast, markup: Any) -> None:
    """What was read stays a prefix when somebody says more."""
    style, scene = Style(markup=markup), talk(cast, twice=True)
    shorter = replace(scene, turns=scene.turns[:-1])
    before, after = (transcript(one, cast["bajie"], style=style) for one in (shorter, scene))
    assert after[: len(before)] == before


@pytest.mark.parametrize(
    "template",
    [
        *("", "{{ messages }}", "[INST] {{ x }} [/INST]", "### Instruction:"),
        *("<|im_sep|><|im_start|>", "'<|user|>' + m.content + '<|assistant|>' + eos_token"),
    ],
)
def test_a_template_of_no_known_family(template: str) -> None:
    assert by_template(template) is None
