"""Rows as other projects write them, a few of each; `FILES` has them by the name of the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

XTUNER: list[dict[str, Any]] = [
    {
        "conversation": [
            {"system": "唐三藏", "input": "你是谁？", "output": "贫僧自东土大唐而来。"},
            {"input": "往何处去？", "output": "往西天拜佛求经。"},
        ]
    },
    {"conversation": [{"system": "孙悟空", "input": "", "output": "老孙来也！"}], "id": 7},
]
SHAREGPT = [
    {
        "conversations": [
            {"from": "human", "value": "Who are you?"},
            {"from": "gpt", "value": "Old Sun!"},
            {"from": "human", "value": "And he?"},
            {"from": "gpt", "value": "A dolt."},
        ],
        "system": "You are Sun Wukong.",
        "id": "a1",
    }
]
MESSAGES = [
    {
        "messages": [
            {"role": "system", "content": "你是沙僧。"},
            {"role": "user", "content": "担子重么？"},
            {"role": "assistant", "content": "不重。"},
        ]
    }
]
ALPACA: list[dict[str, Any]] = [
    {"instruction": "写一句诗", "input": "", "output": "春风又绿江南岸"},
    {
        "instruction": "再写一句",
        "input": "",
        "output": "明月何时照我还",
        "system": "你是诗人",
        "history": [["写一句诗", "春风又绿江南岸"]],
    },
]
DIALOGUES = [
    {
        "dialogue": [
            {"role": "八戒", "text": "「哥啊，饿了。」"},
            {"role": "孙悟空", "text": "「呆子！」"},
            {"role": "旁白", "text": "八戒低了头。"},
            {"role": "孙悟空", "text": "「老孙去化斋。」"},
        ],
        "source": "story",
    }
]
ROLE_2 = [
    {"system_prompt": "你正在扮演孙悟空"},
    {"text": "八戒:「哥啊，饿了。」\n孙悟空:「呆子！」\n", "bge_zh_s15": "AAAA"},
]
AGENTS = [
    {
        "user_role": "八戒",
        "user_question": "哥啊，饿了。",
        "agent_role": "孙悟空",
        "agent_response": "呆子！",
        "question_source": "synthesized",
        "more_dialogues": ["八戒:「真饿。」", "孙悟空:「老孙去化斋。」"],
        "agent_role_name_en": "wukong",
    }
]
ROLEBENCH = [
    {"role": "孙悟空", "question": "你怕什么？", "generated": ["怕紧箍咒。", "甚么也不怕！"]},
    {"role": "孙悟空", "question": "你住哪里？", "generated": ["水帘洞。"], "type": "general"},
]
WIKI = [
    {
        "system": "你是李白，唐代诗人。",
        "prompts": ["你的朋友是谁？", "你会用电脑吗？"],
        "ref_messages": [
            {"role": "user", "content": "你的朋友是谁？"},
            {"role": "assistant", "content": "子美。"},
            {"role": "user", "content": "你会用电脑吗？"},
            {"role": "assistant", "content": "那是何物？"},
        ],
        "role_consist_cands": ["李白", "杜甫", "王维", "苏轼"],
        "rejection_labels": [0, 1],
        "evidence": ["['友人: 杜甫']", ""],
        "meta": {"label": "李白", "lang": "zh", "claims": [["友人", "杜甫"]]},
    }
]
CHARACTER_EVAL = [
    {
        "id": 3,
        "role": "猪八戒",
        "novel_name": "西游记",
        "context": "悟空：呆子！\n猪八戒：哥。\n悟空：走。",
    },
    {
        "id": 4,
        "role": "猪八戒",
        "novel_name": "西游记",
        "context": "悟空：吃甚么？",
        "model_output": "人参果。",
    },
]
SOCIAL = [
    {
        "dialogue": [{"from": "小明", "value": "猴哥，怕么？"}],
        "instruction": "选一句",
        "choices": {"A": "怕个甚么！", "B": "贫僧害怕。"},
        "label": ["A"],
        "meta": {
            "lang": "zh",
            "name": "孙悟空",
            "profile": {"孙悟空": "齐天大圣"},
            "category": "Individual-SA-RoleStyle",
        },
    },
    {
        "dialogue": [{"from": "孙悟空", "value": "气杀我也！"}],
        "instruction": "他是甚么心情",
        "choices": {"A": "怒", "B": "喜"},
        "label": ["A"],
        "meta": {"name": "孙悟空", "profile": {}, "category": "Individual-EP-Emotion"},
    },
]
COSER = [
    {
        "conversations": [
            {"from": "system", "value": "You are Elizabeth Bennet."},
            {
                "from": "user",
                "value": "===Conversation Start===\n\nEnvironment: Rain.\n\nMr. Darcy: Good day.",
            },
            {"from": "assistant", "value": "[He again] (curtsies) Good day, sir."},
            {"from": "user", "value": "Jane Bennet: Lizzy!"},
            {"from": "assistant", "value": "Yes?"},
        ],
        "details": {"book_name": "Pride", "plot_index": 3, "plot": "…", "character": "Elizabeth"},
    }
]
FILES: dict[str, list[dict[str, Any]]] = {
    "xtuner": XTUNER,
    "sharegpt": SHAREGPT,
    "messages": MESSAGES,
    "alpaca": ALPACA,
    "chatharuhi-jsonl": DIALOGUES,
    "chatharuhi-role": ROLE_2,
    "chatharuhi-54k": AGENTS,
    "rolebench": ROLEBENCH,
    "wikiroleeval": WIKI,
    "charactereval": CHARACTER_EVAL,
    "socialbench": SOCIAL,
    "coser": COSER,
}


def put(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return path
