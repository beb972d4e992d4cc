"""What the house itself says, in both languages. Characters never speak from here."""

from __future__ import annotations

from characters.card import Words

ON_STAGE = Words("在场：{}", "On stage: {}")
NOBODY = Words(
    "台上没有人。用 /召唤 名字 请一位上来，/名册 看可以请谁。",
    "Nobody is on stage. Bring someone with /summon NAME; /cast shows who there is.",
)
SAID_SO_FAR = Words("说过 {} 句", "{} lines said")
CAST = Words("可以请的角色：\n{}", "Who can be summoned:\n{}")
CAST_ROW = Words(
    "{emoji} {name}（{id}，也叫{aliases}）", "{emoji} {name} ({id}, also called {aliases})"
)
ALREADY = Words("{}已经在场。", "{} already on stage.")
LEFT = Words("{}退场了。", "{} left the stage.")
NOT_HERE = Words("{}不在场。", "{} not on stage.")
WHOM = Words("请谁？例如：/召唤 悟空 八戒", "Whom? For example: /summon wukong pigsy")
WHOM_NOT = Words("谁退场？例如：/退场 八戒", "Who should leave? For example: /dismiss pigsy")
UNKNOWN = Words("没有人叫“{}”。可以请的有：{}", 'Nobody answers to "{}". There are: {}')
FORGOTTEN = Words(
    "忘了：这间屋子里说过的 {} 句话都已抹去。", "Forgotten: all {} lines of this room are erased."
)
LANGUAGE = Words("这间屋子说中文。", "This room speaks English.")
WHICH_LANGUAGE = Words("哪种语言？/语言 zh 或 /语言 en", "Which language? /language zh or en")
NO_SUCH_COMMAND = Words(
    "没有 /{} 这个命令，/帮助 列出全部。", "There is no command /{}; /help lists them all."
)
ELSEWHERE = Words("/{} 在这里没有用处。", "/{} means nothing here.")
EMPTY = Words("你没有说话。", "You said nothing.")
TOO_LONG = Words(
    "这段话有 {} 个字，最多 {} 个；没有人听见，请分几次说。",
    "That is {} characters, at most {} are heard; nobody heard it, please say it in parts.",
)
CROWDED = Words(
    "台上的人太多，这个模型记不下（{}）。请几位退场再说。",
    "There are more on stage than this model can hold ({}). Dismiss some of them.",
)
STUMBLED = Words("{}没能答上来：{}", "{} could not answer: {}")
AWAY = Words(
    "记忆暂时连不上，正在重试；说的话都排着队，不会丢。（{}）",
    "The memory is away and is being tried again; what is said waits its turn. ({})",
)
BACK = Words("记忆又连上了。", "The memory is back.")
