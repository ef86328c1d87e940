#include "io/dicom/slice_values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/error.h"
#include "core/large_memory.h"

namespace marrow {

namespace {

// Values are made in pieces that stay in the nearest cache until they go to the volume.
constexpr std::int64_t kPiece = 2048;

// Where the bits of a value lie in its word, as two shifts: up until the highest stored bit is that
// of a 32-bit word, down (with its sign or without) until only the stored bits are left.
struct BitShifts {
  int up = 0;
  int down = 0;
};

BitShifts shifts_of(const PixelLayout& layout) {
  return {31 - layout.high_bit, 32 - layout.bits_stored};
}

// Of up to 16 bits in 32, where the compiler makes twice as much of them at once.
template <class Word>
using Stored = std::conditional_t<sizeof(Word) <= 2, std::int32_t, std::int64_t>;

template <class Word, bool kSigned>
Stored<Word> stored_value(std::uint32_t word, BitShifts shifts) {
  const std::uint32_t raised = word << shifts.up;
  if constexpr (kSigned) {
    return static_cast<std::int32_t>(raised) >> shifts.down;
  }
  return static_cast<Stored<Word>>(raised >> shifts.down);
}

template <class Word>
Word swapped_word(Word word) {
  if constexpr (sizeof(Word) == 2) {
    return static_cast<Word>(word << 8 | word >> 8);
  } else if constexpr (sizeof(Word) == 4) {
    return __builtin_bswap32(word);
  }
  return word;
}

template <class Word, bool kSwapped>
Word load_word(const std::byte* from) {
  Word word;
  std::memcpy(&word, from, sizeof(Word));
  return kSwapped ? swapped_word(word) : word;
}

bool is_swapped(const PixelLayout& layout) {
  return layout.big_endian != (std::endian::native == std::endian::big);
}

// Stored values that mean "outside": those of a range, and one whole word.
struct PaddingBand {
  std::int64_t low = 0, high = -1;
  std::uint32_t word = 0;
};

// The padding value is written as US or SS, often not the one the pixels use, and often with bits
// beyond BitsStored: it is met either as the whole word or as the value that the pixels' own rules
// make of it.
PaddingBand padding_band(const PaddingRule& rule, const PixelLayout& layout) {
  const std::uint64_t word_mask =
      (std::uint64_t{1} << static_cast<unsigned>(layout.bits_allocated)) - 1;
  const auto value_of = [&](std::int64_t written) -> std::int64_t {
    const BitShifts low_bits{32 - layout.bits_stored, 32 - layout.bits_stored};
    const auto word = static_cast<std::uint32_t>(static_cast<std::uint64_t>(written) & word_mask);
    return layout.is_signed ? stored_value<std::uint32_t, true>(word, low_bits)
                            : stored_value<std::uint32_t, false>(word, low_bits);
  };
  PaddingBand band;
  band.word = static_cast<std::uint32_t>(static_cast<std::uint64_t>(*rule.value) & word_mask);
  const std::int64_t value = value_of(*rule.value);
  // A padding value that BitsStored cannot hold can only be met as a whole word.
  if ((static_cast<std::uint64_t>(value) & word_mask) == band.word) {
    const std::int64_t other = rule.limit ? value_of(*rule.limit) : value;
    band.low = std::min(value, other);
    band.high = std::max(value, other);
  }
  return band;
}

// Calls `work.template operator()<Word, signed, swapped>()` with the types that fit the layout.
template <class Work>
void with_word_type(const PixelLayout& layout, Work&& work) {
  const auto with_sign = [&]<class Word, bool kSwapped>() {
    if (layout.is_signed) {
      work.template operator()<Word, true, kSwapped>();
    } else {
      work.template operator()<Word, false, kSwapped>();
    }
  };
  const bool swapped = is_swapped(layout);
  if (layout.bits_allocated == 8) {
    with_sign.template operator()<std::uint8_t, false>();
  } else if (layout.bits_allocated == 16 && swapped) {
    with_sign.template operator()<std::uint16_t, true>();
  } else if (layout.bits_allocated == 16) {
    with_sign.template operator()<std::uint16_t, false>();
  } else if (swapped) {
    with_sign.template operator()<std::uint32_t, true>();
  } else {
    with_sign.template operator()<std::uint32_t, false>();
  }
}

// Intensities fall where MONOCHROME1 rises: the extremes of what can be stored change places.
SliceScale upright(const SliceScale& scale, const PixelLayout& layout) {
  if (!scale.inverted) {
    return scale;
  }
  const int magnitude_bits = layout.bits_stored - (layout.is_signed ? 1 : 0);
  const std::int64_t largest = (std::int64_t{1} << magnitude_bits) - 1;
  const std::int64_t smallest = layout.is_signed ? -(std::int64_t{1} << magnitude_bits) : 0;
  const auto ends = static_cast<double>(largest + smallest);
  return {-scale.slope, scale.intercept + scale.slope * ends, false};
}

// Where slope is 1 and the intercept whole, single precision is exact and faster: nothing beyond
// 2^24 comes up with words of 16 bits.
bool whole_shift(const SliceScale& scale) {
  constexpr double kLargest = 1 << 23;
  return scale.slope == 1 && scale.intercept == std::floor(scale.intercept) &&
         std::abs(scale.intercept) <= kLargest;
}

// Makes the values of one piece of a row: convert(from, values) -> whether any is outside.
class PieceConverter {
 public:
  PieceConverter(const SliceCoding& coding, const ModalityLut* lut, float outside)
      : layout_(coding.layout),
        shifts_(shifts_of(coding.layout)),
        scale_(upright(coding.scale, coding.layout)),
        whole_shift_(whole_shift(scale_)),
        lut_(lut),
        outside_(outside) {
    if (coding.padding.value && !layout_.floating) {
      padding_ = padding_band(coding.padding, layout_);
    }
  }

