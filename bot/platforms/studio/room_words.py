"""The words of the pages beside a room: whispers, transcript, branches, lorebooks, all orders."""

from __future__ import annotations

from collections.abc import Mapping

from characters.card import Words

ROOM_WORDS: Mapping[str, Words] = {
    "summon name": Words("名字，可以几个", "A name, or several"),
    "summon do": Words("请", "Bring"),
    "choices": Words("几条路，选一条", "Ways to go on: choose one"),
    # whispers: … is where the name comes
    "whispers": Words("只说给{}听", "Whisper to {}"),
    "whispers mark": Words("耳", "👂"),
    "whispering": Words("只说给…听，别人看不见。", "Whispering to …: nobody else sees it."),
    "aloud again": Words("改回大声说", "Speak aloud again"),
    "only you": Words("悄悄话，只有你看得到", "whispered: only you see this"),
    # transcript, branches, files
    "earlier": Words("更早的", "Earlier"),
    "share file": Words("写成文件", "As a file to share"),
    "share file text": Words(
        "文件的链接出现在屋子里；悄悄话不在其中，教材要人人同意。",
        "The link appears in the room. Whispers are left out; lessons need everybody's consent.",
    ),
    "share markdown": Words("文本", "Markdown"),
    "share html": Words("网页", "Web page"),
    "share jsonl": Words("JSONL", "JSONL"),
    "share lessons": Words("教材", "Lessons"),
    "branches": Words("分支和存档", "Branches and checkpoints"),
    "branches text": Words(
        "点一句后面的 ↳，从那里另起一支；原来的留着，随时回去。",
        "The ↳ behind a line goes on from there another way; what was stays, to come back to.",
    ),
    "branch here": Words("从这一句另起一支", "Go on from here another way"),
    "branch now": Words("在这里", "here"),
    "branch go": Words("去", "Go there"),
    "turns": Words("{} 句", "lines: {}"),
    "checkpoint": Words("把戏存在这一刻", "Keep the scene as it is now"),
    "checkpoint hint": Words("比如：进庙之前", "Before the temple"),
    "checkpoint keep": Words("存档", "Keep"),
    # lorebooks
    "lore": Words("设定集", "Lorebooks"),
    "lore text": Words(
        "说到关键词，角色就知道这些。",
        "Characters know these when a key is mentioned.",
    ),
    "no lore": Words("这间屋子还没有设定。", "This room has no lore yet."),
    "lore always": Words("一直知道", "always known"),
    "lore keys": Words("关键词：{}", "keys: {}"),
    "lore remove": Words("去掉“{}”", "Remove “{}”"),
    "lore remove book": Words("去掉整本", "Remove the book"),
    "lore remove entry": Words("去掉", "Remove"),
    "lore more": Words(
        "还有 {} 条没有列出；知道名字就能去掉：/设定 删 名字",
        "{} more are not listed; by its name each can be removed: /lore remove NAME",
    ),
    "lore add": Words("加一条", "Add an entry"),
    "lore add keys": Words("关键词（用顿号隔开；* 是一直）", "Keys (commas between; * is always)"),
    "lore add hint": Words("紧箍咒、咒语", "golden fillet, spell"),
    "lore add text": Words("内容", "What is known"),
    "lore add who": Words("谁知道", "Who knows it"),
    "lore import": Words("带进来一本", "Bring in a book"),
    "lore import text": Words(
        "SillyTavern 等的世界书，或带书的角色卡：拖到这里或选一个",
        "A lorebook of SillyTavern or its relatives, or a card that holds one: drop it here, or "
        "choose",
    ),
    "lore missing": Words("要有关键词和内容。", "Keys and a text are needed."),
    "lore long": Words("太长：内容最多 {} 个字。", "Too long: a text has {} characters at most."),
    "lore none": Words("{} 里没有世界书。", "There is no lorebook in {}."),
    "lore unread": Words("读不了：{}", "It cannot be read: {}"),
    # all orders
    "all orders": Words("全部命令", "All commands"),
    "all orders text": Words(
        "和聊天里的一样；在屋子里也可以打 / 直接说。",
        "The same as in a chat; in the room you can type them with a /.",
    ),
    "order do": Words("做", "Do it"),
}
