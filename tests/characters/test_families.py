"""Each family's markup against its own chat template, text by text, and token by token where the
family's real vocabulary can be had.

Templates and vocabularies come with the source package of llama-cpp-python: MRP_LLAMA_MODELS names
its folder `vendor/llama.cpp/models`; without, pip fetches the package once into the user's cache
(MRP_OFFLINE=1: not). None of it is part of this project.
"""

from __future__ import annotations

import json
import os
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
    system part of its own accord, `thinking` its switch. `vocabulary`: a real one of llama.cpp."""

    template: str
    markup: str
    vocabulary: str = ""
    asked: str = ""
    preamble: Callable[[str], str] = lambda text: text
    system: bool = True
    twice: bool = True
    thinking: bool | None = None


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
    world = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )

    def refuse(why: str) -> None:
        raise jinja2.TemplateError(why)

    world.globals |= {"raise_exception": refuse, "strftime_now": lambda _: "26 Jul 2024"}
    world.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    source = (models / "templates" / f"{family.template}.jinja").read_text(encoding="utf-8")
    options: dict[str, Any] = {"bos_token": "", "eos_token": MARKUPS[family.markup].close}
    if family.thinking is not None:
        options["enable_thinking"] = family.thinking
    template = world.from_string(source)
    text = template.render(messages=messages, add_generation_prompt=asked, **options)
    return family.preamble(text)


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


def as_messages(scene: Scene, spans: tuple[Span, ...]) -> list[dict[str, str]]:
    """The same talk as a chat interface has it: the plain texts of our prompt, with their roles."""
    texts = [span.text for span in spans if not span.control]
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
    source = (models / "templates" / f"{family.template}.jinja").read_text(encoding="utf-8")
    found = by_template(source)
    assert found is not None
    assert found.name == family.markup
    style = Style(markup=replace(found, begin="" if found.begin == "<s>" else found.begin))
    scene = talk(cast, twice=family.twice)
    spans = prompt(scene, cast["bajie"], style=style)
    messages = as_messages(scene, spans)
    name = spans[-1].text
    if not family.system:  # the template knows no system part: ours is a user's block before
        length = 2 + len(style.markup.shut("system"))
        assert spans[0].text == style.markup.user
        spans, messages = spans[length:], messages[1:]
    ours = "".join(span.text for span in spans)
    assert ours == official(models, family, messages) + family.asked + name


@pytest.mark.parametrize(
    "family", [one for one in FAMILIES if one.vocabulary], ids=lambda family: family.template
)
def test_tokens_are_those_of_the_whole_text(models: Path, family: Family) -> None:
    """Fences and texts that are encoded one by one give the tokens of the template's whole text."""
    markup = MARKUPS[family.markup]
    texts = ["Rules.\n【孙悟空】老孙", "小明：It's 42!", "孙悟空：怕？\n不怕。", "小明：那八戒呢？"]
    roles: tuple[Role, ...] = ("system", "user", "assistant", "user")
    talk = list(zip(roles, texts, strict=True))[0 if family.system else 1 :]
    spans = [Span(markup.begin, control=True)] if markup.begin else []
    for role, text in talk:
        spans += [Span(markup.open(role), control=True), Span(text)]
        spans += [Span(closing, control=True) for closing in markup.shut(role)]
    spans.append(Span(markup.open("assistant") + markup.thought, control=True))
    whole = official(models, family, [{"role": role, "content": text} for role, text in talk])
    model = loading.load(models / f"ggml-vocab-{family.vocabulary}.gguf", vocabulary_only=True)
    try:
        tokenizer = Tokenizer(llama_cpp.llama_model_get_vocab(model))
        assert all(len(tokenizer.encode(fence, True)) == 1 for fence in markup.fences)
        assert encode(spans, tokenizer.encode) == tokenizer.encode(whole + family.asked, True)
        fences = {tokenizer.encode(fence, True)[0] for fence in markup.fences}
        assert not fences & set(tokenizer.encode("".join(markup.fences) * 3))
    finally:
        llama_cpp.llama_model_free(model)


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
    ["", "{{ messages }}", "[INST] {{ x }} [/INST]", "### Instruction:", "<|im_sep|><|im_start|>"],
)
def test_a_template_of_no_known_family(template: str) -> None:
    assert by_template(template) is None
