#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "core/files.h"
#include "core/rng.h"
#include "io/nifti/nifti.h"
#include "io/nifti/nifti_decode.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {
namespace {

using testing::Bytes;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NiftiBytesBuilder;

constexpr std::uint64_t kPlenty = std::uint64_t{1} << 30;

NiftiImage decode(const Bytes& file, std::int64_t index = 0) {
  return decode_nifti({file, {}}, "scan.nii", index, kPlenty);
}

std::string refusal(const Bytes& file, ErrorCode code = ErrorCode::kUnreadable) {
  return error_of(code, [&] { (void)decode(file); });
}

template <class T>
void expect_type_is_read(std::int16_t code) {
  for (const bool big : {false, true}) {
    for (const int version : {1, 2}) {
      std::vector<T> stored(60);
      for (std::size_t i = 0; i < stored.size(); ++i) {
        stored[i] = static_cast<T>(i + 3);
      }
      stored[7] = std::numeric_limits<T>::is_signed ? static_cast<T>(-5) : static_cast<T>(200);
      NiftiBytesBuilder builder(version, big);
      builder.type(code, 8 * sizeof(T)).voxels(stored);

      const Volume volume = decode(builder.file()).volume;

      EXPECT_EQ(volume.at(0, 0, 0), 3.0F);
      EXPECT_EQ(volume.at(2, 1, 0), std::numeric_limits<T>::is_signed ? -5.0F : 200.0F);
      EXPECT_EQ(volume.at(4, 3, 2), 62.0F);
    }
  }
}

TEST(NiftiReader, ReadsEveryNumberTypeInBothByteOrdersAndVersions) {
  expect_type_is_read<std::uint8_t>(2);
  expect_type_is_read<std::int16_t>(4);
  expect_type_is_read<std::int32_t>(8);
  expect_type_is_read<float>(16);
  expect_type_is_read<double>(64);
  expect_type_is_read<std::int8_t>(256);
  expect_type_is_read<std::uint16_t>(512);
  expect_type_is_read<std::uint32_t>(768);
  expect_type_is_read<std::int64_t>(1024);
  expect_type_is_read<std::uint64_t>(1280);
}

TEST(NiftiReader, AppliesSlopeAndIntercept) {
  const Volume volume = decode(NiftiBytesBuilder().scaling(0.5, -1024).file()).volume;

  EXPECT_EQ(volume.at(0, 0, 0), -1024.0F);
  EXPECT_EQ(volume.at(3, 0, 0), -1022.5F);
}

TEST(NiftiReader, ReadsOneVolumeOfAFourDimensionalFile) {
  std::vector<std::int16_t> stored(120);
  stored[60] = 17;
  NiftiBytesBuilder builder;
  builder.dims({4, 5, 4, 3, 2, 1, 1, 1}).voxels(stored);

  EXPECT_EQ(decode(builder.file(), 1).volume.at(0, 0, 0), 17.0F);
  EXPECT_EQ(decode(testing::gzipped(builder.file()), 1).volume.at(0, 0, 0), 17.0F);
  EXPECT_EQ(decode(builder.file(), 0).volume.at(0, 0, 0), 0.0F);
  EXPECT_THAT(error_of(ErrorCode::kInvalidArgument, [&] { (void)decode(builder.file(), 2); }),
              HasSubstr("from 0 to 1"));
}

TEST(NiftiReader, RefusesVoxelsThatAreCutShort) {
  Bytes file = NiftiBytesBuilder().file();
  file.pop_back();

  EXPECT_THAT(refusal(file), HasSubstr("expected 120 bytes of voxels"));
  EXPECT_THAT(refusal(testing::gzipped(file)), HasSubstr("expected 120 bytes of voxels"));
}

TEST(NiftiReader, RefusesAHeaderThatClaimsGigabytesBeforeAllocatingThem) {
  const Bytes file = NiftiBytesBuilder().dims({3, 1290, 1290, 1290, 1, 1, 1, 1}).file();

  EXPECT_THAT(refusal(file), HasSubstr("expected 4293378000 bytes"));
  EXPECT_THAT(refusal(testing::gzipped(file)), HasSubstr("at most"));
}

TEST(NiftiReader, NamesTheFigureWhenMemoryIsTooSmall) {
  const std::string sentence = error_of(ErrorCode::kResources, [] {
    (void)decode_nifti({NiftiBytesBuilder().file(), {}}, "scan.nii", 0, 100);
  });

  EXPECT_THAT(sentence, HasSubstr("240 bytes"));
}

TEST(NiftiReader, RefusesEveryCutOfAGzipFile) {
  const Bytes whole = testing::gzipped(NiftiBytesBuilder().file());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(
        (void)decode(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))),
        Error)
        << length << " of " << whole.size() << " bytes";
  }
}

