#include "base/nearest.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace moldau::base {
namespace {

const std::vector<std::string_view> names{"acks", "linger.ms", "batch.size", "bootstrap.servers", "compression.type"};

TEST(Nearest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("linger.sm", names), "linger.ms");
  EXPECT_EQ(nearest("bootstrap.server", names), "bootstrap.servers");
  EXPECT_EQ(nearest("batchsize", names), "batch.size");
  EXPECT_EQ(nearest("akcs", names), "acks");
  EXPECT_EQ(nearest("acks", names), "acks");
}

TEST(Nearest, PrefersWhatBeginsAlike) {
  EXPECT_EQ(nearest("compression", names), "compression.type");
}

TEST(Nearest, FindsNothingWhereNothingIsNear) {
  EXPECT_EQ(nearest("something.else.entirely", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), names), "");
  EXPECT_EQ(nearest("acks", std::vector<std::string_view>{std::string_view("a\0b", 3)}), "");
}

TEST(Nearest, TakesNamesOfAnyLength) {
  const std::string typed(100, 'a');
  const std::string name = typed + std::string(33, 'b');
  const std::string longer = typed + std::string(200, 'b');
  EXPECT_EQ(nearest(std::string(99, 'a') + "c", std::vector<std::string_view>{longer, name}), "");
  EXPECT_EQ(nearest(std::string(99, 'a') + "c", std::vector<std::string_view>{typed}), typed);
}

}  // namespace
}  // namespace moldau::base
