#include "broker/sampling.hpp"

#include <array>
#include <charconv>
#include <memory>
#include <string_view>
#include <vector>

#include "base/metrics.hpp"
#include "broker/node.hpp"

namespace moldau::broker {
namespace {

/// What /proc counts in on every Linux that we know.
constexpr double page_bytes = 4096;
constexpr double ticks_per_second = 100;

core_sample sample_core(shard& of) {
  core_sample out;
  for (const auto& [id, partition] : of.partitions()) {
    const storage::log& log = partition->log();
    out.partitions.push_back({.topic = partition->topic(),
                              .id = id.partition.value(),
                              .size_bytes = log.size_bytes(),
                              .segments = log.segment_count(),
                              .log_start = log.log_start().value(),
                              .log_end = log.log_end().value(),
                              .high_watermark = log.high_watermark().value()});
  }
  of.for_each_connection([&](const connection& one) { ++out.connections[one.peer().listener]; });
  out.fetch_sessions = of.sessions().size();
  out.fetch_session_partitions = of.sessions().partitions();
  out.fetch_session_evictions = of.sessions().evictions();
  out.request_memory_left = of.budget().left_bytes();
  out.request_memory_limit = of.budget().limit_bytes();
  return out;
}

void count_image(node_sample& into) {
  node_sample::metadata_counts& to = *into.of_metadata;
  const metadata::image& image = *into.image;
  const auto in_sync_wanted = [&](const metadata::topic& topic) {
    return static_cast<std::size_t>(
        config::effective_topic_config(*into.config, image.config_of(metadata::config_resource_type::topic, topic.name))
            .min_insync_replicas);
  };
  image.topics.for_each([&](const topic_id&, const std::shared_ptr<const metadata::topic>& topic) {
    ++to.topics;
    to.partitions += topic->partitions.size();
    std::optional<std::size_t> least_in_sync;
    for (const auto& partition : topic->partitions) {
      if (partition->leader == no_broker) ++to.offline_partitions;
      if (partition->leader != into.self) continue;
      ++into.leaders;
      if (partition->isr.size() < partition->replicas.size()) ++into.under_replicated;
      if (!least_in_sync) least_in_sync = in_sync_wanted(*topic);
      if (partition->isr.size() < *least_in_sync) ++into.under_min_isr;
    }
  });
  for (const auto& [id, broker] : *image.brokers) ++(broker->fenced ? to.fenced_brokers : to.active_brokers);
}

/// A registry that lasts for one text, and the gauges in it.
class page {
 public:
  void gauge(std::string_view name, std::string_view help, double value, base::labels with = {}) {
    gauges_.push_back(registry_.make_gauge(name, help, std::move(with)));
    gauges_.back()->set(value);
  }
  template <typename Value>
  void gauge(std::string_view name, std::string_view help, Value value, base::labels with = {}) {
    gauge(name, help, static_cast<double>(value), std::move(with));
  }
  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    counters_.push_back(registry_.make_counter(name, help));
    counters_.back()->add(value);
  }
  [[nodiscard]] std::string text() const { return registry_.text(); }