TEST(NiftiReader, RefusesAWrongChecksum) {
  Bytes file = testing::gzipped(NiftiBytesBuilder().file());
  file[file.size() - 8] ^= std::byte{1};

  EXPECT_THAT(refusal(file), HasSubstr("checksum"));
}

TEST(NiftiReader, DoesNotTrustTheLengthInTheTrailer) {
  Bytes file = testing::gzipped(NiftiBytesBuilder().file());
  file[file.size() - 1] = std::byte{0x7f};

  EXPECT_THAT(refusal(file), HasSubstr("scan.nii"));
}

TEST(NiftiReader, ReadsThroughConcatenatedMembers) {
  const Bytes plain = NiftiBytesBuilder().file();
  Bytes file = testing::gzipped(std::span(plain).first(400));
  const Bytes second = testing::gzipped(std::span(plain).subspan(400));
  file.insert(file.end(), second.begin(), second.end());

  const NiftiImage image = decode(file);

  EXPECT_EQ(image.volume.at(4, 3, 2), 59.0F);
  EXPECT_THAT(image.warnings, IsEmpty());
}

TEST(NiftiReader, WarnsOfBytesBehindTheData) {
  Bytes plain = NiftiBytesBuilder().file();
  plain.resize(plain.size() + 7);
  Bytes packed = testing::gzipped(NiftiBytesBuilder().file());
  packed.resize(packed.size() + 5);

  EXPECT_THAT(decode(plain).warnings, ElementsAre(HasSubstr("7 bytes behind the voxels")));
  EXPECT_THAT(decode(testing::gzipped(plain)).warnings,
              ElementsAre(HasSubstr("7 bytes behind the voxels")));
  EXPECT_THAT(decode(packed).warnings, ElementsAre(HasSubstr("5 bytes behind the gzip data")));
}

TEST(NiftiReader, RefusesAGzipBombBehindTheVoxels) {
  Bytes plain = NiftiBytesBuilder().file();
  plain.resize(plain.size() + (std::size_t{80} << 20));

  EXPECT_THAT(refusal(testing::gzipped(plain)), HasSubstr("goes on"));
}

TEST(NiftiReader, ReadsDataLargerThanOnePiece) {
  std::vector<std::int16_t> stored(200 * 150 * 50);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    stored[i] = static_cast<std::int16_t>(i * 7919 % 30011);
  }
  NiftiBytesBuilder builder;
  builder.dims({3, 200, 150, 50, 1, 1, 1, 1}).voxels(stored);

  const Volume plain = decode(builder.file()).volume;
  const Volume packed = decode(testing::gzipped(builder.file())).volume;

  EXPECT_EQ(plain.voxels.back(), static_cast<float>(stored.back()));
  EXPECT_TRUE(
      std::equal(stored.begin(), stored.end(), plain.voxels.begin(), [](std::int16_t a, float b) {
        return static_cast<float>(a) == b;
      }));
  EXPECT_EQ(plain.voxels, packed.voxels);
}

TEST(NiftiReader, MendsIsolatedNonFiniteVoxelsWithAWarning) {
  std::vector<float> stored(10 * 9 * 8, 2.0F);
  stored[10 * 9 * 4 + 10 * 4 + 5] = std::numeric_limits<float>::quiet_NaN();
  stored[10 * 9 * 4 + 10 * 4 + 4] = 8.0F;
  NiftiBytesBuilder builder;
  builder.dims({3, 10, 9, 8, 1, 1, 1, 1}).type(16, 32).voxels(stored);

  const NiftiImage image = decode(builder.file());

  EXPECT_FLOAT_EQ(image.volume.at(5, 4, 4), 3.0F);  // (8 + 5 * 2) / 6
  EXPECT_THAT(image.warnings, ElementsAre(HasSubstr("1 of 720 voxels")));
}

