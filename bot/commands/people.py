"""Rows of the command table: what is remembered of people."""

from __future__ import annotations

from bot.commands.row import Command
from characters.card import Words

PEOPLE: tuple[Command, ...] = (
    Command(
        "persona",
        ("persona",),
        ("身份", "我是"),
        "text",
        Words("[我是谁]", "[WHO I AM]"),
        Words("我在戏里是谁", "who I am in the scene"),
        informs="bare",
    ),
    Command(
        "remember",
        ("remember",),
        ("记住",),
        "text",
        Words("话", "TEXT"),
        Words("记住关于我的一件事", "remember something about me"),
    ),
    Command(
        "memory",
        ("memory",),
        ("记忆",),
        "",
        None,
        Words("角色记得我什么", "what is remembered of me"),
        informs="always",
    ),
    Command(
        "correct",
        ("correct",),
        ("更正",),
        "text",
        Words("号码 新的说法", "NUMBER TEXT"),
        Words("改正记得的一件事", "correct something that is remembered"),
    ),
    Command(
        "forget",
        ("forget",),
        ("忘记",),
        "text",
        Words("[号码｜全部｜屋子]", "[NUMBER|all|room]"),
        Words(
            "忘掉一件事、关于我的一切，或这间屋子里说过的一切",
            "forget one thing, all about me, or all that was said in this room",
        ),
    ),
    Command(
        "restore",
        ("restore",),
        ("恢复",),
        "",
        None,
        Words("一分钟内把忘掉的这间屋子找回来", "bring back what /forget room took"),
    ),
    Command(
        "export",
        ("export",),
        ("导出",),
        "",
        None,
        Words("我的全部记录，JSON", "all that is kept of me, as JSON"),
        informs="always",
    ),
    Command(
        "optout",
        ("optout",),
        ("别记我",),
        "",
        None,
        Words("在群里不要记我", "do not remember me in groups"),
    ),
    Command(
        "optin",
        ("optin",),
        ("可以记我",),
        "",
        None,
        Words("在群里可以记我", "remember me in groups"),
    ),
    Command(
        "share",
        ("share",),
        ("公开",),
        "text",
        Words("[可以｜不]", "[yes|no]"),
        Words(
            "我私下说的，能不能在群里提起",
            "whether what I say in private may come up in groups",
        ),
    ),
    Command(
        "retention",
        ("retention",),
        ("保留",),
        "number",
        Words("[天数]", "[DAYS]"),
        Words("多久不来就忘了我", "after how long without me I am forgotten"),
    ),
    Command(
        "link",
        ("link",),
        ("绑定",),
        "text",
        Words("[口令|是|不]", "[CODE|yes|no]"),
        Words("把两个账号认作一个人", "make two accounts one person"),
    ),
    Command(
        "unlink",
        ("unlink",),
        ("解绑",),
        "",
        None,
        Words("这个账号重新单独算一个人", "make this account a person of its own again"),
    ),
)
