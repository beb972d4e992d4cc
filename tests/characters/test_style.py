import json
from dataclasses import replace

import pytest

from characters.card import load_cast
from characters.markup import CHATML, INTERNLM2, QWEN3
from characters.prompt import Style
from characters.style import Serving, StyleError, serving

CHATML_TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>"


def test_what_was_written_is_read_back():
    made = Serving(
        style=Style(markup=QWEN3, cards="brief", rules=False),
        max_tokens=120,
        temperature=0.7,
        repeat_penalty=1.1,
        context=1024,
    )
    assert serving({"mrp.style": made.to_json()}) == made


def test_a_temperature_left_to_the_cards_survives_the_way_through_json():
    assert serving({"mrp.style": Serving().to_json()}) == Serving()


def test_a_key_that_is_left_out_keeps_its_default():
    assert serving({"mrp.style": "{}"}) == Serving()


def test_mrp_style_wins_over_the_chat_template():
    told = {"mrp.style": '{"cards": "brief"}', "tokenizer.chat_template": "[INST]"}
    assert serving(told).style.cards == "brief"


def test_a_chatml_template_is_asked_in_chatml():
    assert serving({"tokenizer.chat_template": CHATML_TEMPLATE}).style.markup == CHATML


def test_a_chatml_model_that_wants_a_bos_gets_one():
    told = {"tokenizer.chat_template": CHATML_TEMPLATE, "tokenizer.ggml.add_bos_token": "true"}
    assert serving(told).style.markup == INTERNLM2


def test_a_thinking_model_is_kept_from_thinking_aloud():
    template = CHATML_TEMPLATE + "{% if enable_thinking is false %}"
    assert serving({"tokenizer.chat_template": template}).style.markup == QWEN3


@pytest.mark.parametrize("metadata", [{}, {"tokenizer.chat_template": "[INST] {{ x }} [/INST]"}])
def test_a_model_without_a_known_template_is_an_error_that_names_the_markups(metadata):
    with pytest.raises(StyleError, match="chatml, internlm2, qwen3"):
        serving(metadata)


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        ('{"markup": "alpaca"}', "markup"),
        ('{"cards": "long"}', "cards"),
        ('{"rules": 1}', "rules"),
        ('{"rules": "yes"}', "rules"),
        ('{"max_tokens": 0}', "max_tokens"),
        ('{"max_tokens": 1.5}', "max_tokens"),
        ('{"temperature": "hot"}', "temperature"),
        ('{"top_p": 2}', "top_p"),
        ('{"temprature": 1}', "temprature"),
    ],
)
def test_broken_metadata_is_an_error_that_names_the_key(told, names):
    with pytest.raises(StyleError, match=names):
        serving({"mrp.style": told})


def test_a_card_turns_the_models_temperature_up_or_down():
    wukong = replace(load_cast().find("wukong"), temperature=0.4)
    assert Serving(temperature=1.0).temperature_for(wukong) == 0.5
    assert Serving(temperature=0.0).temperature_for(wukong) == 0.0
    assert Serving().temperature_for(wukong) == 0.4


def test_a_models_style_is_one_line_of_json():
    assert "\n" not in Serving().to_json()
    assert json.loads(Serving().to_json())["markup"] == "chatml"


class Words:
    """A vocabulary: control tokens by text, and those among them that typed text becomes too."""

    def __init__(self, *control, begin="", typed=()):
        self.control, self.begin, self.typed = control, begin, typed

    def encode(self, text, control=False):
        known = self.control if control else self.typed
        return [-1 - self.control.index(text)] if text in known else list(text.encode())


FENCES = ("<|im_start|>", "<|im_end|>")
TEMPLATE = {"tokenizer.chat_template": "<|im_start|>"}


def test_the_bos_is_the_vocabularys_own():
    words = Words(*FENCES, "<|begin_of_text|>", begin="<|begin_of_text|>")
    for more in ({}, {"tokenizer.ggml.add_bos_token": "true"}):
        assert serving(TEMPLATE | more, words).style.markup.begin == "<|begin_of_text|>"
    assert serving(TEMPLATE, Words(*FENCES)).style.markup.begin == ""


def test_what_was_taught_is_asked_as_it_was_taught():
    taught = {"mrp.style": '{"markup": "internlm2"}'}
    assert serving(taught, Words(*FENCES, "<s>", begin="<bos>")).style.markup.begin == "<s>"
    assert serving(taught, Words(*FENCES, begin="<bos>")).style.markup.begin == ""


@pytest.mark.parametrize("metadata", [TEMPLATE, {"mrp.style": '{"markup": "chatml"}'}])
def test_fences_that_people_could_type_are_refused(metadata):
    serving(metadata, Words(*FENCES))
    for fence in FENCES:
        with pytest.raises(StyleError, match="typed") as caught:
            serving(metadata, Words(*FENCES, typed=(fence,)))
        assert fence in str(caught.value)
    for there in ((), FENCES[:1], FENCES[1:]):
        with pytest.raises(StyleError, match="no control token"):
            serving(metadata, Words(*there))
