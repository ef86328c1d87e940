#include "io/dicom/dicom_pixels.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/dicom_prescan.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

struct PixelLayout {
  int bits_allocated = 0;
  int bits_stored = 0;
  int high_bit = 0;
  bool is_signed = false;
};

struct PaddingRule {
  std::optional<std::int64_t> value;  // as written, not masked
  std::optional<std::int64_t> limit;
};

std::int64_t stored_value(std::uint64_t word, const PixelLayout& layout) {
  const auto bits = static_cast<unsigned>(layout.bits_stored);
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  const std::uint64_t value =
      (word >> static_cast<unsigned>(layout.high_bit + 1 - layout.bits_stored)) & mask;
  const bool negative = layout.is_signed && (value >> (bits - 1)) != 0;
  return static_cast<std::int64_t>(value) - (negative ? std::int64_t{1} << bits : 0);
}

// `bytes` holds `count` little-endian samples of bits_allocated bits (big-endian when asked).
template <class Word>
std::vector<std::uint64_t> widen_pixels(std::span<const std::byte> bytes, bool big_endian) {
  std::vector<std::uint64_t> words(bytes.size() / sizeof(Word));
  for (std::size_t n = 0; n < words.size(); ++n) {
    std::uint64_t word = 0;
    for (std::size_t b = 0; b < sizeof(Word); ++b) {
      const std::size_t from = big_endian ? b : sizeof(Word) - 1 - b;
      word = word << 8 | std::to_integer<std::uint64_t>(bytes[n * sizeof(Word) + from]);
    }
    words[n] = word;
  }
  return words;
}

std::vector<std::uint64_t> native_words(std::span<const std::byte> bytes,
                                        const PixelLayout& layout,
                                        bool big_endian) {
  switch (layout.bits_allocated) {
    case 8:
      return widen_pixels<std::uint8_t>(bytes, big_endian);
    case 16:
      return widen_pixels<std::uint16_t>(bytes, big_endian);
    default:
      return widen_pixels<std::uint32_t>(bytes, big_endian);
  }
}

[[noreturn]] void pixels_unreadable(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::kUnreadable,
              fmt::format("bad-pixels: {}: {}; get the file again", name, what));
}

class SliceReader {
 public:
  explicit SliceReader(const DicomHeader& header)
      : header_(header),
        name_(printable(header.file.string(), 300)),
        layout_{header.bits_allocated,
                header.bits_stored,
                header.high_bit,
                header.pixel_representation == 1},
        samples_(static_cast<std::size_t>(header.rows * header.columns)) {}

  StoredSlice read() {
    prepare_dcmtk();
    const MappedFile map(header_.file);
    const DicomLayout scan = prescan_dicom(map.bytes(), name_);
    if (scan.pixel_offset != header_.pixel_offset || scan.pixel_bytes != header_.pixel_bytes) {
      pixels_unreadable(name_, "the file changed while it was read");
    }
    DcmFileFormat format;
    load(format, scan);
    const std::vector<std::uint64_t> words =
        scan.encapsulated ? decoded(format, scan) : native(map, scan);
    StoredSlice slice;
    slice.values.resize(samples_);
    std::transform(words.begin(), words.end(), slice.values.begin(), [&](std::uint64_t word) {
      return stored_value(word, layout_);
    });
    mark_padding(read_padding(*format.getDataset()), words, slice);
    return slice;
  }

 private:
  void load(DcmFileFormat& format, const DicomLayout& scan) {
    const OFCondition status = scan.encapsulated
                                   ? format.loadFile(header_.file.c_str())
                                   : format.loadFileUntilTag(header_.file.c_str(),
                                                             EXS_Unknown,
                                                             EGL_noChange,
                                                             DCM_MaxReadLength,
                                                             ERM_autoDetect,
                                                             DcmTagKey(0x7FE0, 0x0000));
    if (status.bad()) {
      pixels_unreadable(name_, status.text());
    }
  }

  [[nodiscard]] std::vector<std::uint64_t> native(const MappedFile& map,
                                                  const DicomLayout& scan) const {
    const std::size_t bytes = samples_ * static_cast<std::size_t>(layout_.bits_allocated / 8);
    if (scan.pixel_bytes < static_cast<std::int64_t>(bytes)) {
      pixels_unreadable(name_,
                        fmt::format("{} bytes of pixels where {} belong", scan.pixel_bytes, bytes));
    }
    const auto offset = static_cast<std::size_t>(scan.pixel_offset);
    if (scan.big_endian && layout_.bits_allocated == 8 && scan.words) {
      // Two samples to a word, and each word is swapped: take the whole words, swap, cut.
      std::vector<std::byte> swapped(
          map.bytes().begin() + static_cast<std::ptrdiff_t>(offset),
          map.bytes().begin() + static_cast<std::ptrdiff_t>(offset) + scan.pixel_bytes);
      for (std::size_t n = 0; n + 1 < swapped.size(); n += 2) {
        std::swap(swapped[n], swapped[n + 1]);
      }
      return native_words(std::span(swapped).first(bytes), layout_, false);
    }
    return native_words(map.bytes().subspan(offset, bytes), layout_, scan.big_endian);
  }

