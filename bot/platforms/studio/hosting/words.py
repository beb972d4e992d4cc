"""The words of the host's pages, in both languages, by the key that templates use."""

from __future__ import annotations

from collections.abc import Mapping

from characters.card import Words

HOSTING: Mapping[str, Words] = {
    "in its words": Words("没有做成。程序的原话（英文）：{}", "It was not done: {}"),
    "tab figures": Words("数字", "Figures"),
    "tab setup": Words("布置", "Set-up"),
    "tab reviews": Words("审核", "Reviews"),
    "tab rules": Words("规矩", "Rules"),
    "tab backups": Words("备份", "Backups"),
    "tab workshop": Words("作坊", "Workshop"),
    "figure span": Words("最近 {} 分钟", "the last {} min"),
    "figure shares": Words("谁说了多少句", "Lines by character"),
    "figure nobody": Words("从启动起还没有人说话。", "Nobody has said anything since the start."),
    # set-up
    "setup title": Words("把台子搭起来", "Setting the stage"),
    "setup text": Words(
        "三步：挑一个这台机器装得下的模型，要的话接上聊天，再看看有没有毛病。都可以以后再来改。",
        "Three steps: a model that this machine can hold, chats if you like, and a look at what "
        "may be amiss. All of it can be changed later.",
    ),
    "setup model": Words("模型", "A model"),
    "setup now": Words("现在是：{}", "Now: {}"),
    "setup memory": Words(
        "按 {} GiB 内存算，两个人同时对话、各四千词元。",
        "Reckoned for {} GiB, with two talks of 4,096 tokens at once.",
    ),
    "setup refused": Words(
        "选的模型打不开，所以换回了原来的。程序的原话（英文）：{}",
        "The chosen model could not be opened, so the one before serves on. {}",
    ),
    "setup given": Words(
        "启动时已经指定了 {}；在这里选的，等启动时不再指定才算数。",
        "{} was named when this was started; what is chosen here counts once it no longer is.",
    ),
    "setup shipped": Words("自带的小模型", "The small model that ships"),
    "setup shipped text": Words(
        "只会演西游记里的人，中文；不用下载，几秒就说话。",
        "Plays the people of Journey to the West, in Chinese; nothing to fetch, talks at once.",
    ),
    "setup size": Words("{} GB", "{} GB"),
    "setup fits": Words("装得下（要 {} GB 内存）", "fits (takes {} GB of memory)"),
    "setup too large": Words("装不下：要 {} GB 内存", "too large: takes {} GB of memory"),
    "setup unread": Words("读不出它是什么模型", "it cannot be read as a model"),
    "setup login": Words(
        "要先在下载站同意条款，并设 HF_TOKEN", "accept it on the hub first, and set HF_TOKEN"
    ),
    "setup chosen": Words("选定的", "Chosen"),
    "setup use": Words("用它", "Use it"),
    "setup fetch": Words("下载", "Fetch it"),
    "setup fetching": Words("正在下载 {}", "Fetching {}"),
    "setup came": Words("{} / 约 {} GB", "{} of about {} GB"),
    "setup pull failed": Words("{} 没有下载完。", "{} did not come down whole."),
    "setup found": Words("这台机器上已有的", "Already on this machine"),
    "setup more": Words("另外 {} 个", "{} more"),
    "setup no model": Words("没有这个模型。", "There is no such model."),
    "setup fetch first": Words("{} 还没有下载。", "{} is not here yet; fetch it first."),
    "setup waits": Words(
        "{} 要重新启动才上场；说过的话都在，别人最多等几秒。",
        "{} comes on stage with a restart. Nothing said is lost; people wait a few seconds.",
    ),
    "setup restart": Words("现在重启", "Restart now"),
    "restarting": Words("正在重启……", "Restarting…"),
    "restarting text": Words(
        "这一页会自己打开；大的模型要等一会儿。打不开就再点下面。",
        "This page opens by itself; a large model takes a while. Else press below.",
    ),
    "no restart": Words(
        "这里不能自己重启。在终端里停下，再启动一次。",
        "It cannot restart itself here. Stop it in the terminal and start it again.",
    ),
    "no restart title": Words("没有重启", "Not restarted"),
    "setup chats": Words("聊天", "Chats"),
    "setup chats text": Words(
        "可以跳过：没有它们，大家就在这里的网页上说话。口令存在只有你能读的文件里，以后只显示末尾几位。",
        "May be skipped: without them people talk on these pages. A token is kept in a file that "
        "only you can read; only its end is ever shown.",
    ),
    "setup token": Words("机器人的口令（token）", "The bot's token"),
    "setup new token": Words("换一个口令", "Another token"),
    "setup maker": Words("在这里取：", "You get it at"),
    "setup keep": Words("存下并接上", "Keep and connect"),
    "setup take away": Words("断开并忘掉口令", "Disconnect, forget the token"),
    "setup by environment": Words("由 {} 给出，不在这里改。", "Given by {}; change it there."),
    "setup runs": Words("接上了", "connected"),
    "setup runs not": Words("没有接上", "not connected"),
    "setup no chat": Words(
        "没有这个平台，或者它的口令由环境变量给出。",
        "There is no such platform, or the environment gives its token.",
    ),
    "setup no token": Words(
        "这不像 {} 的口令，没有存。整串复制过来再试。",
        "That does not look like a token of {}; nothing was kept. Copy all of it.",
    ),
    "setup doctor": Words("看一看", "A look at everything"),
    "setup doctor text": Words(
        "和 mrp doctor 一样：口令、权限、Redis、磁盘、时钟；每处毛病旁边写着怎么办。",
        "As mrp doctor does: tokens, permissions, Redis, disk, clock; what to do about each fault.",
    ),
    "setup doctor english": Words(
        "下面是 mrp doctor 的原话，是英文；箭头后面是该怎么办。",
        "An arrow says what to do about it.",
    ),
    "level well": Words("好：", "Well:"),
    "level warning": Words("当心：", "Warning:"),
    "level fault": Words("毛病：", "Fault:"),
    "setup look": Words("全部看一遍", "Look at everything"),
    "setup done": Words("好了，去见角色", "Done: to the characters"),
    "job log": Words("看日志", "See its log"),
    # reviews
    "review title": Words("等你看的", "For you to look at"),
    "review waiting": Words("等着审核的角色", "Characters that wait"),
    "review waiting text": Words(
        "别人为某个服务器或群做的。退回去的，做的人自己在私聊里还能用；理由会在私聊里转告。",
        "Made by members for a server or group. One that is refused stays its maker's, in private; "
        "the reason is passed on to them there.",
    ),
    "review nothing": Words("没有人在等。", "Nobody waits."),
    "review for": Words("给", "for"),
    "review card": Words("整张卡", "The whole card"),
    "review why": Words("理由（可以不写；转告做的人）", "Why (optional; the maker is told)"),
    "review approve": Words("通过", "Approve"),
    "review refuse": Words("退回", "Refuse"),
    "review reports": Words("举报", "Reports"),
    "review reports text": Words("谁举报的不记在这里。", "Who reported is not shown."),
    "review no reports": Words("没有举报。", "There are no reports."),
    "review done": Words("看过了，没有问题", "Looked into, all is well"),
    "review whom": Words("没有说是哪个角色，没有做。", "No character was named; nothing was done."),
    # rules
    "rules title": Words("规矩", "The rules of the house"),
    "rules text": Words(
        "改了马上在这个进程里算数；别的进程下次启动时读到。",
        "A change counts at once in this process; others read it when they next start.",
    ),
    "rules given": Words(
        "由启动时给的文件 {} 决定，在那里改。",
        "Settled by {}, given at the start; change it there.",
    ),
    "rules number": Words(
        "每一格都要是 0 到 999999 的数。", "Each must be a number from 0 to 999999."
    ),
    "rules gone": Words(
        "这条规则刚才被改过或删掉了，没有存；你写的在“加一条”里。",
        "This rule was changed just now and nothing was kept; see “A new rule” for what you wrote.",
    ),
    "rules filter": Words("不谈的事", "What is not talked about"),
    "rules filter text": Words(
        "人说到的，角色婉拒，不记下；模型写到的，还没出现就换掉。",
        "What people say of it is declined in character and not kept; what the model writes of it "
        "is stopped before it is seen.",
    ),
    "rules try": Words("试一句", "Try a sentence"),
    "rules sentence": Words("一句话", "A sentence"),
    "rules speaker": Words("由谁来回答", "Who would answer"),
    "rules no speaker": Words("没有人在场", "nobody on stage"),
    "rules input": Words("人说的", "said by people"),
    "rules output": Words("角色说的", "said by characters"),
    "rules broken": Words("犯了“{}”这一条。", "Breaks the rule “{}”."),
    "rules answer": Words("换成：", "In its place:"),
    "rules stands": Words("可以说。", "It may stand."),
    "rules active": Words("现在有：", "There are:"),
    "rules new": Words("＋ 加一条", "＋ A new rule"),
    "rules name": Words("叫什么（只在日志里用）", "Its name (for logs)"),
    "rules words": Words(
        "词，一行一个；字中间夹空格标点也认得",
        "Words, one a line; found whatever marks stand between",
    ),
    "rules patterns": Words(
        "正则表达式，一行一个（可以没有）", "Regular expressions, one a line (optional)"
    ),
    "rules sides": Words("管谁说的", "Whose words"),
    "rules say zh": Words(
        "中文怎么婉拒（空着：用角色自己的话）", "How to decline in Chinese (empty: the card's own)"
    ),
    "rules say en": Words(
        "英文怎么婉拒（空着：用角色自己的话）", "How to decline in English (empty: the card's own)"
    ),
    "rules keep": Words("存下", "Keep"),
    "rules remove": Words("删掉这条", "Remove this rule"),
    "rules limits": Words("一次能说多少", "How much at once"),
    "rules limits text": Words(
        "聊天平台上一个人、一间屋子：先能连说几句，以后每分钟补回几句。",
        "On chat platforms, for one person and one room: so many at once, then so many a minute.",
    ),
    "rules person burst": Words("一个人：连着几句", "A person: at once"),
    "rules person per_minute": Words("一个人：每分钟", "A person: a minute"),
    "rules room burst": Words("一间屋子：连着几句", "A room: at once"),
    "rules room per_minute": Words("一间屋子：每分钟", "A room: a minute"),
    "rules blocked": Words(
        "不听谁的：一行一个，如 discord:123；telegram:* 是整个平台",
        "Who is not heard: one a line, such as discord:123; telegram:* is a whole platform",
    ),
    "rules rights": Words("谁能用哪个命令", "Who may give which order"),
    "rules rights text": Words(
        "管理员由各平台认定；私聊和终端里人人都是。记忆方面自己的权利谁也拿不走，不在表里。",
        "Platforms say who is a moderator; in private everybody is. What people may do with what "
        "is remembered of them cannot be taken away and is not listed.",
    ),
    "rules everyone": Words("所有人", "everyone"),
    "rules moderators": Words("管理员", "moderators"),
    "rules nobody": Words("没有人", "nobody"),
    # backups
    "backup title": Words("备份", "Backups"),
    "backup text": Words(
        "记得的一切装进一个文件：屋子、人、做的角色、反馈。口令、模型和书不在里面。"
        "它和对话一样私密；之后要求忘掉的人还在旧备份里，所以别留太多太久。",
        "All that is remembered in one file: rooms, people, characters that were made, feedback. "
        "No tokens, models or books. It is as private as the talks; who asks to be forgotten "
        "later is still in it, so keep few, and not for long.",
    ),
    "backup make": Words("现在做一个", "Make one now"),
    "backup none": Words("还没有备份。", "There are none yet."),
    "backup take": Words("下载", "Download"),
    "backup check": Words("查一查", "Check"),
    "backup remove": Words("删掉", "Remove"),
    "backup restore": Words("恢复成这样", "Restore this one"),
    "backup restore text": Words(
        "用它换掉现在记得的一切；现在的先自动备份，然后重启。",
        "It takes the place of all that is remembered; that is backed up first. Then a restart.",
    ),
    "backup sure": Words("先勾上，才会恢复。", "Tick the box first; nothing was restored."),
    "backup gone": Words("没有这个备份了。", "There is no such backup any more."),
    "backup whole": Words(
        "{} 完好：{} 间屋子，{} 个人，{}。", "{} is whole. Rooms: {}, people: {}, made {}."
    ),
    "backup restored": Words(
        "恢复好了：{} 间屋子，{} 个人。原来的在 {}。别的进程要重新启动。",
        "Restored. Rooms: {}, people: {}. What was before: {}. Other processes need a restart.",
    ),
    "backup bring": Words("带一个进来", "Bring one in"),
    "backup bring text": Words(
        "最多 8 MB；更大的直接放进 {}。先查过，不会马上恢复。",
        "8 MB at most; put a larger one into {}. It is checked, and not restored yet.",
    ),
    "backup no file": Words("先选一个文件。", "Choose a file first."),
    # the workshop
    "work title": Words("作坊", "The workshop"),
    "work text": Words(
        "从一本书到会说话的模型，一步一件。每件事是一条 mrp 命令，自己一个进程，一次一件；"
        "关掉网页、重启，它都接着做。",
        "From a book to a model that talks, step by step. Each is an mrp command in a process of "
        "its own, one at a time; it goes on when this page is closed, or the studio restarts.",
    ),
    "work folder": Words("东西都在 {}", "All of it lies in {}"),
    "work runs": Words("正在做：{}", "Running: {}"),
    "work canon": Words("读书", "Read the book"),
    "work lessons": Words("写课文", "Write lessons"),
    "work base": Words("拆开一个 GGUF 来训练", "Unpack a GGUF to train on"),
    "work plan": Words("算一算装不装得下", "Will the training fit?"),
    "work train": Words("训练", "Train"),
    "work merge": Words("合并成一个模型", "Merge into one model"),
    "work convert": Words("转成 GGUF", "Convert to GGUF"),
    "work convert-adapter": Words("把适配器转成 GGUF", "Convert an adapter to GGUF"),
    "work shrink": Words("缩小", "Shrink"),
    "work evaluate": Words("考一考", "Examine"),
    "work book": Words("书", "Book"),
    "work recipe": Words("配方", "Recipe"),
    "work the canon": Words("读好的书", "The book, once read"),
    "work gguf": Words("模型（GGUF）", "Model (GGUF)"),
    "work memory": Words("显存", "Memory"),
    "work the base": Words("底子（文件夹）", "Base (folder)"),
    "work the lessons": Words("课文", "Lessons"),
    "work run": Words("训练好的", "Training run"),
    "work weights": Words("权重文件夹", "Folder of weights"),
    "work type": Words("类型", "Type"),
    "work adapter": Words("适配器", "Adapter"),
    "work open": Words("不另指定", "none in particular"),
    "work lacks": Words("还缺：{}", "still needed: {}"),
    "work start": Words("开始", "Begin"),
    "work no command": Words("没有这件事可做。", "There is no such thing to do."),
    "work not there": Words(
        "选的东西不在了，没有开始。再选一次。",
        "What was chosen is not there (any more); nothing was begun. Choose again.",
    ),
    "work bring": Words("放进来", "Bring in"),
    "work bring text": Words(
        "一本书（TXT、EPUB、DOCX、HTML）或一个配方（TOML），最多 8 MB；更大的书直接放进 {}",
        "A book (TXT, EPUB, DOCX, HTML) or a recipe (TOML), 8 MB at most; larger books go into {}",
    ),
    "work no kind": Words(
        "只收 {}，名字用字、数字和横线。没有放进来。",
        "Only {}, named with letters, digits, dashes. It was not brought in.",
    ),
    "work reports": Words("成绩单", "Reports"),
    "work done": Words("做过的", "Jobs"),
    "job running": Words("正在做", "running"),
    "job done": Words("做完了", "done"),
    "job failed": Words("没有做成", "failed"),
    "job cancelled": Words("取消了", "cancelled"),
    "job broken off": Words("中断了", "broken off"),
    "job steps": Words("{} / {} 步", "step {} of {}"),
    "job report": Words("打开成绩单", "Open the report"),
    "job loss": Words("损失", "Loss"),
    "job losses": Words("{} 个点，从 {} 开始", "{} points, from {}"),
    "job said": Words("它说", "What it says"),
    "job silent": Words("还没有说什么。", "Nothing yet."),
    "job begun": Words("{} 开始", "begun {}"),
    "job ended": Words("{} 结束", "ended {}"),
    "job cancel": Words("取消", "Cancel"),
    "job resume": Words("接着做", "Go on"),
    "job look": Words("看新的", "See what is new"),
}

