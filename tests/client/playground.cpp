#include "tests/client/playground.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace moldau::client {

using namespace std::chrono_literals;

namespace {

const std::vector<std::string> expected{"0", "1", "2"};
/// No fault of a test takes longer to get over.
constexpr auto patience = 120s;

fake_broker_options on_host(fake_broker_options options, testing::sim::host& on) {
  options.world = moldau::world(on.core());
  options.host = on.name();
  return options;
}

}  // namespace

playground::playground(fake_broker_options options, std::uint64_t seed, testing::sim::options settings)
    : simulator_(seed, std::move(settings)),
      kafka_(simulator_.add_host("kafka")),
      app_(simulator_.add_host("app")),
      cluster_(fake_broker::start(on_host(std::move(options), kafka_)).value()) {}

client_options playground::to_cluster() {
  return {.bootstrap_servers = cluster_->bootstrap_servers(),
          .client_id = "app",
          .request_timeout_ms = 2'000,
          .api_timeout_ms = 60'000,
          .retry_backoff_ms = 20,
          .retry_backoff_max_ms = 200,
          .world = moldau::world(world())};
}

rt::task<round_result> run_round(playground& in, std::string topic, std::string group) {
  round_result out;
  auto p = producer::make({.client = in.to_cluster(), .linger_ms = 0});
  auto c = consumer::make({.client = in.to_cluster(),
                           .group_id = group,
                           .offset_reset = offset_reset::earliest,
                           .auto_commit = false,
                           .session_timeout_ms = 10'000,
                           // How long an answer to JoinGroup is waited for, when it gets lost.
                           .max_poll_interval_ms = 30'000});
  if (!p || !c) {
    out.closed = std::unexpected(p ? c.error() : p.error());
    co_return out;
  }
  std::vector<std::pair<std::string, async<delivery>>> under_way;
  for (const std::string& value : expected) {
    under_way.emplace_back(value, p->send({.topic = topic, .partition = partition_id(0), .value = as_bytes(value)}));
  }
  for (auto& [value, done] : under_way) out.sent.emplace(value, co_await std::move(done));

  const auto until = in.world().now() + patience;
  if (auto subscribed = co_await c->subscribe(std::vector<std::string>{topic}); !subscribed)
    out.read_error = subscribed.error();
  while (!out.read_error && out.read.size() < expected.size() && in.world().now() < until) {
    auto got = co_await c->poll(1s);
    if (!got) {
      out.read_error = got.error();
      break;
    }
    for (const record_batch& batch : got->batches) {
      for (const record_view& record : batch) out.read.emplace_back(as_text(record.value.value_or(bytes_view())));
    }
  }
  out.committed = co_await c->commit();
  out.closed = co_await c->close();
  auto closed = co_await p->close();
  if (out.closed) out.closed = closed;
  co_return out;
}

std::string round_result::problem() const {
  for (const std::string& value : expected) {
    const auto found = sent.find(value);
    if (found == sent.end()) return fmt::format("record {} was never reported: {}", value, closed.error().message);
    if (!found->second) {
      return fmt::format("record {}: {} ({})", value, found->second.error().message, name(found->second.error().code));
    }
  }
  if (read_error) return fmt::format("reading: {} ({})", read_error->message, name(read_error->code));
  if (read != expected) return fmt::format("read {}", fmt::join(read, " "));
  if (!committed) return fmt::format("committing: {} ({})", committed.error().message, name(committed.error().code));
  if (!closed) return fmt::format("closing: {} ({})", closed.error().message, name(closed.error().code));
  return {};
}

std::string round_problem(playground& in, const std::string& name) {
  const topic_partition of{name, partition_id(0)};
  if (auto made = in.cluster().create_topic({.name = name}); !made) return made.error().message;
  const round_result got = in.run(run_round(in, name, "g-" + name));
  if (auto what = got.problem(); !what.empty()) return what;
  if (const auto there = values_of(in.cluster(), of); there != expected) {
    return fmt::format("the partition holds {}", fmt::join(there, " "));
  }
  const auto committed = in.cluster().committed("g-" + name);
  if (const auto found = committed.find(of); found == committed.end() || found->second != offset(3)) {
    return "the group's offset isn't behind the records";
  }
  return {};
}

std::vector<std::string> values_of(const fake_broker& in, const topic_partition& of) {
  std::vector<std::string> out;
  for (const auto& record : in.records(of)) out.push_back(record.value.value_or(""));
  return out;
}

}  // namespace moldau::client
