#include "io/volume_files/volume_file.h"

#include <filesystem>
#include <functional>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/catalogue/catalogue.h"
#include "io/file_error.h"
#include "io/scan/scan.h"
#include "io/worker/worker_client.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {
namespace {

using testing::Bytes;
using testing::error_of;
using ::testing::HasSubstr;
using testing::write_file;

constexpr std::uint64_t kTestMemory = std::uint64_t{1} << 26;

Bytes volume_text(const std::string& text) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

// 0, 1, 2, ... as little endian int16.
Bytes counted_voxels(int count) {
  Bytes bytes;
  for (int i = 0; i < count; ++i) {
    bytes.push_back(static_cast<std::byte>(i & 0xff));
    bytes.push_back(static_cast<std::byte>(i >> 8));
  }
  return bytes;
}

Bytes zlib_packed(const Bytes& plain) {
  libdeflate_compressor* const compressor = libdeflate_alloc_compressor(6);
  Bytes packed(libdeflate_zlib_compress_bound(compressor, plain.size()));
  packed.resize(libdeflate_zlib_compress(
      compressor, plain.data(), plain.size(), packed.data(), packed.size()));
  libdeflate_free_compressor(compressor);
  return packed;
}

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

const std::string kNrrd =
    "NRRD0005\n# made by hand\ntype: short\ndimension: 3\n"
    "space: left-posterior-superior\nsizes: 4 3 2\n"
    "space directions: (0.5,0,0) (0,2,0) (0,0,3)\nkinds: domain domain domain\n"
    "endian: little\nencoding: raw\nspace origin: (10,20,30)\n";

const std::string kMeta =
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
    "CompressedData = False\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 10 20 30\n"
    "CenterOfRotation = 0 0 0\nAnatomicalOrientation = RAI\nElementSpacing = 0.5 2 3\n"
    "DimSize = 4 3 2\nElementType = MET_SHORT\n";

Geometry counted_grid() {
  return make_geometry({4, 3, 2}, {0.5, 2, 3}, {10, 20, 30}, Eigen::Matrix3d::Identity());
}

class VolumeFileTest : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

  std::filesystem::path nrrd(const std::string& header, const Bytes& voxels) const {
    write_file(path("x.nrrd"), joined(volume_text(header + "\n"), voxels));
    return path("x.nrrd");
  }

  std::filesystem::path meta(const std::string& header, const Bytes& voxels) const {
    write_file(path("x.mha"), joined(volume_text(header + "ElementDataFile = LOCAL\n"), voxels));
    return path("x.mha");
  }

  std::filesystem::path packed_meta(const Bytes& voxels) const {
    return meta(
        replaced(kMeta,
                 "CompressedData = False",
                 "CompressedData = True\nCompressedDataSize = " + std::to_string(voxels.size())),
        voxels);
  }

  static std::string reason(const std::filesystem::path& file) {
    try {
      static_cast<void>(read_volume_file(file, kTestMemory));
    } catch (const FileError& error) {
      return error.reason_code();
    }
    return "read";
  }

 private:
  TemporaryFolder folder_;
};

void expect_counted(const Volume& volume) {
  EXPECT_EQ(geometry_difference(volume.geometry, counted_grid()), "");
  EXPECT_EQ(volume.at(0, 0, 0), 0);
  EXPECT_EQ(volume.at(3, 0, 0), 3);
  EXPECT_EQ(volume.at(1, 2, 1), 21);
}

TEST_F(VolumeFileTest, ReadsRawAndPackedVoxelsOfBothFormats) {
  const Bytes raw = counted_voxels(24);
  expect_counted(read_volume_file(nrrd(kNrrd, raw), kTestMemory).volume);
  expect_counted(
      read_volume_file(nrrd(replaced(kNrrd, "raw", "gzip"), testing::gzipped(raw)), kTestMemory)
          .volume);
  expect_counted(read_volume_file(meta(kMeta, raw), kTestMemory).volume);
  expect_counted(read_volume_file(packed_meta(zlib_packed(raw)), kTestMemory).volume);
  EXPECT_EQ(reason(packed_meta(testing::gzipped(raw))), "unsupported-encoding");
}