  [[nodiscard]] bool convert(const std::byte* from, std::span<float> values) const {
    if (layout_.floating) {
      return layout_.bits_allocated == 32 ? convert_floating<float>(from, values)
                                          : convert_floating<double>(from, values);
    }
    bool any_outside = false;
    with_word_type(layout_, [&]<class Word, bool kSigned, bool kSwapped>() {
      if (lut_ != nullptr) {
        look_up<Word, kSigned, kSwapped>(from, values);
      } else if (sizeof(Word) <= 2 && whole_shift_) {
        shift<Word, kSigned, kSwapped>(from, values);
      } else {
        rescale<Word, kSigned, kSwapped>(from, values);
      }
      any_outside = padding_ && mark_padding<Word, kSigned, kSwapped>(from, values);
    });
    return any_outside;
  }

 private:
  template <class Word, bool kSigned, bool kSwapped>
  void shift(const std::byte* from, std::span<float> values) const {
    const BitShifts shifts = shifts_;
    const auto intercept = static_cast<Stored<Word>>(scale_.intercept);
    for (std::size_t n = 0; n < values.size(); ++n) {
      const Word word = load_word<Word, kSwapped>(from + n * sizeof(Word));
      values[n] = static_cast<float>(stored_value<Word, kSigned>(word, shifts) + intercept);
    }
  }

  template <class Word, bool kSigned, bool kSwapped>
  void rescale(const std::byte* from, std::span<float> values) const {
    const BitShifts shifts = shifts_;
    const double slope = scale_.slope;
    const double intercept = scale_.intercept;
    for (std::size_t n = 0; n < values.size(); ++n) {
      const Word word = load_word<Word, kSwapped>(from + n * sizeof(Word));
      const auto value = static_cast<double>(stored_value<Word, kSigned>(word, shifts));
      values[n] = static_cast<float>(value * slope + intercept);
    }
  }

  template <class Word, bool kSigned, bool kSwapped>
  void look_up(const std::byte* from, std::span<float> values) const {
    const auto last = static_cast<std::int64_t>(lut_->entries.size()) - 1;
    for (std::size_t n = 0; n < values.size(); ++n) {
      const Word word = load_word<Word, kSwapped>(from + n * sizeof(Word));
      const std::int64_t value = stored_value<Word, kSigned>(word, shifts_);
      const std::int64_t entry = std::clamp<std::int64_t>(value - lut_->first, 0, last);
      values[n] = static_cast<float>(lut_->entries[static_cast<std::size_t>(entry)]);
    }
  }

  template <class Word, bool kSigned, bool kSwapped>
  bool mark_padding(const std::byte* from, std::span<float> values) const {
    const BitShifts shifts = shifts_;
    const auto whole_word = static_cast<Word>(padding_->word);
    const auto low = static_cast<Stored<Word>>(padding_->low);
    const auto high = static_cast<Stored<Word>>(padding_->high);
    const float outside = outside_;
    int found = 0;
    for (std::size_t n = 0; n < values.size(); ++n) {
      const Word word = load_word<Word, kSwapped>(from + n * sizeof(Word));
      const Stored<Word> value = stored_value<Word, kSigned>(word, shifts);
      const int padding = static_cast<int>(word == whole_word) |
                          (static_cast<int>(value >= low) & static_cast<int>(value <= high));
      values[n] = padding != 0 ? outside : values[n];
      found |= padding;
    }
    return found != 0;
  }

