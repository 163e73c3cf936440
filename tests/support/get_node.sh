#!/bin/sh
# node with npm, which runs trace_processor: installed where that needs no password, else asked for.
command -v node >/dev/null && command -v npm >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get -q update && apt-get -qy --no-install-recommends install nodejs npm && exit 0
fi
echo "make test needs node and npm: apt-get install nodejs npm" >&2
exit 1
