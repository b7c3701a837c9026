#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/topic_partition.hpp"
#include "moldau/core/world.hpp"

namespace moldau::testing {

/// A request's kind, numbered as on the wire: those that the fake broker serves.
enum class api : std::int16_t {
  produce = 0,
  fetch = 1,
  list_offsets = 2,
  metadata = 3,
  offset_commit = 8,
  offset_fetch = 9,
  find_coordinator = 10,
  join_group = 11,
  heartbeat = 12,
  leave_group = 13,
  sync_group = 14,
  describe_groups = 15,
  list_groups = 16,
  api_versions = 18,
  create_topics = 19,
  delete_topics = 20,
  delete_records = 21,
  init_producer_id = 22,
  offset_for_leader_epoch = 23,
  describe_configs = 32,
  describe_log_dirs = 35,
  create_partitions = 37,
  delete_groups = 42,
  incremental_alter_configs = 44,
  offset_delete = 47,
  describe_quorum = 55,
  update_features = 57,
  describe_cluster = 60,
};

/// Whose versions of the protocol the brokers speak.
enum class kafka_release : std::uint8_t { v2_8, v4_3 };

struct fake_topic {
  std::string name;
  std::int32_t partitions = 1;
  std::map<std::string, std::string> configs;
};

/// A record as a partition holds it; a producer's, or one that a test appends.
struct fake_record {
  moldau::offset offset = no_offset;
  /// Milliseconds since 1970. Default for `append`: the brokers' clock.
  std::int64_t timestamp_ms = -1;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  moldau::producer_id producer_id = no_producer_id;
  moldau::producer_epoch producer_epoch = no_producer_epoch;
  /// Part of its producer's open transaction, which begins with it if none is open: who reads committed records only
  /// doesn't get past it until `fake_broker::end_transaction`.
  bool is_transactional = false;
};

/// A request that came in whole.
struct seen_request {
  broker_id on;
  testing::api api = testing::api::api_versions;
  std::int16_t version = 0;
  std::int32_t correlation_id = 0;
  std::string client_id;
  std::size_t size_bytes = 0;
  /// Counts the cluster's connections from 1.
  std::uint64_t connection = 0;
};

struct fake_group_member {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
};

struct fake_group {
  /// "Empty", "PreparingRebalance", "CompletingRebalance", "Stable"; "Dead" for one that nobody has made.
  std::string state = "Dead";
  std::int32_t generation = 0;
  /// The assignor's name.
  std::string protocol;
  std::string leader;
  std::vector<fake_group_member> members;
};

/// What goes wrong with requests to come.
///
///     cluster.inject({.what = fault::kind::error, .of = api::produce, .times = 2, .code = errc::not_enough_replicas});
///     cluster.inject({.what = fault::kind::cut_response, .of = api::fetch, .byte = 17});
struct fault {
  enum class kind : std::uint8_t {
    error,         ///< Answered with `code` instead of being carried out (with `carried_out`: after it).
    delay,         ///< The answer comes later by `by`; those behind it on its connection wait too.
    drop,          ///< Carried out; its answer is left out, those behind it come.
    hang,          ///< Neither this nor any later request of its connection is answered, nor carried out.
    duplicate,     ///< The answer comes twice.
    swap,          ///< The answer comes behind the next one of its connection.
    cut_request,   ///< The connection ends once `byte` bytes of the request have come, which isn't carried out.
    cut_response,  ///< Carried out; the connection ends behind `byte` bytes of the answer.
    change,        ///< The answer's bytes (with their length in front) go through the function `change`.
  };
  kind what = kind::error;
  /// Default: requests of any kind.
  std::optional<testing::api> of;
  /// Default: on any broker.
  std::optional<broker_id> on;
  /// So many that match pass first.
  std::size_t skip = 0;
  /// So many are struck. The faults are asked in the order of their injection; one strikes a request.
  std::size_t times = 1;
  errc code = errc::none;
  bool carried_out = false;
  std::chrono::milliseconds by{0};
  std::size_t byte = 0;
  /// On the brokers' thread.
  std::function<void(std::vector<std::byte>& answer)> change;
};

struct fake_broker_options {
  /// How many; their ids are 1 to n.
  std::int32_t brokers = 1;
  std::string cluster_id = "fake-cluster";
  /// There from the beginning.
  std::vector<fake_topic> topics;
  /// Whether a Metadata request makes topics that aren't there. Default: false. `auto.create.topics.enable`
  bool auto_create_topics = false;
  /// Of topics that don't say. Default: 1. `num.partitions`
  std::int32_t default_partitions = 1;
  /// A batch isn't larger, in bytes, but where a topic's `max.message.bytes` says otherwise. Default: 1048588.
  /// `message.max.bytes`
  std::size_t batch_bytes_max = 1'048'588;
  /// How long a group waits for more members when its first one comes, in ms. Default: 0.
  /// `group.initial.rebalance.delay.ms`
  std::int64_t initial_rebalance_delay_ms = 0;
  /// Racks by broker, for consumers that want the nearest replica (KIP-392).
  std::map<broker_id, std::string> racks;
  /// Default: 4.3's versions.
  kafka_release release = kafka_release::v4_3;
  /// A kind's highest version, if that is to be lower; -1 takes the kind away.
  std::map<testing::api, std::int16_t> versions_max;

