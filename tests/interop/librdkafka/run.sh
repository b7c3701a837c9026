#!/usr/bin/env bash
# Builds librdkafka's own regression suite, once, and runs it, by hand:
#
#   run.sh kafka|moldau|HOST:PORT [TEST...]    against a broker that it starts, or one that runs already
#   run.sh table                               what the runs against both gave, side by side
#
# TEST is a number as 0001 (all that fit without one). The source comes with the crate rdkafka-sys and stays in the
# peers' folder with the logs; nothing of it is part of this repository. See suite.py for the rest.
set -euo pipefail

crate=rdkafka-sys
crate_version=4.10.0+2.12.1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
peers=${MOLDAU_PEERS_DIR:-$here/../../../build/peers}
mkdir -p "$peers/librdkafka" && work=$(cd "$peers/librdkafka" && pwd)

[ $# -ge 1 ] || { sed -n '2,8p' "$0"; exit 2; }

if [ ! -d "$work/vendor/$crate" ]; then
  mkdir -p "$work/fetch/src"
  printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = "=%s"\n' \
    "$crate" "$crate_version" >"$work/fetch/Cargo.toml"
  : >"$work/fetch/src/lib.rs"
  for attempt in 1 2 3; do
    (cd "$work/fetch" && cargo vendor -q "$work/vendor" >/dev/null) && break
    [ "$attempt" = 3 ] && { echo "the crate can't be fetched" >&2; exit 1; }
    sleep $((2 * attempt))
  done
fi

if [ ! -x "$work/build/tests/test-runner" ]; then
  # What asks for curl's headers is off, but asked for by #ifdef. A build that was cut short goes on where it stopped.
  [ -d "$work/source" ] || cp -r "$work/vendor/$crate/librdkafka" "$work/source"
  # The crate leaves out what the configure script needs, CMake's files are there. The tests check with assert(),
  # and make names of topics from those of their sources, which must not be paths.
  flags="-O1 -fmacro-prefix-map=$work/source/tests/="
  { cmake -S "$work/source" -B "$work/build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS="$flags" \
      -DCMAKE_CXX_FLAGS="$flags" \
      -DRDKAFKA_BUILD_TESTS=ON -DRDKAFKA_BUILD_EXAMPLES=OFF -DWITH_SASL=OFF -DWITH_CURL=OFF &&
      sed -i /OAUTHBEARER_OIDC/d "$work/build/generated/config.h" &&
      cmake --build "$work/build" -j2 --target test-runner
  } >"$work/build.log" 2>&1 || { tail -20 "$work/build.log" >&2; exit 1; }
fi

exec python3 "$here/suite.py" "$@"
