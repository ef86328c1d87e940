#include <array>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <libdeflate.h>

#include "core/files.h"
#include "io/worker/worker_client.h"
#include "tests/support/nifti_bytes.h"
#include "tests/support/npz_made.h"

namespace marrow {

namespace {

using testing::counted_items;
using testing::npy;

constexpr std::uint64_t kHoleMegabytes = 512;

// An archive of black images of 1 MiB, stored; most of it is a hole in the file.
void write_large_npz(const std::filesystem::path& file) {
  const std::string header = npy("(512, 1024, 1024)", "");
  std::string archive = testing::zip(
      {{"train_labels.npy", npy("(512, 1)", counted_items(512))}, {"train_images.npy", header}},
      false);
  std::uint32_t crc = libdeflate_crc32(0, header.data(), header.size());
  const std::vector<char> black(std::size_t{1} << 20);
  for (std::uint64_t n = 0; n < kHoleMegabytes; ++n) {
    crc = libdeflate_crc32(crc, black.data(), black.size());
  }
  const auto hole = static_cast<std::uint32_t>(kHoleMegabytes << 20U);
  const auto bytes = static_cast<std::uint32_t>(header.size()) + hole;
  const std::size_t directory = archive.find("PK\1\2");
  const std::size_t entry = archive.find("PK\1\2", directory + 1);
  const std::array<std::uint32_t, 3> fields{crc, bytes, bytes};
  std::memcpy(archive.data() + entry + 16, fields.data(), sizeof fields);
  const auto moved = static_cast<std::uint32_t>(directory) + hole;
  std::memcpy(archive.data() + archive.size() - 6, &moved, sizeof moved);

  testing::write_file(file, std::string_view(archive).substr(0, directory));
  std::filesystem::resize_file(file, moved);
  std::ofstream(file, std::ios::binary | std::ios::app) << archive.substr(directory);
}

TEST(LargeNpz, ArchivesLargerThanTheParsersMemoryAreRead) {
  const TemporaryFolder folder;
  const std::vector<std::filesystem::path> files{folder.path() / "large.npz"};
  write_large_npz(files.front());
  WorkerSettings settings;
  settings.limits.memory_bytes = std::uint64_t{400} << 20;
  WorkerClient worker(settings);

  EXPECT_EQ(worker.npz_labels(files.front(), 0).at(0, 511, 0), 511 % 251);
  EXPECT_EQ(worker.geometry(files, 3).size, (Size3{1024, 1024, 1}));
  const Volume last = worker.volume(files, 511);
  EXPECT_EQ(last.geometry.size, (Size3{1024, 1024, 1}));
  EXPECT_EQ(last.voxels.front(), 0);
  EXPECT_EQ(worker.children_started(), 1);
}

}  // namespace

}  // namespace marrow
