#pragma once

#include "bench/arguments.hpp"

namespace moldau::bench {

/// Sends `--megabytes` of a file of `--directory` by sendfile in steps of 1 MiB over `--connections` connections of the
/// loopback, whose readers drop the bytes (each its own part of
/// the file with `--apart 1`, otherwise all the same): what a fetch can't get under. Prints bytes, seconds, and
/// cpu_seconds of the sending threads.
void sendfile_loop(const arguments& given);

}  // namespace moldau::bench
