"""The words of the host's pages, in both languages, by the key that templates use."""

from __future__ import annotations

from collections.abc import Mapping

from characters.card import Words

HOSTING: Mapping[str, Words] = {
    "tab figures": Words("数字", "Figures"),
    "tab setup": Words("布置", "Set-up"),
    "tab reviews": Words("审核", "Reviews"),
    "tab rules": Words("规矩", "Rules"),
    "tab backups": Words("备份", "Backups"),
    "tab workshop": Words("作坊", "Workshop"),
    # set-up
    "setup title": Words("把台子搭起来", "Setting the stage"),
    "setup text": Words(
        "三步：挑一个这台机器装得下的模型，要的话接上聊天，再看看有没有毛病。都可以以后再来改。",
        "Three steps: a model that this machine can hold, chats if you like, and a look at what may "
        "be amiss. All of it can be changed later.",
    ),
    "setup model": Words("模型", "A model"),
    "setup now": Words("现在是：{}", "Now: {}"),
    "setup memory": Words(
        "按 {} GiB 内存算，两个人同时对话、各四千词元。",
        "Reckoned for {} GiB, with two talks of 4,096 tokens at once.",
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
        "As mrp doctor does: tokens, permissions, Redis, disk, clock; beside each fault what to do.",
    ),
    "setup look": Words("全部看一遍", "Look at everything"),
    "setup done": Words("好了，去见角色", "Done: to the characters"),
}