 private:
  base::metrics registry_;
  std::vector<std::unique_ptr<base::gauge>> gauges_;
  std::vector<std::unique_ptr<base::counter>> counters_;
};

void print_core(const core_sample& core, page& to) {
  for (const auto& one : core.partitions) {
    const base::labels of{{"topic", one.topic}, {"partition", std::to_string(one.id)}};
    to.gauge("kafka_log_log_size", "Bytes of a partition's segments", one.size_bytes, of);
    to.gauge("kafka_log_log_numlogsegments", "Segments of a partition", one.segments, of);
    to.gauge("kafka_log_log_logstartoffset", "A partition's first offset", one.log_start, of);
    to.gauge("kafka_log_log_logendoffset", "The offset that a partition's next record gets", one.log_end, of);
    to.gauge("moldau_partition_high_watermark", "The offset up to which a partition is replicated", one.high_watermark,
             of);
  }
  for (const auto& [listener, count] : core.connections) {
    to.gauge("kafka_server_socket_server_metrics_connection_count", "Connections open", count,
             {{"listener", listener}});
  }
  to.gauge("kafka_server_replicamanager_partitioncount", "Replicas on this broker", core.partitions.size());
  to.gauge("kafka_server_fetchsessioncache_numincrementalfetchsessions", "Fetch sessions kept", core.fetch_sessions);
  to.gauge("kafka_server_fetchsessioncache_numincrementalfetchpartitionscached", "Partitions in fetch sessions",
           core.fetch_session_partitions);
  to.counter("kafka_server_fetchsessioncache_incrementalfetchsessionevictions_total",
             "Fetch sessions that made way for others", core.fetch_session_evictions);
  to.gauge("kafka_network_socketserver_memorypoolavailable", "Bytes left of queued.max.request.bytes",
           core.request_memory_left);
  to.gauge("kafka_network_socketserver_memorypoolused", "Bytes of requests in memory",
           core.request_memory_limit - core.request_memory_left);
}

void print_metadata(const node_sample::metadata_counts& from, page& to) {
  to.gauge("kafka_controller_kafkacontroller_activecontrollercount", "1 on the node whose controller is active",
           from.active_controller ? 1 : 0);
  to.gauge("kafka_controller_kafkacontroller_globaltopiccount", "Topics of the cluster", from.topics);
  to.gauge("kafka_controller_kafkacontroller_globalpartitioncount", "Partitions of the cluster", from.partitions);
  to.gauge("kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions without a leader",
           from.offline_partitions);
  to.gauge("kafka_controller_kafkacontroller_activebrokercount", "Brokers that serve", from.active_brokers);
  to.gauge("kafka_controller_kafkacontroller_fencedbrokercount", "Brokers that are registered and don't serve",
           from.fenced_brokers);
  to.gauge("kafka_server_raft_metrics_current_leader", "The metadata quorum's leader; -1 is none", from.leader);
  to.gauge("kafka_server_raft_metrics_current_epoch", "The metadata quorum's epoch", from.epoch);
  to.gauge("kafka_server_raft_metrics_high_watermark", "Up to where metadata is committed", from.high_watermark);
  to.gauge("kafka_server_raft_metrics_log_end_offset", "The end of the metadata log", from.log_end);
  to.gauge("kafka_server_broker_metadata_metrics_last_applied_record_offset",
           "The last metadata record that this broker acts on", from.applied);
}

void read_process(rt::file_system& files, node_sample& into) {
  const auto opened = files.open("/proc/self/stat", rt::open_mode::read);
  if (!opened) return;
  std::array<std::byte, 2048> content{};
  const auto got = (*opened)->read_at(0, content);
  if (!got) return;
  // The program's name may hold spaces: what counts comes after its closing bracket, from the third field on.
  std::string_view text = as_text(bytes_view(content.data(), *got));
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return;
  text.remove_prefix(name_end + 1);
  std::vector<double> fields;
  while (!text.empty()) {
    const auto from = text.find_first_not_of(' ');
    if (from == std::string_view::npos) break;
    text.remove_prefix(from);
    const auto field = text.substr(0, text.find(' '));
    double value = 0;
    std::from_chars(field.data(), field.data() + field.size(), value);
    fields.push_back(value);
    text.remove_prefix(field.size());
  }
  // Fields 14 (utime), 15 (stime) and 24 (rss) of proc(5), of which the first two are gone.
  constexpr std::size_t gone = 3;
  if (fields.size() <= 24 - gone) return;
  into.of_process = node_sample::process{.resident_bytes = fields[24 - gone] * page_bytes,
                                         .cpu_seconds = (fields[14 - gone] + fields[15 - gone]) / ticks_per_second,
                                         .open_files = std::nullopt};
  if (const auto descriptors = files.list("/proc/self/fd")) {
    into.of_process->open_files = static_cast<double>(descriptors->size());
  }
}

}  // namespace

rt::task<node_sample> take_sample(node& of, const node_state& state) {
  node_sample out;
  for (unsigned core = 0; core < of.core_count(); ++core) {
    // The state is read anew each time: once a node stops, its cores are taken apart one by one.
    if (state == node_state::stopping || state == node_state::failed) break;
    out.cores.push_back(co_await of.main_world().call_on(
        core, [&, core]() -> rt::task<core_sample> { co_return sample_core(of.shard_of(core)); }));
  }
  out.state = state;
  out.connections_refused = of.connections_refused();
  out.self = of.id();
  out.image = of.view().image;
  out.config = of.view().config;
  if ((state == node_state::serving || state == node_state::recovering) && out.image != nullptr) {
    const raft::quorum& quorum = of.metadata().quorum();
    out.of_metadata =
        node_sample::metadata_counts{.active_controller = quorum.is_leader(),
                                     .leader = quorum.leader().value(),
                                     .epoch = quorum.epoch().value(),
                                     .high_watermark = quorum.high_watermark().value_or(no_offset).value(),
                                     .log_end = quorum.end_offset().value(),
                                     .applied = out.image->provenance.last_offset.value()};
  }
  co_return out;
}

void complete(rt::file_system& files, node_sample& sample) {
  if (sample.of_metadata) count_image(sample);
  read_process(files, sample);
}

std::string to_text(const node_sample& sample) {
  page to;
  to.gauge("kafka_server_kafkaserver_brokerstate", "1 starting, 2 opening its logs, 3 serving, 7 stopping, 127 failed",
           static_cast<int>(sample.state));
  for (const core_sample& core : sample.cores) print_core(core, to);
  to.gauge("kafka_server_replicamanager_leadercount", "Partitions that this broker leads", sample.leaders);
  to.gauge("kafka_server_replicamanager_underreplicatedpartitions", "Partitions led here with replicas out of sync",
           sample.under_replicated);
  to.gauge("kafka_server_replicamanager_underminisrpartitioncount",
           "Partitions led here with fewer replicas in sync than min.insync.replicas", sample.under_min_isr);
  to.counter("moldau_connections_refused_total", "Connections turned away because of max.connections.per.ip",
             sample.connections_refused);
  if (sample.of_metadata) print_metadata(*sample.of_metadata, to);
  to.gauge("moldau_uptime_seconds", "Since the start", sample.uptime_seconds);
  to.gauge("process_start_time_seconds", "When the process started, since 1970", sample.start_seconds);
  if (sample.of_process) {
    to.gauge("process_resident_memory_bytes", "Memory that the process holds", sample.of_process->resident_bytes);
    to.gauge("process_cpu_seconds_total", "Processor time used", sample.of_process->cpu_seconds);
    if (sample.of_process->open_files) {
      to.gauge("process_open_fds", "File descriptors open", *sample.of_process->open_files);
    }
  }
  return to.text();
}

}  // namespace moldau::broker
