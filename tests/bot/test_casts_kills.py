"""Summons, thumbs, characters, reviews and reports outlive kills of the bot, kills of Redis and its
restarts."""

# slow: kills processes

import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from bot.casts import Casts, Setting
from bot.memory import open_memory
from bot.memory.reports import reports_of
from characters.card import load_cast

ROOT = Path(__file__).parents[2]
STEPS = 60  # numbers that are counted; what was not acknowledged is sent again

BOT = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from bot.casts import Casts, Setting
    from bot.memory import open_memory
    from bot.memory.reports import Report, report
    from bot.reviews import waiting
    from characters.card import load_cast, read_card

    async def live(folder, first, last):
        memory = await open_memory(None, folder=Path(folder))
        casts = Casts(memory, load_cast())
        for n in range(first, last):
            await casts.popularity.summoned("wukong", "t:here", f"t:{n % 7}", once=f"line {n}")
            await casts.popularity.thumb("wukong", f"line {n}", f"t:{n % 7}", 1 if n % 3 else -1)
            await casts.refresh()
            if n % 10 == 0 and all(entry.owner != f"t:{n}" for entry in casts.entries()):
                table = {"id": "new", "language": "zh", "name": f"小墨龙{n}号"}
                table |= {"greeting": "来了", "brief": "小龙", "categories": ["龙"]}
                card = read_card(table, "made")
                # Four wait, of which one is approved, one refused, and one withdrawn.
                await casts.keep(card, f"t:{n}", "place", place="t:here", waiting=n >= 20)
                await report(memory, Report("c_x", f"t:{n}", "t:here", f"第 {n} 件"))
                await casts.decide("t:here", Setting("both", "free"))
            if n in (35, 45, 55):
                for entry in waiting(casts, "t:here"):
                    if entry.owner == f"t:{n - 15}" and n == 55:
                        await casts.withdraw(entry.id)
                    elif entry.owner == f"t:{n - 15}":
                        await casts.review(entry.id, approved=n == 35)
            print(n, flush=True)

    asyncio.run(live(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
""")


def start(folder: Path, first: int) -> subprocess.Popen:
    command = [sys.executable, "-c", BOT, str(folder), str(first), str(STEPS)]
    kept = {k: v for k, v in os.environ.items() if k != "REDIS_URL"} | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=kept)


async def test_what_was_counted_and_kept_outlives_kills_of_bot_and_redis(tmp_path):
    chance, done, kills = random.Random(7), 0, 0
    memory = await open_memory(None, folder=tmp_path, patience=30)
    while done < STEPS:
        bot = start(tmp_path, done)
        die_after = chance.randint(4, 12)
        assert bot.stdout is not None
        for line in bot.stdout:
            done = int(line) + 1
            die_after -= 1
            if not die_after:
                if kills % 3:  # Redis first, the bot in the middle of its next step
                    info = await memory.lasting(lambda: memory.redis.info("server"), None)
                    # Killed, or told to end as at a restart of the machine; the others start it.
                    how = signal.SIGKILL if kills % 3 == 1 else signal.SIGTERM
                    os.kill(info["process_id"], how)
                bot.kill()
                kills += 1
                break
        bot.stdout.close()
        assert bot.wait(30) in (0, -signal.SIGKILL)
    assert kills >= 4
    casts = Casts(memory, load_cast())
    one = (await casts.popularity.counts(["wukong"], "t:here"))["wukong"]
    assert (one.summons, one.summons_here, one.people) == (STEPS, STEPS, 7)
    assert (one.up, one.down) == (40, 20)
    await casts.refresh()
    found = {
        e.character.name.zh: (e.reach, e.waiting, e.owner) for e in casts.entries()
    }  # that of 40 was withdrawn
    assert found == {
        "小墨龙0号": ("place", False, "t:0"),
        "小墨龙10号": ("place", False, "t:10"),
        "小墨龙20号": ("place", False, "t:20"),
        "小墨龙30号": ("private", False, "t:30"),
        "小墨龙50号": ("place", True, "t:50"),
    }
    there = {character.name["zh"] for character in await casts.of("t:here")}
    assert {name for name in there if name.startswith("小墨龙")} == {
        "小墨龙0号", "小墨龙10号", "小墨龙20号"
    }  # fmt: skip
    assert casts.setting("t:here") == Setting("both", "free")
    assert len(await reports_of(memory, "t:here")) == STEPS // 10
    await memory.close()
