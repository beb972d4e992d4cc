"""A primary that Sentinel names, and TLS with a CA and a client's certificate of one's own.

# slow: starts servers
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.redis_servers import Servers, Watched, free_port, program, wait_for
from bot.memory import Fact, MemoryAway, open_memory
from characters.turn import Turn


async def test_whoever_sentinel_names_is_followed_when_the_primary_dies(tmp_path: Path):
    with Watched(tmp_path, secret="s") as watched:
        memory = await open_memory(watched.url, patience=90)
        room, person = memory.room("test", "a"), memory.person("test:1")
        await room.write(Turn("小明", "一"))
        await person.learn([Fact("我怕水", room="test:a")])
        # A failover may take what its replica has not: wait until it has.
        assert memory.redis is not None
        replica: Any = watched.client(1)
        wait_for(lambda: replica.xlen("mrp:1:{room:test:a}:turns") == 1, "no copy")
        wait_for(lambda: replica.exists("mrp:1:{person:test:1}:facts"), "no copy")
        watched.kill(0)
        await room.write(Turn("小明", "二"))
        assert [stored.turn.text for stored in room.turns] == ["一", "二"]
        await person.learn([Fact("我怕火", room="test:a")])
        assert len((await person.known()).facts) == 2
        assert replica.info("replication")["role"] == "master"
        watched.start(0)  # it comes back, and becomes a replica
        await room.write(Turn("小明", "三"))
        await memory.close()
        with pytest.raises(MemoryAway, match="Sentinel knows no primary"):
            await open_memory(watched.url.replace("/mrp", "/other"), patience=0.3)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA, and a certificate for 127.0.0.1 that it signed, for both sides."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("papers")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    made = ("-newkey", "rsa:2048", "-nodes")
    openssl("req", "-x509", *made, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test CA")
    openssl("req", *made, "-keyout", "it.key", "-out", "it.csr", "-subj", "/CN=127.0.0.1")
    (folder / "it.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "it.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "it.pem", "-extfile", "it.ext")  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def address(papers: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Servers(tmp_path_factory.mktemp("tls")) as servers:
        port = free_port()
        try:
            servers.add(
                tls_port=str(port),
                tls_ca_cert_file=str(papers / "ca.pem"),
                tls_cert_file=str(papers / "it.pem"),
                tls_key_file=str(papers / "it.key"),
                tls_auth_clients="yes",
            )
        except TimeoutError:
            pytest.skip(f"{program()} was built without TLS")
        yield f"rediss://127.0.0.1:{port}/0"


async def test_tls_with_an_own_ca_and_a_client_certificate(address: str, papers: Path):
    ours = f"ssl_certfile={papers / 'it.pem'}&ssl_keyfile={papers / 'it.key'}"
    memory = await open_memory(f"{address}?ssl_ca_certs={papers / 'ca.pem'}&{ours}", patience=20)
    await memory.room("test", "a").write(Turn("小明", "一"))
    await memory.close()
    with pytest.raises(MemoryAway, match="ssl_ca_certs=FILE"):
        await open_memory(f"{address}?{ours}", patience=0.3)
    with pytest.raises(MemoryAway, match="ssl_certfile=FILE"):
        await open_memory(f"{address}?ssl_ca_certs={papers / 'ca.pem'}", patience=0.3)


async def test_tls_to_a_server_that_has_none_is_one_sentence(tmp_path: Path):
    with Servers(tmp_path) as servers:
        port = servers.ports[servers.add()]
        with pytest.raises(MemoryAway, match="not rediss"):
            await open_memory(f"rediss://127.0.0.1:{port}/0", patience=0.3)