TEST_F(VolumeFileTest, ReadsDetachedVoxelsAndLabels) {
  write_file(path("v.raw"), counted_voxels(24));
  write_file(path("x.nhdr"), volume_text(kNrrd + "data file: v.raw\n"));
  write_file(path("x.mhd"), volume_text(kMeta + "ElementDataFile = v.raw\n"));

  expect_counted(read_volume_file(path("x.nhdr"), kTestMemory).volume);
  expect_counted(read_volume_file(path("x.mhd"), kTestMemory).volume);
  EXPECT_EQ(read_volume_file_labels(path("x.mhd"), kTestMemory).labels.at(1, 2, 1), 21);
}

TEST_F(VolumeFileTest, SwapsBigEndianVoxels) {
  Bytes raw = counted_voxels(24);
  for (std::size_t i = 0; i < raw.size(); i += 2) {
    std::swap(raw[i], raw[i + 1]);
  }
  expect_counted(read_volume_file(nrrd(replaced(kNrrd, "little", "big"), raw), kTestMemory).volume);
  expect_counted(read_volume_file(meta(replaced(kMeta, "OrderMSB = False", "OrderMSB = True"), raw),
                                  kTestMemory)
                     .volume);
}

TEST_F(VolumeFileTest, TurnsEachSpaceOnceIntoLps) {
  const Bytes raw = counted_voxels(24);
  const auto origin = [&](const std::string& space) {
    const auto file = nrrd(replaced(kNrrd, "left-posterior-superior", space), raw);
    const Volume volume = read_volume_file(file, kTestMemory).volume;
    return std::vector<double>{volume.geometry.origin.x(),
                               volume.geometry.origin.y(),
                               volume.geometry.direction(0, 0),
                               volume.geometry.direction(1, 1)};
  };

  EXPECT_THAT(origin("LPS"), ::testing::ElementsAre(10, 20, 1, 1));
  EXPECT_THAT(origin("right-anterior-superior"), ::testing::ElementsAre(-10, -20, -1, -1));
}

