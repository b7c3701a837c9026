#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coord/tests/driver.hpp"

namespace moldau::coord {
namespace {

using testing::driver;

/// Clients that do anything in any order, against a log that refuses now and then and a broker that restarts.
class random_clients {
 public:
  explicit random_clients(std::uint64_t seed)
      : state_(seed * 0x9e3779b97f4a7c15ULL + 1),
        on_({.initial_rebalance_delay_ms = static_cast<std::int32_t>(pick(3) * 1000),
             .max_size = static_cast<std::int32_t>(2 + pick(3)),
             .batch_bytes_max = pick(2) == 0 ? 1500U : 1'000'000U}) {
    ids_.emplace_back();
    ids_.emplace_back("stranger");
  }

  void step() {
    const std::string_view group = groups[pick(groups.size())];
    const std::string member = ids_[pick(ids_.size())];
    const std::int32_t generation = group_generation(group) - static_cast<std::int32_t>(pick(8) == 0);
    switch (pick(12)) {
      case 0:
      case 1:
      case 2:
        join(group, member);
        break;
      case 3:
      case 4:
        sync(group, member, generation);
        break;
      case 5:
        on_.heartbeat(member, generation, group);
        break;
      case 6:
        leave(group, member);
        break;
      case 7:
        commits_.push_back(on_.commit_offset({.group = group,
                                              .member = member,
                                              .generation = pick(3) == 0 ? -1 : generation,
                                              .partition = static_cast<std::int32_t>(pick(3)),
                                              .offset = static_cast<std::int64_t>(pick(100))}));
        break;
      case 8:
        on_.settle();
        break;
      case 9:
        on_.advance(static_cast<std::int64_t>(pick(4) == 0 ? pick(100'000'000) : pick(20'000)));
        break;
      case 10:
        on_.append_error = pick(4) == 0 ? errc::not_enough_replicas : errc::none;
        break;
      default:
        if (pick(20) == 0) restart();
        if (pick(10) == 0) remove(group);
        break;
    }
    remember_ids();
  }

  /// Nobody is left waiting, and the log tells the state.
  void check() {
    on_.append_error = errc::none;
    on_.settle();
    on_.advance(400'000);
    on_.settle();
    for (const auto& one : joins_) EXPECT_TRUE(*one);
    for (const auto& one : commits_) EXPECT_TRUE(*one);
    const auto again = on_.replayed();
    EXPECT_EQ(again->offsets().all(), on_->offsets().all());
    for (const std::string_view group : groups) {
      const classic_group* live = on_->find_classic(group);
      if (live == nullptr || live->is(classic_state::preparing_rebalance)) continue;
      const classic_group* loaded = again->find_classic(group);
      ASSERT_NE(loaded, nullptr);
      if (live->is(classic_state::empty)) {
        EXPECT_TRUE(loaded->is(classic_state::empty) || refused_);
      }
    }
    on_->unload();
    for (const auto& one : syncs_) EXPECT_TRUE(*one);
  }

 private:
  static constexpr std::array<std::string_view, 3> groups{"g", "h", "i"};

  std::size_t pick(std::size_t below) {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return static_cast<std::size_t>(state_ % below);
  }
  std::int32_t group_generation(std::string_view group) {
    const classic_group* found = on_->find_classic(group);
    return found == nullptr ? 1 : found->generation();
  }
  void join(std::string_view group, const std::string& member) {
    static constexpr std::array<std::string_view, 4> names{"range", "sticky", "x", "x"};
    std::vector<std::string_view> protocols;
    for (std::size_t i = 0; i < pick(4); ++i) protocols.push_back(names[pick(names.size())]);
    protocols.emplace_back(pick(10) == 0 ? "odd" : "range");
    std::optional<std::string_view> instance;
    if (pick(3) == 0) instance = pick(2) == 0 ? "one" : "two";
    joins_.push_back(on_.join({.group = group,
                               .member = pick(3) == 0 ? std::string_view() : std::string_view(member),
                               .instance = instance,
                               .protocols = protocols,
                               .session_ms = 6000 + static_cast<std::int32_t>(pick(60'000)),
                               .rebalance_ms = static_cast<std::int32_t>(pick(60'000)) - 1,
                               .version = static_cast<std::int16_t>(pick(10))}));
  }
  void sync(std::string_view group, const std::string& member, std::int32_t generation) {
    std::vector<std::pair<std::string_view, std::string_view>> assignments;
    for (const std::string& id : ids_) {
      if (pick(2) == 0) assignments.emplace_back(id, "part");
    }
    syncs_.push_back(on_.sync({.group = group,
                               .member = member,
                               .generation = generation,
                               .assignments = assignments,
                               .type = std::nullopt,
                               .protocol = std::nullopt}));
  }
  void leave(std::string_view group, const std::string& member) {
    std::vector<leaving_member> members{{.id = member}};
    if (pick(3) == 0) members.push_back({.id = "", .instance_id = "one"});
    const auto left = on_.leave(members, group);
    if (left.error == errc::none) EXPECT_EQ(left.members.size(), members.size());
  }
  void remove(std::string_view group) {
    on_->remove_groups(std::span(&group, 1), on_.now(), [](const auto&) {});
    on_.settle();
  }
  void restart() {
    on_->unload();
    for (const auto& one : joins_) EXPECT_TRUE(*one);
    for (const auto& one : syncs_) EXPECT_TRUE(*one);
    on_.restart();
  }
  void remember_ids() {
    if (on_.append_error != errc::none) refused_ = true;
    for (const auto& one : joins_) {
      if (*one && !(*one)->member_id.empty() && pick(4) == 0) ids_.push_back((*one)->member_id);
    }
    if (ids_.size() > 12) ids_.erase(ids_.begin() + 2, ids_.begin() + static_cast<std::ptrdiff_t>(ids_.size() - 8));
  }

  std::uint64_t state_;
  driver on_;
  std::vector<std::string> ids_;
  std::vector<std::shared_ptr<std::optional<join_result>>> joins_;
  std::vector<std::shared_ptr<std::optional<sync_result>>> syncs_;
  std::vector<std::shared_ptr<std::optional<commit_result>>> commits_;
  /// Something that happened could not be written.
  bool refused_ = false;
};

TEST(GroupRandomly, AnswersEverybodyAndKeepsItsLog) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    random_clients clients(seed);
    for (int i = 0; i < 200; ++i) clients.step();
    clients.check();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace moldau::coord
