#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Quotas, throttles and metrics windows.
constexpr definition rows[] = {
    {"alter.log.dirs.replication.quota.window.num", int32, "11", at_least(1), low, read_only, not_built,
     "Samples kept for throttling moves between log directories."},
    {"alter.log.dirs.replication.quota.window.size.seconds", int32, "1", at_least(1), low, read_only, not_built,
     "Seconds of one sample for throttling moves between log directories."},
    {"client.quota.callback.class", class_name, none, any, low, read_only, refused,
     "A Java class that decides the quotas of clients."},
    {"controller.quota.window.num", int32, "11", at_least(1), low, read_only, not_built,
     "Samples kept for quotas on changes of topics."},
    {"controller.quota.window.size.seconds", int32, "1", at_least(1), low, read_only, not_built,
     "Seconds of one sample for quotas on changes of topics."},
    {"kafka.metrics.polling.interval.secs", int32, "10", at_least(1), low, read_only, unneeded,
     "Seconds between two readings by Kafka's older metrics reporters."},
    {"kafka.metrics.reporters", list, "", any, low, read_only, unneeded,
     "Java classes that report Kafka's older metrics; moldau serves /metrics."},
    {"metric.reporters", list, "org.apache.kafka.common.metrics.JmxReporter", any, low, cluster_wide, unneeded,
     "Java classes that report metrics; moldau serves /metrics."},
    {"metrics.num.samples", int32, "2", at_least(1), low, read_only, unneeded,
     "Samples kept for Kafka's windowed metrics; moldau leaves windows to the reader of /metrics."},
    {"metrics.recording.level", string, "INFO", any, low, read_only, unneeded,
     "How detailed Kafka's metrics are; moldau records all of its own."},
    {"metrics.sample.window.ms", int64, "30000", at_least(1), low, read_only, unneeded,
     "Milliseconds of one sample of Kafka's windowed metrics."},
    {"quota.window.num", int32, "11", at_least(1), low, read_only, not_built, "Samples kept for quotas of clients."},
    {"quota.window.size.seconds", int32, "1", at_least(1), low, read_only, not_built,
     "Seconds of one sample for quotas of clients."},
    {"replication.quota.window.num", int32, "11", at_least(1), low, read_only, not_built,
     "Samples kept for throttling replication."},
    {"replication.quota.window.size.seconds", int32, "1", at_least(1), low, read_only, not_built,
     "Seconds of one sample for throttling replication."},
    {"telemetry.max.bytes", int32, "1048576", at_least(1), low, read_only, not_built,
     "The most bytes of metrics that a client may push at once."},
};

}  // namespace

std::span<const definition> quota_rows() {
  return rows;
}

}  // namespace moldau::config
