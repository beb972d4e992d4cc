#!/bin/sh
# What the tests of the pages need besides Python: a browser with a Chinese font, and axe-core, which
# looks for what shuts people out. Where one cannot be had, this says so, and those tests are skipped.
cd "$(dirname "$0")" || exit 1

if ! command -v chromium >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      chromium fonts-wqy-microhei >/dev/null
  fi
  command -v chromium >/dev/null ||
    echo "No Chromium, so no test in a browser (Debian: apt install chromium fonts-wqy-microhei)."
fi

if [ ! -e node_modules/axe-core/axe.min.js ]; then
  { command -v npm >/dev/null &&
    npm install --silent --no-package-lock --no-audit --no-fund --ignore-scripts; } ||
    echo "No axe-core, so accessibility is not tested (npm install in tests/studio)."
fi
exit 0
