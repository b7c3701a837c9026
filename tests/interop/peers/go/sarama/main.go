// sarama is the sarama client of the interop tests.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"moldau.interop/talk"
)

var (
	seeds []string
	admin sarama.ClusterAdmin
)

func config() *sarama.Config {
	made := sarama.NewConfig()
	made.Version = sarama.MaxVersion
	made.Metadata.RefreshFrequency = time.Second
	made.Metadata.Retry.Backoff = 100 * time.Millisecond
	made.Metadata.Retry.Max = 200
	made.Producer.RequiredAcks = sarama.WaitForAll
	made.Producer.Return.Successes = true
	made.Producer.Partitioner = sarama.NewManualPartitioner
	made.Producer.Retry.Backoff = 100 * time.Millisecond
	made.Producer.Retry.Max = 400
	made.Consumer.Offsets.Initial = sarama.OffsetOldest
	made.Consumer.Offsets.AutoCommit.Enable = false
	made.Consumer.Group.Heartbeat.Interval = 200 * time.Millisecond
	made.Consumer.Group.Rebalance.Retry.Backoff = 100 * time.Millisecond
	return made
}

func create(topic string, partitions int32, entries map[string]*string) error {
	return admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: entries}, false)
}

func send(settings *sarama.Config, messages []*sarama.ProducerMessage) error {
	writer, err := sarama.NewSyncProducer(seeds, settings)
	if err != nil {
		return err
	}
	defer writer.Close()
	return writer.SendMessages(messages)
}

func readFrom(topic string, offset int64, count int) ([]*sarama.ConsumerMessage, error) {
	consumer, err := sarama.NewConsumer(seeds, config())
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(topic, 0, offset)
	if err != nil {
		return nil, err
	}
	defer partition.Close()
	late := time.After(30 * time.Second)
	var messages []*sarama.ConsumerMessage
	for len(messages) < count {
		select {
		case message := <-partition.Messages():
			messages = append(messages, message)
		case <-late:
			return nil, fmt.Errorf("read %d of %d in 30 s", len(messages), count)
		}
	}
	return messages, nil
}

func encoder(bytes []byte) sarama.Encoder {
	if bytes == nil {
		return nil
	}
	return sarama.ByteEncoder(bytes)
}

func verify(message *sarama.ConsumerMessage, i int) error {
	wanted := talk.Headers(i)
	return talk.All(
		func() error { return talk.Same("offset", i, message.Offset) },
		func() error {
			return talk.Same("timestamp", talk.Timestamp(i).UnixMilli(), message.Timestamp.UnixMilli())
		},
		func() error { return talk.Bytes(fmt.Sprintf("key of %d", i), talk.Key(i), message.Key) },
		func() error { return talk.Bytes(fmt.Sprintf("value of %d", i), talk.Value(i), message.Value) },
		func() error { return talk.Same("headers", len(wanted), len(message.Headers)) },
		func() error {
			for h, header := range wanted {
				if err := talk.Same("header", header.Key, string(message.Headers[h].Key)); err != nil {
					return err
				}
				if err := talk.Bytes("header of "+strconv.Itoa(i), header.Value, message.Headers[h].Value); err != nil {
					return err
				}
			}
			return nil
		})
}

func codec(name string, how sarama.CompressionCodec) error {
	topic := "sarama-" + name
	if err := create(topic, 1, nil); err != nil {
		return err
	}
	settings := config()
	settings.Producer.Compression = how
	settings.Producer.Flush.Frequency = 20 * time.Millisecond
	var messages []*sarama.ProducerMessage
	for i := range talk.Count {
		message := &sarama.ProducerMessage{Topic: topic, Key: encoder(talk.Key(i)), Value: encoder(talk.Value(i)), Timestamp: talk.Timestamp(i)}
		for _, header := range talk.Headers(i) {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(header.Key), Value: header.Value})
		}
		messages = append(messages, message)
	}
	if err := send(settings, messages); err != nil {
		return err
	}
	got, err := readFrom(topic, sarama.OffsetOldest, talk.Count)
	if err != nil {
		return err
	}
	for i, message := range got {
		if err := verify(message, i); err != nil {
			return err
		}
	}
	return nil
}

func seekByTime() error {
	client, err := sarama.NewClient(seeds, config())
	if err != nil {
		return err
	}
	defer client.Close()
	offset, err := client.GetOffset("sarama-zstd", 0, talk.Timestamp(120).UnixMilli()-500)
	if err != nil {
		return err
	}
	if err := talk.Same("offset for time", 120, offset); err != nil {
		return err
	}
	got, err := readFrom("sarama-zstd", offset, 1)
	if err != nil {
		return err
	}
	return verify(got[0], 120)
}

