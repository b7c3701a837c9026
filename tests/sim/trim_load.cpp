#include <fmt/format.h>

#include <memory>
#include <vector>

#include "tests/sim/consumer.hpp"
#include "tests/sim/load.hpp"
#include "tests/sim/producer.hpp"
#include "tests/sim/topic_churn.hpp"
#include "tests/sim/trimmer.hpp"

namespace moldau::scenarios {
namespace {

class trims final : public load {
 public:
  explicit trims(cluster& of) : cluster_(of) {}

  void begin() override {
    // Within a segment, and whole ones.
    cluster_.run(0, create_until_there(cluster_.context(0), "trimmed", 2,
                                       "segment.ms=1500 retention.ms=-1 file.delete.delay.ms=1000"));
    for (std::size_t i = 0; i < cluster_.client_hosts(); ++i) {
      client_context& context = cluster_.context(i);
      for (const topic_partition& one : all_) {
        const auto name = fmt::format("t{}{}", i, one.partition.value());
        producers_.push_back(std::make_unique<plain_producer>(context, name, one, promise::durable));
        cluster_.spawn(i, producers_.back()->run());
        producers_.push_back(std::make_unique<plain_producer>(context, "w" + name, one));
        cluster_.spawn(i, producers_.back()->run());
      }
      consumers_.push_back(std::make_unique<consumer>(context, fmt::format("c{}", i), all_));
      cluster_.spawn(i, consumers_.back()->run());
    }
    trimmer_ = std::make_unique<trimmer>(cluster_.context(0), "trimmer", all_);
    cluster_.spawn(0, trimmer_->run());
  }

  void end() override {
    consumer last(cluster_.context(0), "last", all_);
    if (!cluster_.run(0, last.read_all())) cluster_.found().fail("the last consumer can't read everything");
  }

  [[nodiscard]] std::size_t acknowledged() const override { return cluster_.records().acknowledged_count(); }

 private:
  const std::vector<topic_partition> all_{{"trimmed", partition_id(0)}, {"trimmed", partition_id(1)}};
  cluster& cluster_;
  std::vector<std::unique_ptr<plain_producer>> producers_;
  std::vector<std::unique_ptr<consumer>> consumers_;
  std::unique_ptr<trimmer> trimmer_;
};

}  // namespace

std::unique_ptr<load> trim_load(cluster& of) {
  return std::make_unique<trims>(of);
}

}  // namespace moldau::scenarios
