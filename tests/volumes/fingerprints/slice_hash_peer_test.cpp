#include <array>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/python_peer.h"
#include "tests/support/slice_pictures.h"
#include "volumes/fingerprints/slice_hash.h"

namespace marrow {
namespace {

using testing::SlicePicture;

class SliceHashPeer : public testing_support::PythonPeer {};

// Smooth pictures with a little noise, as slices are; noise alone never comes near a tie.
SlicePicture body_picture(std::int64_t columns, std::int64_t rows, std::uint32_t seed) {
  SlicePicture picture = testing::noise_picture(columns, rows, seed);
  for (std::int64_t y = 0; y < rows; ++y) {
    for (std::int64_t x = 0; x < columns; ++x) {
      std::uint8_t& pixel = picture.pixels[static_cast<std::size_t>(y * columns + x)];
      const double wave = 110 + 100 * std::sin(0.01 * static_cast<double>(x * (seed % 7 + 1))) *
                                    std::cos(0.013 * static_cast<double>(y));
      pixel = static_cast<std::uint8_t>(seed % 3 == 0 ? pixel : wave + pixel / 16.0);
    }
  }
  return picture;
}

// But for tall pictures, which Pillow 13 shrinks along columns first (lanczos_resize.h).
TEST_F(SliceHashPeer, EqualsPillowAndImagehashAtEverySize) {
  constexpr std::array<std::array<std::int64_t, 2>, 14> kSizes{{{512, 512},
                                                                {256, 256},
                                                                {9, 8},
                                                                {9, 20},
                                                                {300, 8},
                                                                {1, 1},
                                                                {5, 3},
                                                                {32, 32},
                                                                {33, 31},
                                                                {640, 480},
                                                                {173, 300},
                                                                {999, 173},
                                                                {2000, 1500},
                                                                {64, 7}}};
  std::string list;
  std::vector<SlicePicture> pictures;
  for (std::uint32_t n = 0; n < 70; ++n) {
    const auto& size = kSizes[n % kSizes.size()];
    pictures.push_back(body_picture(size[0], size[1], n + 1));
    const std::string name = fmt::format("{}.raw", n);
    std::ofstream(file(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(pictures.back().pixels.data()),
               static_cast<std::streamsize>(pictures.back().pixels.size()));
    list += fmt::format("{} {} {}\n", name, size[0], size[1]);
  }
  std::ofstream(file("list.txt")) << list;

  const auto answers = run_python(R"(
import json
import imagehash, numpy
from PIL import Image
answers = []
for line in open("list.txt"):
    name, columns, rows = line.split()
    pixels = numpy.fromfile(name, numpy.uint8).reshape(int(rows), int(columns))
    image = Image.fromarray(pixels)
    small = numpy.asarray(image.resize((9, 8), Image.LANCZOS))
    answers.append([small.ravel().tolist(), str(imagehash.dhash(image)), str(imagehash.phash(image))])
print(json.dumps(answers))
)");

  ASSERT_EQ(answers.size(), pictures.size());
  for (std::size_t n = 0; n < pictures.size(); ++n) {
    const LanczosResize::Size size{pictures[n].columns, pictures[n].rows};
    std::vector<std::uint8_t> small(72);
    LanczosResize(size, {9, 8}).resize(pictures[n].pixels, small);
    EXPECT_EQ(small, answers[n][0].get<std::vector<std::uint8_t>>()) << n;
    EXPECT_EQ(fmt::format("{:016x}", DifferenceHash(size)(pictures[n].pixels)),
              answers[n][1].get<std::string>())
        << n;
    if (size.columns * size.rows > 1) {  // one pixel has no frequencies but rounding errors
      EXPECT_EQ(fmt::format("{:016x}", PerceptualHash(size)(pictures[n].pixels)),
                answers[n][2].get<std::string>())
          << n;
    }
  }
}

}  // namespace
}  // namespace marrow
