#include "io/worker/read_ahead.h"

#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "core/files.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {
namespace {

std::string first_byte(const Descriptor& file) {
  char byte = '?';
  return file && ::pread(file.get(), &byte, 1, 0) == 1 ? std::string(1, byte) : "none";
}

TEST(ReadAhead, GivesEveryFileInItsPlaceHoweverLongTheList) {
  const TemporaryFolder folder;
  std::vector<std::string> files;
  std::string expected;
  for (int n = 0; n < 50; ++n) {
    files.push_back((folder.path() / std::to_string(n)).string());
    if (n % 7 != 3) {  // the others are not there
      testing::write_file(files.back(), std::string(1, static_cast<char>('A' + n)));
    }
  }
  ReadAhead ahead;
  for (int list = 0; list < 40; ++list) {  // with and without reading ahead
    ahead.start(files);
    for (int n = 0; n < 50; ++n) {
      ASSERT_EQ(first_byte(ahead.next()),
                n % 7 == 3 ? "none" : std::string(1, static_cast<char>('A' + n)))
          << list << " " << n;
    }
    EXPECT_FALSE(ahead.next()) << "behind the last";
    ahead.finish();
  }
}

TEST(ReadAhead, WaitsForNoPipeAndFollowsNoLink) {
  const TemporaryFolder folder;
  const std::string pipe = (folder.path() / "pipe").string();
  const std::string link = (folder.path() / "link").string();
  testing::write_file(folder.path() / "file", "x");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::filesystem::create_symlink(folder.path() / "file", link);
  const std::vector<std::string> files{pipe, link};
  ReadAhead ahead;

  ahead.start(files);

  EXPECT_EQ(first_byte(ahead.next()), "none");
  EXPECT_FALSE(ahead.next());
}

}  // namespace
}  // namespace marrow