TEST_F(VolumeFileTest, RefusesWhatItWouldHaveToGuess) {
  const Bytes raw = counted_voxels(24);
  const auto of_nrrd = [&](const std::string& what, const std::string& by) {
    return reason(nrrd(replaced(kNrrd, what, by), raw));
  };
  EXPECT_EQ(of_nrrd("space: left-posterior-superior\n", ""), "no-orientation");
  EXPECT_EQ(of_nrrd("left-posterior-superior", "scanner-xyz"), "no-orientation");
  EXPECT_EQ(of_nrrd("left-posterior-superior", "LAS"), "no-orientation");
  EXPECT_EQ(of_nrrd("left-posterior-superior", "left-anterior-superior"), "no-orientation");
  EXPECT_EQ(of_nrrd("(0.5,0,0)", "(nan,0,0)"), "bad-transform");
  EXPECT_EQ(of_nrrd("(0.5,0,0)", "(0,0,0)"), "bad-transform");
  EXPECT_EQ(of_nrrd("(0.5,0,0)", "(0.5,0.5,0)"), "sheared-grid");
  EXPECT_EQ(of_nrrd("(0.5,0,0)", "none"), "bad-transform");
  EXPECT_EQ(of_nrrd("4 3 2", "4 3 0"), "bad-size");
  EXPECT_EQ(of_nrrd("4 3 2", "4 3 -2"), "bad-size");
  EXPECT_EQ(of_nrrd("4 3 2", "4294967296 4294967296 4294967296"), "bad-size");
  EXPECT_EQ(of_nrrd("4 3 2", "4 3 4"), "cut-short");
  EXPECT_EQ(of_nrrd("dimension: 3", "dimension: 4"), "several-volumes");
  EXPECT_EQ(of_nrrd("domain domain domain", "RGB-color domain domain"), "not-scalar");
  EXPECT_EQ(of_nrrd("raw", "bzip2"), "unsupported-encoding");
  EXPECT_EQ(of_nrrd("raw", "ascii"), "unsupported-encoding");
  EXPECT_EQ(of_nrrd("short", "block"), "unsupported-type");
  EXPECT_EQ(of_nrrd("endian: little\n", ""), "bad-header");
  const auto of_meta = [&](const std::string& what, const std::string& by) {
    return reason(meta(replaced(kMeta, what, by), raw));
  };
  EXPECT_EQ(of_meta("ElementSpacing = 0.5 2 3\n", ""), "bad-header");
  EXPECT_EQ(of_meta("0.5 2 3", "0 2 3"), "bad-transform");
  EXPECT_EQ(of_meta("1 0 0 0 1 0 0 0 1", "1 0 0 0 1 0 0 0 inf"), "bad-transform");
  EXPECT_EQ(of_meta("1 0 0 0 1 0 0 0 1", "1 0 0 0.6 0.8 0 0 0 1"), "sheared-grid");
  EXPECT_EQ(of_meta("MET_SHORT", "MET_SHORT\nElementNumberOfChannels = 3"), "not-scalar");
  EXPECT_EQ(of_meta("BinaryData = True", "BinaryData = False"), "unsupported-encoding");
  EXPECT_EQ(of_meta("NDims = 3", "NDims = 4"), "several-volumes");
  EXPECT_EQ(of_meta("CompressedData = False", "CompressedData = True"), "bad-header");
}

TEST_F(VolumeFileTest, KeepsASpacingWithoutOrientationAndSaysSo) {
  const auto file = nrrd(replaced(replaced(kNrrd, "space: left-posterior-superior\n", ""),
                                  "space directions: (0.5,0,0) (0,2,0) (0,0,3)",
                                  "spacings: 0.5 2 3"),
                         counted_voxels(24));
  write_file(
      file,
      joined(volume_text(replaced(replaced(replaced(kNrrd, "space: left-posterior-superior\n", ""),
                                           "space directions: (0.5,0,0) (0,2,0) (0,0,3)",
                                           "spacings: 0.5 2 3"),
                                  "space origin: (10,20,30)\n",
                                  "") +
                         "\n"),
             counted_voxels(24)));

  const VolumeFileImage image = read_volume_file(file, kTestMemory);

  EXPECT_EQ(image.volume.geometry.spacing, Eigen::Vector3d(0.5, 2, 3));
  ASSERT_EQ(image.warnings.size(), 1U);
  EXPECT_THAT(image.warnings[0], HasSubstr("axes are taken as left, posterior, superior"));
}

TEST_F(VolumeFileTest, DetachedVoxelsStayInTheFolder) {
  std::filesystem::create_directory(path("inside"));
  write_file(path("v.raw"), counted_voxels(24));
  for (const std::string& name : {std::string("../v.raw"),
                                  path("v.raw").string(),
                                  std::string("LIST"),
                                  std::string("v%02d.raw 1 2 1")}) {
    write_file(path("inside/x.nhdr"), volume_text(kNrrd + "data file: " + name + "\n"));
    EXPECT_EQ(reason(path("inside/x.nhdr")), "detached-data") << name;
    write_file(path("inside/x.mhd"), volume_text(kMeta + "ElementDataFile = " + name + "\n"));
    EXPECT_EQ(reason(path("inside/x.mhd")), "detached-data") << name;
  }
  std::filesystem::create_symlink(path("v.raw"), path("inside/link.raw"));
  write_file(path("inside/x.mhd"), volume_text(kMeta + "ElementDataFile = link.raw\n"));
  EXPECT_EQ(reason(path("inside/x.mhd")), "missing-pair");
}

