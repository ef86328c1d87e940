// NIfTI files that cross over to nibabel and SimpleITK and back.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <Eigen/Core>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/volume.h"
#include "io/nifti/nifti.h"
#include "tests/support/python_peer.h"

namespace marrow {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

class NiftiPeer : public testing_support::PythonPeer {};

// 3 x 4 x 5 voxels of 0.5 x 2 x 3 mm, turned by the 3-4-5 triangle about the body axis; origin (10,
// 20, 30) LPS.
Geometry oblique_peer_grid() {
  Eigen::Matrix3d direction;
  direction << 0.6, -0.8, 0, 0.8, 0.6, 0, 0, 0, 1;
  return make_geometry({3, 4, 5}, {0.5, 2.0, 3.0}, {10, 20, 30}, direction);
}

// The same grid as NIfTI says it: rows of the affine in RAS.
const std::vector<double> kObliqueRas = {-0.3,
                                         1.6,
                                         0,
                                         -10,  //
                                         -0.4,
                                         -1.2,
                                         0,
                                         -20,  //
                                         0,
                                         0,
                                         3,
                                         30,  //
                                         0,
                                         0,
                                         0,
                                         1};

// Voxel (i, j, k) holds i + 10 j + 100 k.
template <class T>
Grid<T> numbered_peer_grid(const Geometry& geometry) {
  Grid<T> grid = make_grid<T>(geometry);
  for (std::int64_t k = 0; k < geometry.size[2]; ++k) {
    for (std::int64_t j = 0; j < geometry.size[1]; ++j) {
      for (std::int64_t i = 0; i < geometry.size[0]; ++i) {
        grid.at(i, j, k) = static_cast<T>(i + 10 * j + 100 * k);
      }
    }
  }
  return grid;
}

// Both transforms as nibabel reads them, the type, and the voxels at (0,0,0), (2,0,0), (0,3,0),
// (0,0,4), (1,2,3).
constexpr const char* kNibabelReads = R"(
import json, sys
import nibabel, numpy
image = nibabel.load(sys.argv[1])
sform, sform_code = image.get_sform(coded=True)
qform, qform_code = image.get_qform(coded=True)
voxels = numpy.asarray(image.dataobj)
print(json.dumps({
    "shape": image.shape, "dtype": str(image.get_data_dtype()), "codes": [int(sform_code), int(qform_code)],
    "sform": sform.ravel().tolist(), "qform": qform.ravel().tolist(),
    "units": image.header.get_xyzt_units()[0],
    "samples": [float(voxels[p]) for p in [(0, 0, 0), (2, 0, 0), (0, 3, 0), (0, 0, 4), (1, 2, 3)]]}))
)";

void expect_oblique_numbered(const nlohmann::json& read) {
  EXPECT_EQ(read.at("shape"), (std::vector<int>{3, 4, 5}));
  EXPECT_EQ(read.at("codes"), (std::vector<int>{1, 1}));
  EXPECT_EQ(read.at("units"), "mm");
  // The header stores single precision.
  EXPECT_THAT(read.at("sform").get<std::vector<double>>(),
              Pointwise(DoubleNear(1e-5), kObliqueRas));
  EXPECT_THAT(read.at("qform").get<std::vector<double>>(),
              Pointwise(DoubleNear(1e-5), kObliqueRas));
  EXPECT_EQ(read.at("samples"), (std::vector<double>{0, 2, 30, 400, 321}));
}

TEST_F(NiftiPeer, NibabelReadsOurFloatVolumeOnTheSameGrid) {
  write_nifti(file("ours.nii"), numbered_peer_grid<float>(oblique_peer_grid()));

  const nlohmann::json read = run_python(kNibabelReads, {file("ours.nii")});

  ASSERT_FALSE(read.is_null());
  expect_oblique_numbered(read);
  EXPECT_EQ(read.at("dtype"), "float32");
}

TEST_F(NiftiPeer, NibabelReadsOurCompressedVolume) {
  write_nifti(file("ours.nii.gz"), numbered_peer_grid<float>(oblique_peer_grid()));

  const nlohmann::json read = run_python(kNibabelReads, {file("ours.nii.gz")});

  ASSERT_FALSE(read.is_null());
  expect_oblique_numbered(read);
}

TEST_F(NiftiPeer, NibabelReadsOurIntegerVolumeWithoutScaling) {
  write_nifti_int16(file("ours.nii.gz"), numbered_peer_grid<float>(oblique_peer_grid()));

  const nlohmann::json read = run_python(kNibabelReads, {file("ours.nii.gz")});

  ASSERT_FALSE(read.is_null());
  expect_oblique_numbered(read);
  EXPECT_EQ(read.at("dtype"), "int16");
}