func idempotent() error {
	if err := create("sarama-idempotent", 1, nil); err != nil {
		return err
	}
	settings := config()
	settings.Producer.Idempotent = true
	settings.Net.MaxOpenRequests = 1
	writer, err := sarama.NewAsyncProducer(seeds, settings)
	if err != nil {
		return err
	}
	sent := 0
	var stopping atomic.Bool
	done := make(chan error)
	go func() {
		var failure error
		for range writer.Successes() {
		}
		for problem := range writer.Errors() {
			failure = errors.Join(failure, problem)
		}
		done <- failure
	}()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for ; !stopping.Load(); sent++ {
			writer.Input() <- &sarama.ProducerMessage{Topic: "sarama-idempotent", Value: sarama.StringEncoder(strconv.Itoa(sent))}
			time.Sleep(time.Millisecond)
		}
	}()
	time.Sleep(300 * time.Millisecond)
	if err := talk.Broker("kill"); err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond)
	stopping.Store(true)
	<-finished
	writer.AsyncClose()
	if err := <-done; err != nil {
		return err
	}
	client, err := sarama.NewClient(seeds, config())
	if err != nil {
		return err
	}
	defer client.Close()
	end, err := client.GetOffset("sarama-idempotent", 0, sarama.OffsetNewest)
	if err != nil {
		return err
	}
	if err := talk.Same("records in the log", sent, end); err != nil {
		return err
	}
	got, err := readFrom("sarama-idempotent", sarama.OffsetOldest, sent)
	if err != nil {
		return err
	}
	for i, message := range got {
		if err := talk.Same("value", i, string(message.Value)); err != nil {
			return err
		}
	}
	return nil
}

var next int

func produce(topic string, partitions, count int) error {
	var messages []*sarama.ProducerMessage
	for range count {
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Partition: int32(next % partitions), Value: sarama.StringEncoder(strconv.Itoa(next))})
		next++
	}
	return send(config(), messages)
}

// member is a sarama group handler that counts what it reads.
type member struct {
	name   string
	topic  string
	seen   *talk.Seen
	group  sarama.ConsumerGroup
	cancel context.CancelFunc
	done   chan error
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.seen.Assign(m.name, session.Claims()[m.topic])
	return nil
}

func (m *member) Cleanup(session sarama.ConsumerGroupSession) error {
	session.Commit()
	m.seen.Revoke(m.name, session.Claims()[m.topic])
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			// Counted only once committed, so that a restart of the broker comes after the commit.
			session.MarkMessage(message, "")
			session.Commit()
			m.seen.Add(message.Value)
		case <-session.Context().Done():
			return nil
		}
	}
}

func join(name, group, topic string, seen *talk.Seen) (*member, error) {
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{name: name, topic: topic, seen: seen, cancel: cancel, done: make(chan error, 1)}
	settings := config()
	settings.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	var err error
	if m.group, err = sarama.NewConsumerGroup(seeds, group, settings); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		// While the broker restarts, Consume fails and is called again.
		for ctx.Err() == nil {
			if err := m.group.Consume(ctx, []string{topic}, m); err != nil {
				time.Sleep(50 * time.Millisecond)
			}
		}
		m.done <- m.group.Close()
	}()
	return m, nil
}

func (m *member) leave() error {
	m.cancel()
	return <-m.done
}

func groups() error {
	const name = "sarama-group"
	seen, fresh := talk.NewSeen(), talk.NewSeen()
	members := map[string]*member{}
	joining := func(name string, into *talk.Seen) func() error {
		return func() (err error) {
			members[name], err = join(name, "sarama-group", "sarama-group", into)
			return err
		}
	}
	owns := func(who string, count int) bool { return seen.Owns(who) == count }
	return talk.All(
		func() error { return create(name, 6, nil) },
		func() error { return produce(name, 6, 60) },
		joining("first", seen),
		func() error {
			return talk.Await("the first reads all", func() bool { return seen.Len() == 60 && owns("first", 6) })
		},
		joining("second", seen),
		func() error {
			return talk.Await("both own three", func() bool { return owns("first", 3) && owns("second", 3) })
		},
		joining("third", seen),
		func() error {
			return talk.Await("three own two each", func() bool { return owns("first", 2) && owns("second", 2) && owns("third", 2) })
		},
		func() error { return produce(name, 6, 60) },
		func() error { return talk.Await("they read all", func() bool { return seen.Len() == 120 }) },
		func() error { return members["first"].leave() },
		func() error { return members["second"].leave() },
		func() error { return talk.Await("the last owns all", func() bool { return owns("third", 6) }) },
		func() error { return produce(name, 6, 60) },
		func() error { return talk.Await("it reads the rest", func() bool { return seen.Len() == 180 }) },
		func() error { return members["third"].leave() },
		seen.Once,
		func() error {
			committed, err := admin.ListConsumerGroupOffsets(name, nil)
			if err != nil {
				return err
			}
			sum := int64(0)
			for _, block := range committed.Blocks[name] {
				sum += block.Offset
			}
			return talk.Same("committed", 180, sum)
		},
		func() error { return produce(name, 6, 6) },
		joining("again", fresh),
		func() error {
			return talk.Await("a new member reads the rest", func() bool { return fresh.Len() == 6 })
		},
		func() error { return members["again"].leave() },
		func() error { return fresh.Disjoint(seen) })
}

