#include "tests/sim/record_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace moldau::scenarios {
namespace {

std::string named(const topic_partition& of) {
  return fmt::format("{}-{}", of.topic, of.partition.value());
}

std::string_view shortened(std::string_view value) {
  return value.substr(0, std::min<std::size_t>(value.size(), 24));
}

}  // namespace

std::optional<origin> origin::of(std::string_view value) {
  const auto first = value.find('/');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = value.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  origin out{.producer = value.substr(0, first)};
  const auto parsed = std::from_chars(value.data() + first + 1, value.data() + second, out.number);
  if (parsed.ec != std::errc() || parsed.ptr != value.data() + second) return std::nullopt;
  return out;
}

std::string origin::write(std::string_view producer, std::int64_t number, std::string_view padding) {
  return fmt::format("{}/{}/{}", producer, number, padding);
}

void record_ledger::acknowledged(const topic_partition& of, std::string_view value, offset at, promise how,
                                 std::uint64_t life) {
  if ((how == promise::written && life < powered_since_) || may_be_gone(life)) return;
  ++acknowledged_;
  partition& in = partitions_[of];
  const auto seen = in.seen.find(at);
  if (seen != in.seen.end() && seen->second != value) {
    out_.fail(fmt::format("{}: {} was acknowledged at offset {}, where {} had been read", named(of), shortened(value),
                          at.value(), shortened(seen->second)));
  }
  if (const auto where = in.where.find(std::string(value)); where != in.where.end() && where->second != at) {
    out_.fail(fmt::format("{}: {} was acknowledged at offset {}, but had been read at {}", named(of), shortened(value),
                          at.value(), where->second.value()));
  }
  for (auto [one, end] = in.acks.equal_range(at); one != end; ++one) {
    if (one->second.value != value && one->second.how == promise::durable) {
      out_.fail(fmt::format("{}: offset {} was acknowledged for {} and for {}", named(of), at.value(),
                            shortened(one->second.value), shortened(value)));
    }
  }
  in.acks.emplace(at, ack{.value = std::string(value), .how = how});
}

void record_ledger::saw(const topic_partition& of, offset at, std::string_view value) {
  partition& in = partitions_[of];
  if (const auto [was, fresh] = in.seen.emplace(at, value); !fresh) {
    if (was->second != value) {
      out_.fail(fmt::format("{}: offset {} was read as {} and now as {}", named(of), at.value(), shortened(was->second),
                            shortened(value)));
    }
    return;
  }
  if (const auto [was, fresh] = in.where.emplace(std::string(value), at); !fresh && was->second != at) {
    out_.fail(fmt::format("{}: {} is there twice, at offsets {} and {}", named(of), shortened(value),
                          was->second.value(), at.value()));
  }
}

void record_ledger::saw_bounds(const std::string& observer, std::uint64_t life, const topic_partition& of,
                               offset log_start, offset high_watermark) {
  partition& in = partitions_[of];
  bounds& before = in.told[observer];
  if (high_watermark < before.high_watermark) {
    out_.fail(fmt::format("{}: the high watermark went back from {} to {}", named(of), before.high_watermark.value(),
                          high_watermark.value()));
  }
  if (log_start > high_watermark) {
    out_.fail(fmt::format("{}: the log starts at {}, above its high watermark {}", named(of), log_start.value(),
                          high_watermark.value()));
  }
  before.high_watermark = high_watermark;
  saw_start(observer, life, of, log_start);
}

void record_ledger::saw_start(const std::string& observer, std::uint64_t life, const topic_partition& of,
                              offset log_start) {
  partition& in = partitions_[of];
  bounds& before = in.told[observer];
  if (log_start < before.log_start && life == before.life) {
    out_.fail(fmt::format("{}: the log start went back from {} to {}", named(of), before.log_start.value(),
                          log_start.value()));
  }
  if (log_start > in.may_go_below && !in.expires) {
    out_.fail(in.may_go_below == offset(0)
                  ? fmt::format("{}: the log starts at {}, though nothing may go", named(of), log_start.value())
                  : fmt::format("{}: the log starts at {}, though only what is below {} may go", named(of),
                                log_start.value(), in.may_go_below.value()));
  }
  before.life = life;
  before.log_start = log_start;
  in.expired = std::max(in.expired, log_start);
}

