import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.FeatureMetadata;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.ConfigResource.Type;

/** The calls of Java's admin client. */
final class Admins {
  private static final ConfigResource TOPIC = new ConfigResource(Type.TOPIC, "java-admin");
  private static final ConfigResource BROKER = new ConfigResource(Type.BROKER, "1");
  private static final TopicPartition PARTITION = new TopicPartition("java-admin", 0);

  private Admins() {}

  static void run() {
    Admin admin = Client.admin;
    Talk.check("admin, create topics, and refusals", () -> create(admin));
    Talk.check("admin, topic by id", () -> byId(admin));
    Talk.check("admin, partitions are added", () -> partitions(admin));
    Talk.check("admin, describe configs", () -> describeConfigs(admin));
    Talk.check("admin, alter configs", () -> alterConfigs(admin));
    Talk.check("admin, list offsets and delete records", () -> offsets(admin));
    Talk.check("admin, consumer groups", () -> groups(admin));
    Talk.check("admin, cluster, log directories, quorum", () -> cluster(admin));
    Talk.check("admin, producers", () -> producers(admin));
    Talk.check("admin, features", () -> features(admin));
  }

  private static <T> T get(KafkaFuture<T> future) throws Exception {
    return future.get();
  }

  private static void create(Admin admin) throws Exception {
    CreateTopicsResult made = admin.createTopics(List.of(
        new NewTopic("java-admin", Optional.of(2), Optional.empty()).configs(Map.of("retention.bytes", "123456"))));
    made.all().get();
    Talk.same("partitions", 2, made.numPartitions("java-admin").get());
    Talk.same("replication", 1, made.replicationFactor("java-admin").get());
    Talk.same("its config", "123456", made.config("java-admin").get().get("retention.bytes").value());
    Talk.fails("TopicExistsException: Topic 'java-admin' already exists.",
        () -> get(admin.createTopics(List.of(new NewTopic("java-admin", 1, (short) 1))).all()));
    Talk.fails("InvalidReplicationFactorException",
        () -> get(admin.createTopics(List.of(new NewTopic("java-x", 1, (short) 3))).all()));
    Talk.fails("InvalidPartitionsException",
        () -> get(admin.createTopics(List.of(new NewTopic("java-x", 0, (short) 1))).all()));
    Talk.fails("InvalidTopicException", () -> get(admin.createTopics(List.of(new NewTopic("a b", 1, (short) 1))).all()));
    Talk.fails("InvalidConfigurationException", () -> get(admin.createTopics(
        List.of(new NewTopic("java-x", 1, (short) 1).configs(Map.of("cleanup.policy", "nonsense")))).all()));
    Talk.fails("InvalidReplicaAssignmentException",
        () -> get(admin.createTopics(List.of(new NewTopic("java-x", Map.of(0, List.of(7))))).all()));
    admin.createTopics(List.of(new NewTopic("java-x", 1, (short) 1)),
        new org.apache.kafka.clients.admin.CreateTopicsOptions().validateOnly(true)).all().get();
    Talk.that("validate only", !admin.listTopics().names().get().contains("java-x"));
    Talk.fails("UnknownTopicOrPartitionException", () -> get(admin.describeTopics(List.of("java-x")).allTopicNames()));
  }