TEST_F(NiftiPeer, NibabelReadsSmallLabelsAsBytes) {
  LabelMap labels = make_grid<std::uint16_t>(oblique_peer_grid());
  labels.at(1, 2, 3) = 255;
  write_nifti(file("labels.nii.gz"), labels);

  const nlohmann::json read = run_python(kNibabelReads, {file("labels.nii.gz")});

  ASSERT_FALSE(read.is_null());
  EXPECT_EQ(read.at("dtype"), "uint8");
  EXPECT_EQ(read.at("samples"), (std::vector<double>{0, 0, 0, 0, 255}));
}

TEST_F(NiftiPeer, NibabelReadsLargeLabelsAsUint16) {
  write_nifti(file("labels.nii.gz"), numbered_peer_grid<std::uint16_t>(oblique_peer_grid()));

  const nlohmann::json read = run_python(kNibabelReads, {file("labels.nii.gz")});

  ASSERT_FALSE(read.is_null());
  expect_oblique_numbered(read);
  EXPECT_EQ(read.at("dtype"), "uint16");
}

// Writes `variant` of the numbered volume with nibabel to out.nii.gz.
constexpr const char* kNibabelWrites = R"(
import sys
import nibabel, numpy
variant = sys.argv[1]
affine = numpy.array([[-0.3, 1.6, 0, -10], [-0.4, -1.2, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]])
i, j, k = numpy.meshgrid(numpy.arange(3), numpy.arange(4), numpy.arange(5), indexing="ij")
voxels = i + 10 * j + 100 * k
if variant == "big_endian":
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    image = nibabel.Nifti1Image(voxels.astype(">i2"), affine, header)
    assert image.header.endianness == ">"
elif variant == "nifti2":
    image = nibabel.Nifti2Image(voxels.astype("float32"), affine)
elif variant == "scaled":
    image = nibabel.Nifti1Image(voxels.astype("int16"), affine)
    image.header.set_slope_inter(0.5, -3.0)  # nibabel then stores the voxels as they are
elif variant == "qform_left_handed":
    affine[:3, 2] *= -1
    image = nibabel.Nifti1Image(voxels.astype("float32"), affine)
    image.set_qform(affine, code=1)
    image.set_sform(None, code=0)
    assert image.header["pixdim"][0] == -1
elif variant == "two_volumes":
    image = nibabel.Nifti1Image(numpy.stack([voxels, voxels + 1000], -1).astype("float32"), affine)
elif variant == "fortran_view":
    image = nibabel.Nifti1Image(voxels.astype("float32")[::-1, ::-1, ::-1][::-1, ::-1, ::-1], affine)
else:
    image = nibabel.Nifti1Image(voxels.astype(variant), affine, dtype=variant)
nibabel.save(image, "out.nii.gz")
)";

// The voxels at (0,0,0), (2,0,0), (0,3,0), (0,0,4), (1,2,3).
std::vector<float> samples_of(const Volume& volume) {
  return {volume.at(0, 0, 0),
          volume.at(2, 0, 0),
          volume.at(0, 3, 0),
          volume.at(0, 0, 4),
          volume.at(1, 2, 3)};
}

class NiftiTypePeer : public NiftiPeer, public ::testing::WithParamInterface<const char*> {};

TEST_P(NiftiTypePeer, ReadsWhatNibabelWrites) {
  run_python(kNibabelWrites, {GetParam()});

  const Volume volume = read_nifti(file("out.nii.gz"));

  EXPECT_EQ(geometry_difference(volume.geometry, oblique_peer_grid()), "");
  EXPECT_THAT(samples_of(volume), ElementsAre(0, 2, 30, 400, 321));
}

// The numbered volume ends at 432, so bytes are not among these types.
INSTANTIATE_TEST_SUITE_P(Types,
                         NiftiTypePeer,
                         ::testing::Values("int16",
                                           "uint16",
                                           "int32",
                                           "uint32",
                                           "int64",
                                           "uint64",
                                           "float32",
                                           "float64",
                                           "big_endian",
                                           "nifti2",
                                           "fortran_view"),
                         [](const auto& type) { return std::string(type.param); });

