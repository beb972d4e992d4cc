"""Redis: does it answer, is it new enough, and does it keep what it is given?"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from bot.doctor.finding import Finding
from bot.doctor.machine import Machine, check_disk
from bot.memory import Embedded, Memory, MemoryProblem, Server, data_folder
from bot.secrets import SecretProblem, redis_url

OLDEST = (6, 2)  # the commands that the memory uses


async def check_redis(environment: Mapping[str, str], machine: Machine) -> list[Finding]:
    """Connect as the bot would, the embedded server included, and ask INFO."""
    try:
        url = redis_url(environment)
    except SecretProblem as problem:
        do = "name a file that the bot's user may read"
        return [Finding("fault", "redis", str(problem), do)]
    findings: list[Finding] = []
    if url is None:
        findings += check_disk(data_folder(), "the memory's folder", machine)
        if any(finding.level == "fault" for finding in findings):
            return findings
    try:
        server = Server(url) if url else Embedded(data_folder())
        memory = Memory(server, 3.0)
    except MemoryProblem as problem:
        return [*findings, Finding("fault", "redis", str(problem), "correct REDIS_URL")]
    try:
        await memory.connect(3.0)
        if hasattr(memory.redis, "get_nodes"):
            findings += await _of_a_cluster(memory)
        else:
            info = await memory.lasting(memory.redis.info, None)
            findings += findings_of(info, "its own server" if url is None else memory.where)
        if all(finding.level != "fault" for finding in findings):
            await memory.versions()
    except MemoryProblem as problem:
        do = "start Redis, or correct REDIS_URL and REDIS_PASSWORD"
        if url is None:
            do = "do what it says, or set REDIS_URL to use a Redis of your own"
        findings.append(Finding("fault", "redis", str(problem), do))
    except (OSError, LookupError, TypeError, ValueError) as problem:
        # An answer that the driver cannot read; what it says may hold the address.
        do = "look whether this is a Redis"
        findings.append(Finding("fault", "redis", f"{type(problem).__name__} from it", do))
    finally:
        await memory.close()
    return findings


async def _of_a_cluster(memory: Memory) -> list[Finding]:
    """Ask every node of a cluster, and look whether a primary could be replaced."""
    client = memory.redis
    findings: list[Finding] = []
    for node in client.get_nodes():
        info = await memory.lasting(functools.partial(client.info, target_nodes=node), None)
        node_is = {key: value for key, value in info.items() if key != "role"}  # replicas may be
        findings += [f for f in findings_of(node_is, node.name) if f.level != "well"]
    primaries, replicas = client.get_primaries(), client.get_replicas()
    alone = {slot[0].name for slot in client.nodes_manager.slots_cache.values() if len(slot) < 2}
    for name in sorted(alone):
        says = f"{name} has no replica: when it dies, a part of the rooms is away until it is back"
        do = "give it one: redis-cli --cluster add-node … --cluster-slave"
        findings.append(Finding("warning", "redis cluster", says, do))
    if not findings:
        says = f"{len(primaries)} primaries and {len(replicas)} replicas, append-only files on"
        findings.append(Finding("well", "redis cluster", f"{memory.where}: {says}"))
    return findings


def findings_of(info: Mapping[str, Any], where: str) -> list[Finding]:
    """What Redis' INFO says of it: its version, and whether it keeps what it is given."""
    version = str(info.get("redis_version", "0"))
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    findings: list[Finding] = []
    if parts < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        says = f"{where} is version {version}; the memory needs {wanted}"
        findings.append(Finding("fault", "redis version", says, "run redis 8 (docker-compose.yml)"))
    if not int(info.get("aof_enabled", 0)):
        says = "no append-only file: what was said since the last snapshot dies with the server"
        do = "set appendonly yes and appendfsync everysec"
        findings.append(Finding("fault", "redis persistence", says, do))
    for key in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status"):
        if info.get(key, "ok") != "ok":
            says = f"{key.replace('_', ' ')}: {info[key]}"
            do = "look at its disk and its log; it may refuse to write"
            findings.append(Finding("fault", "redis persistence", says, do))
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        says = f"maxmemory-policy is {policy}: when it is full, people are forgotten"
        findings.append(Finding("fault", "redis eviction", says, "set maxmemory-policy noeviction"))
    if info.get("role") == "slave":
        says = "it is a replica and takes no writes"
        findings.append(Finding("fault", "redis", says, "name its primary"))
    if not findings:
        says = f"version {version}, {where}, append-only file on"
        findings.append(Finding("well", "redis", says))
    return findings
