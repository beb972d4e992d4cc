"""The doctor before the strict fakes of both platforms, which the bot itself is tested with."""

from __future__ import annotations

import argparse

from bot.doctor.examine import examine
from bot.house import add_options
from tests.fakes.discord_server import FakeDiscord
from tests.fakes.telegram_server import TelegramServer

TELEGRAM = "1000001:AAdirectordirectordirectordirector1"


async def findings(environment: dict[str, str]) -> dict[str, str]:
    options = argparse.ArgumentParser()
    add_options(options)
    found = await examine(options.parse_args(["--model", "echo"]), environment)
    return {f.about: f"{f.level}: {f.says}" for f in found.findings}


async def test_both_platforms_well_and_ill(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    telegram = TelegramServer()
    await telegram.start()
    account = telegram.bot(TELEGRAM, "xiyou_bot", privacy=False)
    try:
        async with FakeDiscord() as discord:
            guild = discord.add_guild("取经路")
            environment = {
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API": f"http://127.0.0.1:{discord.port}/api/v10",
                "TELEGRAM_TOKEN": TELEGRAM,
                "TELEGRAM_API": telegram.url,
            }
            found = await findings(environment)
            assert found["discord"].startswith("well"), found
            assert found["discord servers"].startswith("well"), found
            assert found["telegram"] == "well: the token is that of @xiyou_bot"
            assert "telegram privacy" not in found
            assert "discord intents" not in found

            discord.approved = 0
            webhooks = 1 << 29
            discord.guilds[guild]["permissions"] &= ~(webhooks | 1 << 3)
            account.privacy = True
            found = await findings(environment)
            assert "Message Content is off" in found["discord intents"]
            assert "in groups" in found["telegram privacy"]
            assert "may not manage webhooks" in found["discord server 取经路"]

            found = await findings(
                {
                    **environment,
                    "DISCORD_TOKEN": "MTIz.abc.def",
                    "TELEGRAM_TOKEN": TELEGRAM[:-1] + "2",
                }
            )
            assert found["discord"] == "fault: the token is refused"
            assert found["telegram"] == "fault: the token is refused"
            assert discord.problems == []
    finally:
        await telegram.stop()
