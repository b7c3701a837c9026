// franz is the franz-go client of the interop tests.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"moldau.interop/talk"
)

var (
	seed  string
	admin *kadm.Client
)

func client(more ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(seed), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMaxAge(time.Second),
		kgo.MetadataMinAge(100 * time.Millisecond), kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
	}, more...)...)
	if err != nil {
		panic(err)
	}
	return made
}

func short() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	time.AfterFunc(31*time.Second, cancel)
	return ctx
}

func create(topic string, partitions int32, configs map[string]*string) error {
	made, err := admin.CreateTopic(short(), partitions, 1, configs, topic)
	if err != nil {
		return err
	}
	return made.Err
}

func readFrom(topic string, at kgo.Offset, count int) ([]*kgo.Record, error) {
	reader := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: at}}))
	defer reader.Close()
	ctx := short()
	var records []*kgo.Record
	for len(records) < count {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("%d of %d read: %w", len(records), count, err)
		}
		records = append(records, fetches.Records()...)
	}
	return records, nil
}

func verify(record *kgo.Record, i int) error {
	return talk.All(
		func() error { return talk.Same("offset", i, record.Offset) },
		func() error {
			return talk.Same("timestamp", talk.Timestamp(i).UnixMilli(), record.Timestamp.UnixMilli())
		},
		func() error { return talk.Bytes(fmt.Sprintf("key of %d", i), talk.Key(i), record.Key) },
		func() error { return talk.Bytes(fmt.Sprintf("value of %d", i), talk.Value(i), record.Value) },
		func() error {
			wanted := talk.Headers(i)
			if err := talk.Same("headers", len(wanted), len(record.Headers)); err != nil {
				return err
			}
			for h, header := range wanted {
				if err := talk.Same("header", header.Key, record.Headers[h].Key); err != nil {
					return err
				}
				if err := talk.Bytes("header of "+strconv.Itoa(i), header.Value, record.Headers[h].Value); err != nil {
					return err
				}
			}
			return nil
		})
}

func codec(name string, how kgo.CompressionCodec) error {
	topic := "franz-" + name
	if err := create(topic, 1, nil); err != nil {
		return err
	}
	writer := client(kgo.ProducerBatchCompression(how), kgo.ProducerLinger(20*time.Millisecond))
	defer writer.Close()
	var batch []*kgo.Record
	for i := range talk.Count {
		record := &kgo.Record{Topic: topic, Key: talk.Key(i), Value: talk.Value(i), Timestamp: talk.Timestamp(i)}
		for _, header := range talk.Headers(i) {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: header.Key, Value: header.Value})
		}
		batch = append(batch, record)
	}
	if err := writer.ProduceSync(short(), batch...).FirstErr(); err != nil {
		return err
	}
	records, err := readFrom(topic, kgo.NewOffset().AtStart(), talk.Count)
	if err != nil {
		return err
	}
	if err := talk.Same("count", talk.Count, len(records)); err != nil {
		return err
	}
	for i, record := range records {
		if err := verify(record, i); err != nil {
			return err
		}
	}
	return nil
}

func seekByTime() error {
	at := talk.Timestamp(120).UnixMilli() - 500
	listed, err := admin.ListOffsetsAfterMilli(short(), at, "franz-zstd")
	if err != nil {
		return err
	}
	found, _ := listed.Lookup("franz-zstd", 0)
	if err := talk.Same("offset for time", 120, found.Offset); err != nil {
		return err
	}
	records, err := readFrom("franz-zstd", kgo.NewOffset().AfterMilli(at), 1)
	if err != nil {
		return err
	}
	return verify(records[0], 120)
}

func idempotent() error {
	if err := create("franz-idempotent", 1, nil); err != nil {
		return err
	}
	writer := client(kgo.ProducerLinger(2 * time.Millisecond))
	defer writer.Close()
	var stopping atomic.Bool
	var failures atomic.Int64
	sent := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ; !stopping.Load(); sent++ {
			writer.Produce(context.Background(), &kgo.Record{Topic: "franz-idempotent", Value: []byte(strconv.Itoa(sent))},
				func(_ *kgo.Record, err error) {
					if err != nil {
						failures.Add(1)
					}
				})
			time.Sleep(time.Millisecond)
		}
	}()
	time.Sleep(300 * time.Millisecond)
	if err := talk.Broker("kill"); err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond)
	stopping.Store(true)
	<-done
	if err := writer.Flush(short()); err != nil {
		return err
	}
	if err := talk.Same("failed sends", 0, failures.Load()); err != nil {
		return err
	}
	ends, err := admin.ListEndOffsets(short(), "franz-idempotent")
	if err != nil {
		return err
	}
	end, _ := ends.Lookup("franz-idempotent", 0)
	if err := talk.Same("records in the log", sent, end.Offset); err != nil {
		return err
	}
	records, err := readFrom("franz-idempotent", kgo.NewOffset().AtStart(), sent)
	if err != nil {
		return err
	}
	for i, record := range records {
		if err := talk.Same("value", i, string(record.Value)); err != nil {
			return err
		}
	}
	return nil
}

