#include "tests/sim/key_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/record_ledger.hpp"

namespace moldau::scenarios {
namespace {

std::string shown(const std::optional<std::string_view>& value) {
  return value ? std::string(value->substr(0, std::min<std::size_t>(value->size(), 24))) : "a tombstone";
}

std::optional<std::int64_t> number_of(const std::optional<std::string>& value) {
  const auto from = value ? origin::of(*value) : std::nullopt;
  return from ? std::optional(from->number) : std::nullopt;
}

}  // namespace

void key_ledger::sending(const std::string& key, std::optional<std::string> value) {
  if (value) values_.emplace(*value, std::nullopt);
  sent_.insert_or_assign(key, std::move(value));
}

void key_ledger::acknowledged(const std::string& key, offset at) {
  ++acknowledged_;
  const auto sent = sent_.extract(key);
  const auto before = last_.find(key);
  if (before != last_.end() && at <= before->second.at) {
    out_.fail(fmt::format("{}: {} was acknowledged at offset {}, the record before it at {}", key, shown(sent.mapped()),
                          at.value(), before->second.at.value()));
  }
  last_.insert_or_assign(key, record{.at = at, .value = sent.mapped()});
}

bool key_ledger::may_be_deleted(const std::string& key) const {
  const auto last = last_.find(key);
  const auto sent = sent_.find(key);
  return (last != last_.end() && !last->second.value) || (sent != sent_.end() && !sent->second);
}

void key_ledger::pass::saw(offset at, std::string_view key, std::optional<std::string_view> value) {
  verdict& out = of_->out_;
  if (at < next_) {
    out.fail(fmt::format("{}: offset {} was read behind {}", key, at.value(), next_.value() - 1));
  }
  next_ = at + 1;
  const auto [was, fresh] = of_->seen_.emplace(at, fmt::format("{}={}", key, shown(value)));
  if (!fresh && was->second != fmt::format("{}={}", key, shown(value))) {
    out.fail(fmt::format("offset {} was read as {} and now as {}={}", at.value(), was->second, key, shown(value)));
  }
  if (value) {
    const auto sent = of_->values_.find(*value);
    if (sent == of_->values_.end()) {
      out.fail(fmt::format("{}: nobody sent {} (offset {})", key, shown(value), at.value()));
    } else if (sent->second.value_or(at) != at) {
      out.fail(
          fmt::format("{}: {} is there at offsets {} and {}", key, shown(value), sent->second->value(), at.value()));
    } else {
      sent->second = at;
    }
  }
  found& in = found_[std::string(key)];
  record now{.at = at, .value = value ? std::optional(std::string(*value)) : std::nullopt};
  if (const auto before = number_of(in.last.value); before && number_of(now.value).value_or(*before + 1) <= *before) {
    out.fail(fmt::format("{}: {} follows {} (offset {})", key, shown(value), shown(in.last.value), at.value()));
  }
  in.last = std::move(now);
  ++in.count;
}

void key_ledger::pass::ended(bool all_is_compacted, std::string_view stirrer, bool in_time) {
  verdict& out = of_->out_;
  for (const auto& [key, wanted] : expected_) {
    const auto in = found_.find(key);
    if (in == found_.end()) {
      if (wanted.value && !of_->may_be_deleted(key)) {
        out.fail(
            fmt::format("{}: {}, acknowledged at offset {}, has gone", key, shown(wanted.value), wanted.at.value()));
      }
    } else if (in->second.last.at < wanted.at) {
      if (!in_time && of_->may_be_deleted(key)) continue;
      out.fail(fmt::format("{}: {} is there (offset {}), but {} was acknowledged later, at offset {}", key,
                           shown(in->second.last.value), in->second.last.at.value(), shown(wanted.value),
                           wanted.at.value()));
    } else if (in->second.last.at == wanted.at && in->second.last.value != wanted.value) {
      out.fail(fmt::format("{}: offset {} has {}, where {} was acknowledged", key, wanted.at.value(),
                           shown(in->second.last.value), shown(wanted.value)));
    }
  }
  if (!all_is_compacted) return;
  for (const auto& [key, in] : found_) {
    if (key == stirrer) continue;
    if (!in.last.value) {
      out.fail(fmt::format("{}: a tombstone is still there (offset {})", key, in.last.at.value()));
    } else if (in.count > 1) {
      out.fail(fmt::format("{}: {} records are there after compaction", key, in.count));
    }
  }
}

}  // namespace moldau::scenarios
