import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;

/** Classic consumer groups: members that come and go, commits, a restart in the middle. */
final class Groups {
  private static final String EAGER = "org.apache.kafka.clients.consumer.RangeAssignor";
  private static final String COOPERATIVE = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor";

  private Groups() {}

  static void run() {
    Talk.check("group rebalances, eager", () -> rebalances("java-eager", EAGER));
    Talk.check("group rebalances, cooperative", () -> rebalances("java-cooperative", COOPERATIVE));
    Talk.check("static members keep their partitions", Groups::staticMembers);
    Talk.check("group goes on over a restart", Groups::restart);
  }

  /** A consumer polled by its own thread; `seen` is shared by the group, `owned` is its present assignment. */
  private static final class Member implements AutoCloseable, ConsumerRebalanceListener {
    final Map<String, Integer> seen;
    final Set<TopicPartition> owned = ConcurrentHashMap.newKeySet();
    volatile int assignments;
    private volatile boolean stopping;
    private volatile Throwable failure;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Thread thread;

    Member(String group, String assignor, String instance, String topic, Map<String, Integer> seen) {
      this.seen = seen;
      List<Object> more = new ArrayList<>(List.of("group.id", group, "partition.assignment.strategy", assignor,
          "session.timeout.ms", 10000, "heartbeat.interval.ms", 200, "metadata.max.age.ms", 1000));
      if (instance != null) more.addAll(List.of("group.instance.id", instance));
      consumer = Client.consumer(more.toArray());
      consumer.subscribe(List.of(topic), this);
      thread = new Thread(this::loop);
      thread.setDaemon(true);
      thread.start();
    }

    private void loop() {
      try (consumer) {
        while (!stopping) {
          ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(50));
          // Counted only once committed, so that a restart of the broker comes after the commit.
          commit();
          for (ConsumerRecord<byte[], byte[]> record : records) seen.merge(new String(record.value()), 1, Integer::sum);
        }
      } catch (Throwable error) {
        failure = error;
      }
    }

    private void commit() {
      try {
        consumer.commitSync();
      } catch (RebalanceInProgressException later) {
        // The next poll finishes the rebalance, and the callback or the next round commits.
      }
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      commit();
      owned.removeAll(partitions);
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      ++assignments;
      owned.addAll(partitions);
    }

    @Override
    public void close() throws InterruptedException {
      stopping = true;
      thread.join();
      if (failure != null) throw new AssertionError("member: " + failure);
    }
  }

  static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) throw new AssertionError("not within 30 s: " + what);
      Thread.sleep(10);
    }
  }

  private static int produced;

  private static void produce(String topic, int partitions, int count) {
    try (KafkaProducer<byte[], byte[]> producer = Client.producer()) {
      for (int i = 0; i < count; ++i)
        producer.send(new ProducerRecord<>(topic, i % partitions, null, Integer.toString(produced++).getBytes()));
    }
  }

  private static void rebalances(String name, String assignor) throws Exception {
    produced = 0;
    Client.create(name, 6);
    produce(name, 6, 60);
    Map<String, Integer> seen = new ConcurrentHashMap<>();
    Member first = new Member(name, assignor, null, name, seen);
    await("the first member owns all", () -> first.owned.size() == 6);
    await("it reads all", () -> seen.size() == 60);
    Member second = new Member(name, assignor, null, name, seen);
    await("two members own three each", () -> first.owned.size() == 3 && second.owned.size() == 3);
    Member third = new Member(name, assignor, null, name, seen);
    await("three members own two each",
        () -> first.owned.size() == 2 && second.owned.size() == 2 && third.owned.size() == 2);
    produce(name, 6, 60);
    await("they read all", () -> seen.size() == 120);
    first.close();
    second.close();
    await("the last member owns all", () -> third.owned.size() == 6);
    produce(name, 6, 60);
    await("it reads all that is left", () -> seen.size() == 180);
    third.close();
    Talk.that("read twice: " + seen, seen.values().stream().allMatch(times -> times == 1));
    Map<TopicPartition, OffsetAndMetadata> committed =
        Client.admin.listConsumerGroupOffsets(name).partitionsToOffsetAndMetadata().get();
    Talk.same("committed sum", 180L, committed.values().stream().mapToLong(OffsetAndMetadata::offset).sum());
    Talk.same("group state", "Empty",
        Client.admin.describeConsumerGroups(List.of(name)).all().get().get(name).groupState());
    resume(name, assignor, seen);
  }

  private static void resume(String name, String assignor, Map<String, Integer> seen) throws Exception {
    produce(name, 6, 6);
    Map<String, Integer> fresh = new ConcurrentHashMap<>();
    Member member = new Member(name, assignor, null, name, fresh);
    await("a new member reads the rest", () -> fresh.size() == 6);
    member.close();
    Set<String> both = new HashSet<>(fresh.keySet());
    both.retainAll(seen.keySet());
    Talk.same("resumed from committed", "[]", both);
  }

  private static void staticMembers() throws Exception {
    produced = 0;
    Client.create("java-static", 4);
    produce("java-static", 4, 8);
    Map<String, Integer> seen = new ConcurrentHashMap<>();
    Member first = new Member("java-static", EAGER, "one", "java-static", seen);
    Member second = new Member("java-static", EAGER, "two", "java-static", seen);
    await("two own two each", () -> first.owned.size() == 2 && second.owned.size() == 2);
    Set<TopicPartition> before = Set.copyOf(second.owned);
    int assignments = first.assignments;
    second.close();
    Member again = new Member("java-static", EAGER, "two", "java-static", seen);
    await("the returned one owns two", () -> again.owned.size() == 2);
    Talk.same("partitions", before, Set.copyOf(again.owned));
    Talk.same("no rebalance for the other", assignments, first.assignments);
    again.close();
    first.close();
    Client.admin.removeMembersFromConsumerGroup("java-static",
        new org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions()).all().get();
    Talk.same("members left", 0,
        Client.admin.describeConsumerGroups(List.of("java-static")).all().get().get("java-static").members().size());
  }

  private static void restart() throws Exception {
    produced = 0;
    Client.create("java-restart", 3);
    produce("java-restart", 3, 30);
    Map<String, Integer> seen = new ConcurrentHashMap<>();
    Member member = new Member("java-restart", EAGER, null, "java-restart", seen);
    await("reads all", () -> seen.size() == 30);
    Talk.broker("stop");
    produce("java-restart", 3, 30);
    await("reads on", () -> seen.size() == 60);
    member.close();
    Talk.that("committed offsets are lost: " + seen, seen.values().stream().allMatch(times -> times == 1));
  }
}
