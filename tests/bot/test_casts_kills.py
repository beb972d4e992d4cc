"""Summons, thumbs, characters and reports outlive kills of the bot and of Redis."""

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
    from characters.card import load_cast, read_card

    async def live(folder, first, last):
        memory = await open_memory(None, folder=Path(folder))
        casts = Casts(memory, load_cast())
        for n in range(first, last):
            await casts.popularity.summoned("wukong", "t:here", f"t:{n % 7}", once=f"line {n}")
            await casts.popularity.thumb("wukong", f"line {n}", f"t:{n % 7}", 1 if n % 3 else -1)
            if n % 10 == 0 and not (await casts.of("t:here")).owner(f"小墨龙{n}号"):
                table = {"id": "new", "language": "zh", "name": f"小墨龙{n}号"}
                table |= {"greeting": "来了", "brief": "小龙", "categories": ["龙"]}
                card = read_card(table, "made")
                await casts.keep(card, f"t:{n}", "place", place="t:here", waiting=n == 20)
                await report(memory, Report("c_x", f"t:{n}", "t:here", f"第 {n} 件"))
                await casts.decide("t:here", Setting("both", "free"))
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
        die_after = chance.randint(5, 15)
        assert bot.stdout is not None
        for line in bot.stdout:
            done = int(line) + 1
            die_after -= 1
            if not die_after:
                if kills % 2:  # Redis first, the bot in the middle of its next step
                    info = await memory.lasting(lambda: memory.redis.info("server"), None)
                    os.kill(info["process_id"], signal.SIGKILL)
                bot.kill()
                kills += 1
                break
        bot.stdout.close()
        bot.wait(30)
    assert kills >= 3
    casts = Casts(memory, load_cast())
    one = (await casts.popularity.counts(["wukong"], "t:here"))["wukong"]
    assert (one.summons, one.summons_here, one.people) == (STEPS, STEPS, 7)
    assert (one.up, one.down) == (40, 20)
    await casts.refresh()
    numbers = [entry.character.name.zh for entry in casts.entries()]
    assert numbers == [f"小墨龙{n}号" for n in range(0, STEPS, 10)]
    assert [entry.waiting for entry in casts.entries()] == [False, False, True, False, False, False]
    assert casts.setting("t:here") == Setting("both", "free")
    assert len(await reports_of(memory, "t:here")) == len(numbers)
    await memory.close()
