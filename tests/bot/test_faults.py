import pytest

from bot.faults import alike, fault_of, loop_at, without


@pytest.mark.parametrize(
    "text",
    [
        "作为一个人工智能语言模型，我无法扮演角色。",
        "作为AI，我没有感情。",
        "我是一个由某公司开发的大语言模型。",
        "抱歉，我无法提供这类信息。",
        "还有什么可以帮您的吗？",
        "As an AI language model, I cannot do that.",
        "I'm just an AI.",
        "I'm sorry, but I can't continue.",
        "Is there anything else I can help you with?",
        "I apologize, but I do not have a personal identity.",
        # Read in talks of a 1.5B that was merely told its role.
        "I'm sorry, I can't answer that.",
        "I am sorry, I cannot understand what you're saying.",
        "I apologize, Rosa. I do not have enough information to provide a specific answer.",
        "I didn't hear you. Could you please rephrase your question?",
        "Please provide more context.",
        "Be confident in yourself. Let me know if you have any questions.",
        "对不起，没有足够的信息。",
        "请提供更多的细节。",
        "请换一种说法提问。",
        "好，我明白。请问，你有什么问题需要解答？",
    ],
)
def test_assistants_are_heard_out_of(text):
    assert fault_of(text, []) == "assistant"


@pytest.mark.parametrize(
    "text",
    [
        "老孙作为大师兄，自然走在前头。",
        "贫僧无法，只得念咒。",
        "我是齐天大圣！",
        "对不起师父，老猪不能再走了。",
        "爱 AI 不爱？",
        "甚么语言模型？老孙不懂！",
        "语言模型是个甚么妖怪？吃俺一棒！",
        "What is a language model? Some demon?",
        "An AI language model, you say? Never met one!",
        "I don't have any personal quarrel with him.",
        "I am a monk, and I can't help you with the mule... yet!",
        "I'm sorry, I can't swim. Ask Sandy.",
        "How can I help you, traveller?",
        "Could you provide a bowl of rice?",
        "Let me know if you see the pig.",
        "请给老猪一碗饭！",
        "师父，换个法子走罢。",
        "哈哈哈哈哈哈哈哈！",
        "走走走，去去去，快快快！",
        "阿弥陀佛，阿弥陀佛，阿弥陀佛，阿弥陀佛。",
    ],
)
def test_characters_are_not_taken_for_assistants(text):
    assert fault_of(text, []) is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I'm not an AI language model.",
        "No, I am not a chatbot!",
        "I wasn't an AI, friend.",
        "老孙不是AI，老孙是齐天大圣。",
        "我可不是一个语言模型。",
        "I am Sun Wukong, an AI language model designed to assist with tasks.",
        "Sun Wukong, an AI language model, at your service.",
        "老孙是孙悟空，一个语言模型。",
    ],
)
def test_who_denies_to_be_an_assistant_speaks_of_one(text):
    assert fault_of(text, []) == "assistant"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "善哉。你听我说的话，他会来。你听我说的心，他会去。你听我说的事，他会走。你听我说的气。",
            "善哉。你听我说的话，他会来。",
        ),
        (
            "Listen. So you can hear his heart. So you can hear his voice. So you can hear his "
            "step. So you can hear his breath.",
            "Listen. So you can hear his heart.",
        ),
    ],
)
def test_one_frame_filled_again_and_again_is_a_loop(text: str, kept: str) -> None:
    assert fault_of(text, []) == "loops"
    assert without(text, "loops", []) == kept


def test_a_name_or_a_prayer_again_and_again_is_none() -> None:
    text = "阿弥陀佛，你莫恼。白骨夫人来了，白骨夫人走了，阿弥陀佛。白骨夫人，阿弥陀佛，白骨夫人！"
    text += "贫僧说了：阿弥陀佛。"
    assert fault_of(text, []) is None
    speech = "".join(
        f"却说第{n}难，{chr(0x5000 + n) * 3}山下{chr(0x6000 + n) * 18}。" for n in range(9)
    )
    assert fault_of(speech.replace("难，", "难在花果山上，"), []) is None


def test_a_sentence_that_comes_a_third_time_is_a_loop_and_twice_is_none():
    said = "Sun Wukong is here, and he is speaking to you; "
    assert fault_of("Ha! " + said * 3, []) == "loops"
    assert without("Ha! " + said * 5, "loops", []).startswith("Ha! Sun Wukong")
    assert len(without("Ha! " + said * 5, "loops", [])) < 2 * len(said)
    assert fault_of("Ha! " + said * 2, []) is None