# What `house.stats` counts, in Chinese; English pages have the names of the figures themselves.
COUNTED: Mapping[str, str] = {
    "heard": "听到的话",
    "said": "说出的话",
    "versions": "换过的说法",
    "rated": "好与差",
    "retried": "重写过的回复",
    "empty": "空的回复",
    "assistant": "说成了人工智能",
    "repeats": "说过的又说一遍",
    "loops": "绕圈子",
    "others": "抢了别人的话",
    "tells": "漏了悄悄话",
    "recites": "背出了提示",
    "echoes": "把别人的话又说一遍",
    "mistaken": "自认作别人",
    "strays": "换了语言",
    "card lines": "用卡片上的话代替",
    "declined": "婉拒的话",
    "declined to say": "没有让模型说出口的",
    "taken": "被别的进程接过去的",
    "resumed": "重启后接着做的",
    "shown again": "重启后再显示的",
    "heard twice": "平台送了两次的",
    "delivered late": "送得晚的",
    "queued": "排过队的",
    "unanswered": "没有答上的",
    "summaries": "写过的前情",
    "summaries without the model": "没有用模型的前情",
    "sounds": "念出来的句子",
    "sound failed": "没有念成的",
    "sound late": "念得晚的",
    "sound without words": "没有可念的字",
    "refused: crowd": "因为人太多没有听的",
    "refused: person": "说得太快没有听的（人）",
    "refused: room": "说得太快没有听的（屋子）",
    "refused: blocked": "不听的人说的",
}
