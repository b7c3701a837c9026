#include "client/fetched.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "wire/batch_builder.hpp"

namespace moldau::client {
namespace {

constexpr producer_id transactional{7};

struct Fetched : ::testing::Test {
  wire::codec_context codecs;
  std::shared_ptr<body_pool> bodies = std::make_shared<body_pool>();
  decode_context with;
  std::optional<error> wrong;
  shared_bytes all;

  void add(const shared_bytes& batch) {
    shared_bytes more = shared_bytes::allocate(all.size() + batch.size());
    if (!all.empty()) std::memcpy(more.writable().data(), all.data(), all.size());
    std::memcpy(more.writable().data() + all.size(), batch.data(), batch.size());
    all = std::move(more);
  }
  shared_bytes batch(std::int64_t at, int records = 1, wire::codec codec = wire::codec::none) {
    wire::batch_builder builder;
    builder.begin({.compression = wire::compression::of(codec), .base_offset = offset(at)});
    const header_view headers[] = {{.key = "h", .value = as_bytes("1")}};
    for (int i = 0; i < records; ++i) {
      EXPECT_TRUE(builder.append(1, as_bytes("key"), as_bytes("value"),
                                 i % 2 == 1 ? std::span<const header_view>(headers) : std::span<const header_view>()));
    }
    return builder.finish(codecs).value();
  }
  body_ptr open(std::int64_t from = 0, isolation level = isolation::read_uncommitted,
                fetched_partition::aborted_transactions aborted = {}, bool check_crcs = true) {
    fetched_partition part(std::make_shared<const topic_partition>("t", partition_id(0)), all, offset(from),
                           {offset(100), offset(90), offset(0)}, std::move(aborted), level, check_crcs);
    return part.open(*bodies, with, wrong);
  }
};

TEST_F(Fetched, RecordsOfSeveralBatchesComeInOneBody) {
  add(batch(0, 3));
  add(batch(3, 2, wire::codec::lz4));
  add(batch(5, 2, wire::codec::zstd));
  const body_ptr got = open();
  ASSERT_FALSE(wrong);
  ASSERT_EQ(got->decoded.records.size(), 7U);
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(got->decoded.records[i].offset, offset(static_cast<std::int64_t>(i)));
    EXPECT_EQ(as_text(*got->decoded.records[i].value), "value");
  }
  EXPECT_EQ(got->next_offset, offset(7));
}

TEST_F(Fetched, ALargePartIsOpenedALittleAtATime) {
  for (int i = 0; i < 3; ++i) add(batch(2 * i, 2, wire::codec::zstd));
  fetched_partition part(std::make_shared<const topic_partition>("t", partition_id(0)), all, offset(0),
                         {offset(6), offset(6), offset(0)}, {}, isolation::read_uncommitted, true);
  std::vector<std::int64_t> seen;
  std::size_t slices = 0;
  while (!part.is_done()) {
    const body_ptr got = part.open(*bodies, with, wrong, 1);
    ++slices;
    for (const record_view& record : got->decoded.records) seen.push_back(record.offset.value());
    EXPECT_EQ(got->next_offset, offset(static_cast<std::int64_t>(seen.size())));
  }
  EXPECT_EQ(slices, 4U) << "a batch each, and the end";
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
}

TEST_F(Fetched, EachRecordHasItsOwnHeaders) {
  add(batch(0, 3));
  add(batch(3, 2, wire::codec::gzip));
  const body_ptr got = open();
  const auto& records = got->decoded.records;
  ASSERT_EQ(records.size(), 5U);
  for (const std::size_t with_header : {1U, 4U}) {
    ASSERT_EQ(records[with_header].headers.size(), 1U);
    EXPECT_EQ(records[with_header].headers[0].key, "h");
  }
  for (const std::size_t without : {0U, 2U, 3U}) EXPECT_TRUE(records[without].headers.empty());
}

TEST_F(Fetched, BeginsInTheMiddleOfABatch) {
  add(batch(0, 4));
  const body_ptr got = open(2);
  ASSERT_EQ(got->decoded.records.size(), 2U);
  EXPECT_EQ(got->decoded.records[0].offset, offset(2));
  EXPECT_TRUE(got->decoded.records[0].headers.empty());
  EXPECT_EQ(got->decoded.records[1].headers.size(), 1U);
}

TEST_F(Fetched, NobodyIsLedPastADamagedBatch) {
  add(batch(0));
  const std::size_t end_of_second = all.size() * 2;
  add(batch(1));
  add(batch(2));
  all.writable()[end_of_second - 1] ^= std::byte{1};
  body_ptr got = open();
  EXPECT_EQ(got->decoded.records.size(), 1U);
  EXPECT_EQ(got->next_offset, offset(1));
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->code, errc::corrupt_message);
  EXPECT_NE(wrong->message.find("offset 1"), std::string::npos) << wrong->message;

