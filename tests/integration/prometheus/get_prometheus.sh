#!/bin/sh
# Prometheus with promtool, for the tests in this folder: Debian's package, unpacked into the folder
# $1, as installing it would start a service. Needs no password where apt knows its packages.
command -v prometheus >/dev/null && command -v promtool >/dev/null && exit 0
test -x "$1/usr/bin/promtool" && exit 0
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
  test "$(id -u)" = 0 && apt-get -q update
  mkdir -p "$1" && cd "$1" && apt-get -q download prometheus && dpkg-deb -x prometheus_*.deb . && rm -f prometheus_*.deb
  test -x usr/bin/promtool && exit 0
fi
echo "NOT RUN: tests/integration/prometheus, as there is no Prometheus: apt-get install prometheus" >&2