  private static void byId(Admin admin) throws Exception {
    TopicDescription named = admin.describeTopics(List.of("java-admin")).allTopicNames().get().get("java-admin");
    Uuid id = named.topicId();
    TopicDescription found = admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id);
    Talk.same("name by id", "java-admin", found.name());
    Talk.same("partitions by id", named.partitions().size(), found.partitions().size());
    Talk.fails("UnknownTopicIdException",
        () -> get(admin.describeTopics(TopicCollection.ofTopicIds(List.of(Uuid.randomUuid()))).allTopicIds()));
    Client.create("java-by-id", 1);
    Uuid other = admin.describeTopics(List.of("java-by-id")).allTopicNames().get().get("java-by-id").topicId();
    admin.deleteTopics(TopicCollection.ofTopicIds(List.of(other))).all().get();
    Talk.that("deleted by id", !admin.listTopics().names().get().contains("java-by-id"));
  }

  private static void partitions(Admin admin) throws Exception {
    admin.createPartitions(Map.of("java-admin", NewPartitions.increaseTo(3))).all().get();
    Talk.same("partitions", 3,
        admin.describeTopics(List.of("java-admin")).allTopicNames().get().get("java-admin").partitions().size());
    Talk.fails("InvalidPartitionsException",
        () -> get(admin.createPartitions(Map.of("java-admin", NewPartitions.increaseTo(1))).all()));
    Talk.fails("UnknownTopicOrPartitionException",
        () -> get(admin.createPartitions(Map.of("java-missing", NewPartitions.increaseTo(5))).all()));
  }

  private static Config describe(Admin admin, ConfigResource resource) throws Exception {
    DescribeConfigsOptions options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
    return admin.describeConfigs(List.of(resource), options).all().get().get(resource);
  }

  private static void describeConfigs(Admin admin) throws Exception {
    ConfigEntry entry = describe(admin, TOPIC).get("retention.bytes");
    Talk.same("value", "123456", entry.value());
    Talk.same("source", "DYNAMIC_TOPIC_CONFIG", entry.source());
    Talk.same("type", "LONG", entry.type());
    Talk.that("no documentation", entry.documentation() != null && entry.documentation().length() > 20);
    Talk.same("synonyms", "[retention.bytes, log.retention.bytes]",
        entry.synonyms().stream().map(ConfigEntry.ConfigSynonym::name).collect(Collectors.toList()));
    ConfigEntry other = describe(admin, TOPIC).get("segment.bytes");
    Talk.same("default source", "DEFAULT_CONFIG", other.source());
    Talk.same("default", "1073741824", other.value());
    ConfigEntry file = describe(admin, BROKER).get("log.retention.ms");
    Talk.same("file source", "STATIC_BROKER_CONFIG", file.source());
    Talk.same("read only", true, describe(admin, BROKER).get("node.id").isReadOnly());
    Talk.fails("UnknownTopicOrPartitionException", () -> describe(admin, new ConfigResource(Type.TOPIC, "java-missing")));
  }

  private static void alter(Admin admin, ConfigResource resource, String name, String value, AlterConfigOp.OpType type)
      throws Exception {
    admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(name, value), type))))
        .all().get();
  }

  private static void alterConfigs(Admin admin) throws Exception {
    alter(admin, TOPIC, "retention.ms", "9999999", AlterConfigOp.OpType.SET);
    awaitConfig(admin, TOPIC, "retention.ms", "9999999");
    alter(admin, TOPIC, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND);
    awaitConfig(admin, TOPIC, "cleanup.policy", "delete,compact");
    alter(admin, TOPIC, "cleanup.policy", "compact", AlterConfigOp.OpType.SUBTRACT);
    awaitConfig(admin, TOPIC, "cleanup.policy", "delete");
    alter(admin, TOPIC, "retention.ms", "", AlterConfigOp.OpType.DELETE);
    awaitConfig(admin, TOPIC, "retention.ms", "-1");
    alter(admin, BROKER, "log.cleaner.threads", "2", AlterConfigOp.OpType.SET);
    awaitConfig(admin, BROKER, "log.cleaner.threads", "2");
    alter(admin, BROKER, "log.cleaner.threads", "", AlterConfigOp.OpType.DELETE);
    awaitConfig(admin, BROKER, "log.cleaner.threads", "1");
    Talk.fails("InvalidConfigurationException", () -> {
      alter(admin, TOPIC, "retention.ms", "soon", AlterConfigOp.OpType.SET);
      return null;
    });
    Talk.fails("InvalidConfigurationException", () -> {
      alter(admin, TOPIC, "no.such.config", "1", AlterConfigOp.OpType.SET);
      return null;
    });
    Talk.fails("InvalidRequestException", () -> {
      alter(admin, BROKER, "node.id", "5", AlterConfigOp.OpType.SET);
      return null;
    });
  }

  /** A config takes effect once its record is replayed: asked again until then. */
  private static void awaitConfig(Admin admin, ConfigResource resource, String name, String wanted) throws Exception {
    long deadline = System.nanoTime() + 5_000_000_000L;
    String got = describe(admin, resource).get(name).value();
    while (!wanted.equals(got) && System.nanoTime() < deadline) got = describe(admin, resource).get(name).value();
    Talk.same(name, wanted, got);
  }

  private static ListOffsetsResultInfo offset(Admin admin, OffsetSpec spec) throws Exception {
    return admin.listOffsets(Map.of(PARTITION, spec)).partitionResult(PARTITION).get();
  }

  private static void offsets(Admin admin) throws Exception {
    try (KafkaProducer<byte[], byte[]> producer = Client.producer()) {
      for (int i = 0; i < 100; ++i) producer.send(Records.record("java-admin", 0, i));
    }
    Talk.same("earliest", 0, offset(admin, OffsetSpec.earliest()).offset());
    Talk.same("latest", 100, offset(admin, OffsetSpec.latest()).offset());
    Talk.same("max timestamp", 99, offset(admin, OffsetSpec.maxTimestamp()).offset());
    Talk.same("by time", 42, offset(admin, OffsetSpec.forTimestamp(Records.timestamp(42))).offset());
    Talk.same("no such time", -1, offset(admin, OffsetSpec.forTimestamp(Records.timestamp(4200))).offset());
    Talk.same("earliest local", 0, offset(admin, OffsetSpec.earliestLocal()).offset());
    Talk.same("low watermark", 30,
        admin.deleteRecords(Map.of(PARTITION, RecordsToDelete.beforeOffset(30))).lowWatermarks().get(PARTITION).get()
            .lowWatermark());
    Talk.same("earliest after", 30, offset(admin, OffsetSpec.earliest()).offset());
    Talk.same("first record after", 30, Client.readAll("java-admin", 0).get(0).offset());
    Talk.fails("OffsetOutOfRangeException",
        () -> get(admin.deleteRecords(Map.of(PARTITION, RecordsToDelete.beforeOffset(5000))).all()));
  }

  private static void groups(Admin admin) throws Exception {
    Set<String> names = admin.listGroups().all().get().stream().map(group -> group.groupId()).collect(Collectors.toSet());
    Talk.that("groups " + names, names.containsAll(Set.of("java-eager", "java-cooperative", "java-static")));
    TopicPartition eager = new TopicPartition("java-eager", 2);
    admin.alterConsumerGroupOffsets("java-eager",
        Map.of(eager, new org.apache.kafka.clients.consumer.OffsetAndMetadata(5, "note"))).all().get();
    var offsets = admin.listConsumerGroupOffsets("java-eager").partitionsToOffsetAndMetadata().get();
    Talk.same("altered", 5L, offsets.get(eager).offset());
    Talk.same("metadata", "note", offsets.get(eager).metadata());
    admin.deleteConsumerGroupOffsets("java-eager", Set.of(eager)).all().get();
    Talk.that("offset deleted",
        !admin.listConsumerGroupOffsets("java-eager").partitionsToOffsetAndMetadata().get().containsKey(eager));
    admin.deleteConsumerGroups(List.of("java-eager")).all().get();
    Talk.fails("GroupIdNotFoundException", () -> get(admin.deleteConsumerGroups(List.of("java-eager")).all()));
    Talk.fails("GroupIdNotFoundException",
        () -> get(admin.describeConsumerGroups(List.of("java-eager")).describedGroups().get("java-eager")));
  }

  private static void cluster(Admin admin) throws Exception {
    Talk.same("nodes", 1, admin.describeCluster().nodes().get().size());
    Talk.same("controller", 1, admin.describeCluster().controller().get().id());
    Talk.that("cluster id", admin.describeCluster().clusterId().get().length() == 22);
    LogDirDescription directory =
        admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).values().iterator().next();
    Talk.same("log directory error", null, directory.error());
    Talk.that("size of the partition", directory.replicaInfos().get(PARTITION).size() > 1000);
    Talk.that("total bytes", directory.totalBytes().getAsLong() > 0);
    QuorumInfo quorum = admin.describeMetadataQuorum().quorumInfo().get();
    Talk.same("leader", 1, quorum.leaderId());
    Talk.that("high watermark", quorum.highWatermark() > 0);
    Talk.same("voters", 1, quorum.voters().size());
    Talk.same("voter", 1, quorum.voters().get(0).replicaId());
  }

  private static void producers(Admin admin) throws Exception {
    TopicPartition partition = new TopicPartition("java-idempotent", 0);
    var states = admin.describeProducers(List.of(partition)).partitionResult(partition).get().activeProducers();
    Talk.same("producers", 1, states.size());
    Talk.that("last sequence", states.get(0).lastSequence() > 0);
    Talk.same("transaction", "OptionalLong.empty", states.get(0).currentTransactionStartOffset());
  }

  private static void features(Admin admin) throws Exception {
    FeatureMetadata features = admin.describeFeatures().featureMetadata().get();
    Talk.same("metadata.version", 30, features.finalizedFeatures().get("metadata.version").maxVersionLevel());
    Talk.that("supported", features.supportedFeatures().get("metadata.version").maxVersion() >= 30);
    Talk.that("epoch", features.finalizedFeaturesEpoch().isPresent());
    Talk.fails("InvalidUpdateVersionException", () -> {
      admin.updateFeatures(Map.of("metadata.version", new org.apache.kafka.clients.admin.FeatureUpdate((short) 99,
          org.apache.kafka.clients.admin.FeatureUpdate.UpgradeType.UPGRADE)),
          new org.apache.kafka.clients.admin.UpdateFeaturesOptions()).all().get();
      return null;
    });
  }

}
