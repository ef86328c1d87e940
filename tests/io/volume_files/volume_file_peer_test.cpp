// NRRD and MetaImage files that SimpleITK wrote, beside the NIfTI file of the same image.

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "io/nifti/nifti.h"
#include "io/volume_files/volume_file.h"
#include "tests/support/python_peer.h"

namespace marrow {
namespace {

class VolumeFilePeer : public testing_support::PythonPeer {};

constexpr const char* kSimpleItkWrites = R"(
import sys
import numpy, SimpleITK
kind = sys.argv[1]
k, j, i = numpy.meshgrid(numpy.arange(5), numpy.arange(4), numpy.arange(3), indexing="ij")
image = SimpleITK.GetImageFromArray((i + 10 * j + 100 * k).astype(kind))
image.SetSpacing((0.5, 2.0, 3.0))
image.SetOrigin((10.0, 20.0, 30.0))
a, b = numpy.deg2rad([20.0, 35.0])
turn = numpy.array([[numpy.cos(a), -numpy.sin(a), 0], [numpy.sin(a), numpy.cos(a), 0], [0, 0, 1]])
tilt = numpy.array([[1, 0, 0], [0, numpy.cos(b), -numpy.sin(b)], [0, numpy.sin(b), numpy.cos(b)]])
image.SetDirection((turn @ tilt).flatten().tolist())
for name, packed in [("a.nrrd", False), ("b.nrrd", True), ("c.nhdr", True), ("d.mha", False), ("e.mha", True),
                     ("f.mhd", False), ("g.mhd", True), ("x.nii.gz", True)]:
    SimpleITK.WriteImage(image, name, useCompression=packed)
)";

TEST_F(VolumeFilePeer, SimpleItkFilesOfAllFormatsHoldTheSameVolume) {
  for (const std::string type :
       {"uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"}) {
    run_python(kSimpleItkWrites, {type});
    const Volume expected = read_nifti(file("x.nii.gz"));
    for (const char* const name :
         {"a.nrrd", "b.nrrd", "c.nhdr", "d.mha", "e.mha", "f.mhd", "g.mhd"}) {
      SCOPED_TRACE(type + " " + name);
      const VolumeFileImage image = read_volume_file(file(name), std::uint64_t{1} << 26);
      EXPECT_EQ(image.volume.voxels, expected.voxels);
      EXPECT_TRUE(image.warnings.empty()) << image.warnings.front();
      ASSERT_EQ(image.volume.geometry.size, expected.geometry.size);
      for (const Eigen::Vector3d& corner :
           {Eigen::Vector3d(0, 0, 0), Eigen::Vector3d(2, 0, 0), Eigen::Vector3d(0, 3, 4)}) {
        EXPECT_LT(
            (image.volume.geometry.to_physical(corner) - expected.geometry.to_physical(corner))
                .norm(),
            1e-3);
      }
    }
  }
}

}  // namespace
}  // namespace marrow
