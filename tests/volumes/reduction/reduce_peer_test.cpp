#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/rng.h"
#include "tests/support/python_peer.h"
#include "volumes/fingerprints/slice_hash.h"
#include "volumes/reduction/case_fingerprint.h"
#include "volumes/reduction/slice_selection.h"

namespace marrow {
namespace {

class ReductionPeer : public testing_support::PythonPeer {};

// A body that changes from slice to slice, as imagehash sees it too.
Volume moving_body() {
  Volume volume = make_grid<float>(
      make_geometry({96, 80, 60}, {1, 1, 2}, {0, 0, 0}, Eigen::Matrix3d::Identity()));
  Rng rng(5);
  for (std::int64_t k = 0; k < 60; ++k) {
    for (std::int64_t j = 0; j < 80; ++j) {
      for (std::int64_t i = 0; i < 96; ++i) {
        const double x = static_cast<double>(i) / 96, y = static_cast<double>(j) / 80;
        const double z = static_cast<double>(k) / 60;
        volume.voxels[static_cast<std::size_t>(i + 96 * (j + 80 * k))] = static_cast<float>(
            400 * std::sin(7 * x + 5 * z) * std::cos(9 * y * z + x) + 10 * rng.normal());
      }
    }
  }
  return volume;
}

TEST_F(ReductionPeer, KeepsTheSlicesThatAScriptWithImagehashKeeps) {
  const Volume volume = moving_body();
  const SlicePictures pictures = slice_pictures(volume, Modality::kCt, {});
  std::ofstream(file("slices.raw"), std::ios::binary)
      .write(reinterpret_cast<const char*>(pictures.pixels.data()),
             static_cast<std::streamsize>(pictures.pixels.size()));
  const CaseFingerprint made = fingerprint_case(volume, Modality::kCt, {});

  const auto answers = run_python(R"(
import json
import imagehash, numpy
from PIL import Image
slices = numpy.fromfile("slices.raw", numpy.uint8).reshape(60, 80, 96)
hashes = [imagehash.dhash(Image.fromarray(one)) for one in slices]
kept = {}
for threshold in (0, 2, 4, 6, 8, 12, 16, 20):
    left, chosen = list(range(60)), []
    while left:
        chosen.append(left[0])
        left = [n for n in left if hashes[n] - hashes[chosen[-1]] > threshold]
    kept[threshold] = chosen
print(json.dumps(kept))
)");

  std::set<std::size_t> sizes;
  for (const int threshold : {0, 2, 4, 6, 8, 12, 16, 20}) {
    const Selection selection =
        select_slices(60, SelectionRule::kGreedyReference, [&](std::size_t a, std::size_t b) {
          return hamming_distance(made.slices[a].difference_hash, made.slices[b].difference_hash) <=
                 threshold;
        });
    EXPECT_EQ(selection.kept, answers[std::to_string(threshold)].get<std::vector<std::size_t>>())
        << threshold;
    sizes.insert(selection.kept.size());
  }
  EXPECT_GT(sizes.size(), 3U);  // the thresholds tell something apart
}

}  // namespace
}  // namespace marrow
