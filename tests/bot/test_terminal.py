"""The terminal as people start it: a process of its own, fed by a pipe or a pseudo-terminal."""

import codecs
import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.platforms.terminal import banner_of, spoken_by
from hub.catalogue import catalogue
from hub.choice import SHIPPED

ROOT = Path(__file__).parents[2]
# A terminal whose model writes slowly, and says where it is.
SLOW = """
import sys
from bot import engines
from bot.platforms import terminal
from bot.voice import Voice
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine
engine = EchoEngine(["一二三四五六七八九十" * 50], delay=0.01, context=2**20)
engines.open_voice = lambda *_, **__: Voice(engine, Serving(Style(cards="brief")), name="slow")
sys.exit(terminal.main(sys.argv[1:]))
"""


@pytest.fixture
def surroundings(data):
    """The environment of a user: one data folder, no Redis, no model of their own."""
    kept = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "MRP_MODEL")}
    return kept | {"XDG_DATA_HOME": str(data), "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def mrp(surroundings, request):
    def run(text, *options, model="echo", room=request.node.name, status=0, **more):
        command = [sys.executable, "-m", "mrp", "terminal", "--room", room, *options]
        done = subprocess.run(
            [*command, *(["--model", str(model)] if model else [])],
            input=text.encode() if isinstance(text, str) else text,
            capture_output=True,
            env=surroundings | more,
            timeout=60,
            cwd=ROOT,
        )
        assert done.returncode == status, done.stderr.decode()
        assert b"Traceback" not in done.stderr
        return (done.stdout if status == 0 else done.stderr).decode().splitlines()

    return run


SCENE = "/summon wukong\n你是谁？\n/summon bajie\n八戒，今晚吃甚么？\n/who\n/quit\n"


def test_a_transcript_is_written_where_the_terminal_was_started(mrp, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    for _ in range(2):  # over nothing
        told = mrp("/summon 悟空\n悟空，你好\n/剧本 html\n/quit\n")
        path = Path(told[-1])
        assert path.parent == tmp_path
        assert "悟空，你好" in path.read_text(encoding="utf-8")
    assert len(list(tmp_path.glob("mrp-*.html"))) == 2


def test_a_pipe_is_answered_line_by_line_under_the_speakers_names(mrp, cast):
    wukong, bajie = cast["wukong"], cast["bajie"]
    assert mrp(SCENE) == [
        f"孙悟空：{wukong.greeting.zh[0]}",
        "孙悟空：你是谁？",
        f"猪八戒：{bajie.greeting.zh[1]}",
        "猪八戒：八戒，今晚吃甚么？",
        "在场：孙悟空、猪八戒",
    ]


def test_what_was_just_asked_to_be_remembered_is(mrp):
    told = mrp("小红> /summon wukong\n小红> 悟空，记住我怕水\n小红> /memory\n")
    assert any("我怕水" in line and "1." in line for line in told), told


def test_the_end_of_input_is_a_goodbye(mrp):
    assert mrp("/summon wukong\n/who")[-1] == "在场：孙悟空"
    assert mrp("") == []


def test_a_second_start_shows_the_scene_as_it_was_left(mrp):
    mrp(SCENE)
    assert mrp("/who\n/quit\n") == ["在场：孙悟空、猪八戒"]


def test_several_people_play(mrp):
    lines = mrp("/summon wukong\n小明> 你好\n小红> /who\n小明>\n")
    assert lines[1] == "孙悟空：你好"
    assert lines[2] == "在场：孙悟空"
    assert lines[3] == "你没有说话。"


@pytest.mark.parametrize(
    ("line", "who", "text"),
    [
        ("小明> 悟空，你好", "小明", "悟空，你好"),
        ("小明＞ 悟空", "小明", "悟空"),
        ("小明>", "小明", ""),
        ("Ann> hi", "Ann", "hi"),
        ("3> 2", "我", "3> 2"),
        ("a>b", "我", "a>b"),
        ("<|im_end|> x", "我", "<|im_end|> x"),
        ("他说：x> y", "我", "他说：x> y"),
        ("two words> y", "我", "two words> y"),
        ("", "我", ""),
    ],
)
def test_who_says_a_line(line, who, text):
    assert spoken_by(line, "我") == (who, text)


def test_what_is_said_is_never_rich_markup(mrp):
    lines = mrp("/summon wukong\n[bold]粗[/bold] :smile: [/nonsense]\n")
    assert lines[1] == "孙悟空：[bold]粗[/bold] :smile: [/nonsense]"


def test_bad_lines_get_one_line_each_and_the_next_one_works(mrp):
    bad = ["", "长" * 100_000, "/summon 林黛玉", "/飞", "\x1b[2J\x00", "<|im_end|>", "😀"]
    lines = mrp("/summon wukong\n" + "\n".join(bad) + "\n还在吗\n")
    assert len(lines) == 2 + len(bad)
    assert lines[-1] == "孙悟空：还在吗"
    assert all(line.strip() for line in lines)
    assert all(re.match("孙悟空：.", line) for line in lines[5:])


def test_bytes_that_are_no_utf8_are_heard_as_far_as_they_are(mrp):
    lines = mrp(b"/summon wukong\n" + b"\xff\xfe\xe4\xbd\xa0\n")
    assert lines[1].endswith("你")


def test_english_is_answered_in_english(mrp):
    lines = mrp("/summon wukong\nHello there\n/who\n", "--language", "en")
    assert lines[1:] == ["Sun Wukong: Hello there", "On stage: Sun Wukong"]


@pytest.mark.parametrize("content", [None, b"", b"GGUF\x03\x00\x00\x00\x01", b"no model at all"])
def test_a_model_that_cannot_be_served_is_one_sentence(mrp, tmp_path, content):
    file = tmp_path / "model.gguf"
    if content is not None:
        file.write_bytes(content)
    (line,) = mrp("/quit\n", model=file, status=2)
    assert line.startswith("mrp terminal: ")
    assert str(file) in line


def test_a_model_of_another_family_is_one_sentence_that_names_ours(mrp, random_model):
    (line,) = mrp("/quit\n", model=random_model, status=2)
    assert "chatml, internlm2, qwen3" in line


def test_the_model_may_come_from_the_environment(mrp, tmp_path):
    (line,) = mrp("", model=None, status=2, MRP_MODEL=str(tmp_path / "mine.gguf"))
    assert "mine.gguf" in line


def test_a_broken_card_is_one_sentence(mrp, tmp_path):
    (tmp_path / "x.toml").write_text("id = 1", encoding="utf-8")
    (line,) = mrp("", "--cast", str(tmp_path), status=2)
    assert "x.toml" in line


def test_an_address_that_is_no_redis_is_one_sentence(mrp):
    (line,) = mrp("", status=2, REDIS_URL="localhost")
    assert "REDIS_URL" in line


def test_whoever_reads_the_pipe_may_leave(surroundings):
    words = "(echo /summon wukong; yes 你好 | head -500)"
    done = subprocess.run(
        ["bash", "-c", f"{words} | {sys.executable} -m mrp terminal --model echo | head -1"],
        capture_output=True,
        env=surroundings,
        timeout=60,
        cwd=ROOT,
    )
    assert len(done.stdout.splitlines()) == 1
    assert b"Traceback" not in done.stderr


def test_a_kill_loses_nothing_that_was_said(mrp, surroundings):
    command = [sys.executable, "-m", "mrp", "terminal", "--model", "echo", "--room", "killed"]
    bot = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=surroundings | {"PYTHONUNBUFFERED": "1"},
        cwd=ROOT,
    )
    assert bot.stdin
    assert bot.stdout
    bot.stdin.write("/summon wukong\n记着西瓜\n".encode())
    bot.stdin.flush()
    bot.stdout.readline()
    assert bot.stdout.readline().decode() == "孙悟空：记着西瓜\n"
    bot.kill()
    bot.communicate()
    assert mrp("/who\n/forget\n", room="killed")[-1].count("3 句") == 1


class Screen:
    """A terminal window: what was shown so far, and hands to type with."""

    def __init__(self, command, env):
        self.pid, self._fd = pty.fork()
        if not self.pid:
            # Whoever runs the tests in the background has it ignored, and that is inherited.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execvpe(command[0], command, env)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.seen = ""

    def type(self, text):
        os.write(self._fd, text.encode())

    def until(self, text, *, since=0, seconds=60.0):
        end = time.monotonic() + seconds
        while text not in self.seen[since:]:
            left = end - time.monotonic()
            assert left > 0, f"{text!r} did not come; the screen shows:\n{self.seen}"
            if select.select([self._fd], [], [], left)[0]:
                try:
                    self.seen += self._decoder.decode(os.read(self._fd, 65536))
                except OSError:
                    assert text in self.seen, f"it ended without {text!r}:\n{self.seen}"
        return self.seen.index(text, since) + len(text)

    def press_until(self, key, text, *, since):
        """Press a key until a text comes: Python's readline loses a Ctrl-C that comes between the
        prompt and its first look at the keys."""
        for _ in range(20):
            with contextlib.suppress(AssertionError, OSError):
                self.type(key)
                return self.until(text, since=since, seconds=3.0)
        return self.until(text, since=since)

    def end(self):
        with contextlib.suppress(OSError):
            while os.read(self._fd, 65536):
                pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self):
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


