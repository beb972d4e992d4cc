"""What `mrp doctor` says about Discord: token, intents, permissions in every server, invitation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.doctor.finding import Checkup, Finding
from bot.doctor.probe import Probe, Unreachable
from bot.platforms.discord.run import PERMISSIONS, PORTAL, invitation

# https://docs.discord.com/developers/resources/application#application-object-application-flags
_MESSAGE_CONTENT = 1 << 18 | 1 << 19
_ADMINISTRATOR = 1 << 3


async def check(probe: Probe, token: str, api: str) -> Checkup:
    """Ask the application who it is and what it may do in its servers."""
    bot = {"Authorization": f"Bot {token}"}
    try:
        status, application = await probe.ask(f"{api}/applications/@me", **bot)
        if status == 401:
            do = f"make a new one at {PORTAL}, under Bot, and put it in DISCORD_TOKEN"
            return Checkup([Finding("fault", "discord", "the token is refused", do)])
        if status != 200 or not isinstance(application, dict):
            raise Unreachable(f"status {status}")
        guilds_status, guilds = await probe.ask(f"{api}/users/@me/guilds", **bot)
    except Unreachable as problem:
        do = "look at the network, a proxy, and https://discordstatus.com"
        return Checkup([Finding("fault", "discord", f"cannot be reached ({problem})", do)])
    link = invitation(int(application["id"]))
    name = application.get("name", "")
    findings = [Finding("well", "discord", f"the token is that of {name}")]
    if not int(application.get("flags") or 0) & _MESSAGE_CONTENT:
        says = "Message Content is off: in servers characters hear commands and mentions only"
        do = f"turn it on at {PORTAL}, under Bot"
        findings.append(Finding("warning", "discord intents", says, do))
    if application.get("interactions_endpoint_url"):
        says = "commands go to a web address, not to this bot"
        do = f"empty Interactions Endpoint URL at {PORTAL}"
        findings.append(Finding("fault", "discord interactions", says, do))
    if guilds_status == 200 and isinstance(guilds, list):
        findings += _guilds(guilds, link)
    says = f"permissions {PERMISSIONS.value}, invite with {link}"
    findings.append(Finding("well", "discord invitation", says))
    return Checkup(findings, {"permissions": PERMISSIONS.value, "invite": link})


def _guilds(guilds: Iterable[Mapping[str, Any]], link: str) -> list[Finding]:
    """What the bot lacks in each server. Rules of single channels may still take something away."""
    findings, complete = [], 0
    for guild in guilds:
        has = int(guild.get("permissions") or 0)
        missing = [
            name.replace("_", " ")
            for name, wanted in PERMISSIONS
            if wanted and not has & _ADMINISTRATOR and not has & _bit(name)
        ]
        if not missing:
            complete += 1
            continue
        about = f"discord server {guild.get('name', guild.get('id'))}"
        says = f"the bot may not {', '.join(missing)}"
        do = f"invite it again with {link}&guild_id={guild.get('id')}"
        findings.append(Finding("fault", about, says, do))
    if complete:
        findings.append(Finding("well", "discord servers", f"{complete} with all permissions"))
    if not findings:
        findings.append(
            Finding("warning", "discord servers", "the bot is in none", f"invite it with {link}")
        )
    return findings


def _bit(name: str) -> int:
    return type(PERMISSIONS)(**{name: True}).value
