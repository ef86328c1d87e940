#include "core/files.h"

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/error.h"

namespace marrow {
namespace {

ErrorCode code_of(const std::function<void()>& action, std::string* sentence = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (sentence != nullptr) {
      *sentence = error.what();
    }
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(Files, WritesMissingFoldersPrivately) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "a" / "b" / "x.txt";
  write_atomically(file, std::string_view("hello"));

  EXPECT_EQ(read_text(file), "hello");
  struct stat facts = {};
  stat(file.c_str(), &facts);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  stat(file.parent_path().c_str(), &facts);
  EXPECT_EQ(facts.st_mode & 0777, 0700U);
}

TEST(Files, AnUncommittedFileLeavesTheOldOneAndNoRest) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "x.txt";
  write_atomically(file, std::string_view("old"));
  {
    AtomicFile out(file);
    out.write(std::as_bytes(std::span("new", 3)));
  }
  EXPECT_EQ(read_text(file), "old");
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".tmp"));
}

TEST(Files, AFullDiskIsToldWithTheFigureAndTheOldFileStays) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "x.bin";
  write_atomically(file, std::string_view("old"));
  const pid_t child = fork();
  if (child == 0) {
    // A limit on the file size fails a write the way a full disk does.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::string sentence;
    const std::vector<std::byte> large(100000);
    const ErrorCode code = code_of([&] { write_atomically(file, large); }, &sentence);
    _exit(code == ErrorCode::kResources && sentence.find("are needed") != std::string::npos ? 0
                                                                                            : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(read_text(file), "old");
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".tmp"));
}

TEST(Files, MissingFilesFoldersPipesAndLimitsAreToldApart) {
  const TemporaryFolder folder;
  std::string sentence;
  EXPECT_EQ(code_of([&] { static_cast<void>(read_bytes(folder.path() / "none")); }, &sentence),
            ErrorCode::kUnreadable);
  EXPECT_NE(sentence.find("there is no such file"), std::string::npos);
  EXPECT_EQ(code_of([&] { static_cast<void>(read_bytes(folder.path())); }, &sentence),
            ErrorCode::kUnreadable);
  EXPECT_NE(sentence.find("folder"), std::string::npos);
  const std::filesystem::path pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(code_of([&] { static_cast<void>(read_bytes(pipe)); }), ErrorCode::kUnreadable);
  write_atomically(folder.path() / "x", std::string_view("12345"));
  EXPECT_EQ(code_of([&] { static_cast<void>(read_bytes(folder.path() / "x", 4)); }),
            ErrorCode::kUnsupported);
}

TEST(Files, ASecondOwnerOfAFolderIsRefusedWithTheFirstOnesNumber) {
  const TemporaryFolder folder;
  const FolderLock first(folder.path());
  std::string sentence;
  EXPECT_EQ(code_of([&] { const FolderLock second(folder.path()); }, &sentence),
            ErrorCode::kRefused);
  EXPECT_NE(sentence.find(std::to_string(getpid())), std::string::npos) << sentence;
}

TEST(Files, TheLockOfADeadOwnerIsFree) {
  const TemporaryFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    raise(SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_NO_THROW(const FolderLock lock(folder.path()));
}

TEST(Files, AFailedLogLineEndsNothing) {
  EXPECT_NO_THROW(append_line("/dev/full", "a line"));
}

TEST(Files, MapsWholeFiles) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "x", std::string_view("abc"));
  write_atomically(folder.path() / "empty", std::string_view(""));
  EXPECT_EQ(MappedFile(folder.path() / "x").bytes().size(), 3U);
  EXPECT_TRUE(MappedFile(folder.path() / "empty").bytes().empty());
  EXPECT_EQ(code_of([&] { const MappedFile map(folder.path() / "none"); }), ErrorCode::kUnreadable);
}

}  // namespace
}  // namespace marrow
