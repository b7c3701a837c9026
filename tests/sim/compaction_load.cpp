#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <vector>

#include "tests/sim/key_ledger.hpp"
#include "tests/sim/keyed_writer.hpp"
#include "tests/sim/load.hpp"
#include "tests/sim/topic_churn.hpp"

namespace moldau::scenarios {
namespace {

using namespace std::chrono_literals;

class compaction final : public load {
 public:
  explicit compaction(cluster& of) : cluster_(of), keys_(of.found()) {}

  void begin() override {
    cluster_.run(0, create_until_there(cluster_.context(0), "keyed", 1,
                                       "cleanup.policy=compact segment.ms=1000 min.cleanable.dirty.ratio=0 "
                                       "delete.retention.ms=10000 file.delete.delay.ms=1000"));
    for (std::size_t i = 0; i < cluster_.client_hosts(); ++i) {
      client_context& context = cluster_.context(i);
      writers_.push_back(std::make_unique<keyed_writer>(context, fmt::format("k{}", i), partition_, keys_));
      cluster_.spawn(i, writers_.back()->run());
      readers_.push_back(std::make_unique<keyed_reader>(context, fmt::format("r{}", i), partition_, keys_));
      cluster_.spawn(i, readers_.back()->run());
    }
  }

  void end() override {
    if (!cluster_.run(0, readers_[0]->read_all(false))) cluster_.found().fail("the keys can't be read");
    // Segments roll when something is appended.
    keyed_writer stirrer(cluster_.context(0), "stirrer", partition_, keys_);
    if (!cluster_.run(0, stirrer.stir(60, 500ms))) cluster_.found().fail("nothing can be written at the end");
    if (!cluster_.run(0, readers_[0]->read_all(true))) cluster_.found().fail("the keys can't be read at the end");
  }

  [[nodiscard]] std::size_t acknowledged() const override { return keys_.acknowledged_count(); }

 private:
  const topic_partition partition_{"keyed", partition_id(0)};
  cluster& cluster_;
  key_ledger keys_;
  std::vector<std::unique_ptr<keyed_writer>> writers_;
  std::vector<std::unique_ptr<keyed_reader>> readers_;
};

}  // namespace

std::unique_ptr<load> compaction_load(cluster& of) {
  return std::make_unique<compaction>(of);
}

}  // namespace moldau::scenarios