TEST_F(NiftiPeer, AppliesTheSlopeAndInterceptThatNibabelStores) {
  run_python(kNibabelWrites, {"scaled"});

  const NiftiHeader header = read_nifti_header(file("out.nii.gz"));
  const Volume volume = read_nifti(file("out.nii.gz"));

  EXPECT_TRUE(header.scaled);
  EXPECT_DOUBLE_EQ(header.slope, 0.5);
  EXPECT_DOUBLE_EQ(header.intercept, -3.0);
  EXPECT_THAT(samples_of(volume), ElementsAre(-3, -2, 12, 197, 157.5));
}

TEST_F(NiftiPeer, ReadsALeftHandedQuaternionWhenThereIsNoSform) {
  run_python(kNibabelWrites, {"qform_left_handed"});

  const NiftiHeader header = read_nifti_header(file("out.nii.gz"));

  EXPECT_EQ(header.transform, "qform");
  EXPECT_TRUE(header.geometry.to_physical({0, 0, 4}).isApprox(Eigen::Vector3d(10, 20, 18), 1e-5));
  EXPECT_TRUE(
      header.geometry.to_physical({2, 3, 0}).isApprox(Eigen::Vector3d(5.8, 24.4, 30), 1e-5));
}

TEST_F(NiftiPeer, ReadsTheAskedVolumeOfFourDimensions) {
  run_python(kNibabelWrites, {"two_volumes"});

  const Volume second = read_nifti(file("out.nii.gz"), 1);

  EXPECT_EQ(read_nifti_header(file("out.nii.gz")).volumes, 2);
  EXPECT_THAT(samples_of(second), ElementsAre(1000, 1002, 1030, 1400, 1321));
}

// SimpleITK speaks LPS, as we do: nothing is flipped in between.
TEST_F(NiftiPeer, SimpleItkFindsAPredictionOnThePatientGridItWasWrittenOn) {
  LabelMap prediction = make_grid<std::uint16_t>(oblique_peer_grid());
  prediction.at(2, 3, 4) = 2;
  write_nifti(file("prediction.nii.gz"), prediction);

  const nlohmann::json read = run_python(R"(
import json, sys
import SimpleITK
image = SimpleITK.ReadImage(sys.argv[1])
print(json.dumps({"size": image.GetSize(), "spacing": image.GetSpacing(), "origin": image.GetOrigin(),
                  "direction": image.GetDirection(), "corner": image.TransformIndexToPhysicalPoint((2, 3, 4)),
                  "value": image[2, 3, 4], "type": image.GetPixelIDTypeAsString()}))
)",
                                         {file("prediction.nii.gz")});

  ASSERT_FALSE(read.is_null());
  const auto numbers = [&](const char* key) { return read.at(key).get<std::vector<double>>(); };
  EXPECT_EQ(read.at("size"), (std::vector<int>{3, 4, 5}));
  EXPECT_THAT(numbers("spacing"), Pointwise(DoubleNear(1e-5), {0.5, 2.0, 3.0}));
  EXPECT_THAT(numbers("origin"), Pointwise(DoubleNear(1e-5), {10.0, 20.0, 30.0}));
  EXPECT_THAT(numbers("direction"),
              Pointwise(DoubleNear(1e-5), {0.6, -0.8, 0.0, 0.8, 0.6, 0.0, 0.0, 0.0, 1.0}));
  EXPECT_THAT(numbers("corner"), Pointwise(DoubleNear(1e-5), {5.8, 24.4, 42.0}));
  EXPECT_EQ(read.at("value"), 2);
  EXPECT_EQ(read.at("type"), "8-bit unsigned integer");
}

TEST_F(NiftiPeer, ReadsWhatSimpleItkWritesOnTheSamePatientGrid) {
  run_python(R"(
import numpy, SimpleITK
k, j, i = numpy.meshgrid(numpy.arange(5), numpy.arange(4), numpy.arange(3), indexing="ij")
image = SimpleITK.GetImageFromArray((i + 10 * j + 100 * k).astype("int16"))
image.SetSpacing((0.5, 2.0, 3.0))
image.SetOrigin((10.0, 20.0, 30.0))
image.SetDirection((0.6, -0.8, 0.0, 0.8, 0.6, 0.0, 0.0, 0.0, 1.0))
SimpleITK.WriteImage(image, "out.nii.gz")
)");

  const Volume volume = read_nifti(file("out.nii.gz"));

  EXPECT_EQ(geometry_difference(volume.geometry, oblique_peer_grid()), "");
  EXPECT_THAT(samples_of(volume), ElementsAre(0, 2, 30, 400, 321));
}

}  // namespace
}  // namespace marrow
