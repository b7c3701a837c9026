#!/usr/bin/env bash
# Runs librdkafka's own regression suite against a broker, by hand:
#
#   run.sh BOOTSTRAP [KAFKA_VERSION] [TEST...]
#
# TEST is a number as 0001 (all without one). The source comes with the crate rdkafka-sys and stays in the peers' folder;
# nothing of it is part of this repository. Run it once against each broker and compare: the table has a line a test,
# and each run is kept as results-PORT.txt there.
set -euo pipefail

crate=rdkafka-sys
crate_version=4.10.0+2.12.1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
peers=${MOLDAU_PEERS_DIR:-$here/../../../build/peers}
mkdir -p "$peers/librdkafka" && work=$(cd "$peers/librdkafka" && pwd)

[ $# -ge 1 ] || { sed -n '2,8p' "$0"; exit 2; }
bootstrap=$1
kafka_version=${2:-4.0.0}
shift $(($# > 1 ? 2 : 1))

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

source=$work/source
if [ ! -x "$work/build/tests/test-runner" ]; then
  rm -rf "$source" "$work/build" && cp -r "$work/vendor/$crate/librdkafka" "$source"
  # The crate leaves out what the configure script needs, CMake's files are there.
  { cmake -S "$source" -B "$work/build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DRDKAFKA_BUILD_TESTS=ON \
      -DRDKAFKA_BUILD_EXAMPLES=OFF -DWITH_SASL=OFF -DWITH_CURL=OFF && cmake --build "$work/build" -j2 --target test-runner
  } >"$work/build.log" 2>&1 || { tail -20 "$work/build.log" >&2; exit 1; }
fi
runner=$work/build/tests/test-runner

cd "$source/tests"
printf 'bootstrap.servers=%s\n' "$bootstrap" >test.conf
export TEST_KAFKA_VERSION=$kafka_version CI=true
results=$work/results-${bootstrap##*:}.txt
: >"$results"
passed=0 failed=0
[ $# -gt 0 ] || set -- $(ls [0-9][0-9][0-9][0-9]-*.c [0-9][0-9][0-9][0-9]-*.cpp | cut -c1-4 | sort -u)
for number in "$@"; do
  began=$(date +%s)
  if TESTS=$number timeout 180 "$runner" -Q -p1 >"$work/test-$number.log" 2>&1; then
    verdict=pass passed=$((passed + 1))
    grep -q 'SKIPPED' "$work/test-$number.log" && verdict=skip
  else
    verdict=FAIL failed=$((failed + 1))
  fi
  printf '%s %s %ss\n' "$number" "$verdict" $(($(date +%s) - began)) | tee -a "$results"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
