#include <gtest/gtest.h>

#include <set>

#include "testing/sim/simulator.hpp"

namespace moldau::testing::sim {
namespace {

/// A host whose file calls are made at once, as at start-up.
struct DiskTest : ::testing::Test {
  simulator s{1};
  host& a{s.add_host("a")};

  rt::file_system& files() { return a.core().files(); }
  std::unique_ptr<rt::file> make(const std::string& path, std::string_view text) {
    auto made = files().open(path, rt::open_mode::create).value();
    EXPECT_TRUE(made->write_at(0, as_bytes(text)));
    return made;
  }
  std::string read(const std::string& path) {
    const auto content = files().read_file(path);
    return content ? std::string(as_text(*content)) : "<" + std::string(name_of(content.error().code)) + ">";
  }
  static std::string_view name_of(errc code) { return code == errc::not_found ? "not_found" : "other"; }
  void crash_and_restart(const power_cut& how) {
    a.crash(how);
    a.restart();
  }
};

TEST_F(DiskTest, ReadsWhatWasWritten) {
  ASSERT_TRUE(files().make_directories("data/t-0"));
  auto f = make("data/t-0/x.log", "hello");
  ASSERT_TRUE(f->write_at(10'000, as_bytes("far")));
  EXPECT_EQ(f->size().value(), 10'003U);
  EXPECT_EQ(read("data/t-0/x.log").substr(0, 7), std::string("hello\0\0", 7));
  EXPECT_EQ(read("/data/./t-0/x.log").substr(10'000), "far");
  ASSERT_TRUE(f->truncate(3));
  ASSERT_TRUE(f->truncate(5));
  EXPECT_EQ(read("data/t-0/x.log"), std::string("hel\0\0", 5));
}

TEST_F(DiskTest, OpenModesAsPosix) {
  EXPECT_EQ(files().open("x", rt::open_mode::read).error().code, errc::not_found);
  EXPECT_EQ(files().open("x", rt::open_mode::write).error().code, errc::not_found);
  EXPECT_EQ(files().open("no/x", rt::open_mode::create).error().code, errc::not_found);
  make("x", "abc");
  EXPECT_EQ(files().open("x", rt::open_mode::create_new).error().code, errc::already_exists);
  EXPECT_EQ(files().open("x", rt::open_mode::read).value()->write_at(0, as_bytes("z")).error().code, errc::io_error);
  EXPECT_EQ(files().open("x", rt::open_mode::create_empty).value()->size().value(), 0U);
}

TEST_F(DiskTest, ListsSortedWithSizes) {
  make("b", "12");
  make("a", "1");
  ASSERT_TRUE(files().make_directories("c"));
  const auto entries = files().list(".").value();
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[1].size_bytes, 2U);
  EXPECT_TRUE(entries[2].is_directory);
  EXPECT_EQ(entries[1].modified_ms, a.wall_ms());
}

TEST_F(DiskTest, RemovesAndRenames) {
  ASSERT_TRUE(files().make_directories("d/e"));
  make("d/e/x", "1");
  make("y", "2");
  EXPECT_EQ(files().remove("d").error().code, errc::io_error);
  ASSERT_TRUE(files().rename("y", "d/e/x"));
  EXPECT_EQ(read("d/e/x"), "2");
  EXPECT_FALSE(files().rename("d", "d/e/d"));
  ASSERT_TRUE(files().remove_all("d"));
  EXPECT_FALSE(files().exists("d"));
  EXPECT_TRUE(files().remove_all("d"));
  EXPECT_EQ(files().remove("d").error().code, errc::not_found);
}

TEST_F(DiskTest, APowerCutLosesWhatWasNotSynced) {
  auto f = make("x", "synced");
  ASSERT_TRUE(f->sync_data());
  ASSERT_TRUE(files().sync_directory("."));
  ASSERT_TRUE(f->write_at(6, as_bytes(" and not")));
  EXPECT_EQ(a.disk().content_of("x"), "synced and not");
  EXPECT_EQ(a.disk().durable_content_of("x"), "synced");
  crash_and_restart(power_cut::lose_all());
  EXPECT_EQ(read("x"), "synced");
}

TEST_F(DiskTest, APowerCutMayKeepWhatWasNotSynced) {
  make("x", "unsynced");
  crash_and_restart(power_cut::keep_all());
  EXPECT_EQ(read("x"), "unsynced");
}

TEST_F(DiskTest, AKillLosesNothing) {
  make("x", "unsynced");
  a.kill();
  a.restart();
  EXPECT_EQ(read("x"), "unsynced");
}

TEST_F(DiskTest, APowerCutAfterAKillStillLosesThePageCache) {
  make("x", "unsynced");
  a.kill();
  crash_and_restart(power_cut::lose_all());
  EXPECT_EQ(read("x"), "<not_found>");
}

TEST_F(DiskTest, ASyncedFileWithoutItsDirectoryIsGone) {
  ASSERT_TRUE(make("x", "1")->sync());
  crash_and_restart(power_cut::lose_all());
  EXPECT_EQ(read("x"), "<not_found>");
}

TEST_F(DiskTest, ASyncedDirectoryWithoutItsParentIsGone) {
  ASSERT_TRUE(files().make_directories("d"));
  ASSERT_TRUE(make("d/x", "1")->sync());
  ASSERT_TRUE(files().sync_directory("d"));
  crash_and_restart(power_cut::lose_all());
  EXPECT_FALSE(files().exists("d"));
}

TEST_F(DiskTest, AnUnsyncedRenameIsTakenBack) {
  a.disk().put("old", as_bytes("1"));
  a.disk().put("target", as_bytes("2"));
  ASSERT_TRUE(files().rename("old", "target"));
  crash_and_restart(power_cut::lose_all());
  EXPECT_EQ(read("old"), "1");
  EXPECT_EQ(read("target"), "2");
}

TEST_F(DiskTest, ARenameIsOnDiskWholeOrNotAtAll) {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    simulator run(seed);
    host& h = run.add_host("h");
    h.disk().put("old", as_bytes("1"));
    ASSERT_TRUE(h.core().files().rename("old", "new"));
    h.crash();
    outcomes.insert(h.disk().content_of("old").value_or("-") + h.disk().content_of("new").value_or("-"));
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"1-", "-1"}));
}

TEST_F(DiskTest, AnUnsyncedRemovalIsTakenBack) {
  a.disk().put("x", as_bytes("1"));
  ASSERT_TRUE(files().remove("x"));
  crash_and_restart(power_cut::lose_all());
  EXPECT_EQ(read("x"), "1");
}

TEST_F(DiskTest, ASyncedRemovalStays) {
  a.disk().put("x", as_bytes("1"));
  ASSERT_TRUE(files().remove("x"));
  ASSERT_TRUE(files().sync_directory("."));
  crash_and_restart(power_cut::lose_all());
  EXPECT_EQ(read("x"), "<not_found>");
}

TEST_F(DiskTest, AnUnsyncedTruncationIsTakenBack) {
  a.disk().put("x", as_bytes("123456"));
  ASSERT_TRUE(files().open("x", rt::open_mode::write).value()->truncate(2));
  crash_and_restart(power_cut::lose_all());
  EXPECT_EQ(read("x"), "123456");
}

TEST_F(DiskTest, AtomicWriteIsAllOrNothingAtEveryCrashPoint) {
  std::set<std::string> outcomes;
  for (std::uint64_t point = 1; point <= 20; ++point) {
    simulator run(point);
    host& h = run.add_host("h");
    h.disk().put("x", as_bytes("old"));
    h.disk().crash_at_change(point);
    h.start([](host& on) -> rt::task<void> {
      co_await on.core().offload([&] { return on.core().files().write_file_atomically("x", as_bytes("new")); });
    });
    run.run_for(std::chrono::seconds(10));
    const bool crashed = h.ended() == ending::power_cut;
    const auto content = h.disk().content_of("x").value_or("gone");
    outcomes.insert(content);
    if (!crashed) EXPECT_EQ(content, "new");
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"old", "new"}));
}

TEST_F(DiskTest, TornWritesAreTornAtSectors) {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    simulator run(seed);
    host& h = run.add_host("h");
    h.disk().put("x", as_bytes(std::string(2048, 'o')));
    auto f = h.core().files().open("x", rt::open_mode::write).value();
    ASSERT_TRUE(f->write_at(100, as_bytes(std::string(1500, 'n'))));
    h.crash(power_cut::tear_all());
    const std::string found = h.disk().content_of("x").value();
    ASSERT_EQ(found.size(), 2048U);
    EXPECT_EQ(found.substr(0, 100), std::string(100, 'o'));
    EXPECT_EQ(found.substr(1600), std::string(448, 'o'));
    std::string sectors;
    for (const auto& [from, to] : {std::pair(100, 512), {512, 1024}, {1024, 1536}, {1536, 1600}}) {
      const auto part = found.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from));
      EXPECT_EQ(part, std::string(part.size(), part[0]));
      sectors += part[0];
    }
    outcomes.insert(sectors);
  }
  EXPECT_GT(outcomes.size(), 8U);
}

