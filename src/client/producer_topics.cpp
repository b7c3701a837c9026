#include "client/producer_topics.hpp"

#include <cstring>

namespace moldau::client {

kept_record keep_record(const outgoing_record& record) {
  std::size_t size = (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  for (const header_view& header : record.headers) {
    size += header.key.size() + (header.value ? header.value->size() : 0);
  }
  kept_record out;
  out.bytes = shared_bytes::allocate(size);
  std::byte* at = out.bytes.writable().data();
  const auto copy = [&](bytes_view what) {
    if (!what.empty()) std::memcpy(at, what.data(), what.size());
    const bytes_view copied(at, what.size());
    at += what.size();
    return copied;
  };
  if (record.key) out.key = copy(*record.key);
  if (record.value) out.value = copy(*record.value);
  out.headers.reserve(record.headers.size());
  for (const header_view& header : record.headers) {
    header_view kept{.key = as_text(copy(as_bytes(header.key))), .value = std::nullopt};
    if (header.value) kept.value = copy(*header.value);
    out.headers.push_back(kept);
  }
  out.partition = record.partition;
  out.timestamp_ms = record.timestamp_ms.value_or(-1);
  return out;
}

producer_topic* producer_topics::find(std::string_view name) const {
  producer_topic* at = buckets_[bucket_of(name)].load(std::memory_order_acquire);
  while (at != nullptr && at->name_ != name) at = at->next_in_bucket_;
  return at;
}

producer_topic& producer_topics::add(std::string_view name) {
  const std::lock_guard held(mutex_);
  if (producer_topic* known = find(name)) return *known;
  topics_.push_back(std::make_unique<producer_topic>(name));
  producer_topic& made = *topics_.back();
  made.is_shut = is_shut_;
  std::atomic<producer_topic*>& bucket = buckets_[bucket_of(name)];
  made.next_in_bucket_ = bucket.load(std::memory_order_relaxed);
  bucket.store(&made, std::memory_order_release);
  return made;
}

std::vector<producer_topic*> producer_topics::all() const {
  const std::lock_guard held(mutex_);
  std::vector<producer_topic*> out;
  out.reserve(topics_.size());
  for (const auto& topic : topics_) out.push_back(topic.get());
  return out;
}

void producer_topics::shut() {
  const std::lock_guard held(mutex_);
  is_shut_ = true;
  for (const auto& topic : topics_) {
    const std::lock_guard of_topic(topic->mutex);
    topic->is_shut = true;
  }
}

}  // namespace moldau::client
