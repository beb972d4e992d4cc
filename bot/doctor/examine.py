"""`mrp doctor`: looks at everything a bot needs, and says of each fault what to do.

    mrp doctor                  one line a finding; status 0, or 1 where something must be done
    mrp doctor --json           and one JSON object as the last line

It reads the same environment as the bot: the platforms' tokens (or …_FILE), REDIS_URL,
REDIS_PASSWORD, MRP_MODEL. It changes nothing: it asks the platforms who the bot is, Redis how it
keeps what it is given, and loads the model once. Tokens and passwords stand in no finding.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import aiohttp

from bot.doctor.files import check_files
from bot.doctor.finding import Finding
from bot.doctor.machine import Machine, check_load
from bot.doctor.model import check_model
from bot.doctor.probe import Probe
from bot.doctor.redis import check_redis
from bot.doctor.sound import check_sound
from bot.house import add_options
from bot.platforms import registry
from bot.platforms.protocol import PlatformProblem, load
from bot.secrets import SecretProblem, known, redact, without_empty
from bot.settings import with_tokens


@dataclass(slots=True)
class Examination:
    """All findings, and each platform's facts (Discord's: what belongs into an invitation)."""

    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, dict[str, object]] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        return all(finding.level != "fault" for finding in self.findings)


async def examine(
    options: argparse.Namespace,
    environment: Mapping[str, str],
    machine: Machine | None = None,
    *,
    model: Sequence[Finding] | None = None,
) -> Examination:
    """Look at everything. Raises nothing: what goes wrong is a finding. `model` is what is known of
    the model already, where it is open in this process; None: it is opened once."""
    machine = machine or Machine()
    found = Examination()
    hidden = known(environment)
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        probe = Probe(session, machine.clock)
        wanted = [row for row in registry.served() if row.wanted(environment)]
        for row in wanted:
            await _check_platform(row, probe, options, environment, found)
        found.findings += check_files(options, environment)
        found.findings += await check_redis(environment, machine)
        if model is None:
            model = await check_model(options, environment, machine)
        found.findings += model
        found.findings += check_sound(options, environment)
        found.findings += check_load(machine, options.threads)
        if not wanted:
            names = " or ".join(row.variable for row in registry.with_tokens())
            says = "no token is set, so only mrp terminal and mrp studio can run"
            do = f"set {names} (or …_FILE), as docs/deploy.md shows"
            found.findings.append(Finding("warning", "platforms", says, do))
        found.findings += probe.clock()
    found.findings = [
        Finding(f.level, f.about, redact(f.says, hidden), redact(f.do, hidden))
        for f in found.findings
    ]
    return found


async def _check_platform(
    row: registry.Row,
    probe: Probe,
    options: argparse.Namespace,
    environment: Mapping[str, str],
    found: Examination,
) -> None:
    platform = load(row)
    try:
        platform.tokens(environment)
    except (PlatformProblem, SecretProblem) as problem:
        found.findings.append(Finding("fault", row.name, str(problem), "put the bot's token there"))
        return
    checked = await platform.check(probe, options, environment)
    found.findings += checked.findings
    if checked.facts:
        found.facts[row.name] = checked.facts


def main(argv: list[str]) -> int:
    """Examine and print. Returns 0, or 1 where there is a fault."""
    parser = argparse.ArgumentParser(
        prog="mrp doctor",
        description="Looks at everything a bot needs: tokens, intents, permissions, Redis, the "
        "model, disk, clock; and says what to do.",
    )
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    options = parser.parse_args(argv)
    found = asyncio.run(examine(options, with_tokens(without_empty(os.environ))))
    for finding in found.findings:
        print(finding)
    if options.json:
        rows = [asdict(finding) for finding in found.findings]
        result = {"well": found.well, "findings": rows, **found.facts}
        print(json.dumps(result, ensure_ascii=False))
    return 0 if found.well else 1