var next int

func produce(topic string, partitions, count int) error {
	writer := client()
	defer writer.Close()
	var batch []*kgo.Record
	for range count {
		batch = append(batch, &kgo.Record{Topic: topic, Partition: int32(next % partitions), Value: []byte(strconv.Itoa(next))})
		next++
	}
	return writer.ProduceSync(short(), batch...).FirstErr()
}

// member polls as one of a group until it is told to leave.
type member struct {
	client *kgo.Client
	done   chan struct{}
	cancel context.CancelFunc
}

func join(name, group, topic string, seen *talk.Seen, balancer kgo.GroupBalancer) *member {
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{done: make(chan struct{}), cancel: cancel}
	m.client = client(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.Balancers(balancer),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.HeartbeatInterval(200*time.Millisecond), kgo.SessionTimeout(10*time.Second),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) { seen.Assign(name, got[topic]) }),
		kgo.OnPartitionsRevoked(func(ctx context.Context, c *kgo.Client, lost map[string][]int32) {
			_ = c.CommitUncommittedOffsets(ctx)
			seen.Revoke(name, lost[topic])
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { seen.Revoke(name, lost[topic]) }))
	go func() {
		defer close(m.done)
		for ctx.Err() == nil {
			records := m.client.PollFetches(ctx).Records()
			// Counted only once committed, so that a restart of the broker comes after the commit.
			_ = m.client.CommitUncommittedOffsets(context.Background())
			for _, record := range records {
				seen.Add(record.Value)
			}
			m.client.AllowRebalance()
		}
		m.client.CloseAllowingRebalance()
	}()
	return m
}

func (m *member) leave() {
	m.cancel()
	<-m.done
}

func group(name string, balancer kgo.GroupBalancer) error {
	next = 0
	seen, fresh := talk.NewSeen(), talk.NewSeen()
	if err := create(name, 6, nil); err != nil {
		return err
	}
	if err := produce(name, 6, 60); err != nil {
		return err
	}
	first := join("first", name, name, seen, balancer)
	defer first.cancel()
	if err := talk.Await("the first reads all", func() bool { return seen.Len() == 60 && seen.Owns("first") == 6 }); err != nil {
		return err
	}
	second := join("second", name, name, seen, balancer)
	defer second.cancel()
	if err := talk.Await("both own three", func() bool { return seen.Owns("first") == 3 && seen.Owns("second") == 3 }); err != nil {
		return err
	}
	third := join("third", name, name, seen, balancer)
	defer third.cancel()
	err := talk.Await("three own two each", func() bool {
		return seen.Owns("first") == 2 && seen.Owns("second") == 2 && seen.Owns("third") == 2
	})
	if err != nil {
		return err
	}
	if err := produce(name, 6, 60); err != nil {
		return err
	}
	if err := talk.Await("they read all", func() bool { return seen.Len() == 120 }); err != nil {
		return err
	}
	first.leave()
	second.leave()
	if err := talk.Await("the last owns all", func() bool { return seen.Owns("third") == 6 }); err != nil {
		return err
	}
	if err := produce(name, 6, 60); err != nil {
		return err
	}
	if err := talk.Await("it reads the rest", func() bool { return seen.Len() == 180 }); err != nil {
		return err
	}
	third.leave()
	if err := seen.Once(); err != nil {
		return err
	}
	committed, err := admin.FetchOffsets(short(), name)
	if err != nil {
		return err
	}
	sum := int64(0)
	committed.Each(func(o kadm.OffsetResponse) { sum += o.At })
	if err := talk.Same("committed", 180, sum); err != nil {
		return err
	}
	if err := produce(name, 6, 6); err != nil {
		return err
	}
	again := join("again", name, name, fresh, balancer)
	if err := talk.Await("a new member reads the rest", func() bool { return fresh.Len() == 6 }); err != nil {
		return err
	}
	again.leave()
	return fresh.Disjoint(seen)
}