  // Through DCMTK's codecs to little endian; what the decoder says of the bits replaces what the
  // header said.
  std::vector<std::uint64_t> decoded(DcmFileFormat& format, const DicomLayout& scan) {
    constexpr std::int64_t kMostFragments = 5;    // 4 a frame and the offset table
    constexpr std::int64_t kRleHeaderBytes = 64;  // DCMTK 3.6.7 reads past shorter fragments
    if (scan.fragments < 2 || scan.fragments > kMostFragments) {
      pixels_unreadable(name_,
                        fmt::format("{} fragments of compressed pixels where 1 to 4 are expected",
                                    std::max<std::int64_t>(scan.fragments - 1, 0)));
    }
    if (header_.transfer_syntax_uid == kRleSyntax && scan.smallest_fragment < kRleHeaderBytes) {
      pixels_unreadable(name_, "an RLE fragment is shorter than its own header");
    }
    DcmDataset& data = *format.getDataset();
    if (const OFCondition status = data.chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
        status.bad()) {
      pixels_unreadable(
          name_,
          fmt::format("{}: {}", transfer_syntax_name(header_.transfer_syntax_uid), status.text()));
    }
    const auto number = [&](const DcmTagKey& tag) -> std::int64_t {
      Uint16 value = 0;
      return data.findAndGetUint16(tag, value).good() ? value : -1;
    };
    layout_ = {static_cast<int>(number(DCM_BitsAllocated)),
               static_cast<int>(number(DCM_BitsStored)),
               static_cast<int>(number(DCM_HighBit)),
               number(DCM_PixelRepresentation) == 1};
    if (number(DCM_Rows) != header_.rows || number(DCM_Columns) != header_.columns ||
        number(DCM_SamplesPerPixel) != 1 ||
        (layout_.bits_allocated != 8 && layout_.bits_allocated != 16) || layout_.bits_stored < 1 ||
        layout_.high_bit >= layout_.bits_allocated || layout_.high_bit + 1 < layout_.bits_stored) {
      pixels_unreadable(name_, "the compressed picture does not fit its header");
    }
    return decoded_words(data);
  }

  [[nodiscard]] std::vector<std::uint64_t> decoded_words(DcmDataset& data) const {
    unsigned long count = 0;
    if (layout_.bits_allocated == 8) {
      const Uint8* bytes = nullptr;
      if (data.findAndGetUint8Array(DCM_PixelData, bytes, &count).good() && bytes != nullptr &&
          count >= samples_) {
        return {bytes, bytes + samples_};
      }
    } else {
      const Uint16* words = nullptr;
      if (data.findAndGetUint16Array(DCM_PixelData, words, &count).good() && words != nullptr &&
          count >= samples_) {
        return {words, words + samples_};
      }
    }
    pixels_unreadable(name_, "the compressed picture holds fewer pixels than its header says");
  }

  PaddingRule read_padding(DcmDataset& data) const {
    const auto number = [&](const DcmTagKey& tag) -> std::optional<std::int64_t> {
      const std::optional<std::vector<double>> values = dicom_numbers(data, tag);
      if (!values || values->empty()) {
        return std::nullopt;
      }
      return static_cast<std::int64_t>(std::clamp(values->front(), -2147483648.0, 4294967295.0));
    };
    return {number(DCM_PixelPaddingValue), number(DCM_PixelPaddingRangeLimit)};
  }

  // The padding value is written as US or SS, often not the one the pixels use, and often with bits
  // beyond BitsStored: it is met either as the whole word or as the value that the pixels' own
  // rules make of it.
  void mark_padding(const PaddingRule& rule,
                    const std::vector<std::uint64_t>& words,
                    StoredSlice& slice) const {
    if (!rule.value) {
      return;
    }
    const std::uint64_t word_mask =
        (std::uint64_t{1} << static_cast<unsigned>(layout_.bits_allocated)) - 1;
    const std::uint64_t word = static_cast<std::uint64_t>(*rule.value) & word_mask;
    const PixelLayout unshifted{
        layout_.bits_allocated, layout_.bits_stored, layout_.bits_stored - 1, layout_.is_signed};
    const std::int64_t value = stored_value(word, unshifted);
    const std::int64_t other =
        rule.limit ? stored_value(static_cast<std::uint64_t>(*rule.limit) & word_mask, unshifted)
                   : value;
    const std::int64_t low = std::min(value, other);
    const std::int64_t high = std::max(value, other);
    // A padding value that BitsStored cannot hold can only be met as a whole word.
    const bool fits = (static_cast<std::uint64_t>(value) & word_mask) == word;
    slice.padding.resize(samples_);
    for (std::size_t n = 0; n < samples_; ++n) {
      slice.padding[n] =
          words[n] == word || (fits && slice.values[n] >= low && slice.values[n] <= high);
    }
  }

  const DicomHeader& header_;
  std::string name_;
  PixelLayout layout_;
  std::size_t samples_;
};

}  // namespace

StoredSlice read_stored_slice(const DicomHeader& header) {
  return SliceReader(header).read();
}

}  // namespace marrow