TEST(NiftiReader, RefusesMoreThanOneNonFiniteVoxelInAHundred) {
  std::vector<float> stored(60, 2.0F);
  stored[7] = std::numeric_limits<float>::infinity();
  NiftiBytesBuilder builder;
  builder.type(16, 32).voxels(stored);

  EXPECT_THAT(refusal(builder.file()), HasSubstr("1 of 60"));
}

TEST(NiftiReader, WarnsOfAnEmptyImageAndOfLostDigits) {
  NiftiBytesBuilder empty;
  empty.voxels(std::vector<std::int16_t>(60, 3));
  std::vector<std::int64_t> large(60);
  large[3] = (std::int64_t{1} << 53) + 1;
  NiftiBytesBuilder wide;
  wide.type(1024, 64).voxels(large);

  EXPECT_THAT(decode(empty.file()).warnings, ElementsAre(HasSubstr("empty")));
  EXPECT_THAT(decode(wide.file()).warnings, ElementsAre(HasSubstr("2^53")));
}

LabelMap decode_labels(const NiftiBytesBuilder& builder) {
  return decode_nifti_labels({builder.file(), {}}, "labels.nii", kPlenty).labels;
}

TEST(NiftiReader, ReadsLabelsOfAnyNumberType) {
  std::vector<float> stored(60);
  stored[59] = 65535.0F;
  NiftiBytesBuilder floats;
  floats.type(16, 32).voxels(stored);

  EXPECT_EQ(decode_labels(NiftiBytesBuilder()).at(4, 3, 2), 59);
  EXPECT_EQ(decode_labels(floats).at(4, 3, 2), 65535);
}

TEST(NiftiReader, AcceptsLabelsThatScaleToIntegers) {
  NiftiBytesBuilder builder;
  builder.scaling(2, 1);

  EXPECT_EQ(decode_labels(builder).at(3, 0, 0), 7);
}

TEST(NiftiReader, RefusesLabelsThatAreNoIntegersFromZeroTo65535) {
  std::vector<float> half(60);
  half[7] = 0.5F;
  std::vector<std::int16_t> negative(60);
  negative[7] = -1;
  std::vector<std::int64_t> large(60);
  large[7] = (std::int64_t{1} << 53) + 1;
  std::vector<float> nan(60);
  nan[7] = std::numeric_limits<float>::quiet_NaN();
  for (const NiftiBytesBuilder& builder : {NiftiBytesBuilder().type(16, 32).voxels(half),
                                           NiftiBytesBuilder().voxels(negative),
                                           NiftiBytesBuilder().type(1024, 64).voxels(large),
                                           NiftiBytesBuilder().type(16, 32).voxels(nan),
                                           NiftiBytesBuilder().scaling(0.3, 0)}) {
    EXPECT_THAT(error_of(ErrorCode::kRefused, [&] { (void)decode_labels(builder); }),
                HasSubstr("integers from 0 to 65535"));
  }
  EXPECT_THAT(error_of(ErrorCode::kRefused,
                       [&] { (void)decode_labels(NiftiBytesBuilder().voxels(negative)); }),
              HasSubstr("voxel (2, 1, 0)"));
}

class NiftiFilesTest : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

 private:
  TemporaryFolder folder_;
};

TEST_F(NiftiFilesTest, GoesByContentNotByName) {
  testing::write_file(path("packed.nii"), testing::gzipped(NiftiBytesBuilder().file()));
  testing::write_file(path("plain.nii.gz"), NiftiBytesBuilder().file());

  EXPECT_EQ(read_nifti(path("packed.nii")).at(4, 3, 2), 59.0F);
  EXPECT_EQ(read_nifti(path("plain.nii.gz")).at(4, 3, 2), 59.0F);
}

NiftiBytesBuilder pair_header() {
  NiftiBytesBuilder builder;
  builder.put_text(344, std::string("ni1\0", 4)).vox_offset(0);
  return builder;
}

TEST_F(NiftiFilesTest, ReadsAPairByEitherName) {
  testing::write_file(path("scan.hdr"), pair_header().header_bytes());
  testing::write_file(path("scan.img"), pair_header().voxel_bytes());

  EXPECT_EQ(read_nifti(path("scan.hdr")).at(4, 3, 2), 59.0F);
  EXPECT_EQ(read_nifti(path("scan.img")).at(4, 3, 2), 59.0F);
}

