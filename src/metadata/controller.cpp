#include "metadata/controller.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/assert.hpp"
#include "bytes/endian.hpp"
#include "metadata/changes.hpp"
#include "metadata/format.hpp"
#include "metadata/records.hpp"
#include "wire/metadata/abort_transaction_record.hpp"
#include "wire/metadata/begin_transaction_record.hpp"
#include "wire/metadata/end_transaction_record.hpp"
#include "wire/metadata/no_op_record.hpp"

namespace moldau::metadata {

controller::controller(controller_options options) : options_(std::move(options)) {
  MOLDAU_ASSERT(options_.config != nullptr && options_.random);
}
controller::~controller() = default;

offset controller::commit(const record_list& records, std::int64_t now_ms) {
  MOLDAU_ASSERT(active_ || records.empty());
  const offset first = next_offset_;
  for (const shared_bytes& record : records) {
    // Our own records always apply: whatever they speak of was checked.
    const auto applied = apply_record(latest_, record, nullptr);
    MOLDAU_ASSERT(applied);
  }
  next_offset_ = next_offset_ + static_cast<std::int64_t>(records.size());
  if (!records.empty()) last_append_ms_ = now_ms;
  return first;
}

uuid controller::random_uuid() {
  std::array<std::byte, 16> bytes{};
  while (true) {
    bytes::store_be(bytes.data(), options_.random());
    bytes::store_be(bytes.data() + 8, options_.random());
    // RFC 4122, version 4.
    bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
    bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
    const uuid out(bytes);
    // Tools would read a leading dash as an option, so Kafka gives out none.
    if (!out.to_string().starts_with('-')) return out;
  }
}

spontaneous controller::activate(std::shared_ptr<const image> committed, leader_epoch epoch, offset end,
                                 const std::vector<shared_bytes>& bootstrap, std::int64_t now_ms,
                                 bool open_transaction) {
  latest_ = *committed;
  active_ = true;
  epoch_ = epoch;
  next_offset_ = end;
  last_append_ms_ = now_ms;
  sessions_.clear();
  for (const auto& [id, broker] : *latest_.brokers) sessions_[id].last_contact_ms = now_ms;

  record_list records;
  if (open_transaction) {
    wire::metadata::abort_transaction_record abort;
    abort.reason = "the controller that began it is gone";
    records.push_back(encode_record(abort, 0));
  }
  if (metadata_version() > 0) return finish(std::move(records), now_ms);

  // Applied to a copy first: what bootstrap.checkpoint asks for decides how it is written.
  image asked = latest_;
  const auto ask = [&](const record_list& list) {
    for (const shared_bytes& record : list) {
      const auto applied = apply_record(asked, record, nullptr);
      MOLDAU_ASSERT(applied);  // `read_bootstrap` has tried them
    }
  };
  record_list first = bootstrap;
  ask(first);
  if (asked.metadata_version() == 0) {
    // Formatted by hand, or by an old Kafka that left the level to the default.
    first = default_bootstrap_records();
    first.insert(first.end(), bootstrap.begin(), bootstrap.end());
    ask(first);
  }
  const bool transaction = has_transactions(asked.metadata_version());
  if (transaction) {
    wire::metadata::begin_transaction_record begin;
    begin.name = "Bootstrap records";
    records.push_back(encode_record(begin, 0));
  }
  records.insert(records.end(), first.begin(), first.end());
  if (asked.feature_level("eligible.leader.replicas.version") > 0) make_elr_safe(records);
  if (transaction) records.push_back(encode_record(wire::metadata::end_transaction_record{}, 0));
  return finish(std::move(records), now_ms);
}

void controller::deactivate() {
  active_ = false;
  sessions_.clear();
}

spontaneous controller::poll(std::int64_t now_ms) {
  record_list records;
  if (!active_) return finish(std::move(records), now_ms);
  // One at a time, as Kafka does: where the leaders of the first go is seen before the next is fenced.
  for (const auto& [id, broker] : *latest_.brokers) {
    if (broker->fenced || now_ms - sessions_[id].last_contact_ms < options_.session_timeout_ms) continue;
    fence(*broker, records);
    sessions_[id] = {.last_contact_ms = now_ms};
    break;
  }
  if (records.empty() && options_.max_idle_interval_ms > 0 &&
      now_ms - last_append_ms_ >= options_.max_idle_interval_ms) {
    records.push_back(encode_record(wire::metadata::no_op_record{}, 0));
  }
  return finish(std::move(records), now_ms);
}

std::int64_t controller::next_poll_ms() const {
  std::int64_t next = std::numeric_limits<std::int64_t>::max();
  if (!active_) return next;
  if (options_.max_idle_interval_ms > 0) next = last_append_ms_ + options_.max_idle_interval_ms;
  for (const auto& [id, broker] : *latest_.brokers) {
    if (broker->fenced) continue;
    const auto it = sessions_.find(id);
    if (it != sessions_.end()) next = std::min(next, it->second.last_contact_ms + options_.session_timeout_ms);
  }
  return next;
}

}  // namespace moldau::metadata
