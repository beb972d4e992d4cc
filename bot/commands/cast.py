"""Rows of the command table: characters that people make, a place's cast, and finding."""

from __future__ import annotations

from bot.commands.row import Command
from characters.card import Words

CAST: tuple[Command, ...] = (
    Command(
        "character",
        ("character",),
        ("角色", "创建角色"),
        "text",
        Words(
            "[创建｜修改｜查看｜保存｜起草｜放弃｜撤下｜交出｜我的｜导入｜导出｜举报｜待审｜通过｜退回]",
            "[create|edit|show|keep|draft|discard|withdraw|handover|mine|import|export|report|queue|"
            "approve|refuse]",
        ),
        Words(
            "自己做一个角色，改它、看它、撤下它",
            "make a character of your own, change it, show it, withdraw it",
        ),
        informs="bare",
    ),
    Command(
        "castmode",
        ("castmode",),
        ("阵容",),
        "text",
        Words("[原班｜自创｜全部] [审核｜自由｜关闭]", "[shipped|own|both] [approve|free|off]"),
        Words(
            "这里能请哪些角色，谁能为这里做角色",
            "who can be summoned here, and who may make characters for here",
        ),
        informs="bare",
    ),
    Command(
        "discover",
        ("discover",),
        ("发现", "找角色"),
        "text",
        Words("[热门｜最新｜好评｜类别｜要找的话]", "[popular|new|rated|categories|WORDS]"),
        Words("找一找有哪些角色", "find characters"),
        informs="always",
    ),
    Command(
        "rate",
        ("rate",),
        ("评价", "打分"),
        "text",
        Words("👍｜👎｜收回", "up|down|none"),
        Words("觉得上一句好不好", "whether the last line was good"),
    ),
)
