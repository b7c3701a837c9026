#include "cli/tree.hpp"

#include "cli/completion.hpp"

namespace moldau::cli {

tree::tree(const hooks& given)
    : given_(given), app_("Kafka as one small program: a broker, and the tools for any cluster", "moldau") {
  app_.require_subcommand(1);
  app_.fallthrough();
  app_.set_version_flag("--version", "moldau 0.1.0");
  app_.add_option("-b,--bootstrap-server", context_.bootstrap, "Brokers to begin with, host:port[,host:port]")
      ->envname("MOLDAU_BOOTSTRAP_SERVER")
      ->capture_default_str();
  app_.add_option("-X,--property", context_.properties, "A property of the client by Kafka's name, name=value")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app_.add_option("--output", output_, "How answers are printed")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app_.add_option("--timeout", context_.timeout_ms, "The longest that a call may take, in ms")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{86'400'000}))
      ->capture_default_str();
  add_start();
  add_topic();
  add_produce();
  add_consume();
  add_group();
  add_config();
  add_cluster();
  add_log();
  add_perf();
  add_mirror();
  add_completion();
}

CLI::App& tree::add(CLI::App& to, const std::string& name, const std::string& what, body run) {
  CLI::App& out = *to.add_subcommand(name, what);
  out.fallthrough();
  out.callback([this, run = std::move(run)] { chosen_ = run; });
  return out;
}

CLI::App& tree::add_folder(const std::string& name, const std::string& what) {
  CLI::App& out = *app_.add_subcommand(name, what);
  out.require_subcommand(1);
  out.fallthrough();
  return out;
}

int tree::run_chosen() {
  context_.given = &given_;
  context_.output = output_ == "json" ? output_form::json : output_form::table;
  return chosen_();
}

