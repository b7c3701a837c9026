// __consumer_offsets: any keys and values, in and out of transactions, replayed into a group coordinator, which then
// lives on for a while. What it writes on its own leads another coordinator that replays everything to the same offsets
// and groups.

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coord/group_coordinator.hpp"
#include "fuzz.hpp"

namespace {

using namespace moldau;         // NOLINT: this is all about it
using namespace moldau::coord;  // NOLINT

/// How often it is woken at most.
constexpr int wakings = 40;
constexpr std::int64_t wall_start_ms = 1'700'000'000'000;

struct entry {
  bool ends_transaction = false;
  bool commit = false;
  moldau::producer_id transaction = no_producer_id;
  record what;
};

std::vector<entry> entries_of(fuzz::input in) {
  std::vector<entry> out;
  while (!in.empty()) {
    const std::uint8_t how = in.u8();
    entry one{.ends_transaction = (how & 8U) != 0, .commit = (how & 4U) != 0};
    if ((how & 2U) != 0) one.transaction = producer_id(how >> 6U);
    if (one.ends_transaction) {
      out.push_back(std::move(one));
      continue;
    }
    one.what.key = shared_bytes::copy_of(in.part());
    if ((how & 1U) != 0) one.what.value = shared_bytes::copy_of(in.part());
    out.push_back(std::move(one));
  }
  return out;
}

/// A coordinator over a log in memory, whose appends are committed at once.
class partition {
 public:
  partition()
      : coordinator_(
            {.initial_rebalance_delay_ms = 0, .max_size = 3, .random = [this] { return ++random_; }},
            [this](std::span<const record> records) -> result<offset> {
              written.insert(written.end(), records.begin(), records.end());
              next_ = next_ + static_cast<std::int64_t>(records.size());
              return next_;
            },
            base::logger()) {}

  void replay(const std::vector<entry>& entries) {
    for (const entry& one : entries) {
      if (one.ends_transaction) {
        coordinator_.end_transaction(one.transaction, one.commit);
      } else {
        const auto value = one.what.value ? std::optional<bytes_view>(one.what.value->view()) : std::nullopt;
        coordinator_.replay(one.what.key, value, {.offset = next_, .transaction = one.transaction});
      }
      next_ = next_ + 1;
    }
  }
  void replay(const std::vector<record>& records) {
    std::vector<entry> entries;
    for (const record& one : records) entries.push_back({.what = one});
    replay(entries);
  }
  /// Lets sessions, rebalances and offsets run out.
  void live() {
    coordinator_.loaded(now());
    settle();
    for (int i = 0; i < wakings; ++i) {
      const auto next = coordinator_.next_deadline_ms();
      MOLDAU_ASSERT(next && *next > clock_ms_);
      clock_ms_ = *next;
      coordinator_.poll(now());
      settle();
    }
    check();
  }
  void check() const {
    for (const listed_group& one : coordinator_.list({}, {})) {
      const auto* classic = coordinator_.find_classic(one.id);
      const auto* foreign = coordinator_.find_foreign(one.id);
      MOLDAU_ASSERT((classic == nullptr) != (foreign == nullptr));
      const described_group described = coordinator_.describe(one.id, 6);
      MOLDAU_ASSERT((described.error == errc::none) == (classic != nullptr));
      if (classic != nullptr) {
        MOLDAU_ASSERT(described.state == one.state && described.members.size() == classic->members().size());
        MOLDAU_ASSERT(classic->is(classic_state::empty) == classic->members().empty() || !one.state.empty());
      } else {
        MOLDAU_ASSERT(!foreign->is_gone() && !foreign->tombstones().empty());
      }
    }
  }
  [[nodiscard]] std::vector<std::string> groups() const {
    std::vector<std::string> out;
    for (const listed_group& one : coordinator_.list({}, {})) out.push_back(one.type + " " + one.id);
    return out;
  }
  [[nodiscard]] const offset_store& offsets() const { return coordinator_.offsets(); }

  std::vector<record> written;

 private:
  [[nodiscard]] instant now() const { return {.monotonic_ms = clock_ms_, .wall_ms = wall_start_ms + clock_ms_}; }
  void settle() {
    coordinator_.flush();
    while (const auto end = coordinator_.uncommitted_end()) coordinator_.committed(*end, now());
  }

  offset next_{0};
  std::int64_t clock_ms_ = 1000;
  std::uint64_t random_ = 0;
  group_coordinator coordinator_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto entries = entries_of({data, size});
  partition first;
  first.replay(entries);
  first.check();
  first.live();
  partition second;
  second.replay(entries);
  second.replay(first.written);
  second.check();
  MOLDAU_ASSERT(second.offsets().all() == first.offsets().all());
  MOLDAU_ASSERT(second.groups() == first.groups());
  return 0;
}