TEST_F(DiskTest, AFullDiskTakesWhatFits) {
  a.disk().faults().capacity_bytes = 8192;
  auto f = make("x", "");
  EXPECT_EQ(f->write_at(0, as_bytes(std::string(10'000, 'x'))).error().code, errc::disk_full);
  EXPECT_EQ(f->size().value(), 8192U);
  EXPECT_EQ(files().space_of(".").value().usable_bytes, 0U);
  ASSERT_TRUE(files().remove("x"));
  EXPECT_EQ(files().space_of(".").value().usable_bytes, 8192U);
}

TEST_F(DiskTest, APlannedFailureHitsTheNthCall) {
  auto f = make("x", "");
  a.disk().fail_nth(disk_op::write, 2, errc::disk_full);
  EXPECT_TRUE(f->write_at(0, as_bytes("1")));
  EXPECT_EQ(f->write_at(1, as_bytes("2")).error().code, errc::disk_full);
  EXPECT_TRUE(f->write_at(1, as_bytes("2")));
}

TEST_F(DiskTest, AFailedSyncIsNotMadeUpByTheNextOne) {
  bool lost = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    simulator run(seed);
    host& h = run.add_host("h");
    h.disk().put("x", as_bytes("old"));
    auto f = h.core().files().open("x", rt::open_mode::write).value();
    ASSERT_TRUE(f->write_at(0, as_bytes("new")));
    h.disk().fail_nth(disk_op::sync, 1);
    EXPECT_EQ(f->sync_data().error().code, errc::io_error);
    EXPECT_TRUE(f->sync_data());
    EXPECT_EQ(h.disk().content_of("x"), "new");
    h.crash(power_cut::keep_all());
    lost = lost || h.disk().content_of("x") == "old";
  }
  EXPECT_TRUE(lost);
}

TEST_F(DiskTest, AReadOnlyDiskRefusesChanges) {
  auto f = make("x", "1");
  a.disk().set_read_only(true);
  EXPECT_EQ(f->write_at(0, as_bytes("2")).error().code, errc::io_error);
  EXPECT_EQ(files().rename("x", "y").error().code, errc::io_error);
  EXPECT_EQ(files().open("z", rt::open_mode::create).error().code, errc::io_error);
  EXPECT_EQ(read("x"), "1");
}

TEST_F(DiskTest, CorruptionAtRestIsReadAndSurvives) {
  a.disk().put("x", as_bytes("abc"));
  EXPECT_TRUE(a.disk().corrupt("x", 1));
  EXPECT_FALSE(a.disk().corrupt("x", 3));
  EXPECT_EQ(read("x"), "acc");
  crash_and_restart(power_cut::lose_all());
  EXPECT_EQ(read("x"), "acc");
}

TEST_F(DiskTest, ResidencyIsByChance) {
  a.disk().faults().resident = 0.5;
  auto f = make("x", "some bytes");
  int resident = 0;
  for (int i = 0; i < 100; ++i) resident += f->is_resident(0, 10) ? 1 : 0;
  EXPECT_GT(resident, 20);
  EXPECT_LT(resident, 80);
  a.disk().faults().resident = 0;
  std::array<std::byte, 4> into{};
  EXPECT_EQ(f->read_resident(0, into).error().code, errc::would_block);
}

TEST_F(DiskTest, ALockIsHeldOnceAndGoesWithTheProcess) {
  auto held = files().lock(".lock").value();
  EXPECT_EQ(files().lock(".lock").error().code, errc::locked);
  a.kill();
  a.restart();
  EXPECT_TRUE(files().lock(".lock"));
}

TEST_F(DiskTest, SlowCallsTakeVirtualTime) {
  a.disk().faults().slow = 1;
  a.disk().faults().slow_latency = {std::chrono::seconds(3), std::chrono::seconds(3)};
  s.run(a, [](rt::world& w) -> rt::task<void> { co_await w.offload([&] { return w.files().list("."); }); }(a.core()));
  EXPECT_GE(s.now(), std::chrono::seconds(3));
}

TEST_F(DiskTest, SparseFilesTakeNoSpace) {
  auto f = make("x", "");
  ASSERT_TRUE(f->truncate(1ULL << 33U));
  EXPECT_EQ(a.disk().image().allocated(), 0U);
  EXPECT_EQ(f->write_at(1ULL << 60U, as_bytes("x")).error().code, errc::io_error);
}

}  // namespace
}  // namespace moldau::testing::sim
