#include "volumes/fingerprints/lanczos_kernel.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include <gmock/gmock.h>

#include "tests/support/slice_pictures.h"
#include "volumes/fingerprints/lanczos_plan.h"

namespace marrow {
namespace {

using testing::SlicePicture;

std::uint8_t pixel_of(std::int32_t sum) {
  return static_cast<std::uint8_t>(
      std::clamp((sum + (1 << (kLanczosWeightBits - 1))) >> kLanczosWeightBits, 0, 255));
}

// Sum by sum, with the whole weights.
std::vector<std::uint8_t> shrunk_plainly(const LanczosPlan& plan, const SlicePicture& picture) {
  std::vector<std::uint8_t> out;
  for (const LanczosTaps& taps : plan.outputs) {
    for (std::int64_t y = 0; y < picture.rows; ++y) {
      std::int32_t sum = 0;
      for (std::int64_t n = 0; n < taps.count; ++n) {
        const auto at = static_cast<std::size_t>(n);
        sum += (taps.coarse[at] * plan.step + taps.fine[at]) *
               picture.pixels[static_cast<std::size_t>(y * picture.columns + taps.first + n)];
      }
      out.push_back(pixel_of(sum));
    }
  }
  return out;
}

TEST(LanczosPlan, SplitsWeightsIntoPartsThatSumToOne) {
  for (const std::int64_t from : {1, 2, 7, 64, 512, 2001}) {
    const LanczosPlan plan = lanczos_plan(from, 9);
    for (const LanczosTaps& taps : plan.outputs) {
      std::int32_t sum = 0;
      for (std::size_t n = 0; n < static_cast<std::size_t>(taps.count); ++n) {
        ASSERT_EQ(taps.coarse[n], taps.high[n] * 256 + taps.low[n]);
        sum += taps.coarse[n] * plan.step + taps.fine[n];
      }
      EXPECT_NEAR(sum, 1 << kLanczosWeightBits, static_cast<double>(taps.count) / 2 + 1);
    }
  }
}

TEST(LanczosKernel, IsTheSameOnEveryKindOfProcessor) {
  constexpr std::array<std::int64_t, 16> kLengths{
      1, 2, 5, 31, 32, 33, 63, 64, 65, 100, 127, 191, 300, 512, 777, 1500};
  std::uint32_t seed = 1;
  for (const std::int64_t length : kLengths) {
    for (const std::int64_t outputs : {1, 8, 9, 32, 70}) {
      const LanczosPlan plan = lanczos_plan(length, outputs);
      for (const std::int64_t rows : {1, 3, 8, 21}) {
        const SlicePicture picture = testing::noise_picture(length, rows, ++seed);
        const std::vector<std::uint8_t> exact = shrunk_plainly(plan, picture);
        for (const LanczosRows shrink : runnable_lanczos_rows()) {
          std::vector<std::uint8_t> out(exact.size());
          shrink(plan, picture.pixels.data(), rows, out.data());
          ASSERT_EQ(out, exact) << length << " to " << outputs << ", " << rows << " rows";
        }
      }
    }
  }
}

// Blacks and whites are where sums are largest, on either side.
TEST(LanczosKernel, KeepsToTheRangeOfPixelsAtEdges) {
  const LanczosPlan plan = lanczos_plan(200, 70);
  SlicePicture picture{200, 9, std::vector<std::uint8_t>(1800)};
  for (std::size_t n = 0; n < picture.pixels.size(); ++n) {
    picture.pixels[n] = n / 23 % 2 == 0 ? 255 : 0;
  }
  const std::vector<std::uint8_t> exact = shrunk_plainly(plan, picture);

  for (const LanczosRows shrink : runnable_lanczos_rows()) {
    std::vector<std::uint8_t> out(exact.size());
    shrink(plan, picture.pixels.data(), 9, out.data());
    EXPECT_EQ(out, exact);
  }
}

}  // namespace
}  // namespace marrow
