#include "broker/fetch_session.hpp"

namespace moldau::broker {
namespace {

/// Versions from here on name topics by id (KIP-516).
constexpr std::int16_t first_version_with_topic_ids = 13;

constexpr std::int32_t initial_epoch = 0;
constexpr std::int32_t final_epoch = -1;

}  // namespace

void fetch_session::update(const wire::protocol::fetch_request& request) {
  for (const auto& topic : request.topics) {
    for (const auto& wanted : topic.partitions) {
      key k{.id = topic.topic_id, .topic = std::string(topic.topic), .partition = wanted.partition};
      auto found = index_.find(k);
      if (found == index_.end()) {
        targets_.push_back({.id = k.id, .topic = k.topic, .partition = k.partition});
        found = index_.emplace(std::move(k), std::prev(targets_.end())).first;
      }
      fetch_target& target = *found->second;
      target.fetch_offset = wanted.fetch_offset;
      target.max_bytes = wanted.partition_max_bytes;
      target.current_leader_epoch = wanted.current_leader_epoch;
      target.last_fetched_epoch = wanted.last_fetched_epoch;
    }
  }
  for (const auto& topic : request.forgotten_topics_data) {
    for (const partition_id partition : topic.partitions) {
      const auto found = index_.find({.id = topic.topic_id, .topic = std::string(topic.topic), .partition = partition});
      if (found == index_.end()) continue;
      targets_.erase(found->second);
      index_.erase(found);
    }
  }
}

bool fetch_session::must_answer(fetch_target& target, const fetch_outcome& outcome) {
  bool news = outcome.records_bytes > 0 || outcome.diverging;
  if (target.sent_high_watermark != outcome.high_watermark) {
    news = true;
    target.sent_high_watermark = outcome.high_watermark;
  }
  if (target.sent_log_start_offset != outcome.log_start_offset) {
    news = true;
    target.sent_log_start_offset = outcome.log_start_offset;
  }
  if (outcome.error != errc::none) {
    news = true;
    // Its end is news too, even if nothing else has changed by then.
    target.sent_high_watermark = no_offset;
  }
  return news;
}

result<fetch_sessions::context> fetch_sessions::begin(const wire::protocol::fetch_request& request,
                                                      std::int16_t version, rt::world& world) {
  const bool by_id = version >= first_version_with_topic_ids;
  const rt::time_point now = world.now();
  if (request.session_epoch == initial_epoch || request.session_epoch == final_epoch) {
    if (request.session_id != 0) sessions_.erase(request.session_id);
    context out;
    std::int32_t id = 0;
    std::size_t partitions = 0;
    for (const auto& topic : request.topics) partitions += topic.partitions.size();
    // A fetch of nothing gets no session: there is nothing to remember.
    if (request.session_epoch == initial_epoch && partitions > 0 && make_room(partitions, now)) {
      do {
        id = static_cast<std::int32_t>((world.random() >> 34U) / cores_ * cores_ + core_);
      } while (id == 0 || sessions_.contains(id));
      out.kept = true;
    }
    out.session = std::make_shared<fetch_session>(id, by_id);
    out.session->update(request);
    out.session->created_ = out.session->last_used_ = now;
    if (out.kept) sessions_.emplace(id, out.session);
    return out;
  }

  const auto found = sessions_.find(request.session_id);
  if (found == sessions_.end()) return fail(errc::fetch_session_id_not_found);
  fetch_session& session = *found->second;
  if (session.epoch() != request.session_epoch) return fail(errc::invalid_fetch_session_epoch);
  if (session.by_topic_id() != by_id) return fail(errc::fetch_session_topic_id_error);
  session.update(request);
  session.last_used_ = now;
  session.advance_epoch();
  context out{.session = found->second, .incremental = true, .kept = true};
  if (session.size() == 0) {
    // The client has forgotten everything: Kafka ends the session with this response.
    sessions_.erase(found);
    out.kept = false;
  }
  return out;
}

std::size_t fetch_sessions::partitions() const {
  std::size_t out = 0;
  for (const auto& [id, session] : sessions_) out += session->size();
  return out;
}

bool fetch_sessions::make_room(std::size_t partitions, rt::time_point now) {
  if (sessions_.size() < slots_) return true;
  // Either the least recently used one is old enough, or a smaller one that has had its time makes way for a larger.
  fetch_session* oldest = nullptr;
  fetch_session* smallest = nullptr;
  for (const auto& [id, session] : sessions_) {
    const auto earlier = [](rt::time_point a, std::int32_t a_id, rt::time_point b, std::int32_t b_id) {
      return a != b ? a < b : a_id < b_id;
    };
    if (oldest == nullptr || earlier(session->last_used_, id, oldest->last_used_, oldest->id())) oldest = session.get();
    if (now - session->created_ > eviction_age_ && session->size() < partitions &&
        (smallest == nullptr || session->size() < smallest->size() ||
         (session->size() == smallest->size() && id < smallest->id()))) {
      smallest = session.get();
    }
  }
  fetch_session* victim = oldest != nullptr && now - oldest->last_used_ > eviction_age_ ? oldest : smallest;
  if (victim == nullptr) return false;
  sessions_.erase(victim->id());
  ++evictions_;
  return true;
}

}  // namespace moldau::broker
