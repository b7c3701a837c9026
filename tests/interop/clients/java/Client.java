import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** kafka-clients of Java: producer, classic consumer and admin. */
public final class Client {
  static String bootstrap;
  static Admin admin;

  public static void main(String[] arguments) throws Exception {
    bootstrap = arguments[0];
    admin = Admin.create(Map.<String, Object>of("bootstrap.servers", bootstrap));
    Talk.check("create topic", () -> {
      create("java-codecs", 1);
      Talk.same("partitions", 1,
          admin.describeTopics(List.of("java-codecs")).allTopicNames().get().get("java-codecs").partitions().size());
    });
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd"))
      Talk.check("codec " + codec, () -> codec(codec));
    Talk.check("acks 0 and 1", Client::weakAcks);
    Talk.check("send errors", Client::sendErrors);
    Talk.check("seek by time", Client::seekByTime);
    Talk.check("idempotent producer over kill -9", Client::idempotent);
    Groups.run();
    Admins.run();
    Talk.check("delete topic", () -> {
      admin.deleteTopics(List.of("java-codecs")).all().get();
      Talk.that("still listed", !admin.listTopics().names().get().contains("java-codecs"));
      Talk.fails("UnknownTopicOrPartitionException", () -> admin.deleteTopics(List.of("java-codecs")).all().get());
    });
    admin.close();
    Talk.end();
    System.exit(0);
  }

  static void create(String topic, int partitions) throws Exception {
    admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
  }

  static KafkaProducer<byte[], byte[]> producer(Object... more) {
    Properties properties = properties(more);
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static KafkaConsumer<byte[], byte[]> consumer(Object... more) {
    Properties properties = properties(more);
    properties.putIfAbsent("auto.offset.reset", "earliest");
    properties.putIfAbsent("enable.auto.commit", "false");
    return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static Properties properties(Object... more) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    for (int i = 0; i < more.length; i += 2) properties.put(more[i], more[i + 1]);
    return properties;
  }

  /** All records of one partition, from its start to its present end. */
  static List<ConsumerRecord<byte[], byte[]>> readAll(String topic, int partition) {
    TopicPartition from = new TopicPartition(topic, partition);
    List<ConsumerRecord<byte[], byte[]>> all = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
      consumer.assign(List.of(from));
      consumer.seekToBeginning(List.of(from));
      long end = consumer.endOffsets(List.of(from)).get(from);
      long deadline = System.nanoTime() + 30_000_000_000L;
      while (consumer.position(from) < end) {
        consumer.poll(Duration.ofMillis(200)).forEach(all::add);
        Talk.that("read " + all.size() + " up to " + end + " in 30 s", System.nanoTime() < deadline);
      }
    }
    return all;
  }

  private static long end(TopicPartition partition) {
    try {
      return admin.listOffsets(Map.of(partition, OffsetSpec.latest())).partitionResult(partition).get().offset();
    } catch (Exception failure) {
      throw new AssertionError(failure);
    }
  }

