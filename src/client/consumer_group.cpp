#include <fmt/format.h>

#include <algorithm>

#include "client/await_on.hpp"
#include "client/consumer_impl.hpp"

namespace moldau::client {

namespace {

std::vector<topic_partition> without(const std::vector<topic_partition>& all,
                                     const std::vector<topic_partition>& some) {
  std::vector<topic_partition> out;
  std::ranges::set_difference(all, some, std::back_inserter(out));
  return out;
}

}  // namespace

/// Cooperative only where every assignor can be it: the group may pick any of them.
rebalance_protocol consumer::impl::protocol() const {
  const bool all = std::ranges::all_of(
      assignors_, [](const auto& each) { return each->protocol() == rebalance_protocol::cooperative; });
  return all ? rebalance_protocol::cooperative : rebalance_protocol::eager;
}

assignor* consumer::impl::assignor_named(std::string_view name) const {
  const auto found = std::ranges::find(assignors_, name, [](const auto& each) { return each->name(); });
  return found == assignors_.end() ? nullptr : found->get();
}

/// Calls a part of the listener where the application wants it, and waits for it. Nothing once the consumer is closed.
rt::task<void> consumer::impl::tell(const rebalance_listener::told& whom, std::vector<topic_partition> what) {
  if (!whom || closed_) co_return;
  if (runtime_.handlers() == nullptr) {
    whom(what);
    co_return;
  }
  promise<void> done;
  auto told = done.get_async();
  runtime_.handlers()->post([weak = weak_from_this(), done, whom, what = std::move(what)] {
    const auto self = weak.lock();
    if (self && !self->closed_) whom(what);
    done.set({});
  });
  static_cast<void>(co_await await_on(runtime_.world(), std::move(told)));
}

/// Waits until the application polls, which says that it is done with what it was given. False if the membership has
/// gone on meanwhile, or the consumer is being closed.
rt::task<bool> consumer::impl::until_polling() {
  const auto session = session_;
  const auto who = session->membership().who();
  while (polling_ == 0) {
    if (closing_ || session != session_ || session->membership().who() != who) co_return false;
    co_await poll_news_.wait();
  }
  co_return !closing_ && session == session_ && session->membership().who() == who;
}

/// Ends the work on these partitions: they are committed and given up.
rt::task<void> consumer::impl::give_up(std::vector<topic_partition> which) {
  if (which.empty()) co_return;
  for (const topic_partition& partition : which) {
    if (const auto at = assigned_.find(partition); at != assigned_.end()) at->second.leaving = true;
  }
  const auto session = session_;
  if (may_auto_commit()) co_await auto_commit();
  if (listener_.before_revoked && !closed_) {
    static_cast<void>(co_await await_on(runtime_.world(), listener_.before_revoked(which)));
  }
  if (session->membership().lost() && !closing_) {
    // Meanwhile it was lost; `lost` says so.
    co_return;
  }
  std::erase_if(which, [&](const topic_partition& partition) { return !assigned_.contains(partition); });
  drop_partitions(which);
  if (!which.empty()) co_await tell(listener_.on_revoked, std::move(which));
}

rt::task<void> consumer::impl::prepare() {
  const auto self = shared_from_this();
  std::vector<topic_partition> going;
  for (const auto& [partition, state] : assigned_) {
    const bool is_wanted = std::ranges::binary_search(topics_, partition.topic);
    if (protocol() == rebalance_protocol::eager || !is_wanted) going.push_back(partition);
  }
  if (going.empty() || !co_await until_polling()) co_return;
  co_await give_up(std::move(going));
}

rt::task<void> consumer::impl::lost() {
  const auto self = shared_from_this();
  const auto gone = held();
  poll_news_.notify_all();
  if (gone.empty()) co_return;
  drop_partitions(gone);
  co_await tell(listener_.on_lost ? listener_.on_lost : listener_.on_revoked, gone);
}

std::vector<group_protocol> consumer::impl::protocols() {
  joined_topics_ = topics_;
  member_subscription said;
  said.topics = topics_;
  said.generation = session_->membership().generation();
  if (!options_.rack.empty()) said.rack = options_.rack;
  if (protocol() == rebalance_protocol::cooperative) said.owned = held();
  std::vector<group_protocol> out;
  for (const auto& each : assignors_) {
    said.user_data = each->user_data(std::set<std::string>(topics_.begin(), topics_.end()));
    out.push_back({.name = std::string(each->name()), .metadata = encode_subscription(said)});
  }
  return out;
}

assignable_topics consumer::impl::snapshot(const std::set<std::string>& topics) const {
  assignable_topics out;
  for (const std::string& name : topics) {
    const topic_view* view = cluster_->view().topic(name);
    if (view == nullptr || view->code != errc::none || view->partitions.empty()) continue;
    assignable_topic& topic = out[name];
    for (const auto& [id, partition] : view->partitions) {
      std::set<std::string>& racks = topic.racks.emplace_back();
      for (const broker_id replica : partition.replicas) {
        const auto node = cluster_->view().nodes().find(replica);
        if (node != cluster_->view().nodes().end() && node->second.rack) racks.insert(*node->second.rack);
      }
    }
  }
  return out;
}

rt::task<result<std::map<std::string, shared_bytes>>> consumer::impl::lead(std::string protocol,
                                                                           std::vector<group_peer> members) {
  const auto self = shared_from_this();
  assignor* const chosen = assignor_named(protocol);
  if (chosen == nullptr) {
    co_return fail(errc::inconsistent_group_protocol,
                   fmt::format("the group chose '{}', which this member didn't offer", protocol));
  }
  group_subscriptions said;
  std::set<std::string> topics;
  for (const group_peer& member : members) {
    auto subscription = decode_subscription(member.metadata);
    if (!subscription) co_return std::unexpected(subscription.error());
    subscription->instance_id = member.instance_id;
    topics.insert(subscription->topics.begin(), subscription->topics.end());
    said.emplace(member.id, *std::move(subscription));
  }
  MOLDAU_CO_TRY(co_await look_after(topics));
  assignable_topics there = divided_;
  std::erase_if(there, [](const auto& entry) { return entry.second.partitions() == 0; });
  MOLDAU_CO_TRY_ASSIGN(const group_assignments given, chosen->assign(there, said));
  std::size_t rest = 0;
  for (const auto& [name, topic] : there) rest += topic.partitions();
  std::map<std::string, shared_bytes> out;
  for (const auto& [id, part] : given) {
    rest -= std::min(rest, part.partitions.size());
    out[id] = encode_assignment(part);
  }
  expect_rest(rest > 0);
  for (const auto& [id, subscription] : said) {
    if (!out.contains(id)) out[id] = encode_assignment({});
  }
  co_return out;
}

rt::task<void> consumer::impl::lead_on(std::vector<group_peer> members) {
  const auto self = shared_from_this();
  std::set<std::string> topics;
  for (const group_peer& member : members) {
    if (const auto said = decode_subscription(member.metadata)) topics.insert(said->topics.begin(), said->topics.end());
  }
  // What isn't known yet is seen to have changed later.
  static_cast<void>(co_await look_after(topics));
  // What the one before had kept back isn't known.
  expect_rest(true);
}

rt::task<result<void>> consumer::impl::look_after(std::set<std::string> topics) {
  const auto asked = co_await cluster_->refresh(topics, options_.allow_auto_create_topics);
  divided_ = snapshot(topics);
  for (const std::string& topic : topics) divided_.try_emplace(topic);
  if (!asked) co_return std::unexpected(asked.error());
  co_return result<void>();
}

void consumer::impl::expect_rest(bool may_be) {
  // Once: an assignor may well leave something out.
  const bool was_asked_for = std::exchange(finishing_, false);
  has_rest_ = may_be && !was_asked_for && protocol() == rebalance_protocol::cooperative;
}

/// KIP-429: who gives a partition up joins again, so that somebody gets it. But a static member that ends before that
/// finds its place again without a round, and then nobody would.
rt::task<void> consumer::impl::finish_division() {
  const auto self = shared_from_this();
  const auto session = session_;
  const auto who = session->membership().who();
  const auto due = after_ms(options_.session_timeout_ms);
  while (!closing_ && runtime_.world().now() < due) co_await wait_ms(options_.session_timeout_ms);
  if (closing_ || session != session_ || session->membership().who() != who) co_return;
  finishing_ = true;
  session->rejoin("nobody was given what others have given up");
}

void consumer::impl::add_partitions(const std::vector<topic_partition>& which) {
  for (const topic_partition& partition : which) {
    assigned_.insert_or_assign(partition, consumed_partition(partition)).first->second.start(next_round_++);
  }
}

rt::task<result<void>> consumer::impl::joined(std::string protocol_name, bool is_leader, shared_bytes part) {
  const auto self = shared_from_this();
  const auto session = session_;
  if (closing_ || !session) co_return result<void>();
  const auto who = session->membership().who();
  MOLDAU_CO_TRY_ASSIGN(member_assignment mine, decode_assignment(part));
  ++rebalances_;
  if (!is_leader) divided_.clear();
  if (assignor* const chosen = assignor_named(protocol_name)) chosen->on_assignment(mine, session->metadata());
  std::ranges::sort(mine.partitions);
  const bool is_ours = std::ranges::all_of(
      mine.partitions, [&](const topic_partition& p) { return std::ranges::binary_search(joined_topics_, p.topic); });
  if (!is_ours) {
    session->rejoin("the assignment had partitions of topics that aren't subscribed");
    co_return result<void>();
  }
  const auto before = held();
  const auto added = without(mine.partitions, before);
  if (const auto going = without(before, mine.partitions); !going.empty()) {
    // KIP-429: they go first; in the round after that others get them.
    if (!co_await until_polling()) co_return result<void>();
    co_await give_up(going);
    if (closing_ || session != session_ || session->membership().who() != who) co_return result<void>();
    if (protocol() == rebalance_protocol::cooperative) session->rejoin("partitions were given up for other members");
  }
  add_partitions(added);
  if (joined_topics_ != topics_) session->rejoin("the subscription was changed");
  if (is_leader && std::exchange(has_rest_, false)) running_.spawn(finish_division());
  pump();
  co_await tell(listener_.on_assigned, added);
  news_.notify_all();
  co_return result<void>();
}

void consumer::impl::failed(const error& why) {
  group_failure_ = why;
  fail_with(why);
}

/// A member that failed joins again when the application goes on polling, but for one whose place another has taken:
/// the two would go on throwing each other out.
void consumer::impl::recover_membership() {
  if (!group_failure_ || failure_) return;
  if (group_failure_->code == errc::fenced_instance_id) {
    fail_with(*group_failure_);
  } else if (session_->start(shared_from_this())) {
    group_failure_.reset();
  }
}

/// Brings what is known of the subscribed topics up to date: which match a pattern, and whether they have grown.
rt::task<void> consumer::impl::learn_topics() {
  if (pattern_) {
    const auto all = co_await cluster_->refresh_all();
    if (!all || closing_ || !pattern_) co_return;
    std::vector<std::string> matching;
    for (const std::string& name : *all) {
      const topic_view* view = cluster_->view().topic(name);
      if (view != nullptr && view->is_internal && options_.exclude_internal_topics) continue;
      if (std::regex_match(name, *pattern_)) matching.push_back(name);
    }
    std::ranges::sort(matching);
    topics_ = std::move(matching);
  } else {
    // The leader looks after all topics of the group.
    std::set<std::string> asked(topics_.begin(), topics_.end());
    for (const auto& [name, topic] : divided_) asked.insert(name);
    if (asked.empty()) co_return;
    static_cast<void>(co_await cluster_->refresh(std::move(asked), options_.allow_auto_create_topics));
  }
  if (closing_ || !session_) co_return;
  if (joined_topics_ != topics_ && session_->membership().is_stable()) {
    session_->rejoin("the subscription was changed");
  } else if (!divided_.empty() && session_->membership().is_leader()) {
    std::set<std::string> names;
    for (const auto& [name, topic] : divided_) names.insert(name);
    const assignable_topics now = snapshot(names);
    for (const auto& [name, topic] : now) {
      if (divided_.at(name).racks != topic.racks) {
        session_->rejoin(fmt::format("topic '{}' has changed", name));
        break;
      }
    }
  }
}

/// Looks at the subscribed topics now and then, and soon again as long as one of them isn't there.
rt::task<void> consumer::impl::watch() {
  const auto self = shared_from_this();
  while (!closing_ && session_) {
    co_await learn_topics();
    if (closing_ || !session_) break;
    const bool all_there = std::ranges::all_of(topics_, [&](const std::string& name) {
      const topic_view* view = cluster_->view().topic(name);
      return view != nullptr && view->code == errc::none;
    });
    const std::int64_t pause_ms =
        all_there ? options_.client.metadata_max_age_ms
                  : std::min(options_.client.metadata_max_age_ms, options_.client.retry_backoff_max_ms);
    const auto timer = runtime_.world().post_at(after_ms(pause_ms), [weak = weak_from_this()] {
      if (const auto me = weak.lock()) me->watch_news_.notify_all();
    });
    co_await watch_news_.wait();
  }
  watching_ = false;
}

}  // namespace moldau::client
