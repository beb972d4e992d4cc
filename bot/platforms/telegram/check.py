"""What `mrp doctor` says about Telegram: each account's token, privacy mode, groups, webhook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.doctor.finding import Checkup, Finding
from bot.doctor.probe import Probe, Unreachable
from characters.card import CardError, load_cast


async def check(probe: Probe, tokens: Mapping[str, str], api: str, cast: Path) -> Checkup:
    """Ask Telegram who each token is, and compare the names with the cast's folder."""
    findings: list[Finding] = []
    for who, token in tokens.items():
        about = f"telegram {who}".strip()
        variable = f"TELEGRAM_TOKEN_{who.upper()}" if who else "TELEGRAM_TOKEN"
        try:
            findings += await _account(probe, f"{api}/bot{token}", about, variable)
        except Unreachable as problem:
            do = "look at the network, a proxy, and TELEGRAM_API"
            findings.append(Finding("fault", about, f"cannot be reached ({problem})", do))
    if not any(tokens):
        return Checkup(findings)
    try:
        ids = {character.id.casefold() for character in load_cast(cast)}
    except CardError:
        return Checkup(findings)  # the cast has a finding of its own
    for who in tokens:
        if who and who not in ids:
            says = f"TELEGRAM_TOKEN_{who.upper()} is for nobody in the cast"
            do = f"name one of {', '.join(sorted(ids))}"
            findings.append(Finding("fault", f"telegram {who}", says, do))
    return Checkup(findings)


async def _account(probe: Probe, bot: str, about: str, variable: str) -> list[Finding]:
    status, answer = await probe.ask(f"{bot}/getMe")
    if status in (401, 404):
        do = f"copy it anew from @BotFather (/token) into {variable}"
        return [Finding("fault", about, "the token is refused", do)]
    if status != 200 or not isinstance(answer, dict) or not answer.get("ok"):
        raise Unreachable(f"status {status}")
    me = answer["result"]
    findings = [Finding("well", about, f"the token is that of @{me.get('username', '?')}")]
    if about == "telegram" and not me.get("can_read_all_group_messages"):
        says = "in groups the bot hears commands and replies to it only"
        do = "/setprivacy, Disable at @BotFather, then take it out of the group and in again"
        findings.append(Finding("warning", "telegram privacy", says, do))
    if about == "telegram" and not me.get("can_join_groups", True):
        says = "nobody can add the bot to a group"
        do = "/setjoingroups, Enable at @BotFather"
        findings.append(Finding("warning", "telegram groups", says, do))
    status, answer = await probe.ask(f"{bot}/getWebhookInfo")
    hook = answer.get("result", {}) if status == 200 and isinstance(answer, dict) else {}
    if hook.get("url"):
        says = "updates go to a web address, so polling gets none"
        do = "run mrp telegram --webhook with that address, or ask Telegram for deleteWebhook"
        findings.append(Finding("fault", f"{about} webhook", says, do))
    return findings
