#include "client/consumer_properties.hpp"

#include <fmt/format.h>

#include "client/iso_duration.hpp"

namespace moldau::client {
namespace {

void take_reset(property_reader& in, consumer_options& into) {
  constexpr std::string_view property = "auto.offset.reset";
  constexpr std::string_view by_duration = "by_duration:";
  std::string text = "latest";
  in.take(property, text);
  if (text == "earliest") {
    into.offset_reset = offset_reset::earliest;
  } else if (text == "latest") {
    into.offset_reset = offset_reset::latest;
  } else if (text == "none") {
    into.offset_reset = offset_reset::none;
  } else if (const auto ms = text.starts_with(by_duration)
                                 ? parse_iso_duration_ms(std::string_view(text).substr(by_duration.size()))
                                 : std::nullopt) {
    into.offset_reset = offset_reset::by_duration;
    into.offset_reset_duration_ms = *ms;
  } else {
    in.wrong(property, "must be one of earliest, latest, none, by_duration:PT1H (any ISO-8601 duration)");
  }
}

void take_assignors(property_reader& in, consumer_options& into) {
  constexpr std::string_view property = "partition.assignment.strategy";
  std::vector<std::string> names;
  in.take(property, names);
  for (const std::string& name : names) {
    auto made = assignor_by_name(name);
    if (made == nullptr) {
      in.wrong(property, fmt::format("there is no assignor '{}' here: name range, roundrobin, sticky or "
                                     "cooperative-sticky, or hand over your own in consumer_options::assignors",
                                     name));
    } else {
      into.assignors.push_back(std::move(made));
    }
  }
}

}  // namespace

void take_consumer_properties(property_reader& in, consumer_options& into) {
  in.take("group.id", into.group_id);
  in.take("group.instance.id", into.instance_id);
  std::string protocol = "classic";
  in.take("group.protocol", protocol);
  if (protocol != "classic") in.wrong("group.protocol", "only classic groups are built yet");
  take_assignors(in, into);
  take_reset(in, into);
  in.take("enable.auto.commit", into.auto_commit);
  in.take("auto.commit.interval.ms", into.auto_commit_interval_ms, 0);
  in.take("session.timeout.ms", into.session_timeout_ms, 1, INT32_MAX);
  in.take("heartbeat.interval.ms", into.heartbeat_interval_ms, 1);
  in.take("max.poll.interval.ms", into.max_poll_interval_ms, 1, INT32_MAX);
  auto records = static_cast<std::int64_t>(into.poll_records_max);
  in.take("max.poll.records", records, 1, INT32_MAX);
  into.poll_records_max = static_cast<std::size_t>(records);
  in.take("fetch.min.bytes", into.fetch_min_bytes, 0);
  in.take("fetch.max.wait.ms", into.fetch_max_wait_ms, 0);
  in.take("fetch.max.bytes", into.fetch_max_bytes, 0);
  in.take("max.partition.fetch.bytes", into.partition_fetch_max_bytes, 1);
  std::int64_t queued_kib = -1;
  in.take("queued.max.messages.kbytes", queued_kib, 1, INT32_MAX);
  if (queued_kib > 0) into.prefetch_bytes_max = static_cast<std::size_t>(queued_kib) * 1024;
  in.take<client::isolation>(
      "isolation.level", into.isolation,
      {{"read_uncommitted", isolation::read_uncommitted}, {"read_committed", isolation::read_committed}});
  in.take("check.crcs", into.check_crcs);
  in.take("client.rack", into.rack);
  in.take("allow.auto.create.topics", into.allow_auto_create_topics);
  in.take("exclude.internal.topics", into.exclude_internal_topics);
}

}  // namespace moldau::client
