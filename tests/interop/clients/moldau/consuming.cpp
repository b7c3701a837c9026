#include <algorithm>

#include "records.hpp"
#include "talk.hpp"

namespace moldau::interop {

namespace {

/// The next record, or the end of the check.
template <typename Each>
void next_record(client::consumer& from, Each each) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    const auto got = good(from.poll(std::chrono::milliseconds(500)).get(), "polling");
    for (const client::record_batch& batch : got.batches) {
      if (batch.size() == 0) continue;
      each(*batch.begin());
      return;
    }
  }
  throw failed("no record came in 20 s");
}

void seek_by_time() {
  auto from = make_consumer();
  const topic_partition at{"moldau-zstd", partition_id(0)};
  const auto found = good(from.offsets_for_times({{at, timestamp_of(120) - 500}}).get(), "asking for a time");
  same("offset for time", 120, found.at(at).value());
  that(good(from.offsets_for_times({{at, timestamp_of(1000)}}).get(), "asking for a late time").empty(),
       "nothing is as late as that");
  good(from.assign(found).get(), "assigning");
  next_record(from, [](const record_view& record) { verify(record, 120); });
}

void seek_and_position() {
  auto from = make_consumer();
  const topic_partition at{"moldau-lz4", partition_id(0)};
  good(from.assign(std::vector<topic_partition>{at}).get(), "assigning");
  next_record(from, [](const record_view& record) { verify(record, 0); });
  good(from.seek(at, offset(77)).get(), "seeking");
  same("position", 77, good(from.position(at).get(), "asking for the position").value());
  next_record(from, [](const record_view& record) { verify(record, 77); });
  good(from.seek(at, offset(5)).get(), "seeking back");
  next_record(from, [](const record_view& record) { verify(record, 5); });
}

void pause_and_resume() {
  create("moldau-pause", 2);
  sequence().produce("moldau-pause", 2, 20);
  auto from = make_consumer();
  const topic_partition one{"moldau-pause", partition_id(1)};
  good(from.assign(std::vector<topic_partition>{{"moldau-pause", partition_id(0)}, one}).get(), "assigning");
  good(from.pause({one}).get(), "pausing");
  int zero_records = 0;
  int one_records = 0;
  const auto poll = [&] {
    for (const auto& batch : good(from.poll(std::chrono::milliseconds(200)).get(), "polling").batches) {
      (batch.partition() == one.partition ? one_records : zero_records) += static_cast<int>(batch.size());
    }
  };
  wait_for("the other partition is read", [&] {
    poll();
    return zero_records == 10;
  });
  same("records of the paused partition", 0, one_records);
  good(from.resume({one}).get(), "resuming");
  wait_for("the resumed partition is read", [&] {
    poll();
    return one_records == 10;
  });
}

void commits() {
  const topic_partition at{"moldau-gzip", partition_id(0)};
  const client::properties group{{"group.id", "moldau-commits"}};
  {
    auto from = make_consumer(group);
    good(from.assign(std::vector<topic_partition>{at}).get(), "assigning");
    good(from.commit({{at, {.offset = offset(42), .metadata = "halfway"}}}).get(), "committing");
    const auto kept = good(from.committed({at}).get(), "asking for the commit");
    same("committed", 42, kept.at(at).offset.value());
    same("metadata", "halfway", kept.at(at).metadata);
  }
  auto from = make_consumer(group);
  good(from.assign(std::vector<topic_partition>{at}).get(), "assigning");
  next_record(from, [](const record_view& record) { verify(record, 42); });
  auto admin = make_admin();
  const auto kept = good(admin.group_offsets("moldau-commits").get(), "asking the admin");
  same("committed, by the admin", 42, kept.at(at).offset.value());
}

void no_place() {
  create("moldau-noplace", 1);
  sequence().produce("moldau-noplace", 1, 5);
  auto from = make_consumer({{"auto.offset.reset", "none"}});
  const topic_partition at{"moldau-noplace", partition_id(0)};
  good(from.assign(std::map<topic_partition, offset>{{at, offset(50)}}).get(), "assigning");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  auto got = from.poll(std::chrono::milliseconds(500)).get();
  while (got && std::chrono::steady_clock::now() < deadline) got = from.poll(std::chrono::milliseconds(500)).get();
  refused(errc::offset_out_of_range, got);
}

}  // namespace

void check_consuming() {
  check("seek by time", seek_by_time);
  check("seek and position", seek_and_position);
  check("pause and resume", pause_and_resume);
  check("commits outside a group's membership", commits);
  check("a position that isn't there", no_place);
}

}  // namespace moldau::interop
