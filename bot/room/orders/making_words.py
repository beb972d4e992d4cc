"""What the orders about made characters say, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from characters.card import Words

__all__ = ["Words"]

HOW = Words(
    "/角色 创建 名字 | 开场白 | 简介 | 详情：先看样子，再 /角色 保存。\n"
    "/角色 修改 名字 | 语气：…；/角色 查看 名字；/角色 撤下 名字；/角色 交出 名字；/角色 我的；"
    "/角色 举报 名字 | 原因。管理员：/角色 待审、/角色 通过 名字、/角色 退回 名字、/角色 举报单。",
    "/character create NAME | GREETING | SHORT DESCRIPTION | LONG DESCRIPTION: you see it first, "
    "then /character keep.\n/character edit NAME | manner: …, /character show NAME, "
    "/character withdraw NAME, /character handover NAME, /character mine, /character report NAME | "
    "WHY. Moderators: /character queue, approve NAME, refuse NAME, reports.",
)
HOW_IMPORT = Words(
    "把角色卡（PNG、JSON、CHARX、YAML）作为附件发来，再 /角色 导入；"
    "或者 /角色 导入，后面跟卡的 JSON。",
    "Send the card (PNG, JSON, CHARX, YAML) as an attachment, then /character import; or "
    "/character import with the card's JSON after it.",
)
UNREAD = Words("这张卡读不了：{}", "This card cannot be read: {}")
NO_FILES = Words("这里发不了文件。", "Files cannot be sent here.")
EXPORTED = Words("{}的卡。{}", "The card of {}.{}")
HOW_CREATE = Words(
    "例如：/角色 创建 小墨龙 | 墨龙来也！ | 一条爱写字的小龙。 | 别名：小墨 | 语气：文绉绉 | "
    "台词：哼。 / 写得好！ | 类别：龙、书生。名字、开场白和一种介绍是必需的。",
    "For example: /character create Inky | Here I am! | A small dragon who loves to write. | "
    "nickname: Ink | manner: bookish | lines: Hm. / Well written! | categories: dragon. Name, "
    "greeting and one description are needed.",
)
INCOMPLETE = Words(
    "还不行（{}）。名字、开场白和一种介绍是必需的。",
    "Not yet ({}). A name, a greeting and one description are needed.",
)
TOO_MUCH = Words("太长了：有 {} 个字，最多 {} 个。", "Too long: {} characters, at most {}.")
SHARED_SENDER = Words(
    "这个账号是几个人共用的，做角色请用自己的账号。",
    "Several people share this account; make characters from your own.",
)
NOT_TALKED_ABOUT = Words(
    "里面有这里不谈的内容，没有收下。", "It holds what is not talked about here, and was not taken."
)
PREVIEW = Words("先看样子（还没有保存）：", "A preview (nothing is kept yet):")
PICTURE_KEPT = Words("图像收下了。", "The picture is kept.")
HOW_PICTURE = Words(
    "把图片发来，说明里写 /角色 修改 名字；刚做的角色，把图片发给我就行。",
    "Send the picture with /character edit NAME beside it; for a character that you are making, "
    "send the picture alone.",
)
WITH_PICTURE = Words("（有图像）", "(with a picture)")
TRIAL = Words("试一句：{} —— {}", "A test line: {} — {}")
CROWDED = Words(
    "这张卡对现在的模型太长（{}），请写短一些。",
    "The card is too long for this model ({}); make it shorter.",
)
NO_TRIAL = Words("模型现在不能说话：{}", "The model cannot speak now: {}")
WHAT_NOW = Words(
    "/角色 保存 这里｜私用｜处处，/角色 修改 语气：…，/角色 放弃。",
    "/character keep here|private|everywhere, /character edit manner: …, /character discard.",
)
CAN_DRAFT = Words(
    "缺的可以让模型起草：/角色 起草", "The model can draft what is missing: /character draft"
)
CANNOT_DRAFT = Words(
    "现在的模型只会演戏，不会起草；缺的请自己写：/角色 修改 详情：…",
    "This model only plays and cannot draft; write what is missing yourself: "
    "/character edit long: …",
)
DRAFTING = Words("正在起草 {} 项，请稍候……", "Drafting what is missing ({} parts); please wait…")
COMPLETE = Words("这张卡什么都不缺。", "Nothing is missing on this card.")
NOTHING_DRAFTED = Words("没有起草出什么来。", "Nothing came of it.")
NO_SKETCH = Words(
    "你手上没有正在做的角色：/角色 创建 …", "You are not making a character: /character create …"
)
DISCARDED = Words("放弃了，什么都没有留下。", "Discarded; nothing of it is kept.")
WHICH_REACH = Words(
    "保存到哪里？/角色 保存 私用、这里 或 处处",
    "Keep it where? /character keep private, here or everywhere",
)
REACH: Mapping[str, Words] = {
    "private": Words("只在自己的私聊里", "in your private chat only"),
    "place": Words("在这里", "here"),
    "everywhere": Words("处处", "everywhere"),
}
WAITING = Words("，等待审核", ", waiting for approval")
KEPT = Words("{}保存了（{}），现在就可以请上场。", "{} is kept ({}) and can be summoned now.")
KEPT_WAITING = Words(
    "{}保存了（{}），管理员通过以后就可以请上场。",
    "{} is kept ({}) and can be summoned once a moderator approves.",
)
NOT_EVERYWHERE = Words(
    "处处都能请的角色，只有管这个机器人的人能做。",
    "Only who runs this bot may make characters for everywhere.",
)
NOT_HERE = Words(
    "这里不收成员做的角色；可以 /角色 保存 私用。",
    "Members make no characters for here; you can /character keep private.",
)
NOBODYS = Words("没有叫“{}”的角色。", "No character is called “{}”.")
NOT_YOURS = Words("{}不是你做的。", "{} is not yours.")
SHIPPED = Words("{}是本来就有的角色，不能改。", "{} belongs to the shipped cast and stays.")
WITHDRAWN = Words("{}撤下了；说过的话都留着。", "{} is withdrawn; what it said stays.")
HANDED = Words(
    "{}交给这里了，以后由管理员照看。", "{} is handed over; moderators see to it from now on."
)
NOT_HANDED = Words("只在私聊里的角色交不出去。", "A private character cannot be handed over.")
MINE = Words("你做的角色：{}", "Your characters: {}")
NONE_OF_YOURS = Words(
    "你还没有做过角色：/角色 创建 …", "You have made none yet: /character create …"
)
REPORTED = Words("记下了，管理员会看。", "Noted; the moderators will look at it.")
TOO_MANY_REPORTS = Words(
    "你举报过的 {} 个，管理员还没有看完；看完以后再举报。",
    "The moderators have not seen to your last {} reports yet; report more when they have.",
)
REPORT_WHAT = Words(
    "举报谁，为什么？/角色 举报 名字 | 原因", "Report whom, and why? /character report NAME | WHY"
)
NO_REPORTS = Words("没有举报。", "There are no reports.")
REPORTS = Words("举报（{} 条）：\n{}", "Reports ({}):\n{}")
QUEUE = Words(
    "等待审核（{} 个）：\n{}\n/角色 查看 名字，/角色 通过 名字，/角色 退回 名字",
    "Waiting for approval ({}):\n{}\n/character show NAME, approve NAME, refuse NAME",
)
EMPTY_QUEUE = Words("没有等待审核的角色。", "No character waits for approval.")
APPROVED = Words("{}通过了，现在可以请上场。", "{} is approved and can be summoned.")
REFUSED = Words(
    "{}退回给做它的人了，只能在私聊里用。", "{} goes back to its maker, for private use."
)
NOT_WAITING = Words("没有叫“{}”的角色在等。", "No character called “{}” is waiting.")
MODES: Mapping[str, Words] = {
    "both": Words("原班和自创", "the shipped cast and its own"),
    "shipped": Words("只有原班", "the shipped cast only"),
    "own": Words("只有自创", "its own only"),
}
REVIEWS: Mapping[str, Words] = {
    "approve": Words("成员做的要审核", "what members make is reviewed"),
    "free": Words("成员做的直接可用", "what members make counts at once"),
    "off": Words("不收成员做的", "members make none"),
}
CAST_NOW = Words("这里的阵容：{}；{}。", "The cast here: {}; {}.")
TO_SEE_TO = Words(
    "等待审核 {} 个（/角色 待审），举报 {} 条（/角色 举报单）。",
    "Waiting for approval: {} (/character queue); reports: {} (/character reports).",
)
HOW_CAST = Words(
    "/阵容 原班｜自创｜全部 审核｜自由｜关闭", "/castmode shipped|own|both approve|free|off"
)
NO_PLACE = Words("私聊没有自己的阵容。", "A private chat has no cast of its own.")
FOUND = Words(
    "{}：\n{}\n/角色 查看 名字 看详情，/召唤 名字 请上场。",
    "{}:\n{}\n/character show NAME, /summon NAME.",
)
FOUND_NONE = Words(
    "没有找到。/发现 类别 看有哪些类别。", "Nothing found. /discover categories lists them."
)
POPULAR = Words("最常请的", "Most summoned")
NEWEST = Words("最新的", "Newest")
RATED = Words("评价最好的", "Best rated")
MATCHING = Words("找到", "Found")
BY_CATEGORY = Words("类别", "Categories")
ROW = Words(
    "{name}：{brief}（👍{up} 👎{down}，这里 {here} 次，一共 {all} 次）",
    "{name}: {brief} (👍{up} 👎{down}, summoned {here} times here, {all} in all)",
)
