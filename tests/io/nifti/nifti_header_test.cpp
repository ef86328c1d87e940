#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "io/nifti/nifti.h"
#include "io/nifti/nifti_decode.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {
namespace {

using ::testing::Contains;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NiftiBytesBuilder;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

NiftiHeader parse(const NiftiBytesBuilder& builder) {
  return parse_nifti_header(builder.file(), "scan.nii");
}

std::string refusal(const NiftiBytesBuilder& builder, ErrorCode code) {
  const std::string sentence = error_of(code, [&] { (void)parse(builder); });
  EXPECT_THAT(sentence, HasSubstr("scan.nii"));
  return sentence;
}

TEST(NiftiHeaderTest, TurnsRasIntoLpsOnce) {
  const NiftiHeader header = parse(NiftiBytesBuilder());

  EXPECT_EQ(header.geometry.size, (Size3{5, 4, 3}));
  EXPECT_TRUE(header.geometry.to_physical({0, 0, 0}).isApprox(Eigen::Vector3d(10, -20, 30), 1e-6));
  EXPECT_TRUE(header.geometry.to_physical({1, 0, 0}).isApprox(Eigen::Vector3d(9.3, -20, 30), 1e-6));
  EXPECT_TRUE(
      header.geometry.to_physical({0, 1, 0}).isApprox(Eigen::Vector3d(10, -21.3, 30), 1e-6));
  EXPECT_TRUE(
      header.geometry.to_physical({0, 0, 1}).isApprox(Eigen::Vector3d(10, -20, 32.9), 1e-6));
  EXPECT_EQ(header.transform, "sform");
  EXPECT_THAT(header.warnings, IsEmpty());
}

TEST(NiftiHeaderTest, ReadsBothVersionsAndByteOrdersAlike) {
  for (const int version : {1, 2}) {
    for (const bool big : {false, true}) {
      const NiftiHeader header = parse(NiftiBytesBuilder(version, big));

      EXPECT_EQ(header.version, version);
      EXPECT_EQ(header.big_endian, big);
      EXPECT_EQ(header.datatype, 4);
      EXPECT_EQ(header.data_offset, version == 1 ? 352 : 544);
      EXPECT_EQ(header.geometry.size, (Size3{5, 4, 3}));
      EXPECT_NEAR(header.geometry.origin.x(), 10, 1e-6);
    }
  }
}

TEST(NiftiHeaderTest, UsesQformWhereSformIsAbsent) {
  NiftiBytesBuilder builder;
  // A half turn about z: i points left, j posterior.
  builder.sform(0, {}).qform(1, {0, 0, 1, 1, 2, 3});

  const NiftiHeader header = parse(builder);

  EXPECT_EQ(header.transform, "qform");
  EXPECT_TRUE(
      header.geometry.to_physical({1, 0, 0}).isApprox(Eigen::Vector3d(-1 + 0.7, -2, 3), 1e-6));
  EXPECT_TRUE(
      header.geometry.to_physical({0, 1, 0}).isApprox(Eigen::Vector3d(-1, -2 + 1.3, 3), 1e-6));
}

TEST(NiftiHeaderTest, NegativeQfacTurnsTheThirdAxis) {
  NiftiBytesBuilder builder;
  builder.sform(0, {}).qform(1, {0, 0, 0, 0, 0, 0}).pixdim({-1, 0.7, 1.3, 2.9, 1, 1, 1, 1});

  EXPECT_NEAR(parse(builder).geometry.to_physical({0, 0, 1}).z(), -2.9, 1e-6);
}

TEST(NiftiHeaderTest, ZeroQfacCountsAsOne) {
  NiftiBytesBuilder builder;
  builder.sform(0, {}).qform(1, {0, 0, 0, 0, 0, 0}).pixdim({0, 0.7, 1.3, 2.9, 1, 1, 1, 1});

  EXPECT_NEAR(parse(builder).geometry.to_physical({0, 0, 1}).z(), 2.9, 1e-6);
}

TEST(NiftiHeaderTest, FallsBackToPixdimWithAWarning) {
  NiftiBytesBuilder builder;
  builder.sform(0, {});

  const NiftiHeader header = parse(builder);

  EXPECT_EQ(header.transform, "pixdim");
  EXPECT_NEAR(header.geometry.spacing.z(), 2.9, 1e-6);
  EXPECT_THAT(header.warnings, Contains(HasSubstr("neither sform nor qform")));
}

TEST(NiftiHeaderTest, WarnsWhenSformAndQformDisagree) {
  NiftiBytesBuilder builder;
  builder.qform(1, {0, 0, 0, -10, 20, 30.5});

  const NiftiHeader header = parse(builder);

  EXPECT_EQ(header.transform, "sform");
  EXPECT_THAT(header.warnings, Contains(HasSubstr("0.5 mm apart")));
}

TEST(NiftiHeaderTest, StaysSilentWhenSformAndQformAgree) {
  NiftiBytesBuilder builder;
  builder.qform(1, {0, 0, 0, -10, 20, 30.05});

  EXPECT_THAT(parse(builder).warnings, IsEmpty());
}

TEST(NiftiHeaderTest, TakesAnIdentitySformOverOtherSpacingForAPlaceholder) {
  NiftiBytesBuilder builder;
  builder.sform(1, {{{1, 0, 0, 4}, {0, 1, 0, 5}, {0, 0, 1, 6}}})
      .pixdim({1, 0.86, 0.86, 0.86, 1, 1, 1, 1});

  const NiftiHeader header = parse(builder);

  EXPECT_EQ(header.transform, "pixdim");
  EXPECT_NEAR(header.geometry.spacing.x(), 0.86, 1e-6);
  EXPECT_TRUE(header.geometry.origin.isApprox(Eigen::Vector3d(-4, -5, 6), 1e-6));
  EXPECT_THAT(header.warnings, Contains(HasSubstr("placeholder")));
}

TEST(NiftiHeaderTest, ConvertsUnits) {
  NiftiBytesBuilder metres;
  metres.units(1)
      .sform(1, {{{0.0007, 0, 0, -0.01}, {0, 0.0013, 0, 0.02}, {0, 0, 0.0029, 0.03}}})
      .pixdim({1, 0.0007, 0.0013, 0.0029, 1, 1, 1, 1});
  NiftiBytesBuilder microns;
  microns.units(3)
      .sform(1, {{{700, 0, 0, -10000}, {0, 1300, 0, 20000}, {0, 0, 2900, 30000}}})
      .pixdim({1, 700, 1300, 2900, 1, 1, 1, 1});

  for (const NiftiHeader& header : {parse(metres), parse(microns)}) {
    EXPECT_TRUE(header.geometry.spacing.isApprox(Eigen::Vector3d(0.7, 1.3, 2.9), 1e-6));
    EXPECT_TRUE(header.geometry.origin.isApprox(Eigen::Vector3d(10, -20, 30), 1e-6));
  }
}

TEST(NiftiHeaderTest, AssumesMillimetresWithAWarningWhereTheUnitIsUnknown) {
  NiftiBytesBuilder builder;
  builder.units(0);

  EXPECT_THAT(parse(builder).warnings, Contains(HasSubstr("millimetres are assumed")));
}

TEST(NiftiHeaderTest, WarnsOfSpacingOutsideTheUsual) {
  NiftiBytesBuilder builder;
  builder.sform(1, {{{0.7, 0, 0, 0}, {0, 1.3, 0, 0}, {0, 0, 290, 0}}})
      .pixdim({1, 0.7, 1.3, 290, 1, 1, 1, 1});

  EXPECT_THAT(parse(builder).warnings, Contains(HasSubstr("outside 0.01 to 100 mm")));
}

TEST(NiftiHeaderTest, RefusesNanInTheSform) {
  NiftiBytesBuilder builder;
  builder.sform(1, {{{kNan, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}});

  EXPECT_THAT(refusal(builder, ErrorCode::kUnreadable), HasSubstr("finite sform"));
}

TEST(NiftiHeaderTest, RefusesNanInTheOnlyQform) {
  NiftiBytesBuilder builder;
  builder.sform(0, {}).qform(1, {kNan, 0, 0, 0, 0, 0});

  EXPECT_THAT(refusal(builder, ErrorCode::kUnreadable), HasSubstr("not finite"));
}

TEST(NiftiHeaderTest, RefusesAQuaternionThatIsNoRotation) {
  NiftiBytesBuilder builder;
  builder.sform(0, {}).qform(1, {1, 1, 0, 0, 0, 0});

  EXPECT_THAT(refusal(builder, ErrorCode::kUnreadable), HasSubstr("quaternion"));
}

TEST(NiftiHeaderTest, RefusesAnAffineKilometresAway) {
  NiftiBytesBuilder builder;
  builder.sform(1, {{{0.7, 0, 0, 1e30}, {0, 1.3, 0, 0}, {0, 0, 2.9, 0}}});

  EXPECT_THAT(refusal(builder, ErrorCode::kUnreadable), HasSubstr("within"));
}

TEST(NiftiHeaderTest, RefusesAZeroColumn) {
  NiftiBytesBuilder builder;
  builder.sform(1, {{{0.7, 0, 0, 0}, {0, 1.3, 0, 0}, {0, 0, 0, 0}}});

  EXPECT_THAT(refusal(builder, ErrorCode::kUnreadable), HasSubstr("voxel spacing above 0"));
}

TEST(NiftiHeaderTest, RefusesAShearedGridAndMendsATinyShear) {
  NiftiBytesBuilder sheared;
  sheared.sform(1, {{{0.7, 0.2, 0, 0}, {0, 1.3, 0, 0}, {0, 0, 2.9, 0}}});
  NiftiBytesBuilder rounded;
  rounded.sform(1, {{{0.7, 0.0004, 0, 0}, {0, 1.3, 0, 0}, {0, 0, 2.9, 0}}});

  (void)refusal(sheared, ErrorCode::kUnsupported);

  const Eigen::Matrix3d direction = parse(rounded).geometry.direction;
  EXPECT_NEAR(direction.col(0).dot(direction.col(1)), 0, 1e-9);
}

TEST(NiftiHeaderTest, IgnoresScalingThatIsNone) {
  for (const double slope : {0.0, kNan, std::numeric_limits<double>::infinity()}) {
    NiftiBytesBuilder builder;
    builder.scaling(slope, 5);

    const NiftiHeader header = parse(builder);

    EXPECT_FALSE(header.scaled);
    EXPECT_EQ(header.slope, 1);
    EXPECT_EQ(header.intercept, 0);
  }
}

TEST(NiftiHeaderTest, RefusesAnInterceptThatIsNoNumber) {
  NiftiBytesBuilder builder;
  builder.scaling(2, kNan);

  EXPECT_THAT(refusal(builder, ErrorCode::kUnreadable), HasSubstr("scl_inter"));
}

TEST(NiftiHeaderTest, RefusesDimensionsThatCannotBe) {
  EXPECT_THAT(refusal(NiftiBytesBuilder().dim(0, 0), ErrorCode::kUnreadable),
              HasSubstr("dim[0] = 0"));
  EXPECT_THAT(refusal(NiftiBytesBuilder().dim(2, 0), ErrorCode::kUnreadable),
              HasSubstr("dim[2] = 0"));
  EXPECT_THAT(refusal(NiftiBytesBuilder().dim(3, -1), ErrorCode::kUnreadable),
              HasSubstr("dim[3] = -1"));
  EXPECT_THAT(refusal(NiftiBytesBuilder().dims({5, 5, 4, 3, 1, 2, 1, 1}), ErrorCode::kUnsupported),
              HasSubstr("dim[5] = 2"));
}

TEST(NiftiHeaderTest, AcceptsTrailingDimensionsOfOne) {
  const NiftiHeader header = parse(NiftiBytesBuilder().dim(0, 7));

  EXPECT_EQ(header.volumes, 1);
  EXPECT_THAT(header.warnings, IsEmpty());
}

TEST(NiftiHeaderTest, IgnoresDimensionsBeyondDimZeroWithAWarning) {
  EXPECT_THAT(parse(NiftiBytesBuilder().dim(5, 9)).warnings, Contains(HasSubstr("dim[5] = 9")));
}

TEST(NiftiHeaderTest, RefusesMoreVoxelsThanFitWithoutOverflow) {
  NiftiBytesBuilder builder(2);
  builder.dims({3, std::int64_t{1} << 62, std::int64_t{1} << 62, 16, 1, 1, 1, 1});

  EXPECT_THAT(refusal(builder, ErrorCode::kUnsupported), HasSubstr("2^31"));
}

TEST(NiftiHeaderTest, RefusesTypesByName) {
  EXPECT_THAT(refusal(NiftiBytesBuilder().type(128, 24), ErrorCode::kUnsupported),
              HasSubstr("RGB"));
  EXPECT_THAT(refusal(NiftiBytesBuilder().type(32, 64), ErrorCode::kUnsupported),
              HasSubstr("complex64"));
  EXPECT_THAT(refusal(NiftiBytesBuilder().type(1536, 128), ErrorCode::kUnsupported),
              HasSubstr("float128"));
  EXPECT_THAT(refusal(NiftiBytesBuilder().type(999, 16), ErrorCode::kUnreadable), HasSubstr("999"));
  EXPECT_THAT(refusal(NiftiBytesBuilder().type(4, 8), ErrorCode::kUnreadable),
              HasSubstr("bitpix 16"));
}

TEST(NiftiHeaderTest, RefusesAbsurdDataOffsets) {
  for (const double offset :
       {0.0, 351.0, 352.5, -1e38, kNan, std::numeric_limits<double>::infinity(), 1e20}) {
    EXPECT_THAT(refusal(NiftiBytesBuilder().vox_offset(offset), ErrorCode::kUnreadable),
                HasSubstr("vox_offset"));
  }
}

TEST(NiftiHeaderTest, WalksExtensions) {
  NiftiBytesBuilder good;
  good.vox_offset(384).put<std::uint8_t>(348, 1);
  testing::Bytes bytes = good.file();
  bytes.insert(bytes.begin() + 352, 32, std::byte{0});
  bytes[352] = std::byte{32};

  EXPECT_EQ(parse_nifti_header(bytes, "scan.nii").data_offset, 384);
  for (const int size : {0, 8, 24, 48}) {
    bytes[352] = static_cast<std::byte>(size);
    EXPECT_THAT(
        error_of(ErrorCode::kUnreadable, [&] { (void)parse_nifti_header(bytes, "scan.nii"); }),
        HasSubstr("extension"));
  }
}

TEST(NiftiHeaderTest, RefusesAnalyzeByName) {
  NiftiBytesBuilder builder;
  builder.put_text(344, std::string(4, '\0'));

  EXPECT_THAT(refusal(builder, ErrorCode::kUnsupported), HasSubstr("ANALYZE"));
  EXPECT_FALSE(is_nifti(builder.file()));
}

TEST(NiftiHeaderTest, KnowsNiftiByContentAlsoInsideGzip) {
  const testing::Bytes file = NiftiBytesBuilder().file();

  EXPECT_TRUE(is_nifti(file));
  EXPECT_TRUE(is_nifti(testing::gzipped(file)));
  EXPECT_FALSE(is_nifti(testing::gzipped(testing::Bytes(1000))));
  EXPECT_FALSE(is_nifti({}));
}

// Every way to lay the axes of one phantom in memory: each must lead from the voxel of the mark to
// the same patient point.
TEST(NiftiHeaderTest, FortyEightAxisOrdersReachTheSamePoint) {
  const Eigen::Vector3d mark_lps(
      -31.5, -12.25, 44.5);  // left is +x in LPS, so this is right, anterior, superior
  const Size3 mark_index{3, 1, 2};
  const std::array<std::array<std::size_t, 3>, 6> orders{
      {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};
  const std::array<double, 3> spacing{0.7, 1.3, 2.9};
  int reached = 0;
  for (const auto& order : orders) {
    for (int flips = 0; flips < 8; ++flips) {
      std::array<std::array<double, 4>, 3> rows{};
      for (std::size_t column = 0; column < 3; ++column) {
        rows[order[column]][column] = (flips >> column & 1 ? -1 : 1) * spacing[column];
      }
      const Eigen::Vector3d mark_ras(-mark_lps.x(), -mark_lps.y(), mark_lps.z());
      for (std::size_t row = 0; row < 3; ++row) {
        rows[row][3] = mark_ras[static_cast<Eigen::Index>(row)];
        for (std::size_t column = 0; column < 3; ++column) {
          rows[row][3] -= rows[row][column] * static_cast<double>(mark_index[column]);
        }
      }

      const Geometry grid = parse(NiftiBytesBuilder().sform(1, rows)).geometry;

      EXPECT_LT((grid.to_physical({3, 1, 2}) - mark_lps).norm(), 1e-3);
      reached += 1;
    }
  }
  EXPECT_EQ(reached, 48);
}

}  // namespace
}  // namespace marrow
