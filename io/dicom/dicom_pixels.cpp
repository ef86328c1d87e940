#include "io/dicom/dicom_pixels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "core/error.h"

namespace marrow {

namespace {

// Where the bits of a value lie in its word, as two shifts: up until the highest stored bit is that
// of a 32-bit word, down (with its sign or without) until only the stored bits are left.
struct BitShifts {
  int up = 0;
  int down = 0;
};

BitShifts shifts_of(const PixelLayout& layout) {
  return {31 - layout.high_bit, 32 - layout.bits_stored};
}

template <bool kSigned>
std::int64_t stored_value(std::uint32_t word, BitShifts shifts) {
  const std::uint32_t raised = word << shifts.up;
  if constexpr (kSigned) {
    return static_cast<std::int32_t>(raised) >> shifts.down;
  }
  return raised >> shifts.down;
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

// Stored values that mean "outside": those of a range, and one whole word.
struct PaddingBand {
  std::int64_t low = 0, high = -1;
  std::uint64_t word = 0;
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
    return layout.is_signed ? stored_value<true>(word, low_bits)
                            : stored_value<false>(word, low_bits);
  };
  PaddingBand band;
  band.word = static_cast<std::uint64_t>(*rule.value) & word_mask;
  const std::int64_t value = value_of(*rule.value);
  // A padding value that BitsStored cannot hold can only be met as a whole word.
  if ((static_cast<std::uint64_t>(value) & word_mask) == band.word) {
    const std::int64_t other = rule.limit ? value_of(*rule.limit) : value;
    band.low = std::min(value, other);
    band.high = std::max(value, other);
  }
  return band;
}

struct SliceRows {
  const std::byte* first = nullptr;  // of the first row
  std::int64_t rows = 0, columns = 0;
  std::int64_t bytes_a_row = 0;  // of the whole picture
};

// Where slope is 1 and the intercept whole, single precision is exact and faster: nothing beyond
// 2^24 comes up with words of 16 bits.
template <class Word, bool kSigned, bool kSwapped>
void shift_rows(const SliceRows& source,
                BitShifts shifts,
                std::int32_t intercept,
                std::span<float> out) {
  for (std::int64_t row = 0; row < source.rows; ++row) {
    const std::byte* const from = source.first + row * source.bytes_a_row;
    float* const to = out.data() + row * source.columns;
    for (std::int64_t n = 0; n < source.columns; ++n) {
      const auto word = static_cast<std::uint32_t>(
          load_word<Word, kSwapped>(from + n * static_cast<std::int64_t>(sizeof(Word))));
      const std::uint32_t raised = word << shifts.up;
      const std::int32_t value = kSigned ? static_cast<std::int32_t>(raised) >> shifts.down
                                         : static_cast<std::int32_t>(raised >> shifts.down);
      to[n] = static_cast<float>(value + intercept);
    }
  }
}

bool whole_shift(const SliceScale& scale) {
  constexpr double kLargest = 1 << 23;
  return scale.slope == 1 && scale.intercept == std::floor(scale.intercept) &&
         std::abs(scale.intercept) <= kLargest;
}

template <class Word, bool kSigned, bool kSwapped>
void rescale_rows(const SliceRows& source,
                  BitShifts shifts,
                  const SliceScale& scale,
                  std::span<float> out) {
  const double slope = scale.slope;
  const double intercept = scale.intercept;
  for (std::int64_t row = 0; row < source.rows; ++row) {
    const std::byte* const from = source.first + row * source.bytes_a_row;
    float* const to = out.data() + row * source.columns;
    for (std::int64_t n = 0; n < source.columns; ++n) {
      const std::int64_t value = stored_value<kSigned>(
          load_word<Word, kSwapped>(from + n * static_cast<std::int64_t>(sizeof(Word))), shifts);
      to[n] = static_cast<float>(static_cast<double>(value) * slope + intercept);
    }
  }
}

// Visits every stored value of a slice with its place in `out` and its whole word.
template <class Word, bool kSigned, bool kSwapped, class Visit>
void visit_rows(const SliceRows& source, BitShifts shifts, Visit&& visit) {
  std::size_t place = 0;
  for (std::int64_t row = 0; row < source.rows; ++row) {
    const std::byte* const from = source.first + row * source.bytes_a_row;
    for (std::int64_t n = 0; n < source.columns; ++n, ++place) {
      const auto word =
          load_word<Word, kSwapped>(from + n * static_cast<std::int64_t>(sizeof(Word)));
      visit(place, stored_value<kSigned>(word, shifts), std::uint64_t{word});
    }
  }
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
  const bool swapped = layout.big_endian != (std::endian::native == std::endian::big);
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

template <class Number>
void read_floating(const SliceRows& source, bool swapped, std::span<float> out) {
  std::size_t place = 0;
  for (std::int64_t row = 0; row < source.rows; ++row) {
    const std::byte* from = source.first + row * source.bytes_a_row;
    for (std::int64_t n = 0; n < source.columns; ++n, from += sizeof(Number)) {
      std::array<std::byte, sizeof(Number)> bytes;
      std::copy_n(from, sizeof(Number), bytes.begin());
      if (swapped) {
        std::reverse(bytes.begin(), bytes.end());
      }
      out[place++] = static_cast<float>(std::bit_cast<Number>(bytes));
    }
  }
}

std::int64_t largest_stored(const PixelLayout& layout) {
  return (std::int64_t{1} << (layout.bits_stored - (layout.is_signed ? 1 : 0))) - 1;
}

std::int64_t smallest_stored(const PixelLayout& layout) {
  return layout.is_signed ? -(std::int64_t{1} << (layout.bits_stored - 1)) : 0;
}

// The table takes the place of slope and intercept.
double looked_up(const ModalityLut& lut, std::int64_t value) {
  const auto last = static_cast<std::int64_t>(lut.entries.size()) - 1;
  return lut
      .entries[static_cast<std::size_t>(std::clamp<std::int64_t>(value - lut.first, 0, last))];
}

// Intensities fall where MONOCHROME1 rises: the extremes of what can be stored change places.
SliceScale upright(const SliceScale& scale, const PixelLayout& layout) {
  if (!scale.inverted) {
    return scale;
  }
  const auto ends = static_cast<double>(largest_stored(layout) + smallest_stored(layout));
  return {-scale.slope, scale.intercept + scale.slope * ends, false};
}

std::vector<bool> find_padding(const SliceRows& source,
                               const PixelLayout& layout,
                               const PaddingRule& rule) {
  const PaddingBand band = padding_band(rule, layout);
  std::vector<bool> padding(static_cast<std::size_t>(source.rows * source.columns));
  with_word_type(layout, [&]<class Word, bool kSigned, bool kSwapped>() {
    visit_rows<Word, kSigned, kSwapped>(
        source, shifts_of(layout), [&](std::size_t place, std::int64_t value, std::uint64_t word) {
          padding[place] = word == band.word || (value >= band.low && value <= band.high);
        });
  });
  return padding;
}

std::vector<bool> read_floating_rows(const SliceRows& source,
                                     const PixelLayout& layout,
                                     const SliceScale& scale,
                                     std::span<float> out) {
  const bool swapped = layout.big_endian != (std::endian::native == std::endian::big);
  if (layout.bits_allocated == 32) {
    read_floating<float>(source, swapped, out);
  } else {
    read_floating<double>(source, swapped, out);
  }
  std::vector<bool> padding(out.size());
  for (std::size_t n = 0; n < out.size(); ++n) {
    out[n] = static_cast<float>(static_cast<double>(out[n]) * scale.slope + scale.intercept);
    padding[n] = !std::isfinite(out[n]);
  }
  return padding;
}

}  // namespace

std::vector<std::int64_t> read_stored_values(const DicomHeader& header) {
  PixelFile file(header);
  std::vector<std::int64_t> values;
  for (std::int64_t frame = 0; frame < file.frames(); ++frame) {
    const std::span<const std::byte> bytes = file.frame(frame);
    const PixelLayout& layout = file.layout();
    MARROW_CHECK(!layout.floating && layout.bits_allocated >= 8);
    const std::int64_t samples = header.rows * header.columns * layout.samples;
    const SliceRows all{bytes.data(), 1, samples, 0};
    const std::size_t start = values.size();
    values.resize(start + static_cast<std::size_t>(samples));
    const auto pixels = static_cast<std::size_t>(header.rows * header.columns);
    with_word_type(layout, [&]<class Word, bool kSigned, bool kSwapped>() {
      visit_rows<Word, kSigned, kSwapped>(
          all, shifts_of(layout), [&](std::size_t place, std::int64_t value, std::uint64_t) {
            const std::size_t to =
                layout.planar
                    ? place % pixels * static_cast<std::size_t>(layout.samples) + place / pixels
                    : place;
            values[start + to] = value;
          });
    });
  }
  return values;
}

std::vector<bool> read_slice_values(PixelFile& file,
                                    const SlicePlace& place,
                                    std::int64_t columns_of_file,
                                    const SliceScale& scale,
                                    std::span<float> out) {
  const std::span<const std::byte> frame = file.frame(place.frame);
  const PixelLayout& layout = file.layout();
  if (layout.samples != 1 || layout.bits_allocated < 8) {
    throw Error(ErrorCode::kUnreadable, "bad-pixels: expected grey samples of 8 bits or more");
  }
  MARROW_CHECK(out.size() == static_cast<std::size_t>(place.rows * place.columns));
  const std::int64_t bytes = layout.bits_allocated / 8;
  const SliceRows source{
      frame.data() + (place.first_row * columns_of_file + place.first_column) * bytes,
      place.rows,
      place.columns,
      columns_of_file * bytes};
  if (layout.floating) {
    return read_floating_rows(source, layout, scale, out);
  }
  if (const std::optional<ModalityLut>& lut = file.modality_lut()) {
    with_word_type(layout, [&]<class Word, bool kSigned, bool kSwapped>() {
      visit_rows<Word, kSigned, kSwapped>(
          source, shifts_of(layout), [&](std::size_t at, std::int64_t value, std::uint64_t) {
            out[at] = static_cast<float>(looked_up(*lut, value));
          });
    });
  } else {
    const SliceScale straight = upright(scale, layout);
    with_word_type(layout, [&]<class Word, bool kSigned, bool kSwapped>() {
      if (sizeof(Word) <= 2 && whole_shift(straight)) {
        shift_rows<Word, kSigned, kSwapped>(
            source, shifts_of(layout), static_cast<std::int32_t>(straight.intercept), out);
      } else {
        rescale_rows<Word, kSigned, kSwapped>(source, shifts_of(layout), straight, out);
      }
    });
  }
  return file.padding().value ? find_padding(source, layout, file.padding()) : std::vector<bool>();
}

}  // namespace marrow
