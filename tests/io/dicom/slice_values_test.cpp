#include "io/dicom/slice_values.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <gmock/gmock.h>

#include "core/error.h"

namespace marrow {

namespace {

using ::testing::ElementsAre;

constexpr float kOutside = -7777;

// The stored value as the standard words it, bit by bit.
std::int64_t stored_by_bits(std::uint64_t word, const PixelLayout& layout) {
  std::int64_t value = 0;
  for (int bit = 0; bit < layout.bits_stored; ++bit) {
    const int place = layout.high_bit + 1 - layout.bits_stored + bit;
    if ((word >> place & 1U) != 0) {
      const std::int64_t weight = std::int64_t{1} << bit;
      value += layout.is_signed && bit + 1 == layout.bits_stored ? -weight : weight;
    }
  }
  return value;
}

// Words of any bits in rows that are wider than the tile that is read.
class Picture {
 public:
  Picture(const PixelLayout& layout, std::int64_t rows, std::int64_t columns)
      : layout_(layout), rows_(rows), columns_(columns), stride_(columns + 3) {
    std::mt19937_64 random(static_cast<std::uint64_t>(layout.bits_stored * 64 + layout.high_bit));
    const std::size_t size = static_cast<std::size_t>(layout.bits_allocated / 8);
    bytes_.resize(static_cast<std::size_t>(rows * stride_) * size);
    for (std::byte& byte : bytes_) {
      byte = static_cast<std::byte>(random());
    }
  }

  [[nodiscard]] SliceRows tile() const {
    return {bytes_.data(), rows_, columns_, stride_ * layout_.bits_allocated / 8};
  }

  [[nodiscard]] std::uint64_t word(std::int64_t row, std::int64_t column) const {
    const int size = layout_.bits_allocated / 8;
    std::uint64_t word = 0;
    for (int n = 0; n < size; ++n) {
      const auto place = static_cast<std::size_t>((row * stride_ + column) * size +
                                                  (layout_.big_endian ? n : size - 1 - n));
      word = word << 8U | std::to_integer<std::uint64_t>(bytes_[place]);
    }
    return word;
  }

  [[nodiscard]] std::vector<float> converted(const SliceCoding& coding,
                                             bool past_caches,
                                             bool* outside = nullptr) const {
    // One float before and behind, to see that nothing else is written.
    std::vector<float> out(static_cast<std::size_t>(rows_ * columns_) + 2, 12345);
    const bool found = convert_rows(
        tile(), coding, nullptr, kOutside, past_caches, std::span(out).subspan(1, out.size() - 2));
    EXPECT_EQ(out.front(), 12345);
    EXPECT_EQ(out.back(), 12345);
    if (outside != nullptr) {
      *outside = found;
    }
    return {out.begin() + 1, out.end() - 1};
  }

