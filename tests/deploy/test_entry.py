"""The image's entry point outside of Docker: as nobody, from code that cannot be written."""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from tests.fakes.telegram_server import TelegramServer

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "1000001:AAdirectordirectordirectordirector1"


@pytest.fixture
def folder():
    """Where nobody can come: pytest's own folders are for their owner only."""
    made = Path(tempfile.mkdtemp(prefix="mrp-entry-"))
    made.chmod(0o755)
    yield made
    for path in made.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.skipif(
    os.getuid() == 0 and not shutil.which("setpriv"),
    reason="root cannot become somebody else here: setpriv (util-linux) is missing",
)
async def test_it_serves_as_nobody_from_code_that_cannot_be_written(folder):
    server = TelegramServer()
    await server.start()
    server.bot(TOKEN, "xiyou_bot", privacy=False)
    person = server.person(11, "小明")
    token = folder / "token"
    token.write_text(TOKEN)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MRP", "REDIS", "DISCORD"))}
    script = await asyncio.create_subprocess_exec(
        str(ROOT / "tests" / "deploy" / "entry.sh"),
        str(ROOT),
        str(folder),
        str(port),
        env={
            **clean,
            "PYTHON": sys.executable,
            "MRP_MODEL": "echo",
            "TELEGRAM_TOKEN_FILE": str(token),
            "TELEGRAM_API": server.url,
            "STAY": "4",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    talking = asyncio.create_task(script.communicate())
    try:
        server.says(person, person, "/summon 悟空")
        until = server.until(lambda: any("老孙" in m.text for m in server.shown(person)), 60)
        await asyncio.wait({talking, asyncio.create_task(until)}, return_when="FIRST_COMPLETED")
    finally:
        out, err = await asyncio.wait_for(talking, 90)
        await server.stop()
    said = (out + err).decode()
    assert any("老孙" in m.text for m in server.shown(person)), said
    assert script.returncode == 0, said
    assert TOKEN not in said
    assert '"says": "serving"' in said
    assert '"level": "error"' not in said