  private static void codec(String codec) throws Exception {
    String topic = "java-" + codec;
    create(topic, 1);
    try (KafkaProducer<byte[], byte[]> producer = producer("compression.type", codec, "linger.ms", 20, "acks", "all")) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < Records.COUNT; ++i) sent.add(producer.send(Records.record(topic, 0, i)));
      producer.flush();
      for (int i = 0; i < Records.COUNT; ++i) Talk.same("offset", i, sent.get(i).get().offset());
    }
    List<ConsumerRecord<byte[], byte[]>> got = readAll(topic, 0);
    Talk.same("count", Records.COUNT, got.size());
    for (int i = 0; i < Records.COUNT; ++i) Records.verify(got.get(i), i);
  }

  private static void weakAcks() throws Exception {
    create("java-acks", 1);
    for (String acks : List.of("0", "1")) {
      try (KafkaProducer<byte[], byte[]> producer = producer("acks", acks, "enable.idempotence", false)) {
        for (int i = 0; i < 50; ++i) producer.send(Records.record("java-acks", 0, i));
      }
      // An unanswered send is done when its record is there.
      TopicPartition partition = new TopicPartition("java-acks", 0);
      long wanted = acks.equals("0") ? 50 : 100;
      Groups.await("acks=" + acks, () -> end(partition) == wanted);
    }
    List<ConsumerRecord<byte[], byte[]>> got = readAll("java-acks", 0);
    Talk.same("count", 100, got.size());
    for (int i = 0; i < 100; ++i) Talk.same("timestamp", Records.timestamp(i % 50), got.get(i).timestamp());
  }

  private static void sendErrors() throws Exception {
    admin.createTopics(List.of(new NewTopic("java-small", 1, (short) 1).configs(Map.of("max.message.bytes", "1000"))))
        .all().get();
    try (KafkaProducer<byte[], byte[]> producer = producer("max.block.ms", 2000)) {
      byte[] big = new byte[2000];
      Talk.fails("RecordTooLargeException", () -> producer.send(new ProducerRecord<>("java-small", big)).get());
      Talk.same("small", 0, producer.send(new ProducerRecord<>("java-small", new byte[10])).get().offset());
      Talk.fails("InvalidTopicException", () -> producer.send(new ProducerRecord<>("bad/name", big)).get());
    }
    admin.createTopics(List.of(new NewTopic("java-compact", 1, (short) 1).configs(Map.of("cleanup.policy", "compact"))))
        .all().get();
    try (KafkaProducer<byte[], byte[]> producer = producer("retries", 0)) {
      Talk.fails("InvalidRecordException", () -> producer.send(new ProducerRecord<>("java-compact", new byte[10])).get());
    }
  }

  private static void seekByTime() {
    TopicPartition partition = new TopicPartition("java-zstd", 0);
    try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
      OffsetAndTimestamp found =
          consumer.offsetsForTimes(Map.of(partition, Records.timestamp(120) - 500)).get(partition);
      Talk.same("offset for time", 120, found.offset());
      Talk.same("its timestamp", Records.timestamp(120), found.timestamp());
      Talk.same("after the end", null, consumer.offsetsForTimes(Map.of(partition, Records.timestamp(1000))).get(partition));
      consumer.assign(List.of(partition));
      consumer.seek(partition, found.offset());
      ConsumerRecord<byte[], byte[]> first = null;
      for (int i = 0; i < 50 && first == null; ++i)
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          first = record;
          break;
        }
      Records.verify(first, 120);
    }
  }

  private static void idempotent() throws Exception {
    create("java-idempotent", 1);
    AtomicBoolean stopping = new AtomicBoolean();
    ConcurrentLinkedQueue<Throwable> errors = new ConcurrentLinkedQueue<>();
    int[] sent = {0};
    Thread sender = new Thread(() -> {
      try (KafkaProducer<byte[], byte[]> producer = producer("linger.ms", 2, "delivery.timeout.ms", 60000)) {
        for (; !stopping.get(); ++sent[0]) {
          byte[] value = Integer.toString(sent[0]).getBytes();
          producer.send(new ProducerRecord<>("java-idempotent", 0, null, value), (metadata, error) -> {
            if (error != null) errors.add(error);
          });
          Thread.sleep(1);
        }
      } catch (InterruptedException stop) {
        errors.add(stop);
      }
    });
    sender.start();
    Thread.sleep(300);
    Talk.broker("kill");
    Thread.sleep(300);
    stopping.set(true);
    sender.join();
    Talk.same("failed sends", "[]", errors);
    List<ConsumerRecord<byte[], byte[]>> got = readAll("java-idempotent", 0);
    for (int i = 0; i < Math.min(got.size(), sent[0]); ++i) Talk.same("value", i, new String(got.get(i).value()));
    Talk.same("count", sent[0], got.size());
  }
}
