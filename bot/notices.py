"""Texts of the bot itself, in both languages; no character says them."""

from __future__ import annotations

from characters.card import Words

ON_STAGE = Words("在场：{}", "On stage: {}")
NOBODY = Words(
    "台上没有人。用 /召唤 名字 请一位上来，/名册 看可以请谁。",
    "Nobody is on stage. Bring someone with /summon NAME; /cast shows who there is.",
)
CAST = Words("可以请的角色：\n{}", "Who can be summoned:\n{}")
MADE_ROW = Words("{emoji} {name}（也叫{aliases}）", "{emoji} {name} (also called {aliases})")
CAST_ROW = Words(
    "{emoji} {name}（{id}，也叫{aliases}）", "{emoji} {name} ({id}, also called {aliases})"
)
ALREADY = Words("{}已经在场。", "{} already on stage.")
LEFT = Words("{}退场了。", "{} left the stage.")
NOT_HERE = Words("{}不在场。", "{} not on stage.")
WHOM = Words("请谁？例如：/召唤 悟空 八戒", "Whom? For example: /summon wukong pigsy")
WHOM_NOT = Words("谁退场？例如：/退场 八戒", "Who should leave? For example: /dismiss pigsy")
FAREWELL = Words("我这就告辞了，诸位保重。", "I take my leave of this stage. Farewell, all of you.")
UNKNOWN = Words("没有人叫“{}”。可以请的有：{}", 'Nobody answers to "{}". There are: {}')
FORGOTTEN = Words(
    "忘了：这间屋子里说过的 {} 句话都已抹去。",
    "Erased: all that was said in this room (lines: {}).",
)
RESTORE = Words("一分钟之内，/恢复 可以找回来。", "Within a minute /restore brings them back.")
RESTORED = Words("找回来了：{} 句话。", "Brought back (lines: {}).")
NOTHING_TO_RESTORE = Words(
    "没有可以找回来的：忘掉的一分钟之后就真的没有了。",
    "There is nothing to bring back: what is forgotten is gone for good after a minute.",
)
FORGET_WHAT = Words(
    "忘掉什么？/忘记 屋子 抹去这间屋子里说过的一切。",
    "Forget what? `/forget room` erases all that was said in this room.",
)
JOINED = Words("{}来到{}，在场的有{}。", "{} comes to {}; {} are there.")
HERE = Words("这里", "this place")
PLACE = Words("地点：{}", "Place: {}")
MOOD = Words("气氛：{}", "Mood: {}")
CHAPTER = Words(
    "书到第 {} 回为止，后面的事还没有发生。", "Up to chapter {}; nothing later has happened."
)
NO_SCENE = Words(
    "没有布景。例：/场景 月下荒庙；气氛 悲凉；第 27 回",
    "No scene is set. For example: /scene a ruined temple; mood sad; chapter 27",
)
NO_SUCH_CHAPTER = Words("这本书只有 {} 回。", "The book ends with chapter {}.")
NOTE = Words("给演员的提示：{}", "Director's note: {}")
NO_NOTE = Words("没有提示。", "There is no director's note.")
NARRATED = Words("旁白：{}", "Narrator: {}")
NARRATE_WHAT = Words(
    "说什么？例如：/旁白 天忽然黑了", "What happens? For example: /narrate It grows dark"
)
WHISPERED = Words("（悄悄话）{}：{}", "(whispers) {}: {}")
WHISPER_WHAT = Words(
    "悄悄对谁说什么？例：/悄悄话 悟空 师父有危险。要对在场的一位说。",
    "Whisper what, and to whom on stage? For example: /whisper wukong Beware of the lady.",
)
LESSONS_ALLOWED = Words(
    "你在戏里出声说的话，可以收进教材（不写你的名字）。/公开 教材 不：不再可以。",
    "What you say aloud in scenes may be taken as lessons, without your name. "
    "`/share lessons no` ends that.",
)
LESSONS_NOT_ALLOWED = Words(
    "你说的话不收进教材。/公开 教材 可以：在你说过话的戏里，这场戏可以当教材（不写你的名字）。",
    "What you say is not taken as lessons. `/share lessons yes` lets scenes that you are in be "
    "taken, without your name.",
)
PROACTIVE = Words(
    "安静 {} 分钟以后，角色可以先开口：{} 点，一天最多 {} 次；没有人答话就不再说。/主动 关 停掉。",
    "After silence (minutes: {}) a character may speak first, between {} o'clock, at most so often "
    "a day: {}; and not again until somebody answers. /proactive off ends it.",
)
NOT_PROACTIVE = Words(
    "角色不会先开口。例：/主动 60 分钟 9-22 3次",
    "No character speaks first. For example: /proactive 60 min 9-22 3 times",
)
HOW_PROACTIVE = Words(
    "例：/主动 60 分钟 9-22 3次 UTC+8。安静 {} 分钟到 {} 天，一天 1 到 {} 次。",
    "For example: /proactive 60 min 9-22 3 times UTC+8. Shortest silence: {} min, longest: {} d; "
    "most lines a day: {}.",
)
SILENCE = Words("过了好一会儿，没有人说话。", "For a good while nobody says a word.")
RESERVED = Words("只在被叫到时开口：{}", "Speak only when called: {}")
AUTO_REPLY = Words(
    "{}：{}。/自动回话 名字 开｜关",
    "{}: {}. /autoreply NAME on|off",
)
UNASKED = {
    True: Words("没被叫到也会接话", "answers unasked"),
    False: Words("只在被叫到时开口", "speaks only when called"),
}
WHOSE_REPLIES = Words(
    "谁的？例：/自动回话 八戒 关。全体：/自动回话 全体 开",
    "Whose? For example: /autoreply pigsy off, or /autoreply all on",
)
WHICH_FORMAT = Words(
    "哪一种？/剧本 文本、/剧本 网页、/剧本 jsonl、/剧本 教材；加一个数只要最后几句（最多 {}）。",
    "Which? /transcript markdown, html, jsonl or lessons; with a number only the last lines "
    "(at most {}).",
)
TRANSCRIPT = Words(
    "这场戏，{} 句：只有大家都听得见的话。",
    "The scene (lines: {}): only what everybody could hear.",
)
AS_IT_IS = Words("{}", "{}")
NO_CONSENT = Words(
    "这场戏要人人同意才能当教材。还没有同意的：{}。同意的请说 /公开 教材 可以。",
    "The scene may be taken as lessons when everybody in it agrees. Not yet: {}. Whoever agrees "
    "says: /share lessons yes",
)
KEPT_AS = Words(
    "存好了：「{}」（{} 句）。/分支 {} 回到这里。",
    "Kept as “{}” (lines: {}). /branch {} comes back.",
)
BRANCHED = Words(
    "从这里另起一支：\n{}\n后来的都留着；/分支 {} 回去。",
    "On from here:\n{}\nWhat came after is kept; /branch {} goes back.",
)
GONE_TO = Words("现在在「{}」：\n{}", "This is “{}”:\n{}")
LEFT_AT = Words("刚才的留着；/分支 {} 回去。", "What was left is kept; /branch {} goes back.")
BRANCHES = Words("存档和分支：\n{}", "Checkpoints and branches:\n{}")
BRANCH_ROW = Words("{mark} {name}（{turns} 句）{end}", "{mark} {name} (lines: {turns}) {end}")
NO_BRANCHES = Words(
    "没有存档也没有分支。/存档 名字 存下现在；/分支 3 退回三句另起一支。",
    "Nothing is kept. /checkpoint NAME keeps the scene as it is; /branch 3 goes on from three "
    "lines back.",
)
NO_SUCH_BRANCH = Words("没有「{}」。有：{}", "There is no “{}”. There are: {}")
TOO_MANY_BRANCHES = Words(
    "一间屋子最多 {} 个；先用 /分支 删除 名字 去掉一个。",
    "A room keeps at most {}; take one away first: /branch delete NAME",
)
BRANCH_NAME = Words(
    "名字要一行、最多 {} 个字，不能只是数字。",
    "A name is one line (characters: at most {}), no number.",
)
BRANCH_REPLY = Words(
    "要从哪一句起？回复那一句说 /分支 这里，或者 /分支 3 退回三句。",
    "From which line? Reply to it with /branch here, or go three lines back with /branch 3.",
)
BRANCH_GONE = Words("去掉了「{}」。", "“{}” is gone.")
ROLLED = Words("{}掷骰：{}", "{} rolls {}")
CHOICES = Words("怎么走？打一个号码就算选定：\n{}", "What now? Type a number to pick:\n{}")
NO_CHOICES = Words(
    "现在没有选项。例：/选项 上山 | 下河 | 原地不动",
    "Nothing is to be picked now. For example: /choices climb | swim | wait",
)
HOW_MANY_CHOICES = Words(
    "要 {} 到 {} 个选项，用 | 隔开，例：/选项 上山 | 下河",
    "Choices, at least {} and at most {}, with | between them: /choices climb | swim",
)
LONG_CHOICE = Words("每个选项最多 {} 个字。", "A choice may be at most this long (characters): {}.")
PAUSED = Words(
    "暂停了：说的话照样听见，没有人开口。/开演 接着演。",
    "Paused: what is said is heard, and nobody answers. /resume goes on.",
)
RESUMED = Words("接着演。", "On with the play.")
NOT_PAUSED = Words("没有暂停。", "It was not paused.")
EDIT_WHAT = Words(
    "改成什么？例如：/改成 老孙不怕！",
    "In which words? For example: /edit Old Sun fears nobody!",
)
NO_LINE = Words("还没有角色说过话。", "No character has said anything yet.")
HOW_MANY = Words("要一个 1 到 {} 的数。", "A number from 1 to {}, please.")
TOO_FEW = Words("至少要有两位在场。", "At least two must be on stage.")
WHICH_VERSION = Words("这一句有 {} 个说法。", "Versions of this line: {}.")
UNDONE = Words("收回了 {} 句。", "Taken back (lines: {}).")
BEFORE = Words("前情：{}", "Before: {}")
NOTHING_YET = Words("还没有发生什么。", "Nothing has happened yet.")
LEANED = Words("{}这句话面前放着书里这几处：", "For this line {} had before them, from the book:")
PASSAGE = Words("第 {} 回：{}", "Chapter {}: {}")
NO_PASSAGES = Words(
    "{}这句话没有依据书里哪一处。", "For this line {} leaned on nothing in the book."
)
NO_BOOK = Words(
    "这里没有书可依据；用 --canon 或 MRP_CANON 给一本。",
    "There is no book here to lean on; give one with --canon or MRP_CANON.",
)
LORE_LEANED = Words("{}这句话面前有设定：{}", "For this line {} had lore: {}")
LORE_ENTRY = Words("《{0}》的「{1}」", "“{1}” of {0}")
ROOM_LORE = Words("本屋", "this room")
LORE_BOOK = Words("《{}》{} 条{}：{}", "{} (entries: {}{}): {}")
LORE_ONLY = Words("，只有{}知道", ", only {} knows it")
NO_LORE = Words(
    "这里没有设定。例：/设定 加 紧箍咒、咒语：只有唐僧会念。",
    "There is no lore here. For example: /lore add sword, blade: It sings at night.",
)
LORE_HOW = Words(
    "/设定 加 关键词、关键词：内容；只让悟空知道：/设定 加 @悟空 关键词：内容；"
    "总是知道：/设定 加 *：内容；/设定 导入 JSON；/设定 删 名字。",
    "`/lore add key, key: text`; for Wukong alone: `/lore add @wukong key: text`; always known: "
    "`/lore add *: text`; `/lore import JSON`; `/lore remove NAME`.",
)
LORE_ADDED = Words("记下设定「{}」。", "Lore added: {}.")
LORE_IMPORTED = Words("导入《{}》：{} 条。", "Imported {} (entries: {}).")
LORE_REMOVED = Words("删去设定「{}」。", "Lore removed: {}.")
LORE_NONE = Words("没有叫「{}」的设定。", "There is no lore called “{}”.")
LORE_UNREAD = Words("这份设定读不了：{}", "This lore cannot be read: {}")
LORE_FULL = Words("放不下了：最多 {}。", "There is no room for it: at most {}.")
LORE_LONG = Words("内容有 {} 个字，最多 {}。", "The text has {} characters; at most {}.")
LORE_KEYS = Words("关键词最多 {} 个，每个最多 {} 个字。", "Most keys: {}; longest: {} characters.")
LORE_WHO = Words("没有人叫「{}」。", "Nobody is called “{}”.")
FORWARDED = Words("（转来别人的话）“{}”", "(passes on somebody else's words) “{}”")
NOT_ALLOWED = Words("在这里只有管理员可以 /{}。", "Here only moderators may give the order /{}.")
NOT_SO_FAST = Words(
    "说得太快了，没有人听见；请过 {} 秒再说。",
    "That was too fast, and nobody heard it; please wait ({} s).",
)
QUEUED = Words("前面还有 {} 位在等，请稍候。", "Please wait; your place in the queue is {}.")
UNANSWERED = Words("没有来得及回答{}：“{}”", "{} was not answered: “{}”")
ORDER_LOST = Words(
    "重新启动时{}的命令 {} 正在执行，可能没有做完。",
    "When the bot was started anew, {}'s order {} was being carried out; it may not be complete.",
)
LANGUAGE = Words("这间屋子说中文。", "This room speaks English.")
WHICH_LANGUAGE = Words("哪种语言？/语言 zh 或 /语言 en", "Which language? /language zh or en")
NO_SUCH_COMMAND = Words(
    "没有 /{} 这个命令，/帮助 列出全部。", "There is no command /{}; /help lists them all."
)
ELSEWHERE = Words("/{} 在这里没有用处。", "/{} means nothing here.")
WEB = Words(
    "在浏览器里打开这间屋子（只给你一个人，十分钟内有效，只能用一次）：\n{}",
    "This room in your browser, for you alone; the link works once, within ten minutes:\n{}",
)
NO_WEB = Words(
    "网页没有开；请主持机器人的人运行 mrp studio。",
    "No web pages are served here; whoever runs the bot can start them with mrp studio.",
)
EMPTY = Words("你没有说话。", "You said nothing.")
TOO_LONG = Words(
    "这段话有 {} 个字，最多 {} 个；没有人听见，请分几次说。",
    "That is too long ({} characters, of at most {}): nobody heard it, please say it in parts.",
)
CROWDED = Words(
    "台上的人太多，这个模型记不下（{}）。请几位退场再说。",
    "There are more on stage than this model can hold ({}). Dismiss some of them.",
)
SAME_AGAIN = Words(
    "{}想来想去还是这一句。再按一次，会换个想法再试。",
    "{}: the same words again. Ask once more, and another try is made.",
)
STUMBLED = Words("{}没能答上来：{}", "{} could not answer: {}")
AWAY = Words(
    "记忆暂时连不上，正在重试；说的话都排着队，不会丢。（{}）",
    "The memory is away and is being tried again; what is said waits its turn. ({})",
)
BACK = Words("记忆又连上了。", "The memory is back.")
# on, off, some
MINE_ALOUD = (
    Words("回你的话会念出来。", "Answers to you are read aloud."),
    Words("回你的话不再念出来。", "Answers to you are no longer read aloud."),
    Words("回你的话里，{}的会念出来。", "Of the answers to you, those of {} are read aloud."),
)
ROOM_ALOUD = (
    Words("这间屋子里的话都会念出来。", "In this room all lines are read aloud."),
    Words("这间屋子里的话不念出来。", "In this room lines are not read aloud."),
    Words("这间屋子里，{}的话会念出来。", "In this room the lines of {} are read aloud."),
)
VOICE_HOW = Words(
    "/语音 开、关、悟空：只管回你的话；/语音 屋子 开：管大家的。",
    "`/voice on`, `off`, `wukong` is for answers to you; `/voice room on` for everybody.",
)
ALOUD_SHARED = Words(
    "几个人共用这个账号，只能用 /语音 屋子。",
    "Several people share this account; only `/voice room` is possible.",
)
NO_SOUND = Words(
    "这里没有声音：平台放不了，或者机器上没有装（mrp doctor 会说缺什么）。",
    "There is no sound here: the platform cannot play it, or nothing speaks on this machine "
    "(mrp doctor says what is missing).",
)
NOT_ALOUD = Words("悄悄话不念出声。", "What was whispered is not read aloud.")
SOUND_BUSY = Words("正在念另一句，请稍候。", "Another line is being read; please wait.")
NOT_THERE = Words("这句话已经不在了。", "That line is gone.")
HOW_RATE = Words(
    "觉得上一句怎样？/评价 👍、/评价 👎，/评价 收回",
    "What do you think of the last line? /rate up, /rate down, /rate none",
)
RATED = Words("记下了：{}的上一句 {}。", "Noted, for the last line of {}: {}.")
UNRATED = Words(
    "{}的上一句，你的评价收回了。", "What you thought of the last line of {} is taken back."
)
RATE_SHARED = Words(
    "几个人共用这个账号，评价不算数。",
    "Several people share this account; its thumbs do not count.",
)
