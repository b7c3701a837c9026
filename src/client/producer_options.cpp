#include <fmt/format.h>

#include <algorithm>

#include "client/property_reader.hpp"
#include "moldau/client/producer.hpp"
#include "wire/compression.hpp"

namespace moldau::client {

namespace {

void take_codec(property_reader& in, const properties& from, producer_options& out) {
  in.take<client::codec>("compression.type", out.codec,
                         {{"none", codec::none},
                          {"gzip", codec::gzip},
                          {"snappy", codec::snappy},
                          {"lz4", codec::lz4},
                          {"zstd", codec::zstd}});
  for (const auto& [name, of] : {std::pair<std::string_view, client::codec>{"compression.gzip.level", codec::gzip},
                                 {"compression.lz4.level", codec::lz4},
                                 {"compression.zstd.level", codec::zstd}}) {
    const auto range = wire::levels_of(static_cast<wire::codec>(of));
    std::int64_t level = range.usual;
    in.take(name, level, std::min(range.least, range.usual), range.most);
    if (from.contains(name) && out.codec == of) out.codec_level = static_cast<int>(level);
  }
}

void take_partitioner(property_reader& in, producer_options& out) {
  in.take<client::partitioner>("partitioner.class", out.partitioner,
                               {{"", partitioner::java},
                                {"org.apache.kafka.clients.producer.RoundRobinPartitioner", partitioner::round_robin},
                                {"RoundRobinPartitioner", partitioner::round_robin}});
  in.take<client::partitioner>("partitioner", out.partitioner,
                               {{"java", partitioner::java},
                                {"murmur2", partitioner::murmur2},
                                {"murmur2_random", partitioner::murmur2_random},
                                {"consistent", partitioner::consistent},
                                {"consistent_random", partitioner::consistent_random},
                                {"fnv1a", partitioner::fnv1a},
                                {"fnv1a_random", partitioner::fnv1a_random},
                                {"round_robin", partitioner::round_robin},
                                {"random", partitioner::random}});
  in.take("partitioner.adaptive.partitioning.enable", out.adaptive_partitioning);
  in.take("partitioner.availability.timeout.ms", out.availability_timeout_ms, 0);
  in.take("partitioner.ignore.keys", out.ignore_keys);
}

}  // namespace

result<producer_options> producer_options::from_properties(const properties& from) {
  property_reader in(from, client_kind::producer);
  producer_options out;
  out.client = in.common();
  in.take<client::acks>("acks", out.acks,
                        {{"all", acks::all}, {"-1", acks::all}, {"0", acks::none}, {"1", acks::leader}});
  in.take("linger.ms", out.linger_ms, 0);
  in.take("batch.size", out.batch_bytes);
  take_codec(in, from, out);
  take_partitioner(in, out);
  in.take("max.request.size", out.request_bytes_max);
  in.take("buffer.memory", out.buffer_memory_bytes);
  in.take("max.block.ms", out.max_block_ms, 0);
  if (out.max_block_ms == 0) out.when_full = when_full::fail;
  in.take("delivery.timeout.ms", out.delivery_timeout_ms, 0);
  in.take("retries", out.retries, 0);
  in.take("max.in.flight.requests.per.connection", out.in_flight_max);
  // As in Java: what idempotence can't go with gives it up, unless it was asked for by name.
  if (out.acks != acks::all || out.retries == 0 || out.in_flight_max > 5) out.idempotence = false;
  in.take("enable.idempotence", out.idempotence);

  MOLDAU_TRY(in.finish(out.client));
  return out;
}

result<void> producer_options::validate() const {
  std::string mistakes;
  if (const auto common = check(client); !common) mistakes = common.error().message;
  const auto wrong = [&](std::string_view what) {
    mistakes += (mistakes.empty() ? "" : "\n");
    mistakes += what;
  };
  if (idempotence && acks != acks::all) wrong("enable.idempotence needs acks=all");
  if (idempotence && retries == 0) wrong("enable.idempotence needs retries above 0");
  if (in_flight_max == 0 || (idempotence && in_flight_max > 5)) {
    wrong(
        "max.in.flight.requests.per.connection must be from 1 to 5 with enable.idempotence: brokers keep the numbers "
        "of "
        "five batches");
  }
  if (batch_bytes > (std::size_t{1} << 30U)) wrong("batch.size can't be above 1073741824");
  if (codec_level && !wire::levels_of(static_cast<wire::codec>(codec)).contains(*codec_level)) {
    wrong(fmt::format("{} has no level {}", wire::name(static_cast<wire::codec>(codec)), *codec_level));
  }
  if (std::ranges::find(interceptors, nullptr) != interceptors.end()) wrong("an interceptor is null");
  if (linger_ms < 0 || delivery_timeout_ms < 0 || max_block_ms < 0 || availability_timeout_ms < 0) {
    wrong("times can't be negative");
  }
  if (delivery_timeout_ms < linger_ms) wrong("delivery.timeout.ms can't be less than linger.ms");
  if (mistakes.empty()) return {};
  return fail(errc::invalid_argument, mistakes);
}

}  // namespace moldau::client
