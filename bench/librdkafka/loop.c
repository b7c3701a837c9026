/* The loop of an ordinary client, on librdkafka's C API.
 *
 *   loop produce BOOTSTRAP TOPIC PARTITIONS RECORD_BYTES COUNT [warm=N] [PROPERTY=VALUE]...
 *   loop consume BOOTSTRAP TOPIC PARTITIONS RECORD_BYTES COUNT [warm=N] [PROPERTY=VALUE]...
 *   loop e2e     BOOTSTRAP TOPIC PARTITIONS RECORD_BYTES COUNT rate=N [PROPERTY=VALUE]...
 *
 * Properties are librdkafka's, of the producer or consumer, or with e2e, where there are both, after "producer." or
 * "consumer."; its defaults without. The first `warm` records (e2e: a fifth) come on top of COUNT and aren't measured.
 * Each prints one line of JSON: seconds, cpu_seconds, records, bytes and peak_rss_mb; e2e p50_ms, p99_ms and max_ms from
 * when a record was due to be sent until the consumer has it. Any error ends it.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "rdkafka.h"

static const char *bootstrap, *topic;
static int partitions;
static size_t record_bytes;
static int64_t count;
static int64_t warm;
static int64_t period_ns;
static int64_t delivered;
static char **properties;

static void give_up(const char *what, const char *why) {
  fprintf(stderr, "loop: %s: %s\n", what, why);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char why[512];
  if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) give_up(name, why);
}

/* Those of the command line; with e2e only those that begin with `whose`. */
static void set_all(rd_kafka_conf_t *conf, const char *whose) {
  const size_t prefix = strlen(whose);
  for (char **at = properties; *at; ++at) {
    char name[256];
    const char *value = strchr(*at, '=');
    if (!value || (size_t)(value - *at) >= sizeof name) give_up("usage", *at);
    memcpy(name, *at, (size_t)(value - *at));
    name[value - *at] = 0;
    if (!strcmp(name, "warm") || !strcmp(name, "rate")) continue;
    if (period_ns == 0) {
      set(conf, name, value + 1);
    } else if (!strncmp(name, whose, prefix)) {
      set(conf, name + prefix, value + 1);
    }
  }
}

struct usage {
  int64_t at_ns;
  double cpu_seconds;
};

static struct usage used(void) {
  struct rusage all;
  getrusage(RUSAGE_SELF, &all);
  const struct usage out = {now_ns(), (double)(all.ru_utime.tv_sec + all.ru_stime.tv_sec) +
                                          (double)(all.ru_utime.tv_usec + all.ru_stime.tv_usec) / 1e6};
  return out;
}

/* Not getrusage's, which counts what was resident before exec too: the bench's own interpreter. */
static double peak_rss_mb(void) {
  FILE *status = fopen("/proc/self/status", "r");
  char line[256];
  long kib = 0;
  while (status && fgets(line, sizeof line, status)) {
    if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
  }
  if (status) fclose(status);
  return (double)kib / 1024;
}

static void print_since(struct usage from, int64_t records, int64_t bytes) {
  const struct usage to = used();
  printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"records\": %lld, \"bytes\": %lld, \"peak_rss_mb\": %.1f}\n",
         (double)(to.at_ns - from.at_ns) / 1e9, to.cpu_seconds - from.cpu_seconds, (long long)records, (long long)bytes,
         peak_rss_mb());
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client;
  (void)opaque;
  if (message->err) give_up("delivery failed", rd_kafka_err2str(message->err));
  ++delivered;
}

static rd_kafka_t *make(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
  char why[512];
  set(conf, "bootstrap.servers", bootstrap);
  rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
  if (!client) give_up("no client", why);
  return client;
}

static rd_kafka_t *make_producer(const char *linger_ms) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  set(conf, "acks", "all");
  if (linger_ms) set(conf, "linger.ms", linger_ms);
  set_all(conf, "producer.");
  return make(RD_KAFKA_PRODUCER, conf);
}

