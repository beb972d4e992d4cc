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