void record_ledger::may_go(const topic_partition& of, offset below) {
  partition& in = partitions_[of];
  in.may_go_below = std::max(in.may_go_below, below);
}

void record_ledger::went(const std::string& observer, std::uint64_t life, const topic_partition& of, offset asked,
                         offset log_start) {
  if (log_start < asked) {
    out_.fail(
        fmt::format("{}: DeleteRecords below {} was answered with {}", named(of), asked.value(), log_start.value()));
  }
  saw_start(observer, life, of, log_start);
}

void record_ledger::stopped() {
  process_ended();
  for (auto& [id, in] : partitions_) {
    if (!in.seen.empty()) in.kept = std::max(in.kept, in.seen.rbegin()->first + 1);
    if (!in.acks.empty()) in.kept = std::max(in.kept, in.acks.rbegin()->first + 1);
  }
}

void record_ledger::forget_unsynced(partition& in) const {
  for (auto one = in.seen.lower_bound(in.kept); one != in.seen.end(); one = in.seen.erase(one)) {
    in.where.erase(one->second);
  }
  in.acks.erase(in.acks.lower_bound(in.kept), in.acks.end());
  for (auto& [observer, told] : in.told) told.high_watermark = std::min(told.high_watermark, in.kept);
  // The log may end below.
  in.expired = offset(0);
}

void record_ledger::power_was_cut() {
  process_ended();
  powered_since_ = life_;
  for (auto& [id, in] : partitions_) {
    if (!synced_) forget_unsynced(in);
    std::erase_if(in.acks,
                  [&](const auto& one) { return one.second.how == promise::written && !in.seen.contains(one.first); });
  }
}

void record_ledger::all_was_read(const topic_partition& of, offset log_start, offset high_watermark) {
  partition& in = partitions_[of];
  const offset from = std::max(log_start, in.expired);
  offset next = from;
  for (auto one = in.seen.lower_bound(from); one != in.seen.end(); ++one) {
    if (one->first >= high_watermark) {
      out_.fail(fmt::format("{}: offset {} was read, but the log ends at {}", named(of), one->first.value(),
                            high_watermark.value()));
      break;
    }
    if (one->first != next) {
      out_.fail(fmt::format("{}: offsets {} to {} are missing", named(of), next.value(), one->first.value()));
    }
    next = one->first + 1;
  }
  if (next != high_watermark && next < high_watermark) {
    out_.fail(fmt::format("{}: offsets {} to {} are missing", named(of), next.value(), high_watermark.value()));
  }
  for (auto one = in.acks.lower_bound(from); one != in.acks.end(); ++one) {
    const auto found = in.seen.find(one->first);
    if (found != in.seen.end() && found->second == one->second.value) continue;
    out_.fail(fmt::format("{}: {} was acknowledged with acks={} at offset {}, where there is {}", named(of),
                          shortened(one->second.value), one->second.how == promise::durable ? "all" : "1",
                          one->first.value(), found == in.seen.end() ? "nothing" : shortened(found->second)));
  }
  check_order(of, in);
}

void record_ledger::check_order(const topic_partition& of, const partition& in) {
  // Where records go, the consumers may have missed some; a power cut may have taken some that weren't on the disk.
  const bool gaps = in.expires || in.may_go_below > offset(0) || (!synced_ && powered_since_ > 1);
  std::map<std::string, std::int64_t, std::less<>> last;
  for (const auto& [at, value] : in.seen) {
    const auto from = origin::of(value);
    if (!from) {
      out_.fail(fmt::format("{}: nobody sent {} (offset {})", named(of), shortened(value), at.value()));
      continue;
    }
    if (!ordered_.contains(from->producer)) continue;
    const auto before = last.find(from->producer);
    const bool right = before == last.end() ? gaps || from->number == 0
                       : gaps               ? from->number > before->second
                                            : from->number == before->second + 1;
    if (!right) {
      out_.fail(fmt::format("{}: {} follows number {} of its producer (offset {})", named(of), shortened(value),
                            before == last.end() ? -1 : before->second, at.value()));
    }
    last.insert_or_assign(std::string(from->producer), from->number);
  }
}

}  // namespace moldau::scenarios