static void send_one(rd_kafka_t *client, rd_kafka_topic_t *to, int64_t index, char *value) {
  while (rd_kafka_produce(to, (int32_t)(index % partitions), RD_KAFKA_MSG_F_COPY, value, record_bytes, NULL, 0, NULL) != 0) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      give_up("produce failed", rd_kafka_err2str(rd_kafka_last_error()));
    }
    rd_kafka_poll(client, 10);
  }
}

static size_t value_count;

/* As bench/client/values.hpp: `value_count` of them, one after the other. */
static char *make_values(void) {
  static const char *const words[16] = {"customer", " order: ", "\"status\"", "shipped,", "2026-11-", "warehous",
                                        "currency", ": \"EUR\",", "quantity", "payment ", "region: ", "europe-w",
                                        "\"price\":", "discount", "tracking", "session "};
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  value_count = (1 << 20) / record_bytes + 1;
  const size_t size = value_count * record_bytes;
  char *values = malloc(size);
  uint64_t state = 0;
  for (size_t at = 0; at < size; at += 8) {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    char word[8];
    memcpy(word, words[z >> 2 & 15], 8);
    if ((z & 3) == 0) {
      for (int i = 0; i < 8; ++i) word[i] = letters[z >> (8 + 6 * i) & 63];
    }
    memcpy(values + at, word, size - at < 8 ? size - at : 8);
  }
  return values;
}

/* Until all are acknowledged. */
static void send_many(rd_kafka_t *client, rd_kafka_topic_t *to, char *values, int64_t number) {
  const int64_t before = delivered;
  for (int64_t i = 0; i < number; ++i) {
    send_one(client, to, i, values + (size_t)i % value_count * record_bytes);
    if (i % 1024 == 0) rd_kafka_poll(client, 0);
  }
  rd_kafka_flush(client, 0);
  while (delivered < before + number) rd_kafka_poll(client, 100);
}

static void produce(void) {
  rd_kafka_t *client = make_producer(NULL);
  rd_kafka_topic_t *to = rd_kafka_topic_new(client, topic, NULL);
  char *values = make_values();
  send_many(client, to, values, warm);
  const struct usage from = used();
  send_many(client, to, values, count);
  print_since(from, count, count * (int64_t)record_bytes);
  rd_kafka_topic_destroy(to);
  rd_kafka_destroy(client);
  free(values);
}

static rd_kafka_queue_t *start_consumer(rd_kafka_t *client, int64_t at) {
  rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(partitions);
  for (int p = 0; p < partitions; ++p) rd_kafka_topic_partition_list_add(all, topic, p)->offset = at;
  const rd_kafka_resp_err_t failed = rd_kafka_assign(client, all);
  if (failed) give_up("assign failed", rd_kafka_err2str(failed));
  rd_kafka_topic_partition_list_destroy(all);
  return rd_kafka_queue_get_consumer(client);
}

static rd_kafka_t *make_consumer(void) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "group.id", "bench");
  set(conf, "enable.auto.commit", "false");
  set_all(conf, "consumer.");
  rd_kafka_t *client = make(RD_KAFKA_CONSUMER, conf);
  rd_kafka_poll_set_consumer(client);
  return client;
}

static void consume(void) {
  enum { most = 10000 };
  rd_kafka_message_t **got = malloc(most * sizeof *got);
  rd_kafka_t *client = make_consumer();
  struct usage from = used();
  rd_kafka_queue_t *queue = start_consumer(client, RD_KAFKA_OFFSET_BEGINNING);
  int64_t seen = 0, bytes = 0, before = 0;
  while (seen < warm + count) {
    const ssize_t n = rd_kafka_consume_batch_queue(queue, 1000, got, most);
    if (n < 0) give_up("consume failed", rd_kafka_err2str(rd_kafka_last_error()));
    for (ssize_t i = 0; i < n; ++i) {
      if (got[i]->err) give_up("consume failed", rd_kafka_message_errstr(got[i]));
      bytes += (int64_t)got[i]->len;
      rd_kafka_message_destroy(got[i]);
    }
    seen += n;
    if (before == 0 && warm > 0 && seen >= warm) {
      from = used();
      before = seen;
      bytes = 0;
    }
  }
  print_since(from, seen - before, bytes);
  rd_kafka_queue_destroy(queue);
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  free(got);
}