  template <class Number>
  bool convert_floating(const std::byte* from, std::span<float> values) const {
    bool any_outside = false;
    for (std::size_t n = 0; n < values.size(); ++n) {
      std::array<std::byte, sizeof(Number)> bytes;
      std::copy_n(from + n * sizeof(Number), sizeof(Number), bytes.begin());
      if (is_swapped(layout_)) {
        std::reverse(bytes.begin(), bytes.end());
      }
      const auto stored = static_cast<float>(std::bit_cast<Number>(bytes));
      const auto value =
          static_cast<float>(static_cast<double>(stored) * scale_.slope + scale_.intercept);
      values[n] = std::isfinite(value) ? value : outside_;
      any_outside = any_outside || !std::isfinite(value);
    }
    return any_outside;
  }

  PixelLayout layout_;
  BitShifts shifts_;
  SliceScale scale_;
  bool whole_shift_;
  const ModalityLut* lut_;
  float outside_;
  std::optional<PaddingBand> padding_;
};

constexpr float kCtPaddingHu = -1024;

}  // namespace

OutsidePixels::OutsidePixels(bool is_ct, bool keep_apart)
    : marker(is_ct && !keep_apart ? kCtPaddingHu : std::numeric_limits<float>::quiet_NaN()),
      is_ct_(is_ct) {}

void OutsidePixels::settle(std::span<float> voxels) const {
  if (!found || !std::isnan(marker)) {
    return;
  }
  float value = kCtPaddingHu;
  if (!is_ct_) {
    value = 0;
    for (const float voxel : voxels) {
      value = voxel < value ? voxel : value;  // false for NaN
    }
  }
  for (float& voxel : voxels) {
    voxel = std::isnan(voxel) ? value : voxel;
  }
}

bool is_grey_layout(const PixelLayout& layout) {
  const int bits = layout.bits_allocated;
  if (layout.samples != 1) {
    return false;
  }
  if (layout.floating) {
    return bits == 32 || bits == 64;
  }
  return (bits == 8 || bits == 16 || bits == 32) && layout.bits_stored >= 1 &&
         layout.high_bit < bits && layout.high_bit + 1 >= layout.bits_stored;
}

bool convert_rows(const SliceRows& rows,
                  const SliceCoding& coding,
                  const ModalityLut* lut,
                  float outside,
                  bool past_caches,
                  std::span<float> out) {
  MARROW_CHECK(is_grey_layout(coding.layout));
  MARROW_CHECK(out.size() == static_cast<std::size_t>(rows.rows * rows.columns));
  const PieceConverter converter(coding, lut, outside);
  const std::int64_t bytes = coding.layout.bits_allocated / 8;
  std::array<float, kPiece> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  bool any_outside = false;
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    for (std::int64_t first = 0; first < rows.columns; first += kPiece) {
      const auto count = static_cast<std::size_t>(std::min(kPiece, rows.columns - first));
      const std::byte* const from = rows.first + row * rows.bytes_a_row + first * bytes;
      const std::span<float> to =
          out.subspan(static_cast<std::size_t>(row * rows.columns + first), count);
      const std::span<float> values = past_caches ? std::span(piece).first(count) : to;
      any_outside |= converter.convert(from, values);
      if (past_caches) {
        stream_copy(values, to.data());
      }
    }
  }
  if (past_caches) {
    finish_stream_copies();
  }
  return any_outside;
}

std::vector<std::int64_t> stored_values(const std::byte* first,
                                        std::int64_t count,
                                        const PixelLayout& layout) {
  MARROW_CHECK(!layout.floating && layout.bits_allocated >= 8);
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  with_word_type(layout, [&]<class Word, bool kSigned, bool kSwapped>() {
    for (std::size_t n = 0; n < values.size(); ++n) {
      const Word word = load_word<Word, kSwapped>(first + n * sizeof(Word));
      values[n] = stored_value<Word, kSigned>(word, shifts_of(layout));
    }
  });
  return values;
}

}  // namespace marrow
