#include <gtest/gtest.h>

#include "rt/file.hpp"
#include "rt/transport.hpp"

namespace moldau::rt {
namespace {

TEST(Paths, JoinPutsOneSlashBetween) {
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_EQ(join_path("a/", "b"), "a/b");
  EXPECT_EQ(join_path("", "b"), "b");
}

TEST(Paths, ParentIsTheFolderThatHoldsIt) {
  EXPECT_EQ(parent_path("a/b"), "a");
  EXPECT_EQ(parent_path("/b"), "/");
  EXPECT_EQ(parent_path("b"), ".");
}

TEST(Endpoint, BracketsIpV6) {
  EXPECT_EQ((endpoint{.host = "::1", .port = 9092}).to_string(), "[::1]:9092");
  EXPECT_EQ((endpoint{.host = "broker", .port = 9092}).to_string(), "broker:9092");
}

}  // namespace
}  // namespace moldau::rt