namespace {

/// An option that may come several times, one value each time.
CLI::Option* repeated(CLI::Option* option) {
  return option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace

void tree::add_start() {
  CLI::App& start = add(app_, "start", "Run a broker (and controller) until SIGTERM", [this] {
    const auto pairs = parse_pairs(start_overrides_);
    if (!pairs) return report(pairs.error());
    return given_.start(start_file_, {pairs->begin(), pairs->end()});
  });
  start.add_option("file", start_file_,
                   "A server.properties; without one a single node with its data in ./moldau-data");
  repeated(start.add_option("--override", start_overrides_, "A property that wins over the file's, name=value"));
}

void tree::add_topic() {
  CLI::App& topic = add_folder("topic", "List, make, describe, change and delete topics");
  CLI::App& list = add(topic, "list", "Names of all topics", [this] { return topic_list(context_, topic_); });
  list.add_flag("--internal", topic_.internal, "Kafka's own topics too");

  CLI::App& create = add(topic, "create", "Make topics", [this] { return topic_create(context_, topic_); });
  create.add_option("name", topic_.names, "Topics")->required();
  create.add_option("-p,--partitions", topic_.partitions,
                    "How many partitions; by default the broker's num.partitions");
  create.add_option("-r,--replication-factor", topic_.replication_factor, "Copies of each partition");
  repeated(create.add_option("-c,--config", topic_.configs, "A topic property, name=value"));
  create.add_flag("--if-not-exists", topic_.if_missing, "A topic that is there already is no failure");
  create.add_flag("--dry-run", topic_.validate_only, "Only ask whether it could be done");

  CLI::App& remove =
      add(topic, "delete", "Delete topics and their records", [this] { return topic_delete(context_, topic_); });
  remove.add_option("name", topic_.names, "Topics")->required();
  remove.add_flag("--if-exists", topic_.if_exists, "A topic that isn't there is no failure");

  CLI::App& describe = add(topic, "describe", "Partitions, leaders, replicas and properties",
                           [this] { return topic_describe(context_, topic_); });
  describe.add_option("name", topic_.names, "Topics; by default all");
  describe.add_flag("--internal", topic_.internal, "Kafka's own topics too");

  CLI::App& alter =
      add(topic, "alter", "Add partitions, change properties", [this] { return topic_alter(context_, topic_); });
  alter.add_option("name", topic_.names, "Topics")->required();
  alter.add_option("-p,--partitions", topic_.partitions, "How many there shall be in all");
  repeated(alter.add_option("-c,--config", topic_.configs, "A topic property, name=value"));
  repeated(alter.add_option("--delete-config", topic_.removed_configs, "A property that goes back to its default"));
  alter.add_flag("--dry-run", topic_.validate_only, "Only ask whether it could be done");

  CLI::App& records = add(topic, "delete-records", "Delete a topic's oldest records",
                          [this] { return topic_delete_records(context_, records_topic_, records_before_); });
  records.add_option("name", records_topic_, "Topic")->required();
  records.add_option("before", records_before_, "partition:offset of the first to keep, or partition:end")->required();
}

void tree::add_produce() {
  CLI::App& produce_app =
      add(app_, "produce", "Send lines, files or JSON as records", [this] { return produce(context_, produce_); });
  produce_app.add_option("topic", produce_.topic, "Topic")->required();
  produce_app.add_option("file", produce_.files, "Files to read; by default, or as -, standard input");
  produce_app.add_flag("--whole", produce_.whole_files, "Each file is one record");
  produce_app.add_option("-D,--delimiter", produce_.delimiter, "What ends a record")->capture_default_str();
  produce_app.add_option("-K,--key-delimiter", produce_.key_delimiter, "What stands between key and value");
  produce_app.add_option("-k,--key", produce_.key, "The key of records that bring none");
  repeated(produce_app.add_option("-H,--header", produce_.headers, "A header of every record, name=value"));
  produce_app.add_option("-p,--partition", produce_.partition, "The partition; by default the key decides")
      ->check(CLI::NonNegativeNumber);
  produce_app.add_option("-z,--compression", produce_.codec, "Codec")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
      ->capture_default_str();
  produce_app.add_option("--acks", produce_.acks, "Who has to have a record before it counts as sent")
      ->check(CLI::IsMember({"all", "1", "0"}))
      ->capture_default_str();
  produce_app.add_flag("--json", produce_.json,
                       "Lines are {\"key\":, \"value\":, \"headers\":, \"partition\":, \"timestamp\":}");
  produce_app.add_flag("-Z,--null", produce_.empty_is_null, "Empty keys and values are null");
}

void tree::add_consume() {
  CLI::App& consume_app = add(app_, "consume", "Print records", [this] { return consume(context_, consume_); });
  consume_app.add_option("topic", consume_.topics, "Topics")->required();
  consume_app.add_option("-g,--group", consume_.group, "Read as a member of this group, and commit what was printed");
  consume_app.add_option("-p,--partition", consume_.partitions, "Only these partitions")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::NonNegativeNumber);
  consume_app.add_option("-o,--offset", consume_.from, "beginning, end, an offset, -n for the last n, or @time");
  consume_app.add_option("-c,--count", consume_.count, "Stop after so many records");
  consume_app.add_flag("-e,--exit", consume_.exit_at_end, "Stop at the end of all partitions");
  consume_app.add_option("-f,--format", consume_.format,
                         "%t topic, %p partition, %o offset, %k key, %s value, %T time, %h headers, %S and %K sizes");
  consume_app.add_flag("--json", consume_.json, "A JSON object a line");
  consume_app.add_flag("--committed", consume_.committed_only, "Leave out what transactions haven't committed");
}

void tree::add_group() {
  CLI::App& group = add_folder("group", "Consumer groups: members, progress, offsets");
  add(group, "list", "Names and states of all groups", [this] { return group_list(context_); });

  CLI::App& describe = add(group, "describe", "What a group has read, what is left, who reads it",
                           [this] { return group_describe(context_, group_); });
  describe.add_option("name", group_.names, "Groups")->required();
  describe.add_flag("--members", group_.members, "By member instead of by partition");

  CLI::App& remove =
      add(group, "delete", "Delete groups that have no members", [this] { return group_delete(context_, group_); });
  remove.add_option("name", group_.names, "Groups")->required();

  CLI::App& reset = add(group, "reset", "Move a group's offsets; shows what it would do until --execute",
                        [this] { return group_reset(context_, group_); });
  reset.add_option("name", group_.names, "Group")->required()->expected(1);
  reset.add_option("--to", group_.to, "earliest, latest, an offset, +n, -n, or @time")->required();
  repeated(reset.add_option("-t,--topic", group_.topics,
                            "topic, or topic:partition[,partition]; by default all that is committed"));
  reset.add_flag("--execute", group_.execute, "Do it");

  CLI::App& offsets = add(group, "delete-offsets", "Forget a group's offsets of topics",
                          [this] { return group_delete_offsets(context_, group_); });
  offsets.add_option("name", group_.names, "Group")->required()->expected(1);
  repeated(offsets.add_option("-t,--topic", group_.topics, "topic, or topic:partition[,partition]"))->required();
}

void tree::add_config() {
  CLI::App& config = add_folder("config", "Properties of topics, brokers and groups");
  const auto of = [this](CLI::App& to) {
    to.add_option("kind", config_.kind, "Whose: topic, broker, cluster or group")
        ->required()
        ->check(CLI::IsMember({"topic", "broker", "cluster", "group"}));
    to.add_option("name", config_.name, "The topic, broker id or group; for cluster write -")->required();
  };
  const auto run = [this](int (*body_of)(const context&, const config_arguments&)) {
    return [this, body_of] {
      if (config_.kind == "cluster") config_.name.clear();
      return body_of(context_, config_);
    };
  };
  CLI::App& describe = add(config, "describe", "Values and where they come from", run(&config_describe));
  of(describe);
  describe.add_flag("-a,--all", config_.all, "Defaults too");
  describe.add_flag("--docs", config_.docs, "What each property means");

  CLI::App& set = add(config, "set", "Change properties", run(&config_set));
  of(set);
  set.add_option("property", config_.values, "name=value");
  repeated(set.add_option("--append", config_.append, "Add to a list, name=value"));
  repeated(set.add_option("--subtract", config_.subtract, "Take from a list, name=value"));

  CLI::App& remove = add(config, "delete", "Put properties back to their defaults", run(&config_delete));
  of(remove);
  remove.add_option("property", config_.values, "Names")->required();

  CLI::App& show = add(config, "show", "What a server.properties comes to, without a broker",
                       [this] { return config_show(context_, config_); });
  show.add_option("file", config_.file, "A server.properties; without one, what 'moldau start' runs with");
  show.add_flag("-a,--all", config_.all, "Defaults too");
  repeated(show.add_option("--override", config_.overrides, "As for start, name=value"));
}

void tree::add_cluster() {
  CLI::App& cluster = add_folder("cluster", "Brokers, controller quorum, features, log directories");
  add(cluster, "describe", "Brokers and the controller", [this] { return cluster_describe(context_); });
  add(cluster, "quorum", "The controllers' quorum and who lags", [this] { return cluster_quorum(context_); });
  add(cluster, "features", "Feature levels", [this] { return cluster_features(context_); });
  CLI::App& update = add(cluster, "update-features", "Change feature levels",
                         [this] { return cluster_update_features(context_, feature_changes_, downgrade_, unsafe_); });
  update.add_option("feature", feature_changes_, "name=level")->required();
  update.add_flag("--downgrade", downgrade_, "Allow a lower level where nothing is lost");
  update.add_flag("--unsafe", unsafe_, "Allow a lower level even if something is");
  CLI::App& directories = add(cluster, "log-dirs", "Disk space by broker and directory",
                              [this] { return cluster_log_dirs(context_, brokers_); });
  directories.add_option("broker", brokers_, "Broker ids; by default all");
}

void tree::add_log() {
  CLI::App& log = add_folder("log", "Read a log directory without a broker");
  CLI::App& dump = add(log, "dump", "Batches and records of segments, indexes and snapshots",
                       [this] { return log_dump(context_, log_); });
  dump.add_option("path", log_.paths, "Files or partition folders")->required();
  dump.add_flag("-r,--records", log_.records, "Records too");
  dump.add_option("--decoder", log_.decoder, "How keys and values are shown")
      ->check(CLI::IsMember({"auto", "text", "metadata", "offsets"}))
      ->capture_default_str();
  CLI::App& verify = add(log, "verify", "Check checksums, offsets, and indexes against the log",
                         [this] { return log_verify(context_, log_); });
  verify.add_option("path", log_.paths, "Partition folders, or a whole log directory")->required();
}

void tree::add_perf() {
  CLI::App& perf = add_folder("perf", "How fast producing and consuming is, and how long a record takes");
  const auto load = [this](CLI::App& to) {
    to.add_option("-t,--topic", perf_.topics, "Topic")->required()->expected(1);
    to.add_option("-n,--records", perf_.records, "How many records")->check(CLI::PositiveNumber);
    to.add_option("--duration", perf_.duration, "End after so many seconds")->check(CLI::PositiveNumber);
    to.add_option("--record-size", perf_.record_size, "Bytes of a record's value")
        ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 30U))
        ->capture_default_str();
    to.add_option("-z,--codec", perf_.codec, "Codec")->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}));
    to.add_option("--acks", perf_.acks, "Who has to have a record before it counts as sent")
        ->check(CLI::IsMember({"all", "1", "0"}));
    to.add_option("-p,--partitions", perf_.partitions, "Make the topic with so many partitions if it isn't there")
        ->check(CLI::PositiveNumber);
    to.add_option("-r,--replication-factor", perf_.replication_factor, "Copies of each partition of a topic so made");
  };
  CLI::App& produce = add(perf, "produce", "Send records, as many or as long as told",
                          [this] { return perf_produce(context_, perf_); });
  load(produce);
  produce.add_option("--throughput", perf_.throughput, "Records a second; by default as fast as it goes")
      ->check(CLI::PositiveNumber);
  produce.add_option("--warm-up", perf_.warm_up, "Records at the beginning that aren't counted");
  produce.add_option("--payload-file", perf_.payload_file, "Values are this file's lines, in turn");
  produce.add_option("--payload-delimiter", perf_.payload_delimiter, "What ends a value in it")->capture_default_str();
  produce.add_option("--keys", perf_.keys, "So many different keys; by default records have none");

  CLI::App& consume = add(perf, "consume", "Read records: so many, so long, or to the end",
                          [this] { return perf_consume(context_, perf_); });
  repeated(consume.add_option("-t,--topic", perf_.topics, "Topics"))->required();
  consume.add_option("-n,--records", perf_.records, "How many records")->check(CLI::PositiveNumber);
  consume.add_option("--duration", perf_.duration, "End after so many seconds")->check(CLI::PositiveNumber);
  consume.add_option("--warm-up", perf_.warm_up, "Records at the beginning that aren't counted");
  consume.add_option("-g,--group", perf_.group, "Read as a member of this group");
  consume.add_flag("--from-end", perf_.from_end, "Only what comes from now on");
  consume.add_option("--idle", perf_.idle_ms, "Give up when nothing has come for so many ms")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();

  CLI::App& latency = add(perf, "latency", "Send records at a rate, and tell how long each takes",
                          [this] { return perf_latency(context_, perf_); });
  load(latency);
  latency.add_option("--throughput", perf_.throughput, "Records a second; by default 1000")->check(CLI::PositiveNumber);
  latency.add_option("--warm-up", perf_.warm_up,
                     "Records at the beginning that aren't counted; by default a second's, at most a fifth of all");
  latency.add_option("--to", perf_.to, "Until it is acknowledged, or until a consumer has it")
      ->check(CLI::IsMember({"ack", "consumer"}))
      ->capture_default_str();
}

