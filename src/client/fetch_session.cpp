#include "client/fetch_session.hpp"

namespace moldau::client {

using wire::protocol::fetch_request;

void fetch_session::begin(std::span<const fetch_ask> asks, fetch_request& into) {
  const bool is_full = epoch_ == initial_epoch;
  into.session_id = id_;
  into.session_epoch = epoch_;
  if (is_full) partitions_.clear();
  ++request_;
  into.forgotten_topics_data.clear();
  std::size_t topics = 0;
  for (const fetch_ask& ask : asks) {
    auto at = partitions_.find(*ask.of);
    const bool is_known = at != partitions_.end();
    if (!is_known) at = partitions_.try_emplace(*ask.of).first;
    sent& before = at->second;
    before.seen = request_;
    if (is_known && before.fetch_offset == ask.fetch_offset &&
        before.current_leader_epoch == ask.current_leader_epoch && before.bytes_max == ask.bytes_max) {
      continue;
    }
    before.fetch_offset = ask.fetch_offset;
    before.current_leader_epoch = ask.current_leader_epoch;
    before.bytes_max = ask.bytes_max;
    if (topics == 0 || into.topics[topics - 1].topic != ask.of->topic) {
      if (topics == into.topics.size()) into.topics.emplace_back().partitions.reserve(asks.size());
      into.topics[topics].topic = ask.of->topic;
      into.topics[topics].partitions.clear();
      ++topics;
    }
    into.topics[topics - 1].partitions.push_back({.partition = ask.of->partition,
                                                  .current_leader_epoch = ask.current_leader_epoch,
                                                  .fetch_offset = ask.fetch_offset,
                                                  .partition_max_bytes = ask.bytes_max});
  }
  into.topics.resize(topics);
  if (is_full) return;
  for (auto& [partition, before] : partitions_) {
    if (before.seen == request_) continue;
    if (into.forgotten_topics_data.empty() || into.forgotten_topics_data.back().topic != partition.topic) {
      into.forgotten_topics_data.push_back({.topic = partition.topic});
    }
    into.forgotten_topics_data.back().partitions.push_back(partition.partition);
  }
}

void fetch_session::on_answer(errc code, std::int32_t session_id) {
  std::erase_if(partitions_, [&](const auto& entry) { return entry.second.seen != request_; });
  if (code != errc::none) {
    // Whatever is wrong: the session is made anew, in place of the one that the broker may still have.
    if (code == errc::fetch_session_id_not_found) id_ = 0;
    epoch_ = initial_epoch;
    return;
  }
  if (epoch_ == initial_epoch) id_ = session_id;
  // Without a session of the broker's (it has no room for one) every request names everything.
  epoch_ = id_ == 0 ? initial_epoch : epoch_ == INT32_MAX ? 1 : epoch_ + 1;
}

void fetch_session::on_failure() {
  epoch_ = initial_epoch;
}

void fetch_session::end(fetch_request& into) {
  into.session_id = id_;
  into.session_epoch = final_epoch;
  id_ = 0;
  epoch_ = initial_epoch;
  partitions_.clear();
}

}  // namespace moldau::client