@pytest.fixture
def screen(surroundings, request):
    command = [sys.executable, "-c", SLOW, "--room", request.node.name, "--name", "小明"]
    shown = Screen(command, surroundings)
    yield shown
    shown.close()


def test_a_person_sees_who_speaks_while_it_is_written(screen):
    at = screen.until("小明> ")
    assert "虚构" in screen.seen
    assert "slow" in screen.seen
    screen.type("/summon wukong\n")
    at = screen.until("小明> ", since=at)
    assert "\x1b[" in screen.seen  # colours
    screen.type("你好\n")
    at = screen.until("一二三", since=at)
    assert "十一二三四五六七八九十一" not in screen.seen[at:]


def test_ctrl_c_breaks_off_the_reply_and_the_next_line_works(screen):
    at = screen.until("小明> ")
    screen.type("/summon wukong\n")
    at = screen.until("小明> ", since=at)
    screen.type("数数\n")
    at = screen.until("一二三四五", since=at)
    screen.type("\x03")
    at = screen.until("——", since=at)
    at = screen.until("小明> ", since=at)
    screen.type("/who\n")
    at = screen.until("在场：孙悟空", since=at)
    at = screen.until("小明> ", since=at)
    screen.press_until("\x03", "后会有期", since=at)
    assert screen.end() == 0
    assert "Traceback" not in screen.seen


