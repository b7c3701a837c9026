#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "rt_asio/posix_file_system.hpp"
#include "rt_asio/tests/support.hpp"

namespace moldau::rt_asio {
namespace {

struct Files : testing::Test {
  temporary_directory where;
  posix_file_system files;

  std::string content_of(const std::string& path) {
    const auto content = files.read_file(path);
    return content ? std::string(as_text(content->view())) : content.error().message;
  }
};

/// Exit status of `body` in a forked child.
template <typename F>
int in_child(F body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

TEST_F(Files, WritesManyPartsAndReadsThemBack) {
  auto file = *files.open(where / "f", rt::open_mode::create_new);
  std::vector<std::string> texts;
  std::string expected = "0123456789";
  for (int i = 0; i < 1500; ++i) texts.push_back(i % 5 == 0 ? "" : std::to_string(i));
  std::vector<bytes_view> parts;
  for (const auto& each : texts) {
    parts.push_back(as_bytes(each));
    expected += each;
  }
  ASSERT_TRUE(file->write_at(0, as_bytes("0123456789")));
  ASSERT_TRUE(file->write_at(10, parts));
  ASSERT_TRUE(file->sync_data());
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(file->size().value_or(0), expected.size());
  EXPECT_EQ(content_of(where / "f"), expected);
}

TEST_F(Files, ReadStopsAtTheEnd) {
  auto file = *files.open(where / "f", rt::open_mode::create);
  ASSERT_TRUE(file->write_at(0, as_bytes("abc")));
  std::array<std::byte, 10> into{};
  EXPECT_EQ(file->read_at(1, into).value_or(99), 2U);
  EXPECT_EQ(file->read_at(7, into).value_or(99), 0U);
}

TEST_F(Files, TruncateCutsAndGrows) {
  auto file = *files.open(where / "f", rt::open_mode::create);
  ASSERT_TRUE(file->write_at(0, as_bytes("abcdef")));
  ASSERT_TRUE(file->truncate(2));
  ASSERT_TRUE(file->truncate(4));
  EXPECT_EQ(content_of(where / "f"), (std::string{"ab\0\0", 4}));
}

TEST_F(Files, ReservedSpaceDoesNotShow) {
  auto file = *files.open(where / "f", rt::open_mode::create);
  ASSERT_TRUE(file->reserve(0, 1 << 20));
  EXPECT_EQ(file->size().value_or(99), 0U);
}

TEST_F(Files, OpenModesSayWhatTheyMean) {
  EXPECT_EQ(files.open(where / "f", rt::open_mode::read).error().code, errc::not_found);
  EXPECT_EQ(files.open(where / "f", rt::open_mode::write).error().code, errc::not_found);
  ASSERT_TRUE((*files.open(where / "f", rt::open_mode::create_new))->write_at(0, as_bytes("x")));
  EXPECT_EQ(files.open(where / "f", rt::open_mode::create_new).error().code, errc::already_exists);
  EXPECT_EQ((*files.open(where / "f", rt::open_mode::create))->size().value_or(99), 1U);
  EXPECT_FALSE((*files.open(where / "f", rt::open_mode::read))->write_at(0, as_bytes("y")));
  EXPECT_EQ((*files.open(where / "f", rt::open_mode::create_empty))->size().value_or(99), 0U);
}

TEST_F(Files, WrittenRangeIsResidentAndReadsWithoutWaiting) {
  auto file = *files.open(where / "f", rt::open_mode::create);
  const std::string content(100'000, 'r');
  ASSERT_TRUE(file->write_at(0, as_bytes(content)));
  file->make_resident(0, content.size());
  EXPECT_TRUE(file->is_resident(5000, 90'000));
  std::array<std::byte, 100> into{};
  EXPECT_EQ(file->read_resident(50'000, into).value_or(0), 100U);
  EXPECT_EQ(into[99], std::byte{'r'});
}

TEST_F(Files, RangeDroppedFromTheCacheIsNotReadUntilBroughtIn) {
  auto file = *files.open(where / "f", rt::open_mode::create);
  const std::string content(1 << 20, 'r');
  ASSERT_TRUE(file->write_at(0, as_bytes(content)));
  ASSERT_TRUE(file->sync());
  const int fd = ::open((where / "f").c_str(), O_RDONLY | O_CLOEXEC);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
  // A file system in memory drops nothing; then this is the test above once more.
  const bool kept = file->is_resident(500'000, 100);
  std::array<std::byte, 100> into{};
  const auto before = file->read_resident(500'000, into);
  EXPECT_EQ(before ? errc::none : before.error().code, kept ? errc::none : errc::would_block);
  file->make_resident(0, content.size());
  EXPECT_TRUE(file->is_resident(0, content.size()));
  EXPECT_EQ(file->read_resident(500'000, into).value_or(0), 100U);
  EXPECT_EQ(into[99], std::byte{'r'});
}

TEST_F(Files, MemoryFileSystemIsAlwaysResident) {
  posix_file_system shm;
  const std::string path = "/dev/shm/moldau-test-" + std::to_string(::getpid());
  auto opened = shm.open(path, rt::open_mode::create);
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE((*opened)->write_at(0, as_bytes("abc")));
  std::array<std::byte, 3> into{};
  EXPECT_EQ((*opened)->read_resident(0, into).value_or(0), 3U);
  EXPECT_TRUE((*opened)->is_resident(0, 3));
  ASSERT_TRUE(shm.remove(path));
}

TEST_F(Files, FullDiskIsToldFromOtherErrorsWithThePath) {
  auto full = files.open("/dev/full", rt::open_mode::write);
  ASSERT_TRUE(full);
  const auto outcome = (*full)->write_at(0, as_bytes("x"));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, errc::disk_full);
  EXPECT_EQ(outcome.error().message, "cannot write /dev/full: No space left on device");
}

TEST_F(Files, DirectoryWithoutPermissionRefusesWithTheSystemsWords) {
  ASSERT_EQ(::chmod(where.path().c_str(), 0555), 0);
  const int status = in_child([&] {
    // Root may do anything, so be nobody.
    if (::getuid() == 0 && ::setuid(65534) != 0) return false;
    const auto outcome = files.open(where / "f", rt::open_mode::create_new);
    return !outcome && outcome.error().code == errc::io_error &&
           outcome.error().message == "cannot create " + (where / "f") + ": Permission denied";
  });
  EXPECT_EQ(status, 0);
}

TEST_F(Files, ListsSortedWithSizesAndTimes) {
  ASSERT_TRUE(files.make_directories(where / "b/c"));
  ASSERT_TRUE(files.make_directories(where / "b/c"));
  ASSERT_TRUE((*files.open(where / "a", rt::open_mode::create))->write_at(0, as_bytes("12345")));
  const auto entries = files.list(where.path());
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ(entries->at(0).name, "a");
  EXPECT_EQ(entries->at(0).size_bytes, 5U);
  EXPECT_FALSE(entries->at(0).is_directory);
  EXPECT_GT(entries->at(0).modified_ms, 1'600'000'000'000);
  EXPECT_EQ(entries->at(1).name, "b");
  EXPECT_TRUE(entries->at(1).is_directory);
  EXPECT_EQ(files.list(where / "none").error().code, errc::not_found);
}

TEST_F(Files, RenamesReplacingAndRemoves) {
  ASSERT_TRUE(files.write_file_atomically(where / "a", as_bytes("new")));
  ASSERT_TRUE(files.write_file_atomically(where / "b", as_bytes("old")));
  ASSERT_TRUE(files.rename(where / "a", where / "b"));
  ASSERT_TRUE(files.sync_directory(where.path()));
  EXPECT_FALSE(files.exists(where / "a"));
  EXPECT_EQ(content_of(where / "b"), "new");
  EXPECT_TRUE(files.remove(where / "b"));
  EXPECT_EQ(files.remove(where / "b").error().code, errc::not_found);
  ASSERT_TRUE(files.make_directories(where / "d/e"));
  EXPECT_FALSE(files.remove(where / "d"));
  EXPECT_TRUE(files.remove_all(where / "d"));
  EXPECT_TRUE(files.remove_all(where / "d"));
  EXPECT_FALSE(files.exists(where / "d"));
}

TEST_F(Files, LockExcludesASecondOneOfThisProcessUntilItIsDropped) {
  auto first = files.lock(where / ".lock");
  ASSERT_TRUE(first);
  EXPECT_EQ(files.lock(where / ".lock").error().code, errc::locked);
  // Opening and closing the file elsewhere must not lose it, as it would a record lock.
  EXPECT_TRUE(files.read_file(where / ".lock"));
  EXPECT_EQ(files.lock(where / ".lock").error().code, errc::locked);
  first->reset();
  EXPECT_TRUE(files.lock(where / ".lock"));
}

TEST_F(Files, LockAndJavasRecordLockExcludeEachOther) {
  const std::string path = where / ".lock";
  const auto take_record_lock = [&](int fd) {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return ::fcntl(fd, F_SETLK, &whole) == 0;
  };
  {
    auto ours = files.lock(path);
    ASSERT_TRUE(ours);
    EXPECT_NE(in_child([&] { return take_record_lock(::open(path.c_str(), O_RDWR)); }), 0);
  }
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_TRUE(take_record_lock(fd));
  EXPECT_EQ(in_child([&] { return files.lock(path).has_value(); }), 1 << 8);
  ::close(fd);
}

TEST_F(Files, TellsTheSpaceOfAFileSystem) {
  const auto space = files.space_of(where.path());
  ASSERT_TRUE(space);
  EXPECT_GT(space->total_bytes, space->usable_bytes);
  EXPECT_GT(space->usable_bytes, 0U);
}

TEST_F(Files, ReadFileRefusesOneThatIsLargerThanAllowed) {
  ASSERT_TRUE(files.write_file_atomically(where / "f", as_bytes("123456")));
  EXPECT_EQ(files.read_file(where / "f", 5).error().code, errc::malformed);
}

}  // namespace
}  // namespace moldau::rt_asio
