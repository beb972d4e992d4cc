"""Markup is the base models' own: equal to their published chat templates, text for text."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from characters.card import load_cast
from characters.markup import CHATML, INTERNLM2, QWEN3, Markup
from characters.prompt import Span, Style, Tail, lesson, prompt, transcript
from characters.turn import Scene, Turn

# The markups that tokenizers are made for here; test_families.py has all.
MARKUPS = {markup.name: markup for markup in (CHATML, INTERNLM2, QWEN3)}

# `chat_template` of the models' tokenizer_config.json, without the branches for tools.
QWEN25_TEMPLATE = """\
{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.\
<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or \
(message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
INTERNLM2_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
QWEN3_TEMPLATE = """\
{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- if loop.index0 > ns.last_query_index and loop.last %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n\\n</think>\\n\\n' + content }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""


@dataclass(frozen=True)
class Family:
    markup: Markup
    template: str
    # Qwen3's template puts an empty thought into a last answer that nobody has replied to.
    thinks_at_the_end: bool = False


FAMILIES = {
    "qwen2.5": Family(CHATML, QWEN25_TEMPLATE),
    "internlm2": Family(INTERNLM2, INTERNLM2_TEMPLATE),
    "qwen3": Family(QWEN3, QWEN3_TEMPLATE, thinks_at_the_end=True),
}

CAST = load_cast()
WUKONG, BAJIE = CAST["wukong"], CAST["bajie"]

TURNS = {
    "nothing yet": (),
    "a question": (Turn("小明", "你是谁？"),),
    "a dialogue": (
        Turn("小明", "悟空，你怕不怕紧箍咒？"),
        Turn("wukong", "怕？老孙……", "character"),
        Turn("小明", "八戒呢？"),
    ),
    "two people in a row": (Turn("小明", "你好"), Turn("Amy", "hello there")),
    "two answers in a row": (
        Turn("小明", "八戒呢？"),
        Turn("bajie", "在吃饭。", "character"),
        Turn("wukong", "呆子！", "character"),
        Turn("小明", "哈哈"),
    ),
    "an answer nobody replied to": (Turn("小明", "走罢"), Turn("bajie", "累了。", "character")),
    "narration": (Turn("", "一阵风过。", "narration"), Turn("小明", "谁？")),
}

# What each family's template can say.
EXPRESSIBLE = [
    (family, turns)
    for family, kind in FAMILIES.items()
    for turns in TURNS
    if not (kind.thinks_at_the_end and turns == "an answer nobody replied to")
]


def rendered(family: Family, messages: Sequence[dict[str, str]], *, ask: bool) -> str:
    """As transformers' apply_chat_template renders it (same Jinja settings)."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(family.template).render(
        messages=list(messages), add_generation_prompt=ask, bos_token="<s>", enable_thinking=False
    )


def text_of(spans: Sequence[Span]) -> str:
    return "".join(span.text for span in spans)


def messages_of(scene: Scene, style: Style) -> list[dict[str, str]]:
    """The same dialogue as chat messages, written down by hand."""
    bare = text_of(transcript(Scene(scene.cast, language=scene.language), WUKONG, style=style))
    head = style.markup.begin + style.markup.system
    system = bare.removeprefix(head).removesuffix(style.markup.close + style.markup.gap)
    colon = "：" if scene.language == "zh" else ": "
    names = {"": "旁白" if scene.language == "zh" else "Narrator"}
    names |= {character.id: character.name[scene.language] for character in CAST}
    messages = [{"role": "system", "content": system}]
    for turn in scene.turns:
        role = "assistant" if turn.side == "character" else "user"
        name = turn.speaker if turn.side == "human" else names[turn.speaker]
        messages.append({"role": role, "content": f"{name}{colon}{turn.text}"})
    return messages


@pytest.mark.parametrize("cards", ["full", "brief"])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("family", "turns"), EXPRESSIBLE)
def test_a_prompt_is_the_chat_template_up_to_the_name(family, turns, language, cards):
    kind = FAMILIES[family]
    scene = Scene((WUKONG, BAJIE), TURNS[turns], language=language)
    style = Style(markup=kind.markup, cards=cards)
    name = WUKONG.name[language] + ("：" if language == "zh" else ":")
    asked = rendered(kind, messages_of(scene, style), ask=True) + name
    assert text_of(prompt(scene, WUKONG, style=style)) == asked


@pytest.mark.parametrize(("family", "turns"), EXPRESSIBLE)
def test_a_transcript_is_the_chat_template_of_what_was_said(family, turns):
    kind = FAMILIES[family]
    scene = Scene((WUKONG, BAJIE), TURNS[turns])
    style = Style(markup=kind.markup)
    said = rendered(kind, messages_of(scene, style), ask=False)
    assert text_of(transcript(scene, WUKONG, style=style)) == said


@pytest.mark.parametrize("family", FAMILIES)
def test_a_lesson_is_the_chat_template_of_the_whole_dialogue(family):
    kind = FAMILIES[family]
    scene = Scene((WUKONG, BAJIE), TURNS["a dialogue"])
    style = Style(markup=kind.markup)
    told = messages_of(scene.said(Turn("bajie", "老猪在此。", "character")), style)
    whole = rendered(kind, told, ask=False)
    taught = text_of(lesson(scene, BAJIE, "老猪在此。", style=style))
    # The template's line break after the last turn is not for the model to write.
    assert taught + kind.markup.gap == whole


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tail_is_one_more_system_message(family):
    kind = FAMILIES[family]
    scene = Scene((WUKONG, BAJIE), TURNS["a question"])
    style = Style(markup=kind.markup)
    tail = Tail(passages=("灵山十万八千里。",), memory=("小明怕黑。",), note="入夜了")
    told = [
        *messages_of(scene, style),
        {
            "role": "system",
            "content": "书中：\n灵山十万八千里。\n记得：\n小明怕黑。\n提示：入夜了\n接下来：孙悟空",
        },
    ]
    asked = rendered(kind, told, ask=True) + "孙悟空："
    assert text_of(prompt(scene, WUKONG, tail=tail, style=style)) == asked


@pytest.mark.parametrize("name", MARKUPS)
def test_a_markup_is_known_by_its_own_name(name):
    markup = MARKUPS[name]
    assert markup.name == name
    for role in ("system", "user", "assistant"):
        assert markup.open(role) == f"<|im_start|>{role}\n"


@pytest.mark.parametrize("name", MARKUPS)
def test_control_texts_for_a_new_tokenizer_are_all_that_fence(name):
    markup = MARKUPS[name]
    assert set(markup.control) == {"<|im_start|>", "<|im_end|>"} | ({markup.begin} - {""})
