"""Rows of the command table: dice, choices, whispers, branches, sharing, and who speaks unasked."""

from __future__ import annotations

from bot.commands.row import Command
from characters.card import Words

LIFE: tuple[Command, ...] = (
    Command(
        "whisper",
        ("whisper",),
        ("悄悄话", "耳语", "悄悄"),
        "text",
        Words("名字 话", "NAME TEXT"),
        Words(
            "只说给一位角色听，别人都听不见，回话也只给你看",
            "say something that only one character hears; only you see the answer",
        ),
    ),
    Command(
        "checkpoint",
        ("checkpoint", "save"),
        ("存档",),
        "text",
        Words("名字", "NAME"),
        Words("把戏存在这一刻，随时可以回来", "keep the scene as it is, to come back to it"),
    ),
    Command(
        "branch",
        ("branch",),
        ("分支", "另起"),
        "text",
        Words("[几句｜名字｜回去｜这里]", "[N|NAME|back|here]"),
        Words(
            "从前面某一句另起一支，或者回到存档和别的分支；单说一句列出来",
            "go on from an earlier line, or back to a checkpoint or branch; alone it lists them",
        ),
        informs="bare",
    ),
    Command(
        "transcript",
        ("transcript", "share_scene"),
        ("剧本", "文稿"),
        "text",
        Words("[文本｜网页｜jsonl｜教材] [几句]", "[markdown|html|jsonl|lessons] [LINES]"),
        Words(
            "把这场戏写成一个文件；当教材要人人同意",
            "the scene as a file to share; as lessons only when everybody in it agrees",
        ),
    ),
    Command(
        "stageset",
        ("stageset",),
        ("戏台",),
        "text",
        Words("[导出 名字 | 开场｜导入｜保存]", "[export NAME | OPENING|import|keep]"),
        Words(
            "台上的角色、地点、设定集存成一个文件，或者搬一个进来",
            "who is on stage, place and lore as one file; or bring one in",
        ),
        informs="bare",
    ),
    Command(
        "autoreply",
        ("autoreply",),
        ("自动回话", "插话"),
        "text",
        Words("[名字 开｜关]", "[NAME on|off]"),
        Words(
            "一位角色没被叫到时接不接话",
            "whether a character answers when nobody has called it",
        ),
        informs="bare",
    ),
    Command(
        "proactive",
        ("proactive",),
        ("主动",),
        "text",
        Words("[60 分钟 9-22 3次｜关]", "[60 min 9-22 3 times|off]"),
        Words(
            "安静久了，角色可不可以先开口；平时不会",
            "whether a character may speak first after silence; off by default",
        ),
        informs="bare",
    ),
    Command(
        "roll",
        ("roll", "dice"),
        ("掷骰", "掷骰子", "骰子"),
        "text",
        Words("[2d6+1]", "[2d6+1]"),
        Words("掷骰子，在场的都看得见", "throw dice; all on stage see it"),
    ),
    Command(
        "choices",
        ("choices",),
        ("选项", "抉择"),
        "text",
        Words("[甲 | 乙 | 丙]", "[A | B | C]"),
        Words(
            "摆出几条路，谁打号码就算谁选；/选项 无 收起",
            "offer ways to go on; whoever types a number picks; `/choices none` takes them away",
        ),
        informs="bare",
    ),
)
