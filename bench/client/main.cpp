#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "bench/client/subcommands.hpp"

/// bench_client produce --bootstrap HOST:PORT --topic T [--partitions N] [--record-bytes B] [--records N]
///              [--warm-records N] [--codec C] [--linger-ms L] [--batch-bytes B] [--buffer-bytes B]
/// bench_client latency --bootstrap HOST:PORT --topic T [--partitions N] [--record-bytes B] [--records N] [--rate N]
///              [--codec C] [--linger-ms L]
/// bench_client consume --bootstrap HOST:PORT --topic T [--partitions N] [--records N] [--partition-bytes B]
///              [--prefetch-bytes B]
int main(int argc, char** argv) {
  using namespace moldau::bench;
  const std::map<std::string_view, std::function<void(const arguments&)>> known{
      {"produce", produce},
      {"latency", latency},
      {"consume", consume},
  };
  const auto chosen = known.find(argc > 1 ? argv[1] : "");
  if (chosen == known.end()) give_up("say one of bench_client's subcommands: produce, latency, consume");
  chosen->second(arguments(argc, argv, 2));
}
