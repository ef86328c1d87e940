#include "io/phantom/anatomy.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "io/phantom/scanner.h"

namespace marrow {
namespace {

PhantomImage picture_of(std::uint64_t patient, PhantomKind kind, const std::string& sequence) {
  PhantomProtocol protocol;
  protocol.kind = kind;
  protocol.sequence = sequence;
  protocol.nominal_size = {36, 30, 24};
  protocol.seed = 5;
  return take_phantom_image(PhantomAnatomy(17, patient), phantom_scanners(kind)[0], protocol);
}

std::int64_t voxels_of(const PhantomImage& image, std::uint16_t label) {
  return std::count(image.labels.voxels.begin(), image.labels.voxels.end(), label);
}

double mean_of(const PhantomImage& image, std::uint16_t label) {
  double sum = 0;
  for (std::size_t n = 0; n < image.volume.voxels.size(); ++n) {
    sum += image.labels.voxels[n] == label ? static_cast<double>(image.volume.voxels[n]) : 0;
  }
  return sum / static_cast<double>(voxels_of(image, label));
}

Eigen::Vector3d centre_of(const PhantomImage& image, std::uint16_t label) {
  const Geometry& grid = image.labels.geometry;
  Eigen::Vector3d sum = Eigen::Vector3d::Zero();
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i) {
        if (image.labels.at(i, j, k) == label) {
          sum += grid.to_physical(
              {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        }
      }
    }
  }
  return sum / static_cast<double>(voxels_of(image, label));
}

TEST(PhantomAnatomy, EveryPatientHasLiverSpleenAndKidneysOfPlausibleVolume) {
  for (std::uint64_t patient = 0; patient < 12; ++patient) {
    const PhantomImage image = picture_of(patient, PhantomKind::kCt, "portal");

    const double litre = image.volume.geometry.spacing.prod() * 1e-6;
    EXPECT_GT(static_cast<double>(voxels_of(image, kLiverLabel)) * litre, 0.7) << patient;
    EXPECT_LT(static_cast<double>(voxels_of(image, kLiverLabel)) * litre, 3.2) << patient;
    EXPECT_GT(static_cast<double>(voxels_of(image, kSpleenLabel)) * litre, 0.06) << patient;
    EXPECT_GT(static_cast<double>(voxels_of(image, kKidneyLabel)) * litre, 0.1) << patient;
  }
}

TEST(PhantomAnatomy, LiverLiesOnThePatientsRightAndSpleenOnTheLeft) {
  // Coronal scanner: the grid's axes are not those of the patient.
  PhantomProtocol protocol;
  protocol.kind = PhantomKind::kMr;
  protocol.sequence = "t1";
  protocol.nominal_size = {36, 30, 24};
  const PhantomImage image =
      take_phantom_image(PhantomAnatomy(17, 3), phantom_scanners(PhantomKind::kMr)[2], protocol);

  EXPECT_LT(centre_of(image, kLiverLabel).x(), -20);
  EXPECT_GT(centre_of(image, kSpleenLabel).x(), 40);
  // Kidneys lie behind the liver.
  EXPECT_GT(centre_of(image, kKidneyLabel).y(), centre_of(image, kLiverLabel).y() + 10);
}

TEST(PhantomAnatomy, PatientsDifferAndTheSamePatientIsTheSame) {
  const PhantomImage first = picture_of(0, PhantomKind::kCt, "native");
  const PhantomImage again = picture_of(0, PhantomKind::kCt, "native");
  const PhantomImage other = picture_of(1, PhantomKind::kCt, "native");

  EXPECT_EQ(first.volume.voxels, again.volume.voxels);
  EXPECT_NE(voxels_of(first, kLiverLabel), voxels_of(other, kLiverLabel));
}

TEST(PhantomScanner, ContrastEnhancesKidneysAndBoneStaysBrightest) {
  const PhantomImage native = picture_of(2, PhantomKind::kCt, "native");
  const PhantomImage arterial = picture_of(2, PhantomKind::kCt, "arterial");

  EXPECT_GT(mean_of(arterial, kKidneyLabel), mean_of(native, kKidneyLabel) + 30);
  EXPECT_GT(*std::max_element(native.volume.voxels.begin(), native.volume.voxels.end()), 350.0F);
  EXPECT_LT(*std::min_element(native.volume.voxels.begin(), native.volume.voxels.end()), -900.0F);
}

TEST(PhantomScanner, NativeOrgansOverlapInIntensity) {
  const PhantomImage image = picture_of(2, PhantomKind::kCt, "native");

  EXPECT_NEAR(mean_of(image, kLiverLabel), mean_of(image, kSpleenLabel), 45);
}

TEST(PhantomScanner, MrIntensitiesAreNotNegativeAndScannersDiffer) {
  const PhantomImage image = picture_of(2, PhantomKind::kMr, "t1");
  const std::vector<PhantomScanner>& scanners = phantom_scanners(PhantomKind::kMr);

  EXPECT_GE(*std::min_element(image.volume.voxels.begin(), image.volume.voxels.end()), 0.0F);
  EXPECT_NE(scanners[0].gain, scanners[1].gain);
  EXPECT_NE(scanners[0].matrix, scanners[1].matrix);
}

}  // namespace
}  // namespace marrow
