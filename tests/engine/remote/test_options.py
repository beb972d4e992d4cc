"""The options that name a server, and the environment that does."""

import argparse

from engine.remote.options import add_options, urls, wish


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(words)


def test_options_go_before_the_environment():
    environment = {"MRP_ENGINE": "http://a", "MRP_ENGINE_MODEL": "m"}
    assert urls(parsed(), {}) == []
    assert urls(parsed(), {"MRP_ENGINE": "  "}) == []
    assert urls(parsed(), environment) == ["http://a"]
    assert urls(parsed("--engine", "http://b", "--engine", "http://c"), environment) == [
        *("http://b", "http://c"),
    ]
    assert urls(argparse.Namespace(engine=None), environment) == []  # asked not to look there
    assert urls(argparse.Namespace(), environment) == ["http://a"]
    assert wish(parsed(), environment).model == "m"
    assert wish(parsed("--engine-model", "n"), environment, context=5).model == "n"


def test_among_options_of_which_one_is_taken():
    parser = argparse.ArgumentParser()
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--gguf")
    add_options(parser, among=which)
    found = parser.parse_args(["--engine", "http://a", "--engine-model", "m"])
    assert (found.engine, found.engine_model, found.gguf) == (["http://a"], "m", None)
