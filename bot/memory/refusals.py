"""What Redis refuses: which of its errors pass by themselves, and each in a sentence for people.

heals(problem)                                   whether trying again later may help
told(problem)                                    "the password is refused …; correct …"
"""

from __future__ import annotations

import re
import ssl

import redis

# Refusals that time heals. Redis says each as the first word of an error.
_PASSES = re.compile(
    r"(?:BUSY|LOADING|MISCONF|NOREPLICAS|MASTERDOWN|READONLY|OOM|TRYAGAIN|CLUSTERDOWN|NOAUTH"
    r"|UNKILLABLE|FAILOVER|NOGOODSLAVE|UNBLOCKED) "
)
# Where that word stands: in a pipeline after the command, which may hold anybody's text, as a tuple
# (redis 8); in a script after where it happened ("… @user_script: 58: -OOM command …"); in what
# EXEC refuses.
_BEFORE = re.compile(
    r".*(?: of pipeline caused error: |@user_script: ?\d+: |because of: )", re.DOTALL
)

# Of what can be mended by who runs it: a sign of it in the error, and what is to be done.
_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"WRONGPASS|invalid username-password|invalid password", re.IGNORECASE),
        "it refuses the password or the user: correct REDIS_PASSWORD, or the user in REDIS_URL",
    ),
    (
        re.compile(
            r"NOAUTH|Authentication required|HELLO must be called|without any password configured"
        ),
        "it asks for a password (or has none, and one was sent): set REDIS_PASSWORD as it is there",
    ),
    (
        re.compile(r"NOPERM|no permission|No permissions", re.IGNORECASE),
        "its user may not do what the memory needs: give it the rights that docs/memory.md lists",
    ),
    (
        re.compile(r"READONLY|read only replica", re.IGNORECASE),
        "it is a replica and takes no writes: name its primary, or let Sentinel or a cluster "
        "name it (redis+sentinel://, redis+cluster://)",
    ),
    (
        re.compile(r"CLUSTERDOWN|slots are not covered|Slot .* not covered", re.IGNORECASE),
        "the cluster is down, as some of its slots have no primary: look at `redis-cli --cluster "
        "check`; it is waited for",
    ),
    (
        re.compile(r"Cluster mode is not enabled"),
        "it is no node of a cluster: begin REDIS_URL with redis:// (or rediss://)",
    ),
    (
        re.compile(r"No master found"),
        "Sentinel knows no primary of that name, or finds it down: look at `redis-cli -p 26379 "
        "sentinel masters`",
    ),
    (
        re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed", re.IGNORECASE),
        "its certificate is not trusted, or is for another name: name the CA that signed it, as "
        "rediss://…?ssl_ca_certs=FILE",
    ),
    (
        re.compile(r"certificate required|bad certificate|handshake failure", re.IGNORECASE),
        "it asks for a client's certificate, or refuses the one it got: name it as "
        "rediss://…?ssl_certfile=FILE&ssl_keyfile=FILE",
    ),
    (
        re.compile(r"WRONG_VERSION_NUMBER|wrong version number|record layer failure"),
        "it does not speak TLS: begin REDIS_URL with redis, not rediss",
    ),
)


def heals(problem: redis.RedisError) -> bool:
    """Whether waiting may cure it: away, loading, busy, full, read-only, failing over, locked."""
    if isinstance(problem, redis.ConnectionError | redis.TimeoutError):
        return True
    said = _BEFORE.sub("", str(problem), count=1).lstrip("-: ('\"")
    named = (
        redis.exceptions.ReadOnlyError,  # the driver takes the word away from these
        redis.exceptions.OutOfMemoryError,
        redis.exceptions.ClusterError,  # down, or slots that were moved again and again
        redis.exceptions.AskError,  # and MovedError: the map of the slots is read anew
        redis.exceptions.TryAgainError,
    )
    return isinstance(problem, named) or bool(_PASSES.match(said)) or "Errors trying to" in said


def told(problem: BaseException) -> str:
    """What Redis said, in one sentence without a full stop: what to do, and its own words."""
    words = first_line(problem)
    signs = "\n".join(_chain(problem))
    for sign, advice in _ADVICE:
        if sign.search(signs):
            return f"{advice} ({words})"
    return words


def first_line(problem: BaseException) -> str:
    """The first line of an exception's text, without its full stop; or its name."""
    return str(problem).partition("\n")[0].rstrip(".") or type(problem).__name__


def _chain(problem: BaseException | None) -> list[str]:
    """What it says and what it came from; kinds whose words the driver takes away, by name."""
    found: list[str] = []
    while problem is not None and len(found) < 8:
        # In a pipeline the command stands before, which may hold anybody's text.
        said = _BEFORE.sub("", str(problem), count=1)[:400]
        if isinstance(problem, redis.exceptions.ReadOnlyError):
            said = f"READONLY {said}"
        elif isinstance(problem, redis.exceptions.NoPermissionError):
            said = f"NOPERM {said}"
        elif isinstance(problem, redis.exceptions.ClusterDownError):
            said = f"CLUSTERDOWN {said}"
        elif isinstance(problem, ssl.SSLError):
            said = f"{getattr(problem, 'reason', '')} {said}"
        found.append(said)
        problem = problem.__cause__ or problem.__context__
    return found
