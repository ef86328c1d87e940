#include "volumes/store/block_codec.h"

#include <gtest/gtest.h>

#include "core/rng.h"
#include "volumes/store/quantise.h"

namespace marrow {
namespace {

std::vector<std::int16_t> smooth_values(const BlockSize& size) {
  std::vector<std::int16_t> values;
  Rng rng(3);
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        values.push_back(static_cast<std::int16_t>(30 * i - 17 * j + 5 * k + rng.below(6)));
      }
    }
  }
  return values;
}

template <class T>
std::vector<T> round_trip(const std::vector<T>& values,
                          const BlockSize& size,
                          BlockCodec expected) {
  const PackedBlock packed = pack_block(std::span<const T>(values), size);
  EXPECT_EQ(packed.codec, expected);
  std::vector<T> result(values.size(), T{77});
  EXPECT_TRUE(unpack_block(packed.codec, packed.bytes, size, std::span<T>(result)));
  return result;
}

TEST(BlockCodec, GivesBackSmoothValuesFromLessThanHalfTheBytes) {
  const BlockSize size{32, 32, 32};
  const std::vector<std::int16_t> values = smooth_values(size);

  EXPECT_EQ(round_trip(values, size, BlockCodec::kLz4RowDelta), values);
  EXPECT_LT(pack_block(std::span<const std::int16_t>(values), size).bytes.size(), 32768U);
}

TEST(BlockCodec, GivesBackEdgeBlocksOfThreeDifferentSizes) {
  const BlockSize size{5, 32, 3};
  const std::vector<std::int16_t> values = smooth_values(size);

  EXPECT_EQ(round_trip(values, size, BlockCodec::kLz4RowDelta), values);
}

TEST(BlockCodec, GivesBackTheWholeRangeOfInt16) {
  // Steps from one end to the other overflow a difference of 16 bits, which must wrap around and
  // back.
  const BlockSize size{4, 8, 2};
  std::vector<std::int16_t> values(64);
  for (std::size_t at = 0; at < values.size(); ++at) {
    values[at] = at / 4 % 2 == 0 ? std::int16_t{-32768} : std::int16_t{32767};
  }

  EXPECT_EQ(round_trip(values, size, BlockCodec::kLz4RowDelta), values);
}

TEST(BlockCodec, KeepsNoiseRawInsteadOfGrowingIt) {
  const BlockSize size{32, 16, 8};
  std::vector<std::int16_t> values(4096);
  Rng rng(1);
  for (std::int16_t& value : values) {
    value = static_cast<std::int16_t>(rng.below(65536) - 32768);
  }

  EXPECT_EQ(round_trip(values, size, BlockCodec::kRaw), values);
}

TEST(BlockCodec, StoresAConstantBlockWithoutBytes) {
  const PackedBlock packed = pack_block(std::vector<std::int16_t>(32768, -9), {32, 32, 32});

  EXPECT_EQ(packed.codec, BlockCodec::kConstant);
  EXPECT_TRUE(packed.bytes.empty());
  EXPECT_EQ(packed.min, -9);
  EXPECT_EQ(packed.max, -9);
}

TEST(BlockCodec, GivesBackLabels) {
  const BlockSize size{32, 32, 20};
  std::vector<std::uint8_t> values(32 * 32 * 20, 0);
  std::fill(values.begin() + 3000, values.begin() + 9000, std::uint8_t{255});

  EXPECT_EQ(round_trip(values, size, BlockCodec::kLz4), values);
}

TEST(BlockCodec, RefusesBytesThatAreNoBlock) {
  const BlockSize size{8, 4, 2};
  std::vector<std::int16_t> values(64);
  const PackedBlock packed = pack_block(std::span<const std::int16_t>(smooth_values(size)), size);
  const std::span<const std::byte> bytes(packed.bytes);
  const std::vector<std::byte> junk(40, std::byte{0xFF});

  EXPECT_FALSE(unpack_block(packed.codec, bytes.first(bytes.size() - 3), size, std::span(values)));
  EXPECT_FALSE(unpack_block(packed.codec, junk, size, std::span(values)));
  EXPECT_FALSE(unpack_block(BlockCodec::kRaw, junk, size, std::span(values)));
  EXPECT_FALSE(unpack_block(static_cast<BlockCodec>(9), bytes, size, std::span(values)));
  EXPECT_FALSE(unpack_block(packed.codec, bytes, {8, 4, 3}, std::span(values)));
  EXPECT_FALSE(unpack_block(packed.codec, bytes, {64, 1, 1}, std::span(values)));
}

TEST(Quantise, KeepsWholeHounsfieldUnitsExactly) {
  RecipeOptions recipe;
  recipe.modality = "ct";
  recipe.window_hu = {-1000, 1000};
  const std::vector<float> values{-1, -0.5F, 0, 0.001F, 0.777F, 1};

  const Quantisation quantisation = choose_quantisation(values, recipe);

  EXPECT_FLOAT_EQ(quantisation.scale, 0.001F);
  EXPECT_EQ(quantised(-1, quantisation), -1000);
  EXPECT_EQ(quantised(0.777F, quantisation), 777);
  for (const float value : values) {
    EXPECT_NEAR(dequantised(quantised(value, quantisation), quantisation), value, 1e-6F);
  }
}

TEST(Quantise, DividesANarrowWindowFiner) {
  RecipeOptions recipe;
  recipe.modality = "ct";
  recipe.window_hu = {0, 80};

  const Quantisation quantisation = choose_quantisation(std::vector<float>{-1, 1}, recipe);

  EXPECT_FLOAT_EQ(quantisation.scale, 2.0F / 1280);  // 80 HU in steps of 1/16 HU
  EXPECT_FLOAT_EQ(dequantised(quantised(1, quantisation), quantisation), 1);
}

TEST(Quantise, DividesTheRangeOfAnMrInto4095Steps) {
  const Quantisation quantisation =
      choose_quantisation(std::vector<float>{-2, 0.3F, 6.19F}, RecipeOptions{});

  EXPECT_FLOAT_EQ(quantisation.scale, 8.19F / 4095);
  EXPECT_NEAR(dequantised(quantised(0.3F, quantisation), quantisation), 0.3F, 0.00101F);
  EXPECT_NEAR(dequantised(quantised(6.19F, quantisation), quantisation), 6.19F, 0.00101F);
}

}  // namespace
}  // namespace marrow