TEST_F(NiftiFilesTest, ReadsAPackedPair) {
  testing::write_file(path("scan.hdr.gz"), testing::gzipped(pair_header().header_bytes()));
  testing::write_file(path("scan.img.gz"), testing::gzipped(pair_header().voxel_bytes()));

  EXPECT_EQ(read_nifti(path("scan.hdr.gz")).at(4, 3, 2), 59.0F);
  EXPECT_EQ(read_nifti(path("scan.img.gz")).at(4, 3, 2), 59.0F);
}

TEST_F(NiftiFilesTest, RefusesAPairWithoutVoxelsOrWithTooFew) {
  testing::write_file(path("alone.hdr"), pair_header().header_bytes());
  testing::write_file(path("short.hdr"), pair_header().header_bytes());
  testing::write_file(path("short.img"), std::span(pair_header().voxel_bytes()).first(100));

  EXPECT_THAT(error_of(ErrorCode::kUnreadable, [&] { (void)read_nifti(path("alone.hdr")); }),
              HasSubstr("ending in .img"));
  EXPECT_THAT(error_of(ErrorCode::kUnreadable, [&] { (void)read_nifti(path("short.hdr")); }),
              HasSubstr("found 100"));
}

TEST_F(NiftiFilesTest, RefusesWhatIsNoFile) {
  testing::write_file(path("empty.nii"), "");

  EXPECT_THAT(error_of(ErrorCode::kUnreadable, [&] { (void)read_nifti(path("absent.nii")); }),
              HasSubstr("no such file"));
  EXPECT_THAT(error_of(ErrorCode::kUnreadable, [&] { (void)read_nifti(path("")); }),
              HasSubstr("expected a file"));
  EXPECT_THAT(error_of(ErrorCode::kUnreadable, [&] { (void)read_nifti(path("empty.nii")); }),
              HasSubstr("empty"));
}

// Damage of every kind, by a fixed seed: whatever comes back is either a refusal or a volume of the
// header's own size.
class NiftiMutation : public ::testing::TestWithParam<int> {};

TEST_P(NiftiMutation, NeverCrashesAndNeverReturnsAVolumeOfCutData) {
  const int version = GetParam() / 2 + 1;
  const Bytes plain = NiftiBytesBuilder(version, GetParam() % 2 == 1).file();
  const Bytes packed = testing::gzipped(plain);
  Rng rng(static_cast<std::uint64_t>(GetParam()) + 71);
  int refused = 0;
  constexpr int kCopies = 3000;
  for (int copy = 0; copy < kCopies; ++copy) {
    Bytes file = rng.chance(0.3) ? packed : plain;
    const bool gzip = file.size() == packed.size();
    const std::int64_t changes = 1 + rng.below(4);
    for (std::int64_t change = 0; change < changes; ++change) {
      // Mostly the header, where the decisions are.
      const auto reach = static_cast<std::int64_t>(gzip || rng.chance(0.1) ? file.size() : 360);
      const auto at = static_cast<std::size_t>(rng.below(reach));
      file[at] = rng.chance(0.3) ? std::byte{0xff} : static_cast<std::byte>(rng.below(256));
    }
    const bool cut = rng.chance(0.3);
    if (cut) {
      file.resize(static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(file.size()))));
    }
    try {
      const NiftiImage image = decode_nifti({file, {}}, "scan.nii", 0, std::uint64_t{64} << 20);
      ASSERT_EQ(static_cast<std::int64_t>(image.volume.voxels.size()),
                image.volume.geometry.voxels());
      if (!gzip) {
        ASSERT_LE(image.volume.voxels.size() + static_cast<std::size_t>(image.header.data_offset),
                  file.size());
      } else {
        ASSERT_FALSE(cut);
      }
    } catch (const Error& error) {
      ASSERT_NE(error.code(), ErrorCode::kInternal) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, kCopies / 3);
}

INSTANTIATE_TEST_SUITE_P(Versions, NiftiMutation, ::testing::Range(0, 4));

}  // namespace
}  // namespace marrow
