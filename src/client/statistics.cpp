#include "moldau/client/statistics.hpp"

#include <fmt/format.h>

#include <concepts>
#include <functional>

namespace moldau::client {
namespace {

/// A label's value as the format wants it.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

class exposition {
 public:
  explicit exposition(const statistics& of)
      : of_(of), common_(fmt::format("client_id={},kind={}", quoted(of.client_id), quoted(of.kind))) {}

  void of_client(std::string_view name, std::string_view type, std::string_view help, auto value) {
    head(name, type, help);
    sample(name, "", value);
  }
  void of_brokers(std::string_view name, std::string_view type, std::string_view help, auto field) {
    if (of_.brokers.empty()) return;
    head(name, type, help);
    for (const broker_statistics& broker : of_.brokers) {
      sample(name, fmt::format(",broker={},id=\"{}\"", quoted(broker.address), broker.id.value()),
             std::invoke(field, broker));
    }
  }
  void of_group(std::string_view name, std::string_view type, std::string_view help) {
    head(name, type, help);
    sample(name, fmt::format(",group={}", quoted(of_.group_id)), of_.group_state == "stable");
  }
  void of_partitions(std::string_view name, std::string_view type, std::string_view help, auto field) {
    if (of_.partitions.empty()) return;
    head(name, type, help);
    for (const partition_statistics& p : of_.partitions) {
      sample(name, fmt::format(",topic={},partition=\"{}\"", quoted(p.partition.topic), p.partition.partition.value()),
             std::invoke(field, p));
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    out_ += fmt::format("# HELP moldau_client_{} {}\n# TYPE moldau_client_{} {}\n", name, help, name, type);
  }
  void sample(std::string_view name, std::string_view labels, auto value) {
    if constexpr (std::same_as<decltype(value), bool>) {
      out_ += fmt::format("moldau_client_{}{{{}{}}} {}\n", name, common_, labels, value ? 1 : 0);
    } else {
      out_ += fmt::format("moldau_client_{}{{{}{}}} {}\n", name, common_, labels, value);
    }
  }

  const statistics& of_;
  std::string common_;
  std::string out_;
};

double seconds(std::int64_t us) {
  return static_cast<double>(us) / 1e6;
}

void write_brokers(exposition& to) {
  using b = broker_statistics;
  to.of_brokers("broker_connected", "gauge", "Whether there is a connection to the broker.", &b::is_connected);
  to.of_brokers("broker_connects_total", "counter", "Connections made.", &b::connects);
  to.of_brokers("broker_connect_failures_total", "counter", "Attempts to connect that failed.", &b::connect_failures);
  to.of_brokers("broker_disconnects_total", "counter", "Connections that the client didn't end.", &b::disconnects);
  to.of_brokers("broker_requests_total", "counter", "Requests sent.", &b::requests);
  to.of_brokers("broker_responses_total", "counter", "Responses received.", &b::responses);
  to.of_brokers("broker_timeouts_total", "counter", "Requests that weren't answered in time.", &b::timeouts);
  to.of_brokers("broker_sent_bytes_total", "counter", "Bytes sent.", &b::sent_bytes);
  to.of_brokers("broker_received_bytes_total", "counter", "Bytes received.", &b::received_bytes);
  to.of_brokers("broker_in_flight", "gauge", "Requests that wait for their response.", &b::in_flight);
  to.of_brokers("broker_request_seconds_total", "counter", "Time from requests to their responses, in all.",
                [](const b& of) { return seconds(of.request_time.total_us); });
  to.of_brokers("broker_request_seconds_max", "gauge", "The longest time from a request to its response.",
                [](const b& of) { return seconds(of.request_time.longest_us); });
}

void write_producer(exposition& to, const statistics& of) {
  using p = partition_statistics;
  to.of_client("producer_buffered_bytes", "gauge", "Bytes of records that wait or are on their way.",
               of.buffered_bytes);
  to.of_client("producer_buffered_records", "gauge", "Records that wait or are on their way.", of.buffered_records);
  to.of_client("producer_failures_total", "counter", "Records that weren't delivered, of all partitions or none.",
               of.failed_records);
  to.of_client("producer_deliveries_total", "counter", "Records whose fate is known.", of.delivery_time.count);
  to.of_client("producer_delivery_seconds_total", "counter", "Time from send to report, in all.",
               seconds(of.delivery_time.total_us));
  to.of_client("producer_delivery_seconds_max", "gauge", "The longest time from send to report.",
               seconds(of.delivery_time.longest_us));
  to.of_partitions("producer_sent_records_total", "counter", "Records delivered.", &p::sent_records);
  to.of_partitions("producer_sent_bytes_total", "counter", "Bytes delivered.", &p::sent_bytes);
  to.of_partitions("producer_failed_records_total", "counter", "Records that weren't delivered.", &p::failed_records);
  to.of_partitions("producer_batches_total", "counter", "Batches sent.", &p::batches);
  to.of_partitions("producer_retries_total", "counter", "Batches sent again.", &p::retries);
  to.of_partitions("producer_queued_bytes", "gauge", "Bytes that wait or are on their way.", &p::queued_bytes);
  to.of_partitions("producer_queued_records", "gauge", "Records that wait or are on their way.", &p::queued_records);
}

void write_consumer(exposition& to, const statistics& of) {
  using p = partition_statistics;
  to.of_client("consumer_prefetched_bytes", "gauge", "Bytes fetched and not yet polled.", of.prefetched_bytes);
  to.of_client("consumer_rebalances_total", "counter", "Assignments that the group gave.", of.rebalances);
  if (!of.group_id.empty()) {
    to.of_group("consumer_group_stable", "gauge", "Whether the member has its part and no round is under way.");
  }
  to.of_partitions("consumer_received_records_total", "counter", "Records polled.", &p::received_records);
  to.of_partitions("consumer_received_bytes_total", "counter", "Bytes fetched.", &p::received_bytes);
  to.of_partitions("consumer_position", "gauge", "Offset of the next record; -1 if unknown.",
                   [](const p& of) { return of.position.value(); });
  to.of_partitions("consumer_committed", "gauge", "Committed offset; -1 if unknown.",
                   [](const p& of) { return of.committed.value(); });
  to.of_partitions("consumer_high_watermark", "gauge", "Where the partition ends; -1 if unknown.",
                   [](const p& of) { return of.high_watermark.value(); });
  to.of_partitions("consumer_lag", "gauge", "Records behind the end; -1 if unknown.", &p::lag);
}

}  // namespace

std::string to_prometheus(const statistics& of) {
  exposition out(of);
  out.of_client("topics", "gauge", "Topics whose metadata is kept.", of.topics);
  out.of_client("metadata_requests_total", "counter", "Questions for metadata.", of.metadata_requests);
  out.of_client("rebootstraps_total", "counter", "Returns to the bootstrap servers.", of.rebootstraps);
  write_brokers(out);
  if (of.kind == "producer") write_producer(out, of);
  if (of.kind == "consumer") write_consumer(out, of);
  return out.take();
}

}  // namespace moldau::client