 private:
  PixelLayout layout_;
  std::int64_t rows_, columns_, stride_;
  std::vector<std::byte> bytes_;
};

TEST(SliceValues, AreTheStoredBitsTimesSlopePlusIntercept) {
  const std::vector<SliceScale> scales{
      {1, 0, false}, {1, -1024, false}, {1, 0.5, false}, {0.37, -3, false}};
  for (const int allocated : {8, 16, 32}) {
    for (const int stored : {1, 7, 8, 12, 16, 29, 32}) {
      for (const int high : {stored - 1, allocated - 1}) {
        for (const bool is_signed : {false, true}) {
          for (const bool big_endian : {false, true}) {
            const PixelLayout layout{.bits_allocated = allocated,
                                     .bits_stored = stored,
                                     .high_bit = high,
                                     .is_signed = is_signed,
                                     .big_endian = big_endian && allocated > 8};
            if (stored > allocated) {
              EXPECT_FALSE(is_grey_layout(layout));
              continue;
            }
            ASSERT_TRUE(is_grey_layout(layout));
            const Picture picture(layout, 3, 2051);  // more than one piece to a row
            for (const SliceScale& scale : scales) {
              const SliceCoding coding{layout, {}, scale};
              const std::vector<float> values = picture.converted(coding, false);
              ASSERT_EQ(values, picture.converted(coding, true));
              for (std::int64_t n = 0; n < 3 * 2051; ++n) {
                const std::uint64_t word = picture.word(n / 2051, n % 2051);
                const auto value = static_cast<double>(stored_by_bits(word, layout));
                ASSERT_EQ(values[static_cast<std::size_t>(n)],
                          static_cast<float>(value * scale.slope + scale.intercept))
                    << allocated << " " << stored << " " << high << " " << is_signed << " " << n;
              }
            }
          }
        }
      }
    }
  }
}

TEST(SliceValues, OfPaddingAreWhatIsAskedForWhicheverWayItIsWritten) {
  const PixelLayout twelve_signed{
      .bits_allocated = 16, .bits_stored = 12, .high_bit = 11, .is_signed = true};
  const std::vector<std::uint16_t> words{0xF830, 0x0830, 0x0000, 0x07FF};
  const SliceRows rows{reinterpret_cast<const std::byte*>(words.data()), 1, 4, 8};
  std::vector<float> out(4);

  // -2000 of twelve bits, however the four bits above are filled; written as SS and as US.
  for (const std::int64_t written : {std::int64_t{-2000}, std::int64_t{0xF830}}) {
    EXPECT_TRUE(convert_rows(
        rows, {twelve_signed, {written, std::nullopt}, {}}, nullptr, kOutside, false, out));
    EXPECT_THAT(out, ElementsAre(kOutside, kOutside, 0, 2047)) << written;
  }
  // 2096, which is no number of twelve signed bits: only as the very word.
  EXPECT_TRUE(convert_rows(
      rows, {twelve_signed, {0x0830, std::nullopt}, {}}, nullptr, kOutside, false, out));
  EXPECT_THAT(out, ElementsAre(-2000, kOutside, 0, 2047));
  EXPECT_TRUE(convert_rows(rows, {twelve_signed, {0, 2047}, {}}, nullptr, kOutside, false, out));
  EXPECT_THAT(out, ElementsAre(-2000, -2000, kOutside, kOutside));
  EXPECT_FALSE(
      convert_rows(rows, {twelve_signed, {5, std::nullopt}, {}}, nullptr, kOutside, false, out));
}

TEST(SliceValues, OfALookUpTableAreItsEntriesAndPaddingStaysOutside) {
  const PixelLayout layout{.bits_allocated = 8, .bits_stored = 8, .high_bit = 7};
  const std::vector<std::uint8_t> bytes{0, 10, 11, 12, 255};
  const ModalityLut lut{10, {100, 200, 300}};
  std::vector<float> out(5);

  EXPECT_TRUE(convert_rows({reinterpret_cast<const std::byte*>(bytes.data()), 1, 5, 5},
                           {layout, {255, std::nullopt}, {}},
                           &lut,
                           kOutside,
                           true,
                           out));

  EXPECT_THAT(out, ElementsAre(100, 100, 200, 300, kOutside));
}

TEST(SliceValues, OfLayoutsThatMakeNoSenseAreNotMade) {
  const auto layout = [](int allocated, int stored, int high) {
    return PixelLayout{.bits_allocated = allocated, .bits_stored = stored, .high_bit = high};
  };
  for (const PixelLayout& bad : {layout(0, 0, 0),
                                 layout(1, 1, 0),
                                 layout(12, 12, 11),
                                 layout(16, 0, 15),
                                 layout(16, 12, 16),
                                 layout(16, 12, 10),
                                 layout(16, -3, 15),
                                 layout(64, 64, 63)}) {
    EXPECT_FALSE(is_grey_layout(bad)) << bad.bits_allocated << " " << bad.bits_stored;
  }
  PixelLayout colour = layout(8, 8, 7);
  colour.samples = 3;
  EXPECT_FALSE(is_grey_layout(colour));
}

TEST(OutsidePixels, BecomeTheLowestRealValueButNeverAboveZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto settled = [&](bool is_ct, bool keep_apart, std::vector<float> voxels) {
    OutsidePixels outside(is_ct, keep_apart);
    outside.found = true;
    outside.settle(voxels);
    return voxels;
  };

  EXPECT_THAT(settled(false, false, {3, nan, 5}), ElementsAre(3, 0, 5));
  EXPECT_THAT(settled(false, false, {3, nan, -5}), ElementsAre(3, -5, -5));
  EXPECT_THAT(settled(true, true, {-2000, nan, 5}), ElementsAre(-2000, -1024, 5));
  EXPECT_EQ(OutsidePixels(true).marker, -1024);
  EXPECT_TRUE(std::isnan(OutsidePixels(true, true).marker));
}

}  // namespace

}  // namespace marrow