  wrong.reset();
  got = open(1);
  EXPECT_TRUE(got->decoded.records.empty());
  EXPECT_EQ(got->next_offset, offset(1));
  EXPECT_TRUE(wrong);
}

TEST_F(Fetched, ChecksumsAreLeftAloneWhereNobodyAsksForThem) {
  add(batch(0));
  all.writable()[wire::batch_layout::crc] ^= std::byte{1};
  EXPECT_EQ(open(0, isolation::read_uncommitted, {}, false)->decoded.records.size(), 1U);
  EXPECT_FALSE(wrong);
}

TEST_F(Fetched, RecordsOfAbortedTransactionsAreLeftOut) {
  for (const std::int64_t at : {0, 1, 2}) {
    shared_bytes one = batch(at);
    const bool is_theirs = at != 1;
    if (is_theirs) wire::set_producer(one.writable(), transactional, producer_epoch(0), 0, true);
    add(one);
  }
  const auto got = open(0, isolation::read_committed, {{.producer_id = transactional, .first_offset = offset(0)}});
  ASSERT_EQ(got->decoded.records.size(), 1U);
  EXPECT_EQ(got->decoded.records[0].offset, offset(1));
  EXPECT_EQ(got->next_offset, offset(3));
  EXPECT_EQ(open()->decoded.records.size(), 3U) << "read_uncommitted sees them";
}

TEST_F(Fetched, MalformedRecordsUnderARightChecksumAreRefused) {
  shared_bytes one = batch(0, 2);
  // The first record claims to be longer than the batch.
  one.writable()[wire::batch_layout::records] = std::byte{0x7e};
  wire::update_crc(one.writable());
  add(one);
  const body_ptr got = open();
  EXPECT_TRUE(got->decoded.records.empty());
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->code, errc::corrupt_message);
}

TEST_F(Fetched, ABodyIsUsedAgainOnceItsLastBatchHasGone) {
  add(batch(0, 3));
  const record_batch::body* first = nullptr;
  {
    body_ptr opened = open();
    first = opened.get();
    opened->retain();
    record_batch one(opened.get(), opened->decoded.records, {});
    const record_batch copy = one;
    opened.reset();
    one = {};
    EXPECT_EQ(copy.size(), 3U);
    EXPECT_EQ(as_text(*copy.records()[2].key), "key");
    EXPECT_NE(open().get(), first);
  }
  EXPECT_EQ(open().get(), first);
}

TEST(BufferPool, GivesABlockAgainOnlyWhenNobodyHoldsIt) {
  bytes::buffer_pool pool(std::size_t{1} << 20U);
  shared_bytes first = pool.take(100'000);
  const std::byte* const place = first.data();
  shared_bytes slice = first.slice(10, 20);
  first = {};
  EXPECT_NE(pool.take(100'000).data(), place);
  slice = {};
  EXPECT_EQ(pool.take(100'000).data(), place);
}

}  // namespace
}  // namespace moldau::client