  /// Default: the real one, with a thread of the cluster's own.
  moldau::world world;
  /// How clients reach it. Default: 127.0.0.1; in a simulation, the name of the host whose `world` it has.
  std::string host = "127.0.0.1";
  /// The first broker's; the others' follow it. Default: 0, free ones.
  std::uint16_t first_port = 0;
};

/// A Kafka cluster in memory, for tests: brokers on real sockets (or on a simulated host's), with topics, idempotent
/// produce, fetch sessions and long polls, consumer groups of the classic protocol, offsets and admin calls; and with
/// what real ones can't offer: a look inside, and faults on demand.
///
///     auto cluster = fake_broker::start({.topics = {{.name = "t", .partitions = 3}}}).value();
///     auto p = client::producer::make({.client = {.bootstrap_servers = cluster.bootstrap_servers()}}).value();
///     cluster.inject({.what = fault::kind::error, .of = api::produce, .code = errc::not_leader_or_follower});
///     p.send({.topic = "t", .value = as_bytes("hello")}).get().value();
///     assert(cluster.records({"t", partition_id(0)}).size() == 1);
///
/// Not there: a transactional producer's requests (a test can write transactions by itself), replication between the
/// brokers (all have every partition's one log), retention, quotas, security. Names that nobody knows (topics, brokers)
/// give `errc::invalid_argument`, or empty answers. Any thread may call anything; in a simulation, the simulation's
/// own.
class fake_broker {
 public:
  /// The brokers listen when it returns. Errors: `already_exists` (a port is taken), `io_error`, `invalid_argument`.
  [[nodiscard]] static result<fake_broker> start(fake_broker_options options = {});

  fake_broker(fake_broker&&) noexcept;
  fake_broker& operator=(fake_broker&&) noexcept;
  /// Closes all connections, at once.
  ~fake_broker();

  /// "host:port" of each broker.
  [[nodiscard]] std::vector<std::string> bootstrap_servers() const;

  /// Errors: `topic_already_exists`, `invalid_partitions`.
  result<void> create_topic(fake_topic topic);
  result<void> delete_topic(const std::string& name);
  /// Errors: `invalid_partitions` for no more than there are.
  result<void> add_partitions(const std::string& topic, std::int32_t total);
  /// As a producer without idempotence would; its offset.
  /// Errors: `invalid_argument` for a transactional record without a producer.
  result<moldau::offset> append(const topic_partition& to, fake_record record);
  /// Writes the marker that commits or aborts a producer's transaction in that partition.
  /// Errors: `invalid_txn_state` if none is open.
  result<void> end_transaction(const topic_partition& in, moldau::producer_id of, bool commit);
  [[nodiscard]] std::vector<fake_record> records(const topic_partition& of) const;
  [[nodiscard]] moldau::offset start_offset(const topic_partition& of) const;
  [[nodiscard]] moldau::offset end_offset(const topic_partition& of) const;
  /// What is below `before` goes, as by retention.
  result<void> delete_records(const topic_partition& of, moldau::offset before);
  /// What is from `to` on goes, whole batches at a time, and the leader's epoch rises: an unclean election (KIP-320).
  result<void> truncate(const topic_partition& of, moldau::offset to);

  [[nodiscard]] broker_id leader(const topic_partition& of) const;
  /// The leader's epoch rises. A broker without a replica gets one.
  result<void> move_leader(const topic_partition& of, broker_id to);
  [[nodiscard]] broker_id coordinator(const std::string& group) const;
  /// Groups keep their members and offsets.
  result<void> move_coordinator(const std::string& group, broker_id to);
  /// What the brokers call their cluster from now on.
  void set_cluster_id(std::string id);
  /// Its connections end and its port is closed; other brokers take its partitions and groups over.
  result<void> stop_broker(broker_id which);
  result<void> start_broker(broker_id which);
  /// From now on it refuses to append, with `errc::kafka_storage_error`.
  result<void> set_disk_full(broker_id which, bool full);
  /// Ends every connection.
  void disconnect_all();

  [[nodiscard]] fake_group group(const std::string& id) const;
  [[nodiscard]] std::map<topic_partition, moldau::offset> committed(const std::string& group) const;
  /// Makes the members join anew.
  void rebalance(const std::string& group);
  /// The group forgets that member, as after its session's timeout.
  void remove_member(const std::string& group, const std::string& member);

  void inject(fault what);
  void clear_faults();
  /// How many requests the injected faults are still to strike.
  [[nodiscard]] std::size_t faults_left() const;

  /// All since the start or `forget_requests`, in the order of their coming.
  [[nodiscard]] std::vector<seen_request> requests() const;
  [[nodiscard]] std::size_t count(testing::api of) const;
  void forget_requests();
  /// Open ones.
  [[nodiscard]] std::size_t connections() const;

  struct body;

 private:
  explicit fake_broker(std::unique_ptr<body> from);
  std::unique_ptr<body> body_;
};

}  // namespace moldau::testing
