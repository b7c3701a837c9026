#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/consumer.hpp"
#include "tests/sim/load.hpp"
#include "tests/sim/producer.hpp"
#include "tests/sim/topic_churn.hpp"

namespace moldau::scenarios {
namespace {

constexpr std::int32_t partitions = 3;

std::vector<topic_partition> partitions_of(const std::string& topic) {
  std::vector<topic_partition> out;
  for (std::int32_t i = 0; i < partitions; ++i) out.push_back({topic, partition_id(i)});
  return out;
}

std::vector<topic_partition> everything() {
  auto all = partitions_of("orders");
  std::ranges::move(partitions_of("short"), std::back_inserter(all));
  return all;
}

class records final : public load {
 public:
  explicit records(cluster& of) : cluster_(of) {}

  void begin() override {
    make_topics();
    for (std::size_t i = 0; i < cluster_.client_hosts(); ++i) begin_on(i);
  }

  void end() override {
    consumer last(cluster_.context(0), "last", everything());
    if (!cluster_.run(0, last.read_all())) cluster_.found().fail("the last consumer can't read everything");
    for (std::size_t i = 0; i < churns_.size(); ++i) {
      if (!cluster_.run(i, churns_[i]->check_all())) cluster_.found().fail("the topics can't be asked for any more");
    }
  }

  [[nodiscard]] std::size_t acknowledged() const override { return cluster_.records().acknowledged_count(); }

 private:
  void make_topics() {
    // "orders" keeps everything, in short segments; "short" loses its oldest records all the time.
    client_context& context = cluster_.context(0);
    cluster_.run(0, create_until_there(context, "orders", partitions, "segment.ms=2000 retention.ms=-1"));
    cluster_.run(0, create_until_there(context, "short", partitions,
                                       "segment.ms=1000 retention.ms=3000 file.delete.delay.ms=1000"));
    for (const auto& one : partitions_of("short")) cluster_.records().may_expire(one);
  }

  void begin_on(std::size_t i) {
    client_context& context = cluster_.context(i);
    for (std::int32_t p = 0; p < partitions; ++p) {
      idempotent_.push_back(std::make_unique<idempotent_producer>(context, fmt::format("i{}{}", i, p),
                                                                  topic_partition{"orders", partition_id(p)}));
      cluster_.spawn(i, idempotent_.back()->run());
    }
    // No idempotent ones there: a batch that has expired can't be told from a lost one when it is repeated.
    plain_.push_back(
        std::make_unique<plain_producer>(context, fmt::format("s{}", i), topic_partition{"short", partition_id(0)}));
    cluster_.spawn(i, plain_.back()->run());
    plain_.push_back(std::make_unique<plain_producer>(
        context, fmt::format("p{}", i), topic_partition{"orders", partition_id(static_cast<std::int32_t>(i))}));
    cluster_.spawn(i, plain_.back()->run());
    consumers_.push_back(std::make_unique<consumer>(context, fmt::format("c{}", i), everything()));
    cluster_.spawn(i, consumers_.back()->run());
    churns_.push_back(std::make_unique<topic_churn>(context, fmt::format("churn{}", i)));
    cluster_.spawn(i, churns_.back()->run());
  }

  cluster& cluster_;
  std::vector<std::unique_ptr<idempotent_producer>> idempotent_;
  std::vector<std::unique_ptr<plain_producer>> plain_;
  std::vector<std::unique_ptr<consumer>> consumers_;
  std::vector<std::unique_ptr<topic_churn>> churns_;
};

}  // namespace

std::unique_ptr<load> record_load(cluster& of) {
  return std::make_unique<records>(of);
}

}  // namespace moldau::scenarios