func restartGroup() error {
	next = 0
	seen := talk.NewSeen()
	var reader *member
	return talk.All(
		func() error { return create("sarama-restart", 3, nil) },
		func() error { return produce("sarama-restart", 3, 30) },
		func() (err error) {
			reader, err = join("reader", "sarama-restart", "sarama-restart", seen)
			return err
		},
		func() error { return talk.Await("reads all", func() bool { return seen.Len() == 30 }) },
		func() error { return talk.Broker("stop") },
		func() error { return produce("sarama-restart", 3, 30) },
		func() error { return talk.Await("reads on", func() bool { return seen.Len() == 60 }) },
		func() error { return reader.leave() },
		seen.Once)
}

func admins() error {
	size := "4321"
	return talk.All(
		func() error { return create("sarama-admin", 2, map[string]*string{"retention.bytes": &size}) },
		func() error { return talk.Refused(sarama.ErrTopicAlreadyExists, create("sarama-admin", 2, nil)) },
		func() error { return talk.Refused(sarama.ErrInvalidTopic, create("bad name", 2, nil)) },
		func() error { return admin.CreatePartitions("sarama-admin", 3, nil, false) },
		func() error {
			found, err := admin.DescribeTopics([]string{"sarama-admin"})
			if err != nil {
				return err
			}
			return talk.Same("partitions", 3, len(found[0].Partitions))
		},
		func() error {
			entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: "sarama-admin", ConfigNames: []string{"retention.bytes"}})
			if err != nil {
				return err
			}
			return talk.Same("config", size, entries[0].Value)
		},
		func() error { return admin.DeleteRecords("sarama-zstd", map[int32]int64{0: 30}) },
		func() error {
			client, err := sarama.NewClient(seeds, config())
			if err != nil {
				return err
			}
			defer client.Close()
			oldest, err := client.GetOffset("sarama-zstd", 0, sarama.OffsetOldest)
			if err != nil {
				return err
			}
			return talk.Same("oldest after", 30, oldest)
		},
		func() error {
			found, err := admin.DescribeConsumerGroups([]string{"sarama-group"})
			if err != nil {
				return err
			}
			return talk.Same("group state", "Empty", found[0].State)
		},
		func() error {
			_, err := admin.DescribeLogDirs([]int32{1})
			return err
		},
		func() error {
			brokers, controller, err := admin.DescribeCluster()
			if err != nil {
				return err
			}
			return talk.Same("brokers, controller", "1 1", fmt.Sprint(len(brokers), controller))
		},
		func() error { return admin.DeleteConsumerGroup("sarama-group") },
		func() error {
			return talk.Refused(sarama.ErrGroupIDNotFound, admin.DeleteConsumerGroup("sarama-group"))
		})
}

func remove() error {
	if err := admin.DeleteTopic("sarama-gzip"); err != nil {
		return err
	}
	return talk.Refused(sarama.ErrUnknownTopicOrPartition, admin.DeleteTopic("sarama-gzip"))
}

func main() {
	seeds = os.Args[1:2]
	var err error
	if admin, err = sarama.NewClusterAdmin(seeds, config()); err != nil {
		fmt.Println("fail connect:", err)
		os.Exit(1)
	}
	talk.Check("create topic", func() error { return create("sarama-create", 3, nil) })
	talk.Check("codec none", func() error { return codec("none", sarama.CompressionNone) })
	talk.Check("codec gzip", func() error { return codec("gzip", sarama.CompressionGZIP) })
	talk.Check("codec snappy", func() error { return codec("snappy", sarama.CompressionSnappy) })
	talk.Check("codec lz4", func() error { return codec("lz4", sarama.CompressionLZ4) })
	talk.Check("codec zstd", func() error { return codec("zstd", sarama.CompressionZSTD) })
	talk.Check("seek by time", seekByTime)
	talk.Check("idempotent producer over kill -9", idempotent)
	talk.Check("group rebalances", groups)
	talk.Check("admin", admins)
	talk.Check("group goes on over a restart", restartGroup)
	talk.Check("delete topic", remove)
	talk.End()
}