TEST_F(VolumeFileTest, RefusesEveryTruncation) {
  const Bytes raw = counted_voxels(24);
  const std::vector<std::filesystem::path> files{
      nrrd(replaced(kNrrd, "raw", "gzip"), testing::gzipped(raw)), packed_meta(zlib_packed(raw))};
  for (const std::filesystem::path& file : files) {
    const Bytes whole = read_bytes(file);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      write_file(file, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
      EXPECT_NE(reason(file), "read") << file << " cut at " << length;
    }
  }
}

TEST_F(VolumeFileTest, RefusesBombsWithinTheMemoryLimit) {
  const Bytes bomb = testing::gzipped(Bytes(std::size_t{1} << 26));
  EXPECT_EQ(reason(nrrd(replaced(kNrrd, "raw", "gzip"), bomb)), "too-much-data");
  EXPECT_EQ(reason(nrrd(replaced(replaced(kNrrd, "raw", "gzip"), "4 3 2", "1024 1024 512"), bomb)),
            "cut-short");
  EXPECT_EQ(reason(nrrd(replaced(replaced(kNrrd, "raw", "gzip"), "4 3 2", "1024 1024 32"), bomb)),
            "too-large");
}

TEST_F(VolumeFileTest, NeverTakesChangedPackedVoxelsForTheStoredOnes) {
  const auto file = packed_meta(zlib_packed(counted_voxels(24)));
  const Bytes whole = read_bytes(file);
  for (std::size_t back = 1; back < 12; ++back) {
    Bytes changed = whole;
    changed[changed.size() - back] ^= std::byte{0x10};
    write_file(file, changed);
    // Bits that fill up the last byte mean nothing.
    if (reason(file) == "read") {
      expect_counted(read_volume_file(file, kTestMemory).volume);
    }
    EXPECT_TRUE(back > 4 || reason(file) == "damaged-gzip") << back << " bytes before the end";
  }
}

TEST_F(VolumeFileTest, IsReadByTheLimitedChildAndListedByAScan) {
  write_file(path("set/p1/v.raw"), counted_voxels(24));
  write_file(path("set/p1/v.mhd"), volume_text(kMeta + "ElementDataFile = v.raw\n"));
  write_file(path("set/p2/w.nrrd"), joined(volume_text(kNrrd + "\n"), counted_voxels(24)));
  write_file(path("set/p3/s.nrrd"),
             joined(volume_text(kNrrd + "Segment0_ID:=Segment_1\n\n"), counted_voxels(24)));
  WorkerClient client;
  const std::vector<std::filesystem::path> file{path("set/p2/w.nrrd")};
  expect_counted(client.volume(file));
  EXPECT_EQ(client.labels(file).at(1, 2, 1), 21);
  EXPECT_EQ(geometry_difference(client.geometry(file), counted_grid()), "");

  Catalogue catalogue(path("catalogue.db"), Catalogue::Mode::kWrite);
  const std::vector<std::filesystem::path> archive{path("set")};
  static_cast<void>(scan(archive, catalogue, {}));

  std::map<std::string, Verdict> found;
  for (const SeriesRecord& series : catalogue.series()) {
    found[series.files.front().filename().string()] = series.verdict;
    EXPECT_EQ(series.format, series.files.front().extension() == ".mhd" ? "metaimage" : "nrrd");
  }
  EXPECT_EQ(
      found,
      (std::map<std::string, Verdict>{
          {"v.mhd", Verdict::kUse}, {"w.nrrd", Verdict::kUse}, {"s.nrrd", Verdict::kRefuse}}));
  for (const Issue& issue : catalogue.issues()) {
    EXPECT_EQ(issue.reason_code, issue.path.extension() == ".raw" ? "pair-voxels" : "annotation");
  }
}

}  // namespace
}  // namespace marrow
