import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.KRaftVersionRecord;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.message.SnapshotFooterRecord;
import org.apache.kafka.common.message.SnapshotHeaderRecord;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;

/** Writes java_batches.hpp: batches made by Kafka's own classes (kafka-clients 4.3.1 with its codecs' libraries). */
public class MakeBatches {
    static final long T = 1700000000000L;

    static byte[] b(String s) { return s == null ? null : s.getBytes(); }

    static SimpleRecord[] records(boolean headers) {
        Header[] h = headers ? new Header[] {new RecordHeader("h1", (byte[]) null), new RecordHeader("h2", b("x"))} : new Header[0];
        return new SimpleRecord[] {new SimpleRecord(T, b("k0"), b("v0")), new SimpleRecord(T + 5, null, b(""), h),
            new SimpleRecord(T - 3, b(""), null), new SimpleRecord(T + 2, b("abc"), b("moldau ".repeat(40)))};
    }

    static void put(String name, MemoryRecords r) { put(name, r.buffer()); }

    static void put(String name, ByteBuffer buf) {
        buf = buf.duplicate();
        StringBuilder hex = new StringBuilder();
        while (buf.hasRemaining()) hex.append(String.format("%02x", buf.get()));
        System.out.println("    {\"" + name + "\",");
        for (int i = 0; i < hex.length(); i += 100)
            System.out.println("     \"" + hex.substring(i, Math.min(hex.length(), i + 100)) + "\"" + (i + 100 >= hex.length() ? "}," : ""));
    }

    static MemoryRecords legacy(byte magic, Compression c, TimestampType type) {
        ByteBuffer buf = ByteBuffer.allocate(4096);
        MemoryRecordsBuilder builder = MemoryRecords.builder(buf, magic, c, type, 70L, T + 100);
        for (SimpleRecord r : records(false)) builder.append(r);
        return builder.build();
    }

    public static void main(String[] args) {
        Compression none = Compression.NONE;
        Compression[] all = {none, Compression.gzip().build(), Compression.snappy().build(), Compression.lz4().build(), Compression.zstd().build()};
        for (Compression c : all)
            put("v2 " + c.type().name, MemoryRecords.withRecords((byte) 2, 70L, c, TimestampType.CREATE_TIME, 9L, (short) 3, 11, 5, false, records(true)));
        put("v2 transactional", MemoryRecords.withTransactionalRecords(70L, none, 9L, (short) 3, 11, 5, records(true)));
        ByteBuffer buf = ByteBuffer.allocate(4096);
        MemoryRecordsBuilder builder = MemoryRecords.builder(buf, (byte) 2, none, TimestampType.LOG_APPEND_TIME, 70L, T + 100);
        for (SimpleRecord r : records(true)) builder.append(r);
        put("v2 append time", builder.build());
        put("v2 no timestamps", MemoryRecords.withRecords(none, new SimpleRecord(-1L, b("k"), b("v"))));
        buf = ByteBuffer.allocate(61);
        DefaultRecordBatch.writeEmptyHeader(buf, (byte) 2, 9L, (short) 3, 11, 70L, 73L, 5, TimestampType.CREATE_TIME, T, false, false);
        buf.flip();
        put("v2 empty", buf);
        put("commit", MemoryRecords.withEndTransactionMarker(70L, T, 5, 9L, (short) 3, new EndTransactionMarker(ControlRecordType.COMMIT, 17)));
        put("abort", MemoryRecords.withEndTransactionMarker(70L, T, 5, 9L, (short) 3, new EndTransactionMarker(ControlRecordType.ABORT, 17)));
        put("leader change", MemoryRecords.withLeaderChangeMessage(70L, T, 5, ByteBuffer.allocate(512), new LeaderChangeMessage().setVersion((short) 0).setLeaderId(1)));
        put("snapshot header", MemoryRecords.withSnapshotHeaderRecord(70L, T, 5, ByteBuffer.allocate(512), new SnapshotHeaderRecord().setVersion((short) 0).setLastContainedLogTimestamp(T)));
        put("snapshot footer", MemoryRecords.withSnapshotFooterRecord(70L, T, 5, ByteBuffer.allocate(512), new SnapshotFooterRecord().setVersion((short) 0)));
        put("kraft version", MemoryRecords.withKRaftVersionRecord(70L, T, 5, ByteBuffer.allocate(512), new KRaftVersionRecord().setVersion((short) 0).setKRaftVersion((short) 1)));
        put("kraft voters", MemoryRecords.withVotersRecord(70L, T, 5, ByteBuffer.allocate(512), new VotersRecord().setVersion((short) 0)));
        // Several batches one after another, uncompressed; then the compressed ones, which wrap.
        for (Compression c : Arrays.copyOf(all, 4)) {
            put("v0 " + c.type().name, legacy((byte) 0, c, TimestampType.NO_TIMESTAMP_TYPE));
            put("v1 " + c.type().name, legacy((byte) 1, c, TimestampType.CREATE_TIME));
            put("v1 append time " + c.type().name, legacy((byte) 1, c, TimestampType.LOG_APPEND_TIME));
        }
    }
}