func restartGroup() error {
	next = 0
	seen := talk.NewSeen()
	if err := create("franz-restart", 3, nil); err != nil {
		return err
	}
	if err := produce("franz-restart", 3, 30); err != nil {
		return err
	}
	reader := join("reader", "franz-restart", "franz-restart", seen, kgo.RangeBalancer())
	defer reader.cancel()
	if err := talk.Await("reads all", func() bool { return seen.Len() == 30 }); err != nil {
		return err
	}
	if err := talk.Broker("stop"); err != nil {
		return err
	}
	if err := produce("franz-restart", 3, 30); err != nil {
		return err
	}
	if err := talk.Await("reads on", func() bool { return seen.Len() == 60 }); err != nil {
		return err
	}
	reader.leave()
	return seen.Once()
}

func admins() error {
	size := "4321"
	if err := create("franz-admin", 2, map[string]*string{"retention.bytes": &size}); err != nil {
		return err
	}
	if err := talk.Refused(kerr.TopicAlreadyExists, create("franz-admin", 2, nil)); err != nil {
		return err
	}
	if err := talk.Refused(kerr.InvalidTopicException, create("bad name", 2, nil)); err != nil {
		return err
	}
	updated, err := admin.UpdatePartitions(short(), 3, "franz-admin")
	if err != nil {
		return err
	}
	if err := updated.Error(); err != nil {
		return err
	}
	topics, err := admin.ListTopics(short(), "franz-admin")
	if err != nil {
		return err
	}
	if err := talk.Same("partitions", 3, len(topics["franz-admin"].Partitions)); err != nil {
		return err
	}
	configs, err := admin.DescribeTopicConfigs(short(), "franz-admin")
	if err != nil {
		return err
	}
	value := ""
	for _, config := range configs[0].Configs {
		if config.Key == "retention.bytes" {
			value = config.MaybeValue()
		}
	}
	if err := talk.Same("config", size, value); err != nil {
		return err
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset("franz-zstd", 0, 30, -1)
	deleted, err := admin.DeleteRecords(short(), offsets)
	if err != nil {
		return err
	}
	if err := talk.Same("low watermark", 30, deleted["franz-zstd"][0].LowWatermark); err != nil {
		return err
	}
	latest, err := admin.ListMaxTimestampOffsets(short(), "franz-lz4")
	if err != nil {
		return err
	}
	found, _ := latest.Lookup("franz-lz4", 0)
	if err := talk.Same("max timestamp", talk.Count-1, found.Offset); err != nil {
		return err
	}
	described, err := admin.DescribeGroups(short(), "franz-range")
	if err != nil {
		return err
	}
	if err := talk.Same("group state", "Empty", described["franz-range"].State); err != nil {
		return err
	}
	dirs, err := admin.DescribeAllLogDirs(short(), nil)
	if err != nil {
		return err
	}
	if err := talk.Same("brokers with log directories", 1, len(dirs)); err != nil {
		return err
	}
	gone, err := admin.DeleteGroup(short(), "franz-range")
	if err != nil || gone.Err != nil {
		return fmt.Errorf("delete group: %v %v", err, gone.Err)
	}
	gone, err = admin.DeleteGroup(short(), "franz-range")
	if err == nil {
		err = gone.Err
	}
	return talk.Refused(kerr.GroupIDNotFound, err)
}

func remove() error {
	gone, err := admin.DeleteTopic(short(), "franz-gzip")
	if err == nil {
		err = gone.Err
	}
	if err != nil {
		return err
	}
	gone, err = admin.DeleteTopic(short(), "franz-gzip")
	if err == nil {
		err = gone.Err
	}
	return talk.Refused(kerr.UnknownTopicOrPartition, err)
}

func main() {
	seed = os.Args[1]
	admin = kadm.NewClient(client())
	talk.Check("create topic", func() error { return create("franz-create", 3, nil) })
	talk.Check("codec none", func() error { return codec("none", kgo.NoCompression()) })
	talk.Check("codec gzip", func() error { return codec("gzip", kgo.GzipCompression()) })
	talk.Check("codec snappy", func() error { return codec("snappy", kgo.SnappyCompression()) })
	talk.Check("codec lz4", func() error { return codec("lz4", kgo.Lz4Compression()) })
	talk.Check("codec zstd", func() error { return codec("zstd", kgo.ZstdCompression()) })
	talk.Check("seek by time", seekByTime)
	talk.Check("idempotent producer over kill -9", idempotent)
	talk.Check("group rebalances, range", func() error { return group("franz-range", kgo.RangeBalancer()) })
	talk.Check("group rebalances, cooperative", func() error { return group("franz-sticky", kgo.CooperativeStickyBalancer()) })
	talk.Check("admin", admins)
	talk.Check("group goes on over a restart", restartGroup)
	talk.Check("delete topic", remove)
	talk.End()
}
