#pragma once

#include "bench/arguments.hpp"

namespace moldau::bench {

/// Each runs one loop on the client library's public headers, the way `bench/librdkafka/loop.c` does it on librdkafka,
/// and prints one line of JSON.
void produce(const arguments& given);
void latency(const arguments& given);
void consume(const arguments& given);

}  // namespace moldau::bench
