import json
from dataclasses import replace

import pytest

from characters.card import load_cast
from characters.markup import CHATML, INTERNLM2, MARKUPS, QWEN3
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


def test_a_penalty_on_repeated_runs_is_read_back_and_left_out_where_it_is_off():
    made = Serving(dry=0.8, dry_length=4)
    assert serving({"mrp.style": made.to_json()}) == made
    assert "dry" not in Serving().to_json(), "an older version does not know it"


def test_a_model_not_taught_here_is_kept_from_saying_the_prompt_again():
    told = serving({"tokenizer.chat_template": CHATML_TEMPLATE})
    assert told.style.cue
    assert told.dry > 0
    assert told.dry_length >= 3, "a name is free"
    assert serving({"mrp.style": "{}"}).dry == 0


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
        ('{"markup": "alpaka"}', "markup"),
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

    def __init__(self, *control, begin="", end="", typed=()):
        self.control, self.begin, self.end, self.typed = control, begin, end, typed

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


# -- --markup --------------------------------------------------------------------------------------

UNKNOWN = {"tokenizer.chat_template": "{{ a format of their own }}"}


def test_a_named_family_counts_before_what_the_file_says():
    for metadata in ({}, UNKNOWN, TEMPLATE, {"mrp.style": '{"markup": "chatml"}'}):
        assert serving(metadata, markup="vicuna").style.markup.name == "vicuna"
    taught = {"mrp.style": '{"markup": "chatml", "cards": "brief", "temperature": 0.4}'}
    assert serving(taught, markup="qwen3").style.cards == "brief"
    assert serving(taught, markup="qwen3").temperature == 0.4


@pytest.mark.parametrize("metadata", [{}, UNKNOWN])
def test_a_template_of_no_family_names_the_way_out_and_the_choices(metadata):
    with pytest.raises(StyleError, match="--markup") as caught:
        serving(metadata)
    assert all(name in str(caught.value) for name in MARKUPS)


@pytest.mark.parametrize("name", ["alpaka", "Vicuna", "ChatML", "llama-3", "xyz", "<|im_end|>"])
def test_a_family_that_nobody_knows_is_a_sentence_with_the_names(name):
    with pytest.raises(StyleError, match="there is no markup") as caught:
        serving(TEMPLATE, markup=name)
    assert repr(name) in str(caught.value)
    assert all(known in str(caught.value) for known in MARKUPS)


def test_a_named_family_of_other_tokens_is_refused_with_those_that_fit():
    words = Words(*FENCES, end="<|im_end|>")
    with pytest.raises(StyleError, match=r"--markup llama3: <\|start_header_id\|>") as caught:
        serving(UNKNOWN, words, markup="llama3")
    offered = str(caught.value).rpartition("are: ")[2].split(", ")
    assert "chatml" in offered
    assert "vicuna" in offered  # plain text fits every vocabulary
    assert "gemma" not in offered


@pytest.mark.parametrize(
    "markup", [one for one in MARKUPS.values() if one.plain], ids=lambda one: one.name
)
def test_a_plain_text_family_ends_replies_with_the_models_own_token(markup):
    end = "<|endoftext|>"
    found = serving({}, Words(end, begin="", end=end), markup=markup.name).style.markup
    if markup.fences:
        assert (found.close, found.fences) == (end, (end,))
    told = serving({}, Words(*markup.fences, end=end), markup=markup.name).style.markup
    assert (told.close, told.fences) == (markup.close, markup.fences)


def test_a_model_that_was_not_taught_here_is_told_who_it_is():
    assert serving({"tokenizer.chat_template": "<|im_start|>"}).style.cue
    assert serving({}, markup="chatml").style.cue
    assert not serving({"mrp.style": "{}"}).style.cue
    told = Serving(style=Style(cue=True)).to_json()
    assert serving({"mrp.style": told}).style.cue
    assert "cue" not in Serving().to_json()


@pytest.mark.parametrize(
    "template",
    [
        "{{ '[INST] ' + x + ' [/INST]' }}{{ eos_token }}",
        "{{ ' [INST] ' + x + ' [/INST]' }}{{ eos_token }}",
        "{{ '[INST] ' + x + '[/INST]' }}{{ eos_token }}",
        "{{ '[INST] ' + x + '[/INST]' }}[AVAILABLE_TOOLS]{{ eos_token }}",
    ],
)
def test_the_vocabulary_tells_whether_inst_is_a_token(template):
    told = {"tokenizer.chat_template": template}
    for vocabulary, name in (
        (Words("</s>", end="</s>"), "mistral-v1"),
        (Words("[INST]", "[/INST]", "</s>", end="</s>"), "mistral-v3"),
    ):
        assert serving(told, vocabulary).style.markup.name == name
        assert serving(told, vocabulary, markup="mistral-v1").style.markup.name == "mistral-v1"
