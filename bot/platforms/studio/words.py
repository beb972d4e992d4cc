"""The words of the pages, in both languages, by the key that templates use."""

from __future__ import annotations

from collections.abc import Mapping

from bot.platforms.studio.hosting.words import HOSTING
from bot.platforms.studio.room_words import ROOM_WORDS
from characters.card import Words

WORDS: Mapping[str, Words] = {
    **ROOM_WORDS,
    **HOSTING,
    # every page
    "site": Words("书中人", "Out of the Book"),
    "skip": Words("跳到正文", "Skip to the content"),
    "menu": Words("主菜单", "Main menu"),
    "gallery": Words("角色", "Characters"),
    "rooms": Words("屋子", "Rooms"),
    "me": Words("记得我什么", "What is remembered"),
    "owner": Words("主持", "Hosting"),
    "other language": Words("English", "中文"),
    "dark": Words("夜里的样子", "Dark"),
    "light": Words("白天的样子", "Light"),
    "auto": Words("随系统", "As the system"),
    "look": Words("语言和明暗", "Language and colours"),
    "leave": Words("退出", "Sign out"),
    "fiction": Words(
        "角色都是虚构的，话由这台机器上的模型编出。",
        "The characters are fiction; a model on this machine makes up what they say.",
    ),
    # coming in
    "welcome": Words("书里的人，出来说话", "The people of a book, come out to talk"),
    "welcome text": Words(
        "孙悟空、猪八戒、白骨夫人……他们在同一台机器上，由同一个模型说话；"
        "记得你的，只有你看得到，也随时抹得掉。",
        "Sun Wukong, Zhu Bajie, Lady White Bone: all on one machine, all voiced by one model. What "
        "they remember of you is yours to see, and to erase.",
    ),
    "how in": Words("怎么进来", "How to come in"),
    "by chat": Words(
        "在有他们的 Discord 或 Telegram 里说 /网页，会得到只给你一个人的链接。",
        "Where they are on Discord or Telegram, say /web: you get a link for you alone.",
    ),
    "by terminal": Words(
        "你是主持的人？终端里 mrp studio 打出过一个链接；再要一个：mrp studio --link",
        "Are you the host? mrp studio printed a link in the terminal; for another one: "
        "mrp studio --link",
    ),
    "enter": Words("进来", "Come in"),
    "enter text": Words(
        "这个链接只能用一次。进来以后，你就是聊天里的那个你：记忆、设置都一样。",
        "The link works once. Inside you are who you are in the chat: same memory, same wishes.",
    ),
    # gallery and character
    "gallery title": Words("想和谁说话？", "Who would you like to talk to?"),
    "search": Words("名字、别名、一句话", "A name, an alias, a word"),
    "find": Words("找", "Find"),
    "nobody found": Words(
        "没有找到“{}”。换个字试试，简体、繁体、英文都行。",
        "Nobody found for “{}”. Try another word, in either language.",
    ),
    "all of them": Words("全部角色", "All characters"),
    "talk": Words("和{}说话", "Talk with {}"),
    "who": Words("是谁", "Who this is"),
    "manner": Words("说话的样子", "How they speak"),
    "also called": Words("也叫", "Also called"),
    "from chapter": Words("第 {} 回出场", "First seen in chapter {}"),
    "bring": Words("请到聊天里", "Bring them to a chat"),
    "bring text": Words(
        "在 Discord 或 Telegram 的屋子里说：", "In a room on Discord or Telegram, say:"
    ),
    "bring to": Words("请到“{}”", "Bring to “{}”"),
    "sorted": Words("排列", "Order"),
    "by ": Words("按名册", "As listed"),
    "by popular": Words("热门", "Popular"),
    "by new": Words("最新", "New"),
    "by rated": Words("好评", "Well rated"),
    "categories": Words("类别", "Categories"),
    "every category": Words("所有类别", "All"),
    "nobody in": Words("“{}”里还没有人。", "There is nobody in “{}”."),
    "liked": Words("大家怎么看", "What people think"),
    "brought by": Words("{} 人请过", "brought on stage by {} people"),
    "brought by one": Words("1 人请过", "brought on stage by one person"),
    "thumbs up": Words("说得好 {}", "well said: {}"),
    "thumbs down": Words("说得不好 {}", "not so: {}"),
    # making one
    "make": Words("造一个角色", "Make a character"),
    "make name": Words("名字", "Name"),
    "make aliases": Words("别名（用顿号隔开）", "Other names (commas between)"),
    "make brief": Words("一句话介绍", "In one line"),
    "make greeting": Words("上场说的第一句话", "The first thing they say"),
    "make persona": Words("是谁、经历、在乎什么", "Who they are, and what they care about"),
    "make style": Words("怎么说话", "How they speak"),
    "make lines": Words("例句（一行一句）", "Things they would say (one a line)"),
    "make categories": Words("类别（用顿号隔开）", "Categories (commas between)"),
    "make face": Words("头像（PNG，最多 1 MB）", "Picture (PNG, 1 MB at most)"),
    "make everywhere": Words("谁都可以请", "Everybody may bring them on stage"),
    "make keep": Words("就是这样", "Keep"),
    "make try": Words("说一句试试", "Let them say something"),
    "make reach": Words(
        "只有你自己在私下的屋子里能请；要放进服务器或群，在那里用 /角色。",
        "Only you can bring them on stage, in private rooms; for a server or group, use /character "
        "there.",
    ),
    "make import": Words("带进来一张卡", "Bring in a card"),
    "make import text": Words(
        "SillyTavern 等的角色卡（PNG、JSON、CHARX、YAML），拖到这里或选一个",
        "A card of SillyTavern or its relatives (PNG, JSON, CHARX, YAML): drop it here, or choose",
    ),
    "make withdraw": Words("撤下这个角色", "Withdraw this character"),
    "make change": Words("修改", "Change"),
    "make withdraw text": Words(
        "撤下就没有了，要再造一次。", "It is gone then, and would have to be made again."
    ),
    "make missing": Words(
        "要有名字、上场的话，和一句话介绍或经历。",
        "A name, the first thing they say, and one of the two descriptions are needed.",
    ),
    "make wrong": Words("没有存下：{}", "Nothing was kept: {}"),
    "make filtered": Words("里面有这里不谈的内容。", "It holds what is not talked about here."),
    "make forbidden": Words(
        "在这里只有管理员可以造角色。", "Only moderators make characters here."
    ),
    "make png": Words("头像要一张完好的 PNG。", "The picture must be a PNG that is whole."),
    "make line": Words("问：{}　答：{}", "“{}” — “{}”"),
    "make no line": Words("模型这次没有答上来：{}", "The model could not answer: {}"),
    "make no file": Words("先选一个文件。", "Choose a file first."),
    "make no card": Words("这个文件里没有角色。", "There is no character in this file."),
    "card": Words("带走这张卡", "Take the card along"),
    "card text": Words("SillyTavern 等也能读", "SillyTavern and others read it, too"),
    "in the book": Words("书里怎么说", "What the book says"),
    "chapter": Words("第 {} 回", "Chapter {}"),
    # rooms
    "aloud": Words("念出来", "Read it aloud"),
    "rooms title": Words("你的屋子", "Your rooms"),
    "no rooms": Words(
        "还没有屋子。挑一个角色说话，或者在下面开一间。",
        "No rooms yet. Pick a character, or open one below.",
    ),
    "new room": Words("开一间屋子", "Open a room"),
    "room name": Words("名字", "Name"),
    "room name hint": Words("比如：月下荒庙", "A ruined temple by moonlight"),
    "alone": Words("只有我和角色", "Only me and the characters"),
    "alone text": Words("私下说的可以被想起来。", "What you said in private may be recalled here."),
    "together": Words("可以请别人进来", "Others may be asked in"),
    "together text": Words(
        "私下说的不会在这里提起。", "What you said in private does not come up here."
    ),
    "open": Words("打开", "Open"),
    "untitled": Words("一间屋子", "A room"),
    "room of": Words("{} 的屋子", "A room on {}"),
    "until": Words("开到 {}", "Open until {}"),
    "remove": Words("从名单里拿掉", "Take off the list"),
    "remove own": Words(
        "这间屋子只有从这里进得去；拿掉以后就回不来了。",
        "This list is the only way into the room; once it is off, you cannot come back.",
    ),
    "remove chat": Words(
        "要再进来，在那边的聊天里说 /网页。", "To come in again, say /web in that chat."
    ),
    # a room
    "transcript": Words("全部对话、分支、文件", "Transcript, branches, files"),
    "lines": Words("对话", "Conversation"),
    "on stage": Words("在场", "On stage"),
    "nobody on stage": Words(
        "台上没有人。从下面请一位上来。", "Nobody is on stage. Bring somebody on below."
    ),
    "speaking": Words("{}正在开口……", "{} is about to speak…"),
    "stop": Words("停", "Stop"),
    "speaks next": Words("轮到{}", "{} speaks next"),
    "sends off": Words("请{}退场", "Send {} off"),
    "summon": Words("请人上场", "Bring on stage"),
    "whoever": Words("谁都行，接着说", "Whoever likes"),
    "go on": Words("把话说下去", "Go on"),
    "auto play": Words("让他们自己聊", "Let them talk"),
    "pause": Words("暂停", "Pause"),
    "resume": Words("接着演", "Go on with the play"),
    "paused": Words("暂停了：说的话照样听见，没有人开口。", "Paused: all is heard, nobody speaks."),
    "again": Words("换个说法", "Another version"),
    "earlier version": Words("上一个说法", "Earlier version"),
    "later version": Words("下一个说法", "Later version"),
    "version": Words("第 {} 个说法，共 {} 个", "Version {} of {}"),
    "edit": Words("改这一句", "Edit this line"),
    "undo": Words("收回一句", "Take back a line"),
    "why": Words("出处", "Why?"),
    "good": Words("说得好", "Well said"),
    "good mark": Words("好", "👍"),
    "bad mark": Words("差", "👎"),
    "bad": Words("说得不好", "Not well said"),
    "say": Words("说", "Say"),
    "say hint": Words("说点什么，或者 /帮助", "Say something, or /help"),
    "say help": Words(
        "回车发出，Shift+回车换行；Esc 打断；Alt+左右键换说法",
        "Enter sends, Shift+Enter breaks the line; Esc stops; Alt+arrows turn versions",
    ),
    "offline": Words(
        "连不上服务器，还没有发出；写的字都在，稍后再发一次。",
        "The server cannot be reached, and nothing was sent; your words are still here.",
    ),
    "enough": Words(
        "你在太多地方同时看着，这一页停了。重新载入就接着看。",
        "You are watching in too many places, so this page has stopped. Reload to go on.",
    ),
    "reload": Words("没有 JavaScript：点这里看新的话", "Without JavaScript: see what is new"),
    "scene": Words("布景", "Scene"),
    "place": Words("在哪里", "Place"),
    "mood": Words("气氛", "Mood"),
    "as of chapter": Words("书到第几回为止（0：全书）", "Up to which chapter (0: the whole book)"),
    "note": Words("给演员的提示", "Director's note"),
    "set": Words("就这样", "Set"),
    "narrate": Words("旁白", "Narrate"),
    "narrate hint": Words("天忽然黑了", "It grows dark"),
    "more": Words("更多", "More"),
    "up to chapter": Words("书到第 {} 回", "Up to chapter {}"),
    "whole book": Words("全书", "The whole book"),
    "invite": Words("请别人进来", "Ask somebody in"),
    "invite link": Words(
        "把这个链接给一个人，十分钟内有效，只能用一次；对方要先能进这个网站：",
        "For one person, once, within ten minutes; they must be able to sign in here:",
    ),
    "join": Words("进屋", "Join"),
    "edit title": Words("这一句该怎么说？", "How should this line go?"),
    "keep": Words("就这么说", "Keep"),
    "back": Words("回去", "Back"),
    "edit gone": Words(
        "这时候又有人说话了，这一句已经不是最后一句，没有改。你写的在下面，可以复制。",
        "Somebody spoke meanwhile, so this is not the last line any more and was not changed. What "
        "you wrote is below, for you to copy.",
    ),
    "why title": Words("{}这句话面前放着书里这几处", "What {} had before them from the book"),
    "why nothing": Words("这句话没有依据书里哪一处。", "This line leaned on nothing in the book."),
    "no book": Words(
        "这里没有书可依据；主持的人用 --canon 或 MRP_CANON 给一本。",
        "There is no book here to lean on; the host gives one with --canon or MRP_CANON.",
    ),
    "around it": Words("前后文", "Around it"),
    "no transcript": Words("还没有人说过话。", "Nothing has been said yet."),
    # what is remembered
    "me title": Words("他们记得你什么", "What they remember of you"),
    "your name": Words("怎么称呼你", "What you are called"),
    "facts": Words("记下的事", "Facts"),
    "no facts": Words(
        "没有记得你什么。说话时说“记住：……”就会记住。",
        "Nothing is remembered. Say “remember that …” while you talk, and it will be.",
    ),
    "knows": Words("知道的：{}", "Known to {}"),
    "everybody": Words("所有角色", "all characters"),
    "asked to": Words("你要记的", "as you asked"),
    "gathered": Words("听来的，{}%", "gathered, {}% sure"),
    "private": Words("私下说的", "in private"),
    "correct": Words("改", "Correct"),
    "forget": Words("忘掉", "Forget"),
    "remember": Words("记住", "Remember"),
    "remember hint": Words("比如：我对花生过敏", "I am allergic to peanuts"),
    "bonds": Words("和谁说过话", "Who you have talked with"),
    "talks": Words("说过 {} 回话，{} 起", "talks: {}, since {}"),
    "wishes": Words("你的意思", "Your wishes"),
    "in groups": Words("在群里记我", "Remember me in groups"),
    "not in groups": Words("在群里不要记我", "Do not remember me in groups"),
    "may share": Words("私下说的，群里可以提起", "What I say in private may come up in groups"),
    "may not share": Words("私下说的，不带到群里", "What I say in private stays private"),
    "now": Words("现在：{}", "Now: {}"),
    "change to": Words("改成：{}", "Change to: {}"),
    "days": Words("多少天不来就全部忘掉", "Days away after which all is forgotten"),
    "accounts": Words("绑在一起的账号", "Linked accounts"),
    "link code": Words("要一个口令，绑定另一个账号", "Get a code to link another account"),
    "link say": Words("输入另一个账号的口令", "Enter the code of your other account"),
    "link asked": Words(
        "有人要和这个账号绑在一起时：", "When somebody asks to be linked with you:"
    ),
    "link yes": Words("是，都是我", "Yes, both are me"),
    "link no": Words("不是我", "No"),
    "unlink": Words("拆开这个账号", "Take this account out"),
    "export": Words("带走我的全部记录（JSON）", "Take everything along (JSON)"),
    "everything": Words("抹去关于我的一切", "Erase everything about me"),
    "everything text": Words(
        "你说过的话、得到的回答、记得的事，全部抹去，找不回来。你也会从所有浏览器退出。",
        "What you said, what was answered, what is remembered: all gone for good. You are signed "
        "out everywhere.",
    ),
    "characters stay": Words(
        "我做的 {} 个角色里，别人能请的留给大家，不再有我的名字（不勾就一起抹去）",
        "Of the characters I made ({}), leave those that others can summon, without my name (else "
        "they go, too)",
    ),
    "sure": Words("我确定", "I am sure"),
    "leave everywhere": Words("从所有浏览器退出", "Sign out everywhere"),
    # owner
    "owner title": Words("这台机器上的戏", "The play on this machine"),
    "room counts": Words("屋子", "Rooms"),
    "room counts text": Words(
        "只有平台和数目：说了什么，只有屋子里的人看得到。",
        "Platforms and counts only: what is said is for those in the room.",
    ),
    "platform": Words("平台", "Platform"),
    "used rooms": Words("一天内 / 三十天内用过", "Used within a day / thirty days"),
    "figures": Words("数字", "Figures"),
    "no figures": Words(
        "从启动起每分钟记一次，还没有两个点可以连。",
        "A point a minute since the start; there are not two of them yet.",
    ),
    "messages": Words("每分钟听到的话", "Messages heard, a minute"),
    "replies": Words("每分钟说出的话", "Lines said, a minute"),
    "tokens": Words("每秒写出的词元", "Tokens written, a second"),
    "reuse": Words("不必重读的提示（%）", "Prompt tokens reused (%)"),
    "queue": Words("排队的回复", "Replies in the queue"),
    "first token": Words("到第一个字的秒数（中位）", "Seconds to the first token (median)"),
    "newest": Words("现在 {}", "Now {}"),
    "most": Words("最多 {}", "At most {}"),
    "counted": Words("从启动起数到的", "Counted since the start"),
    "event": Words("什么", "What"),
    "times": Words("次数", "Times"),
    "feedback": Words("反馈", "Feedback"),
    "feedback text": Words(
        "两种说法里哪一种更好；退出记忆的人不在其中，人名换成了字母。",
        "Which of two versions was better. People who opted out are not in it; names are letters.",
    ),
    "no feedback": Words(
        "还没有反馈：来自每句下面的好与不好、换过的说法和改过的句子。",
        "No feedback yet: it comes from thumbs, from other versions and from edited lines.",
    ),
    "chosen": Words("更好", "Better"),
    "rejected": Words("不如", "Not as good"),
    "download dpo": Words("下载成对的（DPO）", "Download pairs (DPO)"),
    "download kto": Words("下载单条的（KTO）", "Download votes (KTO)"),
    "model": Words("模型：{}", "Model: {}"),
    # what goes wrong
    "what you wrote": Words("你写的都在这里：", "What you wrote is here:"),
    "sign in": Words(
        "先要进来：在聊天里说 /网页 拿一个链接；主持的人用终端里的链接。",
        "Sign in first: say /web in the chat for a link; the host uses the one in the terminal.",
    ),
    "sign in title": Words("你还没有进来", "You are not signed in"),
    "forbidden": Words("这一页是给主持的人看的。", "This page is for the host."),
    "forbidden title": Words("这里你进不去", "Not for you"),
    "not found": Words(
        "没有这一页，或者这间屋子不给你看。聊天里的屋子要在那边再说一次 /网页。",
        "There is no such page, or the room is not open to you. For a room of a chat, say /web "
        "there again.",
    ),
    "not found title": Words("没有找到", "Not found"),
    "used link": Words(
        "这个链接用过了，或者过了十分钟。在聊天里再说一次 /网页；主持的人：mrp studio --link",
        "The link was used, or is older than ten minutes. Say /web in the chat again; the host: "
        "mrp studio --link",
    ),
    "used link title": Words("链接不能用了", "This link is used up"),
    "forged": Words(
        "这个表单不是从这里的页面发来的，或者那一页太旧了。打开这一页，再发一次。",
        "The form did not come from a page of this site, or from one that is too old. Open the "
        "page again and send it once more.",
    ),
    "forged title": Words("没有做", "Nothing was done"),
    "too fast": Words("太快了。请等 {} 秒再来。", "That was too fast. Please wait ({} s)."),
    "too fast title": Words("慢一点", "Slower, please"),
    "too large": Words(
        "太大了：最多 {} MB，一点也没有存下。",
        "That is too large: {} MB at most. Nothing was kept.",
    ),
    "too large title": Words("太大了", "Too large"),
    "away": Words(
        "记忆暂时连不上，没有做。过一会儿再发一次；主持的人用 mrp doctor 看看。",
        "The memory cannot be reached, and nothing was done. Send it again in a moment; the host "
        "can look with mrp doctor.",
    ),
    "away title": Words("记忆暂时不在", "The memory is away"),
    "waits": Words(
        "记忆暂时连不上；这句话在排队，连上就会说。写的字留在这里，别再发第二次。",
        "The memory is away; what you said waits for it. Your words stay here, no need to send "
        "them twice.",
    ),
    "not heard": Words(
        "没有人听见：上面说了为什么。写的字都在，稍后再发。",
        "Nobody heard that; the reason is above. Your words are still here.",
    ),
    "failed": Words(
        "这里出了错，已经记下。再试一次；还不行就告诉主持的人。",
        "Something failed here, and was logged. Try again, and tell the host if it stays.",
    ),
    "failed title": Words("出错了", "Something failed"),
    "wrong host": Words(
        "这个地址不是这里的。主持的人用 --studio-url 说明别人怎么进来。",
        "This address is not ours. The host says with --studio-url how people come here.",
    ),
    "wrong host title": Words("地址不对", "Wrong address"),
    "no order": Words("没有这个命令。", "There is no such order."),
    "no line": Words("这一句不在了。", "This line is not there any more."),
}
