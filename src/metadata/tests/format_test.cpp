#include "metadata/format.hpp"

#include <gtest/gtest.h>

#include <string>

#include "files.hpp"
#include "raft/snapshot.hpp"
#include "wire/record_batch.hpp"

namespace moldau::metadata {
namespace {

/// A file's batches without what the clock decides: times, and so checksums and the header's timestamp.
std::string timeless(std::string text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto size = *wire::batch_size(as_bytes(text).subspan(at));
    text.replace(at + wire::batch_layout::crc, 4, 4, '\0');
    text.replace(at + wire::batch_layout::base_timestamp, 16, 16, '\0');
    at += size;
  }
  // The header record begins the first batch: length, attributes, timestamp and offset delta, a key of four bytes with
  // its length, the value's length and version, then the timestamp.
  text.replace(wire::batch_layout::records + 4 + 5 + 1 + 2, 8, 8, '\0');
  return text;
}

TEST(Format, WritesTheFilesOfKafkaStorageFormatStandalone) {
  const auto directory = uuid::parse("Y8b8PKVSQHK2M_T8Ct7fJw");
  ASSERT_TRUE(directory);
  const auto files =
      format_metadata_directory({.node = broker_id(1),
                                 .directory = *directory,
                                 .controller_endpoints = {{.name = "CONTROLLER", .host = "127.0.0.1", .port = 19093}},
                                 .standalone = true,
                                 .now_ms = 1'795'550'955'285});
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, "bootstrap.checkpoint");
  EXPECT_EQ(timeless(joined(files[0].contents)),
            timeless(std::string(as_text(kafka_file("../formatted/bootstrap.checkpoint")))));
  EXPECT_EQ(files[1].path, "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint");
  EXPECT_EQ(timeless(joined(files[1].contents)),
            timeless(std::string(as_text(kafka_file("00000000000000000000-0000000000.checkpoint")))));
}

TEST(Format, LeavesTheVotersOutOfAStaticQuorum) {
  const auto files = format_metadata_directory({.node = broker_id(1), .standalone = false});
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].path, "bootstrap.checkpoint");
}

TEST(Format, ReadsKafkasBootstrapWithItsScramUser) {
  const auto records = read_bootstrap(kafka_file("bootstrap.checkpoint"));
  ASSERT_TRUE(records);
  image loaded;
  for (const auto& record : *records) ASSERT_TRUE(apply_record(loaded, record, nullptr));
  EXPECT_EQ(loaded.metadata_version(), 30);
  EXPECT_TRUE(loaded.scram->at(1).contains("boot"));
}

TEST(Format, AnnouncesWhatItFormats) {
  for (const auto& [name, level] : default_feature_levels()) {
    const auto range = supported_features().find(name);
    ASSERT_NE(range, supported_features().end()) << name;
    EXPECT_GE(level, range->second.min) << name;
    EXPECT_LE(level, range->second.max) << name;
  }
  EXPECT_EQ(metadata_version_name(30), "4.3-IV0");
  EXPECT_EQ(metadata_version_name(7), "3.3-IV3");
  EXPECT_EQ(metadata_version_name(31), "");
}

}  // namespace
}  // namespace moldau::metadata
