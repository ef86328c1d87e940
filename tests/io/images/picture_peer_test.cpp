// Pictures that Pillow wrote, with the values Pillow reads.

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "io/images/picture.h"
#include "tests/support/python_peer.h"

namespace marrow {
namespace {

class PicturePeer : public testing_support::PythonPeer {};

constexpr const char* kPillowWrites = R"(
import json
import numpy
from PIL import Image
random = numpy.random.default_rng(1)
grey = random.integers(0, 256, (13, 17), dtype=numpy.uint8)
colour = random.integers(0, 256, (13, 17, 3), dtype=numpy.uint8)
wide = random.integers(0, 65536, (13, 17), dtype=numpy.uint16)
Image.fromarray(grey).save("grey.png")
Image.fromarray(colour).save("colour.png")
Image.fromarray(wide).save("wide.png")
Image.fromarray(colour).quantize(16).save("palette.png")
Image.fromarray(grey).save("grey.jpg", quality=90)
Image.fromarray(colour).save("colour.jpg", quality=90, progressive=True)
answer = {"wide.png": wide.flatten().tolist()}
for name in ["grey.png", "grey.jpg"]:
    answer[name] = numpy.asarray(Image.open(name)).flatten().tolist()
for name in ["colour.png", "colour.jpg", "palette.png"]:
    answer[name] = numpy.asarray(Image.open(name).convert("RGB"))[:, :, 1].flatten().tolist()
print(json.dumps(answer))
)";

TEST_F(PicturePeer, HoldsTheValuesThatPillowReads) {
  const nlohmann::json answer = run_python(kPillowWrites);
  ASSERT_EQ(answer.size(), 6U);
  for (const auto& [name, values] : answer.items()) {
    SCOPED_TRACE(name);
    const bool grey = name.starts_with("grey") || name.starts_with("wide");
    const Volume volume = read_picture(file(name), grey ? -1 : 1, std::uint64_t{1} << 26);
    EXPECT_EQ(volume.geometry.size, (Size3{17, 13, 1}));
    const auto expected = values.get<std::vector<float>>();
    ASSERT_EQ(volume.voxels.size(), expected.size());
    // Builds of libjpeg may round the inverse transform and the colours differently by one or two.
    const float tolerance = name.ends_with(".jpg") ? 2 : 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(volume.voxels[i], expected[i], tolerance) << i;
    }
  }
}

}  // namespace
}  // namespace marrow
