package org.apache.kafka.clients.consumer;
import java.nio.ByteBuffer;
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.*;
import org.apache.kafka.clients.consumer.internals.*;
import org.apache.kafka.common.*;

/**
 * Makes assignors_of_java.hpp: random questions and what Kafka's own assignors answer.
 *
 *   javac -cp "$KAFKA/lib/*" -d out AssignorResults.java
 *   java -cp "out:$KAFKA/lib/*" org.apache.kafka.clients.consumer.AssignorResults 240
 *
 * A line: assignor | topics with the racks of each partition's replicas | members as
 * id/instance/rack/topics/owned/generation | the answer. In this package for the sake of StickyAssignor's own words.
 */
public class AssignorResults {
  public static void main(String[] a) {
    int cases = Integer.parseInt(a[0]);
    Random r = new Random(42);
    for (int i = 0; i < cases; i++) one(r, i);
  }
  static String pick(Random r, String... of) { return of[r.nextInt(of.length)]; }
  static void one(Random r, int i) {
    String kind = new String[]{"range", "roundrobin", "sticky", "cooperative-sticky"}[i % 4];
    int topics = 1 + r.nextInt(4), members = 1 + r.nextInt(5);
    boolean racks = r.nextInt(3) == 0, statics = r.nextInt(4) == 0, same = r.nextInt(2) == 0;
    List<Node> nodes = new ArrayList<>();
    for (int n = 0; n < 3; n++) nodes.add(new Node(n, "h", 1, racks ? "" + (char) ('a' + n) : null));
    List<PartitionInfo> infos = new ArrayList<>();
    StringBuilder ts = new StringBuilder();
    Map<String, Integer> counts = new TreeMap<>();
    int alike = 1 + r.nextInt(6);
    for (int t = 0; t < topics; t++) {
      int count = r.nextBoolean() ? alike : 1 + r.nextInt(7);
      counts.put("t" + t, count);
      ts.append(t == 0 ? "" : " ").append("t" + t + ":");
      for (int p = 0; p < count; p++) {
        List<Node> reps = new ArrayList<>(nodes);
        Collections.shuffle(reps, r);
        reps = reps.subList(0, 1 + r.nextInt(2));
        ts.append(p == 0 ? "" : ",").append(racks ? reps.stream().map(Node::rack).sorted().collect(Collectors.joining()) : "-");
        infos.add(new PartitionInfo("t" + t, p, reps.get(0), reps.toArray(new Node[0]), reps.toArray(new Node[0])));
      }
    }
    Cluster cluster = new Cluster("c", nodes, infos, Set.of(), Set.of());
    Map<String, Subscription> subs = new HashMap<>();
    StringBuilder ms = new StringBuilder();
    List<TopicPartition> free = new ArrayList<>();
    infos.forEach(p -> free.add(new TopicPartition(p.topic(), p.partition())));
    Collections.shuffle(free, r);
    boolean owners = kind.endsWith("sticky") && r.nextInt(3) > 0;
    int generation = 5;
    for (int m = 0; m < members; m++) {
      String id = "m" + m;
      List<String> wants = new ArrayList<>();
      for (String t : counts.keySet()) if (same || r.nextInt(3) > 0) wants.add(t);
      if (wants.isEmpty()) wants.add("t0");
      List<TopicPartition> owned = new ArrayList<>();
      if (owners) for (Iterator<TopicPartition> it = free.iterator(); it.hasNext();) {
        TopicPartition p = it.next();
        if (wants.contains(p.topic()) && r.nextInt(members) == 0) { owned.add(p); it.remove(); }
      }
      owned.sort(Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition));
      int gen = owners ? (r.nextInt(6) == 0 ? generation - 1 : generation) : -1;
      String rack = racks && r.nextInt(5) > 0 ? pick(r, "a", "b", "c", "d") : null;
      String instance = statics && r.nextBoolean() ? "i" + (9 - m) : null;
      ByteBuffer data = null;
      if (kind.equals("sticky") && owners)
        data = StickyAssignor.serializeTopicPartitionAssignment(new AbstractStickyAssignor.MemberData(owned, Optional.of(gen)));
      Subscription s = new Subscription(wants, data, kind.equals("sticky") ? List.of() : owned, gen, Optional.ofNullable(rack));
      s.setGroupInstanceId(Optional.ofNullable(instance));
      subs.put(id, s);
      ms.append(m == 0 ? "" : " ").append(id).append('/').append(instance == null ? "" : instance).append('/').append(rack == null ? "" : rack)
        .append('/').append(String.join(",", wants)).append('/').append(show(owned)).append('/').append(gen);
    }
    ConsumerPartitionAssignor assignor = switch (kind) {
      case "range" -> new RangeAssignor();
      case "roundrobin" -> new RoundRobinAssignor();
      case "sticky" -> new StickyAssignor();
      default -> new CooperativeStickyAssignor();
    };
    Map<String, Assignment> out = new TreeMap<>(assignor.assign(cluster, new GroupSubscription(subs)).groupAssignment());
    System.out.println(kind + "|" + ts + "|" + ms + "|" + out.entrySet().stream().map(e -> {
      List<TopicPartition> l = new ArrayList<>(e.getValue().partitions());
      l.sort(Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition));
      return e.getKey() + "=" + show(l);
    }).collect(Collectors.joining(" ")));
  }
  static String show(List<TopicPartition> l) { return l.stream().map(p -> p.topic() + "-" + p.partition()).collect(Collectors.joining(",")); }
}
