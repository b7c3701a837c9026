#include "broker/metrics.hpp"

#include <chrono>

#include "wire/protocol/api_keys.hpp"

namespace moldau::broker {

topic_counters::topic_counters(base::metrics& in, const base::labels& of)
    : messages_in(in.make_counter("kafka_server_brokertopicmetrics_messagesin_total", "Records appended", of)),
      bytes_in(in.make_counter("kafka_server_brokertopicmetrics_bytesin_total", "Bytes of batches appended", of)),
      bytes_out(in.make_counter("kafka_server_brokertopicmetrics_bytesout_total", "Bytes of batches fetched", of)) {}

shard_metrics::shard_metrics(base::metrics& in)
    : in_(in),
      all_(in, {}),
      failed_produce_(in.make_counter("kafka_server_brokertopicmetrics_failedproducerequests_total",
                                      "Partitions of produce requests that were refused")),
      failed_fetch_(in.make_counter("kafka_server_brokertopicmetrics_failedfetchrequests_total",
                                    "Partitions of fetch requests that were answered with an error")),
      connections_opened_(in.make_counter("kafka_server_socket_server_metrics_connection_creation_total",
                                          "Connections that were taken")),
      connections_closed_(
          in.make_counter("kafka_server_socket_server_metrics_connection_close_total", "Connections that have ended")),
      sync_seconds_(in.make_histogram("kafka_log_logflushstats_logflush_seconds",
                                      "How long a round that syncs the logs of one core and directory takes")) {}

shard_metrics::api_series& shard_metrics::series_of(std::int16_t api_key) {
  auto& place = apis_[api_key];
  if (place == nullptr) {
    const base::labels of{
        {"request", std::string(wire::protocol::info(static_cast<wire::protocol::api_key>(api_key)).name)}};
    place = std::make_unique<api_series>(api_series{
        .requests = in_.make_counter("kafka_network_requestmetrics_requests_total", "Requests answered", of),
        .request_bytes = in_.make_counter("kafka_network_requestmetrics_requestbytes_total", "Bytes of requests", of),
        .response_bytes =
            in_.make_counter("kafka_network_requestmetrics_responsebytes_total", "Bytes of responses", of),
        .seconds = in_.make_histogram("kafka_network_requestmetrics_totaltime_seconds",
                                      "From a request's arrival to its answer, waiting included",
                                      base::histogram::seconds(), of),
        .errors = {}});
  }
  return *place;
}

void shard_metrics::answered(const request& what, const answer& done, rt::time_point now) {
  api_series& of = series_of(what.api_key);
  of.requests->add();
  of.request_bytes->add(what.frame.size());
  of.response_bytes->add(done.frame.size_bytes);
  of.seconds->observe(std::chrono::duration<double>(now - what.received).count());
  for (const auto& [code, count] : done.frame.errors) {
    auto& place = of.errors[code];
    if (place == nullptr) {
      const std::string_view api = wire::protocol::info(static_cast<wire::protocol::api_key>(what.api_key)).name;
      place = in_.make_counter("kafka_network_requestmetrics_errors_total", "Error codes in responses",
                               {{"request", std::string(api)}, {"error", std::string(name(code))}});
    }
    place->add(count);
  }
}

void shard_metrics::produced(const topic_id& topic, std::uint64_t records, std::uint64_t bytes) {
  all_.messages_in->add(records);
  all_.bytes_in->add(bytes);
  // A topic that was deleted meanwhile has no series any more.
  if (const auto found = topics_.find(topic); found != topics_.end()) {
    found->second->messages_in->add(records);
    found->second->bytes_in->add(bytes);
  }
}

void shard_metrics::fetched(const topic_id& topic, std::uint64_t bytes) {
  all_.bytes_out->add(bytes);
  if (const auto found = topics_.find(topic); found != topics_.end()) found->second->bytes_out->add(bytes);
}

void shard_metrics::add_topic(const topic_id& id, const std::string& name) {
  auto& place = topics_[id];
  if (place == nullptr) place = std::make_unique<topic_counters>(in_, base::labels{{"topic", name}});
}

}  // namespace moldau::broker
