// The loop of an ordinary client, on franz-go.
//
//	franz produce|consume BOOTSTRAP TOPIC PARTITIONS RECORD_BYTES COUNT WARM CODEC LINGER_MS BATCH_BYTES BUFFER_BYTES
//
// Prints one line of JSON: seconds, cpu_seconds, records, bytes and peak_rss_mb, of what comes after the first WARM
// records. Any error ends it.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func giveUp(what string, why any) {
	fmt.Fprintf(os.Stderr, "franz: %s: %v\n", what, why)
	os.Exit(1)
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		giveUp("usage", err)
	}
	return value
}

type usage struct {
	at         time.Time
	cpuSeconds float64
	peakMb     float64
}

func used() usage {
	var all syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &all); err != nil {
		giveUp("getrusage", err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return usage{time.Now(), seconds(all.Utime) + seconds(all.Stime), peakMb()}
}

// Not getrusage's, which counts what was resident before exec too: the bench's own interpreter.
func peakMb() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		giveUp("status", err)
	}
	_, behind, _ := strings.Cut(string(status), "VmHWM:")
	kib := 0.0
	fmt.Sscanf(behind, "%f", &kib)
	return kib / 1024
}

func printSince(from usage, records, bytes int) {
	to := used()
	fmt.Printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"records\": %d, \"bytes\": %d, \"peak_rss_mb\": %.1f}\n",
		to.at.Sub(from.at).Seconds(), to.cpuSeconds-from.cpuSeconds, records, bytes, to.peakMb)
}

func codec(name string) kgo.CompressionCodec {
	switch name {
	case "none":
		return kgo.NoCompression()
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	}
	giveUp("usage", "unknown codec "+name)
	return kgo.NoCompression()
}

func main() {
	if len(os.Args) != 12 {
		giveUp("usage", "eleven arguments")
	}
	bootstrap, topic := os.Args[2], os.Args[3]
	partitions, size, count, warm := number(os.Args[4]), number(os.Args[5]), number(os.Args[6]), number(os.Args[7])
	linger, batch, buffer := number(os.Args[9]), number(os.Args[10]), number(os.Args[11])
	if os.Args[1] == "produce" {
		produce(bootstrap, topic, partitions, size, count, warm, codec(os.Args[8]), linger, batch, buffer)
	} else {
		consume(bootstrap, topic, partitions, count, warm, buffer)
	}
}

var words = [16]string{"customer", " order: ", "\"status\"", "shipped,", "2026-11-", "warehous", "currency", ": \"EUR\",",
	"quantity", "payment ", "region: ", "europe-w", "\"price\":", "discount", "tracking", "session "}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// As bench/client/values.hpp.
func makeValues(size int) [][]byte {
	values := make([][]byte, (1<<20)/size+1)
	all := make([]byte, len(values)*size)
	state := uint64(0)
	for at := 0; at < len(all); at += 8 {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb
		z ^= z >> 31
		word := []byte(words[z>>2&15])
		if z&3 == 0 {
			for i := range word {
				word[i] = letters[z>>(8+6*i)&63]
			}
		}
		copy(all[at:], word)
	}
	for i := range values {
		values[i] = all[i*size : (i+1)*size]
	}
	return values
}

func produce(bootstrap, topic string, partitions, size, count, warm int, codec kgo.CompressionCodec, linger, batch, buffer int) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ProducerLinger(time.Duration(linger)*time.Millisecond),
		kgo.ProducerBatchMaxBytes(int32(batch)), kgo.ProducerBatchCompression(codec), kgo.MaxBufferedBytes(buffer),
		kgo.MaxBufferedRecords(10_000_000), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		giveUp("no client", err)
	}
	values := makeValues(size)
	ctx := context.Background()
	var failed atomic.Pointer[error]
	promise := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.Store(&err)
		}
	}
	send := func(records int) {
		for i := 0; i < records; i++ {
			client.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: values[i%len(values)]}, promise)
		}
		if err := client.Flush(ctx); err != nil {
			giveUp("flush failed", err)
		}
		if err := failed.Load(); err != nil {
			giveUp("delivery failed", *err)
		}
	}
	send(warm)
	from := used()
	send(count)
	printSince(from, count, count*size)
	client.Close()
}

func consume(bootstrap, topic string, partitions, count, warm, buffer int) {
	offsets := map[int32]kgo.Offset{}
	for p := range partitions {
		offsets[int32(p)] = kgo.NewOffset().AtStart()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.FetchMinBytes(1),
		kgo.FetchMaxWait(500*time.Millisecond), kgo.FetchMaxBytes(52428800), kgo.FetchMaxPartitionBytes(1048576),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}))
	if err != nil {
		giveUp("no client", err)
	}
	from := used()
	seen, before, bytes := 0, 0, 0
	for seen < warm+count {
		got := client.PollFetches(context.Background())
		got.EachError(func(_ string, _ int32, err error) { giveUp("consume failed", err) })
		got.EachRecord(func(record *kgo.Record) {
			seen++
			bytes += len(record.Value)
		})
		if before == 0 && warm > 0 && seen >= warm {
			from, before, bytes = used(), seen, 0
		}
	}
	printSince(from, seen-before, bytes)
	client.Close()
}
