#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "wire/coordinator/consumer_group_member_metadata_value.hpp"
#include "wire/metadata/record_types.hpp"
#include "wire/metadata/topic_record.hpp"
#include "wire/protocol/api_keys.hpp"
#include "wire/protocol/api_versions_response.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/protocol/init_producer_id_request.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/request_header.hpp"

namespace moldau::wire {
namespace {

using namespace protocol;

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

template <typename Message>
std::vector<std::byte> encoded(const Message& message, std::int16_t version) {
  std::vector<std::byte> out(message.encoded_size(version));
  writer to(out);
  message.encode(to, version);
  EXPECT_TRUE(to.status().has_value());
  EXPECT_EQ(to.position(), out.size());
  return out;
}

/// Whether the message's version can't hold it.
template <typename Message>
bool is_refused(const Message& message, std::int16_t version) {
  std::vector<std::byte> out(message.encoded_size(version));
  writer to(out);
  message.encode(to, version);
  return !to.status() && to.status().error().code == errc::unsupported_version;
}

TEST(Messages, DecodeRefusesVersionsThatDoNotExist) {
  const auto bytes = bytes_of({0, 0, 0, 0});
  for (const int version : {-1, 3, 19}) {
    reader in(bytes);
    const auto message = fetch_request::decode(in, static_cast<std::int16_t>(version));
    ASSERT_FALSE(message.has_value());
    EXPECT_EQ(message.error().code, errc::unsupported_version);
  }
}

TEST(Messages, DecodeIsZeroCopy) {
  const auto bytes = bytes_of({0, 0, 0, 1, 0, 1, 't'});
  reader in(bytes);
  const auto message = metadata_request::decode(in, 0);
  ASSERT_TRUE(message.has_value());
  ASSERT_TRUE(message->topics.has_value());
  EXPECT_EQ(message->topics->front().name->data(), reinterpret_cast<const char*>(bytes.data() + 6));
}

TEST(Messages, NullIsRefusedInVersionsThatDoNotKnowIt) {
  // Metadata's topics may be null from version 1 on; in version 0 all topics are an empty array.
  EXPECT_TRUE(is_refused(metadata_request{.topics = std::nullopt}, 0));
  EXPECT_FALSE(is_refused(metadata_request{.topics = std::nullopt}, 1));
  const auto null_array = bytes_of({0xff, 0xff, 0xff, 0xff});
  reader in(null_array);
  EXPECT_FALSE(metadata_request::decode(in, 0).has_value());
}

TEST(Messages, AFieldThatAVersionLacksIsRefusedUnlessIgnorable) {
  EXPECT_TRUE(is_refused(fetch_request{.forgotten_topics_data = {{.topic = "t"}}}, 6));
  EXPECT_FALSE(is_refused(fetch_request{.forgotten_topics_data = {{.topic = "t"}}}, 7));
  EXPECT_FALSE(is_refused(fetch_request{.session_id = 5}, 6));
}

TEST(Messages, UnknownTagsAreKept) {
  const auto data = bytes_of({1, 2, 3});
  api_versions_response message;
  message.unknown_tags.push_back({.tag = 100, .data = data});
  const auto bytes = encoded(message, 3);
  reader in(bytes);
  const auto copy = api_versions_response::decode(in, 3);
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(*copy, message);
  EXPECT_TRUE(is_refused(message, 2));
}

TEST(Messages, ATagOfALaterVersionIsKeptAsUnknown) {
  fetch_request::fetch_partition partition;
  partition.high_watermark = moldau::offset(5);
  const fetch_request message{.topics = {{.partitions = {partition}}}};
  const auto bytes = encoded(message, 18);
  reader in(bytes);
  const auto older = fetch_request::decode(in, 17);
  ASSERT_TRUE(older.has_value());
  EXPECT_EQ(older->topics[0].partitions[0].unknown_tags.size(), 1U);
  EXPECT_EQ(encoded(*older, 17), bytes);
}

TEST(Messages, ExternalRecordsAreSplicedIntoTheirPlace) {
  fetch_response message;
  auto& topic = message.responses.emplace_back();
  topic.topic = "t";
  topic.partitions.emplace_back().records = records_field::external(1000, 1);
  topic.partitions.emplace_back().records = records_field::external(2000, 2);
  std::vector<std::byte> head(message.encoded_size(4));
  writer to(head);
  message.encode(to, 4);
  ASSERT_EQ(to.splices().size(), 2U);
  EXPECT_EQ(to.external_size(), 3000U);

  // The caller's part: what it sends must decode as one message.
  std::vector<std::byte> frame;
  std::size_t at = 0;
  for (const splice& part : to.splices()) {
    frame.insert(frame.end(), head.begin() + static_cast<std::ptrdiff_t>(at),
                 head.begin() + static_cast<std::ptrdiff_t>(part.position));
    frame.insert(frame.end(), part.size, static_cast<std::byte>(part.id));
    at = part.position;
  }
  frame.insert(frame.end(), head.begin() + static_cast<std::ptrdiff_t>(at), head.end());
  reader in(frame);
  const auto copy = fetch_response::decode(in, 4);
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(in.remaining(), 0U);
  ASSERT_EQ(copy->responses[0].partitions.size(), 2U);
  EXPECT_EQ(copy->responses[0].partitions[0].records.size(), 1000U);
  EXPECT_EQ(copy->responses[0].partitions[1].records.bytes().back(), std::byte{2});
}

TEST(Messages, ACountOfManySmallElementsTakesNoMemory) {
  // Two thousand million topics of which none follows.
  const auto bytes = bytes_of({0xff, 0xff, 0xff, 0xff, 0x07, 0, 0, 0});
  reader in(bytes);
  const auto message = metadata_request::decode(in, 12);
  ASSERT_FALSE(message.has_value());
  EXPECT_EQ(message.error().code, errc::malformed);
}

TEST(Messages, ATaggedStructTellsNullFromItsDefaults) {
  // Kafka writes a null one as tag 0 with the value 0; an absent one has all defaults.
  coordinator::consumer_group_member_metadata_value message;
  ASSERT_TRUE(message.classic_member_metadata.has_value());
  const auto absent = encoded(message, 0);
  EXPECT_EQ(absent.back(), std::byte{0});
  message.classic_member_metadata = std::nullopt;
  const auto bytes = encoded(message, 0);
  EXPECT_EQ(bytes.size(), absent.size() + 3);
  reader in(bytes);
  EXPECT_EQ(coordinator::consumer_group_member_metadata_value::decode(in, 0), message);
}

TEST(Messages, TheClientIdOfAFlexibleRequestHeaderStaysNotCompact) {
  const request_header header{.request_api_key = 18, .request_api_version = 3, .correlation_id = 7, .client_id = "a"};
  EXPECT_EQ(encoded(header, 2), bytes_of({0, 18, 0, 3, 0, 0, 0, 7, 0, 1, 'a', 0}));
}

TEST(ApiKeys, GiveHeaderVersions) {
  EXPECT_EQ(request_header_version(api_key::fetch, 11), 1);
  EXPECT_EQ(request_header_version(api_key::fetch, 12), 2);
  EXPECT_EQ(response_header_version(api_key::fetch, 11), 0);
  EXPECT_EQ(response_header_version(api_key::fetch, 12), 1);
  EXPECT_EQ(request_header_version(api_key::sasl_handshake, 1), 1);
  EXPECT_EQ(response_header_version(api_key::sasl_handshake, 1), 0);
}

TEST(ApiKeys, ApiVersionsAnswersWithTheOldestHeader) {
  EXPECT_EQ(request_header_version(api_key::api_versions, 3), 2);
  EXPECT_EQ(response_header_version(api_key::api_versions, 3), 0);
}

TEST(ApiKeys, KnowWhoServesThemAndWhatIsUnstable) {
  EXPECT_EQ(find_api(4), nullptr);
  EXPECT_EQ(find_api(-1), nullptr);
  EXPECT_TRUE(info(api_key::produce).broker);
  EXPECT_FALSE(info(api_key::produce).controller);
  EXPECT_TRUE(info(api_key::vote).controller);
  EXPECT_EQ(info(api_key::init_producer_id).max_version, 6);
  EXPECT_EQ(info(api_key::init_producer_id).max_stable_version(), 5);
  EXPECT_EQ(init_producer_id_request::max_stable_version, 5);
}

TEST(RecordTypes, KnowEveryTypeOfTheMetadataLog) {
  EXPECT_EQ(metadata::find_record_type(2)->name, "topic_record");
  EXPECT_EQ(metadata::topic_record::type_id, 2);
  EXPECT_EQ(metadata::find_record_type(6), nullptr);
}

}  // namespace
}  // namespace moldau::wire
