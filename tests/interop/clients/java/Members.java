import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What client_mixed.py has Java do beside our client: members of groups that lines on standard input let join and leave,
 * transactions, and a look at where keys went.
 */
public final class Members {
  private static final Map<String, String> STRATEGIES = Map.of(
      "range", "org.apache.kafka.clients.consumer.RangeAssignor",
      "roundrobin", "org.apache.kafka.clients.consumer.RoundRobinAssignor",
      "sticky", "org.apache.kafka.clients.consumer.StickyAssignor",
      "cooperative-sticky", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");

  private static String bootstrap;

  public static void main(String[] arguments) throws Exception {
    bootstrap = arguments[0];
    Map<String, Member> members = new HashMap<>();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split(" ");
      switch (words[0]) {
        case "join" -> members.put(words[1], new Member(words));
        case "leave" -> members.remove(words[1]).leave();
        case "transactions" -> transactions(words[1]);
        case "keys" -> keys(words[1], Integer.parseInt(words[2]));
        default -> say("failed " + line);
      }
    }
    for (Member member : members.values()) member.leave();
    System.exit(0);
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private static KafkaConsumer<byte[], byte[]> consumer(String... more) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("auto.offset.reset", "earliest");
    properties.put("enable.auto.commit", "false");
    for (int i = 0; i < more.length; i += 2) properties.put(more[i], more[i + 1]);
    return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /** join NAME GROUP STRATEGY TOPIC [INSTANCE] */
  private static final class Member {
    private final String name;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Thread thread;
    private volatile boolean stopping;
    private Set<Integer> owned = new TreeSet<>();

    Member(String[] words) {
      name = words[1];
      consumer = words.length > 5
          ? consumer("group.id", words[2], "partition.assignment.strategy", STRATEGIES.get(words[3]),
              "session.timeout.ms", "10000", "heartbeat.interval.ms", "200", "group.instance.id", words[5])
          : consumer("group.id", words[2], "partition.assignment.strategy", STRATEGIES.get(words[3]),
              "session.timeout.ms", "10000", "heartbeat.interval.ms", "200");
      consumer.subscribe(List.of(words[4]));
      thread = new Thread(this::run);
      thread.start();
    }

    private void run() {
      try (consumer) {
        while (!stopping) step();
      } catch (Throwable failure) {
        say("failed " + name + " " + failure);
        return;
      }
      say("left " + name);
    }

    private void step() {
      ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(50));
      try {
        if (!records.isEmpty()) consumer.commitSync();
      } catch (RebalanceInProgressException later) {
        // The next poll finishes the rebalance.
      }
      for (ConsumerRecord<byte[], byte[]> record : records)
        say("read " + name + " " + record.partition() + " " + new String(record.value()));
      Set<Integer> now = consumer.assignment().stream().map(TopicPartition::partition)
          .collect(Collectors.toCollection(TreeSet::new));
      if (now.equals(owned)) return;
      owned = now;
      say("owned " + name + " "
          + (now.isEmpty() ? "-" : now.stream().map(String::valueOf).collect(Collectors.joining(","))));
    }

    void leave() throws InterruptedException {
      stopping = true;
      thread.join();
    }
  }

  /** Twenty transactions of three records each; every other one is aborted. */
  private static void transactions(String topic) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("transactional.id", "members");
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.initTransactions();
      for (int i = 0; i < 20; ++i) {
        producer.beginTransaction();
        for (int j = 0; j < 3; ++j)
          producer.send(new ProducerRecord<>(topic, 0, null, ((i % 2 == 0 ? "kept " : "aborted ") + i).getBytes()));
        if (i % 2 == 0) {
          producer.commitTransaction();
        } else {
          producer.flush();
          producer.abortTransaction();
        }
      }
    }
    say("written " + topic);
  }

  /** Whether every key lies where Java's partitioner puts it. */
  private static void keys(String topic, int count) {
    int wrong = 0;
    int seen = 0;
    try (KafkaConsumer<byte[], byte[]> reader = consumer()) {
      List<TopicPartition> all = reader.partitionsFor(topic).stream()
          .map(info -> new TopicPartition(info.topic(), info.partition())).toList();
      reader.assign(all);
      reader.seekToBeginning(all);
      long deadline = System.nanoTime() + 60_000_000_000L;
      while (seen < count && System.nanoTime() < deadline) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
          ++seen;
          if (BuiltInPartitioner.partitionForKey(record.key(), all.size()) != record.partition()) ++wrong;
        }
      }
    }
    say("keys " + topic + " " + seen + " seen " + wrong + " elsewhere");
  }
}
