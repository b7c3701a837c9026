#pragma once

#include <string>

#include "bench/arguments.hpp"

namespace moldau::bench {

/// Writes `--megabytes` in steps of 1 MiB to `--files` new files of `--directory`, all of them fdatasynced every 4 MiB:
/// what a disk gives a broker that answers only what is synced. Prints bytes, seconds and cpu_seconds (of this thread).
void write_loop(const arguments& given);

/// Appends `--bytes` bytes `--rate` times a second to a file of `--directory` for `--seconds`, each append followed by
/// fdatasync; what falls due during one goes together into the next. Prints p50_ms and p99_ms, from when it was due.
void append_loop(const arguments& given);

}  // namespace moldau::bench
