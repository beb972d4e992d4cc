#!/bin/sh
# What the image starts, outside of Docker: `mrp serve` from a read-only copy of this checkout, as
# somebody who owns nothing but a data folder. Expects PYTHON, and the platforms' variables.
#
#   entry.sh CHECKOUT FOLDER PORT       exits 0 when the bot got ready, was told to end, and ended
set -eu
checkout=$1 folder=$2 port=$3

mkdir -p "$folder/code" "$folder/data"
# What the wheel holds, so that no package is found in the checkout that this Python may know.
parts=$("$PYTHON" -c "import sys, tomllib
with open(sys.argv[1], 'rb') as file:
    print(*tomllib.load(file)['tool']['hatch']['build']['targets']['wheel']['only-include'])" \
    "$checkout/pyproject.toml")
for part in $parts; do
    cp -R "$checkout/$part" "$folder/code/"
done
find "$folder/code" -name __pycache__ -type d -exec rm -rf {} +
chmod -R a-w,a+rX "$folder/code"
before=$(find "$folder/code" | sort | cksum)

as=""
if [ "$(id -u)" = 0 ]; then
    chown 65534:65534 "$folder/data"
    # May read everything, as this Python may lie in a private home; may write nothing of others.
    may=-all,+dac_read_search
    as="setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --inh-caps=$may
        --ambient-caps=$may --bounding-set=$may"
fi
cd "$folder/data"
HOME="$folder/data" XDG_DATA_HOME="$folder/data" PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH="$folder/code" \
    $as "$PYTHON" -m mrp serve --metrics "127.0.0.1:$port" --logs json &
bot=$!
trap 'kill -9 $bot 2>/dev/null || true' EXIT

ready=""
for _ in $(seq 300); do
    kill -0 $bot 2>/dev/null || break
    if "$PYTHON" -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/healthz', timeout=2)" \
        2>/dev/null; then
        ready=yes
        break
    fi
    sleep 0.1
done
[ -n "$ready" ] || { echo "it did not get ready" >&2; exit 3; }
# Nothing of ours runs as root or can be written by it.
if [ "$(id -u)" = 0 ]; then
    grep -q '^Uid:[[:space:]]*65534[[:space:]]*65534' "/proc/$bot/status" ||
        { echo "it runs as root" >&2; exit 4; }
fi
[ ! -n "${STAY:-}" ] || sleep "$STAY"
kill -TERM $bot
wait $bot
trap - EXIT
[ "$before" = "$(find "$folder/code" | sort | cksum)" ] ||
    { echo "it wrote into its code" >&2; exit 5; }
