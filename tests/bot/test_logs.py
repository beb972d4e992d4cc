"""Logs hold what happened, and neither secrets nor what people wrote."""

import io
import json
import logging

import pytest

from bot.logs import set_up
from bot.secrets import SecretProblem, redact, redis_url, secret

TELEGRAM = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
DISCORD = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs00"
WEBHOOK = "a" * 68


@pytest.fixture
def written():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()

    def start(level="debug", **options):
        set_up(level, stream=stream, **options)
        return stream

    yield start
    root.handlers[:], root.level = before, level


def test_a_line_of_json_has_its_fields(written):
    stream = written(form="json", environment={})
    logging.getLogger("bot.room").info("a reply is done", extra={"room": "discord:1", "tokens": 4})
    row = json.loads(stream.getvalue())
    assert row.pop("at").endswith("Z")
    assert row == {
        "level": "info", "from": "bot.room", "says": "a reply is done",
        "room": "discord:1", "tokens": 4,
    }  # fmt: skip


def test_libraries_speak_from_warning_on(written):
    stream = written(environment={})
    logging.getLogger("discord.gateway").debug("payload: 悟空，我的秘密")
    logging.getLogger("httpx").info("POST https://api.telegram.org")
    logging.getLogger("httpx").warning("slow")
    assert "秘密" not in stream.getvalue()
    assert "POST" not in stream.getvalue()
    assert "slow" in stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exceptions_words_are_left_out_and_its_places_are_not(written, form):
    stream = written(form=form, environment={})
    try:
        try:
            raise KeyError("what somebody wrote")
        except KeyError as first:
            raise ValueError("and wrote again") from first
    except ValueError:
        logging.getLogger("bot.room").exception("a message failed")
    said = stream.getvalue()
    assert "wrote" not in said
    assert "ValueError at " in said
    assert "from KeyError" in said
    assert "test_logs.py:" in said


def test_a_sentence_for_the_user_is_kept(written):
    stream = written(environment={})
    try:
        raise SecretProblem("X_FILE cannot be read")
    except SecretProblem:
        logging.getLogger("bot").exception("no start")
    assert "SecretProblem (X_FILE cannot be read)" in stream.getvalue()


def test_texts_can_be_asked_for(written):
    stream = written(texts=True, environment={})
    try:
        raise ValueError("the words")
    except ValueError:
        logging.getLogger("bot").exception("x")
    assert "the words" in stream.getvalue()


def test_secrets_never_stand_in_a_line(written, tmp_path):
    file = tmp_path / "password"
    file.write_text("correct horse battery\n")
    stream = written(
        texts=True,
        form="json",
        environment={"REDIS_PASSWORD_FILE": str(file), "SOME_TOKEN": "short-but-known"},
    )
    log = logging.getLogger("bot")
    log.info("a %s b", TELEGRAM, extra={"url": f"https://x/bot{TELEGRAM}/getMe"})
    log.warning(DISCORD)
    log.warning("https://discord.com/api/webhooks/1234/%s", WEBHOOK)
    log.warning("redis://:hunter2hunter2@redis:6379 correct horse battery short-but-known")
    try:
        raise RuntimeError(f"with {TELEGRAM}")
    except RuntimeError:
        log.exception("x")
    for hidden in (TELEGRAM, DISCORD, WEBHOOK, "hunter2", "horse", "short-but-known"):
        assert hidden not in stream.getvalue()


def test_setting_up_twice_writes_once(written):
    written(environment={})
    stream = written(environment={})
    logging.getLogger("bot").info("once")
    assert stream.getvalue().count("once") == 1


def test_plain_words_are_left_alone():
    for text in ("12:30 悟空：走！", "3.5.7", "redis://redis:6379/0", "a.b.c", "https://x.y/z@w"):
        assert redact(text) == text


def test_a_secret_comes_from_the_variable_or_its_file(tmp_path):
    file = tmp_path / "token"
    file.write_text("  from-file\n")
    assert secret({"T": "direct", "T_FILE": str(file)}, "T") == "direct"
    assert secret({"T_FILE": str(file)}, "T") == "from-file"
    assert secret({}, "T") is None
    file.write_text("")
    with pytest.raises(SecretProblem, match="T_FILE names an empty file"):
        secret({"T_FILE": str(file)}, "T")
    with pytest.raises(SecretProblem, match="T_FILE cannot be read: No such file"):
        secret({"T_FILE": str(tmp_path / "no")}, "T")


def test_the_password_goes_into_the_address(tmp_path):
    file = tmp_path / "password"
    file.write_text("p@ss/word\n")
    given = {"REDIS_URL": "redis://redis:6379/0", "REDIS_PASSWORD_FILE": str(file)}
    assert redis_url(given) == "redis://:p%40ss%2Fword@redis:6379/0"
    assert redis_url({**given, "REDIS_URL": "redis://:other@h/0"}) == "redis://:other@h/0"
    assert redis_url({"REDIS_URL": "unix:///s"} | {"REDIS_PASSWORD": "x"}) == "unix:///s"
    assert redis_url({}) is None
