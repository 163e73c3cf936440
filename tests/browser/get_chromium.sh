#!/bin/sh
# Chromium with its driver, for tests/browser: installed where that needs no password, else asked for.
command -v chromedriver >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get -q update && apt-get -qy --no-install-recommends install chromium chromium-driver
fi
command -v chromedriver >/dev/null && exit 0
echo "NOT RUN: tests/browser, as there is no chromedriver: apt-get install chromium chromium-driver" >&2