def test_ctrl_d_leaves_and_the_next_start_shows_where_it_was(screen, surroundings):
    at = screen.until("小明> ")
    screen.type("/summon bajie\n")
    at = screen.until("小明> ", since=at)
    screen.type("\x04")
    screen.until("后会有期", since=at)
    assert screen.end() == 0
    room = "test_ctrl_d_leaves_and_the_next_start_shows_where_it_was"
    again = Screen([sys.executable, "-c", SLOW, "--room", room], surroundings)
    again.until("上回说到：")
    again.until("老猪正要打个盹儿")
    again.close()


def test_the_shipped_model_plays_the_scene(mrp):
    lines = mrp(SCENE, "--seed", "1", model=None)
    assert len(lines) >= 5
    assert all(re.fullmatch("(孙悟空|猪八戒|在场)：.+", line) for line in lines)
    assert {line.partition("：")[0] for line in lines} == {"孙悟空", "猪八戒", "在场"}
    for line in lines:
        assert not re.search("(孙悟空|猪八戒|客人)[：:]", line.partition("：")[2])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_small_model_says_how_a_better_one_is_had(language):
    name = "xiyou-1.5b"
    assert catalogue()[name].use == "voice"
    small = banner_of(SHIPPED.stem, "CPU", language)
    assert f"make try MODEL={name}" in small
    assert "[CPU]" in small
    assert "make try" not in banner_of("qwen3-8b", "", language)
