import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** The records that every client of these tests sends, as README.md lays them down. */
final class Records {
  static final long BASE_MS = 1_700_000_000_000L;
  static final int COUNT = 200;

  private Records() {}

  static byte[] key(int i) {
    return i % 7 == 6 && i % 11 != 10 ? null : ("key-" + i).getBytes(StandardCharsets.UTF_8);
  }

  static byte[] value(int i) {
    if (i % 11 == 10) return null;
    byte[] bytes = new byte[i == 50 ? 60_000 : (i * i * 37) % 2000];
    for (int j = 0; j < bytes.length; ++j) bytes[j] = (byte) (i * 31 + j * 7 + j / 251);
    return bytes;
  }

  static long timestamp(int i) {
    return BASE_MS + i * 1000L;
  }

  static List<Header> headers(int i) {
    List<Header> headers = new ArrayList<>();
    headers.add(new RecordHeader("number", Integer.toString(i).getBytes(StandardCharsets.UTF_8)));
    if (i % 3 == 0) headers.add(new RecordHeader("number", new byte[0]));
    if (i % 5 == 0) headers.add(new RecordHeader("nothing", null));
    return headers;
  }

  static ProducerRecord<byte[], byte[]> record(String topic, int partition, int i) {
    return new ProducerRecord<>(topic, partition, timestamp(i), key(i), value(i), headers(i));
  }

  static void verify(ConsumerRecord<byte[], byte[]> got, int i) {
    Talk.same("offset", i, got.offset());
    Talk.same("timestamp of " + i, timestamp(i), got.timestamp());
    Talk.that("key of " + i, Arrays.equals(key(i), got.key()));
    Talk.that("value of " + i, Arrays.equals(value(i), got.value()));
    Talk.same("headers of " + i, headers(i), Arrays.asList(got.headers().toArray()));
  }
}
