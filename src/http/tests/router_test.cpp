#include "http/router.hpp"

#include <gmock/gmock.h>

#include "http/target.hpp"

namespace moldau::http {
namespace {

using testing::ElementsAre;
using testing::Pair;

handler nothing() {
  return [](const request&) -> rt::task<response> { co_return response{}; };
}

router::match look_up(const router& routes, method verb, std::string_view path) {
  return routes.find(verb, parse_target(path)->segments);
}

TEST(Target, TakesPathAndQueryApartAndDecodes) {
  const auto got = parse_target("/a%2Fb/c%20d?x=1&y=a+b%26&flag&=v#end");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->path, "/a/b/c d");
  EXPECT_THAT(got->segments, ElementsAre("a/b", "c d"));
  EXPECT_THAT(got->query, ElementsAre(Pair("x", "1"), Pair("y", "a b&"), Pair("flag", ""), Pair("", "v")));
}

TEST(Target, AcceptsTheAbsoluteForm) {
  EXPECT_EQ(parse_target("http://host:1/a?b")->path, "/a");
  EXPECT_EQ(parse_target("http://host")->path, "/");
}

TEST(Target, RefusesWhatIsNoPath) {
  for (const auto* bad : {"", "a", "*", "/%", "/%1", "/%zz", "/a?x=%g0", "?x"}) EXPECT_FALSE(parse_target(bad)) << bad;
}

TEST(Router, MatchesParametersBySegment) {
  router routes;
  routes.add(method::get, "/connectors/{name}/tasks/{id}", nothing());
  const auto got = look_up(routes, method::get, "/connectors/my%2Fsink/tasks/3");
  EXPECT_NE(got.found, nullptr);
  EXPECT_THAT(got.parameters, ElementsAre(Pair("name", "my/sink"), Pair("id", "3")));
  EXPECT_TRUE(look_up(routes, method::get, "/connectors//tasks/3").allowed.empty());
  EXPECT_TRUE(look_up(routes, method::get, "/connectors/a/tasks").allowed.empty());
}

TEST(Router, LiteralSegmentsWinOverParameters) {
  router routes;
  routes.add(method::get, "/plugins/{name}", nothing());
  routes.add(method::get, "/plugins/all", nothing());
  EXPECT_TRUE(look_up(routes, method::get, "/plugins/all").parameters.empty());
  EXPECT_EQ(look_up(routes, method::get, "/plugins/one").parameters.size(), 1U);
}

TEST(Router, TellsTheMethodsOfAPath) {
  router routes;
  routes.add(method::get, "/x", nothing());
  routes.add(method::put, "/x", nothing());
  const auto got = look_up(routes, method::del, "/x");
  EXPECT_EQ(got.found, nullptr);
  EXPECT_THAT(got.allowed, ElementsAre(method::get, method::put, method::head));
  EXPECT_NE(look_up(routes, method::head, "/x").found, nullptr);
}

}  // namespace
}  // namespace moldau::http