static void *send_at_rate(void *unused) {
  (void)unused;
  rd_kafka_t *client = make_producer("0");
  rd_kafka_topic_t *to = rd_kafka_topic_new(client, topic, NULL);
  char *value = make_values();
  const int64_t from = now_ns();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t due = from + i * period_ns;
    while (now_ns() < due) {
      const struct timespec until = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    memcpy(value, &due, sizeof due);
    send_one(client, to, i, value);
    rd_kafka_poll(client, 0);
  }
  while (delivered < count) rd_kafka_poll(client, 100);
  rd_kafka_topic_destroy(to);
  rd_kafka_destroy(client);
  free(value);
  return NULL;
}

static int rising(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void e2e(void) {
  /* The first fifth is for warming up. */
  const int64_t skip = count / 5;
  double *waited = malloc((size_t)count * sizeof *waited);
  rd_kafka_t *client = make_consumer();
  rd_kafka_queue_t *queue = start_consumer(client, RD_KAFKA_OFFSET_BEGINNING);
  /* Its first fetch is under way before anything is sent. */
  rd_kafka_message_t *early = rd_kafka_consume_queue(queue, 1000);
  if (early) give_up("the topic wasn't empty", topic);
  pthread_t sender;
  if (pthread_create(&sender, NULL, send_at_rate, NULL) != 0) give_up("no thread", "pthread_create");
  int64_t seen = 0, kept = 0;
  while (seen < count) {
    rd_kafka_message_t *message = rd_kafka_consume_queue(queue, 1000);
    if (!message) continue;
    if (message->err) give_up("consume failed", rd_kafka_message_errstr(message));
    int64_t due;
    memcpy(&due, message->payload, sizeof due);
    if (++seen > skip) waited[kept++] = (double)(now_ns() - due) / 1e6;
    rd_kafka_message_destroy(message);
  }
  pthread_join(sender, NULL);
  qsort(waited, (size_t)kept, sizeof *waited, rising);
  printf("{\"p50_ms\": %.4f, \"p99_ms\": %.4f, \"max_ms\": %.4f, \"records\": %lld}\n", waited[kept / 2],
         waited[kept * 99 / 100], waited[kept - 1], (long long)kept);
  rd_kafka_queue_destroy(queue);
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  free(waited);
}

int main(int argc, char **argv) {
  if (argc < 7) give_up("usage", "loop produce|consume|e2e BOOTSTRAP TOPIC PARTITIONS RECORD_BYTES COUNT [NAME=VALUE]...");
  bootstrap = argv[2];
  topic = argv[3];
  partitions = atoi(argv[4]);
  record_bytes = (size_t)atol(argv[5]);
  count = atoll(argv[6]);
  properties = argv + 7;
  if (record_bytes < sizeof(int64_t)) give_up("usage", "a record holds at least 8 bytes");
  const int is_e2e = !strcmp(argv[1], "e2e");
  for (char **at = properties; *at; ++at) {
    if (!strncmp(*at, "warm=", 5)) warm = atoll(*at + 5);
    if (!strncmp(*at, "rate=", 5) && is_e2e && atol(*at + 5) > 0) period_ns = 1000000000 / atol(*at + 5);
  }
  if (!strcmp(argv[1], "produce")) {
    produce();
  } else if (!strcmp(argv[1], "consume")) {
    consume();
  } else if (is_e2e && period_ns > 0) {
    e2e();
  } else {
    give_up("usage", "say produce, consume, or e2e with rate=N");
  }
  return 0;
}