void tree::add_mirror() {
  CLI::App& app = add(app_, "mirror", "Copy topics to another cluster, and go on copying",
                      [this] { return mirror(context_, mirror_); });
  app.add_option("source", mirror_.source, "Brokers of the cluster to read, host:port[,host:port]")->required();
  app.add_option("destination", mirror_.destination, "Brokers of the cluster to write to")->required();
  repeated(app.add_option("-t,--topic", mirror_.topics, "A topic to copy"));
  repeated(app.add_option("--regex", mirror_.patterns, "Topics whose whole name matches, new ones too"));
  repeated(app.add_option("--exclude", mirror_.excluded, "But not those that match this regular expression"));
  app.add_option("--prefix", mirror_.prefix, "What the copies' names begin with, before the topic's own");
  app.add_option("-g,--group", mirror_.group, "The group at the destination that keeps how far the copying has come")
      ->capture_default_str();
  app.add_option("-o,--offset", mirror_.from, "Where a partition begins that has no copy yet: beginning, end, or @time")
      ->capture_default_str();
  app.add_flag("--once", mirror_.once, "Stop at the end that the partitions have now");
  app.add_flag("--restart", mirror_.restart, "Forget how far it has come, and begin as --offset says");
  app.add_option("-r,--replication-factor", mirror_.replication_factor,
                 "Replicas of topics that it makes; by default the source's, as far as there are brokers");
  app.add_option("-z,--codec", mirror_.codec, "Codec at the destination")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}));
  repeated(app.add_option("--source-property", mirror_.source_properties, "As -X, for the source alone"));
  repeated(
      app.add_option("--destination-property", mirror_.destination_properties, "As -X, for the destination alone"));
  app.add_option("--commit-interval", mirror_.commit_ms, "How often the progress is kept, in ms")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--refresh-interval", mirror_.refresh_ms, "How often new topics and partitions are looked for, in ms")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void tree::add_completion() {
  CLI::App& completion =
      add(app_, "completion", "Print a shell's completion script", [this] { return print_completion(app_, shell_); });
  completion.add_option("shell", shell_, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

}  // namespace moldau::cli