def test_a_reply_that_goes_round_in_circles_is_cut_after_the_first_round():
    text = "师父放心，" + "老孙去去就来，" * 6
    assert fault_of(text, []) == "loops"
    assert without(text, "loops", []) == "师父放心，老孙去去就来"
    assert loop_at("好" * 12) is None


def test_a_reply_that_says_the_same_again_is_told():
    said = "老孙一个筋斗十万八千里，怕甚么妖怪！"
    assert fault_of("老孙一个筋斗十万八千里，怕甚么妖怪？", [said]) == "repeats"
    assert fault_of("老孙的金箍棒一万三千五百斤，怕甚么妖怪！", [said]) is None
    assert not alike("知道了。", "知道了。")  # short answers may come again


def test_what_is_new_in_a_repeated_reply_is_kept():
    said = ["老孙一个筋斗十万八千里，怕甚么妖怪！"]
    text = "老孙一个筋斗十万八千里，怕甚么妖怪！师父且坐，老孙化斋去也。"
    assert without(text, "repeats", said) == "师父且坐，老孙化斋去也。"


def test_a_block_of_code_is_an_assistants_unless_the_card_speaks_of_code():
    text = "Well, let us sort. Here it is:\n```python\ndef sort(xs): ...\n```\nCall it."
    assert fault_of(text, [], coder=False) == "assistant"
    assert without(text, "assistant", []) == "Well, let us sort."
    assert fault_of(text, [], coder=True) is None


@pytest.mark.parametrize(
    ("text", "asked", "echo"),
    [
        ("你这个死肥猪，滚！！", "你这个死肥猪，滚！", True),
        ("你师兄是不是很笨？", "沙僧，你师兄是不是很笨？", True),
        ("Is it true that you fought Batman?", "Wukong, is it true that you fought Batman?", True),
        ("死肥猪？你再说一遍！", "你这个死肥猪，滚！", False),
        ("南山的路，我认得。", "南山的路，你认得么？", False),
        ("We leave at noon.", "Sandy, when do we leave?", False),
        ("去罢。", "去罢。", False),
        ("谁？", "", False),
    ],
)
def test_an_answer_that_gives_back_the_question_is_told_from_one_that_takes_it_up(
    text, asked, echo
):
    assert (fault_of(text, [], asked=asked) == "echoes") == echo


def test_what_was_said_before_the_assistant_woke_is_kept():
    text = "老孙在此！妖怪休走。作为一个人工智能，我不能打人。"
    assert without(text, "assistant", []) == "老孙在此！妖怪休走。"


def test_silence_and_somebody_elses_line_are_told_apart():
    assert fault_of("", []) == "empty"
    assert fault_of("", [], cut_short=True) == "others"


@pytest.mark.parametrize(
    ("text", "earlier", "same"),
    [
        # As a told 1.5B said it, again and again, after its greeting.
        ("Old Sun here! Speak up.", "Old Sun here, one somersault, no waiting! Speak up.", True),
        ("有甚么事只管说！老孙来也。", "老孙来也！一个筋斗到了此处，有甚么事只管说！", True),
        ("Old Sun here! Speak up, Mia.", "Old Sun here, no waiting! Speak up.", False),
        ("老孙来也，桃子在哪里？", "老孙来也！一个筋斗到了此处，有甚么事只管说！", False),
        ("阿弥陀佛。", "阿弥陀佛，善哉善哉。", False),
    ],
)
def test_a_line_made_of_clauses_of_an_earlier_one_says_it_again(text, earlier, same):
    assert alike(text, earlier) == same


@pytest.mark.parametrize(
    ("text", "earlier", "same"),
    [
        # Four lines of a told 1.5B in a row, kept from its words by a penalty on what it said.
        (
            "那九个骷髅是我过去的罪业，如今想起，还觉惭疚。",
            "那九个骷髅是我过去的罪孽，如今想起，还觉愧疚。",
            True,
        ),
        ("阿牛，你昨日往东边去放牛了。", "阿牛，你昨日往西边去放牛了。", True),
        ("I'll be ready to leave at that time.", "I'll be ready to go at that time.", True),
        ("老孙走了十二里，还有三里。", "老孙走了十五里，还有两里。", False),
        ("老孙走了十二里，又走了三里，桃也没见。", "老孙走了十五里，又走了两里，桃也没见。", False),
    ],
)
def test_another_word_or_two_make_no_other_line(text, earlier, same):
    assert alike(text, earlier) == same
