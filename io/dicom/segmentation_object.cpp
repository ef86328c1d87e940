#include "io/dicom/segmentation_object.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/dicom_source.h"
#include "io/dicom/rle_check.h"
#include "io/dicom/segmentation_header.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void segmentation_pixels_unreadable(const fs::path& file, const std::string& what) {
  refuse_label_object(ErrorCode::kUnreadable, "bad-pixels", file, what + "; get the file again");
}

// Bits `first` to `first + values.size()` of a stream whose bytes are filled from their lowest bit.
void unpack_bits(std::span<const std::byte> bytes,
                 std::int64_t first,
                 std::vector<std::uint16_t>& values) {
  std::size_t n = 0;
  while (n < values.size()) {
    const auto bit = static_cast<std::size_t>(first) + n;
    auto byte = std::to_integer<unsigned>(bytes[bit / 8]) >> (bit % 8);
    const std::size_t end = std::min(values.size(), n + 8 - bit % 8);
    for (std::size_t m = n; byte != 0 && m < end; ++m, byte >>= 1U) {
      values[m] = static_cast<std::uint16_t>(byte & 1U);
    }
    n = end;
  }
}

// Words of big-endian files, and bytes of them that were written as words, come swapped.
std::vector<std::byte> swapped_pairs(std::span<const std::byte> bytes) {
  std::vector<std::byte> swapped(bytes.begin(), bytes.end());
  for (std::size_t n = 0; n + 1 < swapped.size(); n += 2) {
    std::swap(swapped[n], swapped[n + 1]);
  }
  return swapped;
}

}  // namespace

struct SegmentationObject::State {
  explicit State(const fs::path& name) : file(name), source(name, kMaxLabelElements) {}

  fs::path file;
  DicomSource source;
  int bits = 1;
  SegmentationHeader header;
  std::string syntax;
  std::vector<std::byte> decoded;  // little endian, where the bytes of the file are not

  void open();
  void decode();
  void check_rle() const;
  [[nodiscard]] std::span<const std::byte> pixels();
  [[nodiscard]] std::uint16_t described(std::uint16_t number) const;
};

void SegmentationObject::State::open() {
  DcmFileFormat format;
  source.load_header(format);
  DcmDataset& data = *format.getDataset();
  syntax = source.layout().transfer_syntax_uid;
  if (syntax.empty()) {
    syntax = DcmXfer(data.getOriginalXfer()).getXferID();
  }
  header = read_segmentation_header(data, source.layout(), syntax, file);
  bits = static_cast<int>(whole_number(data, DCM_BitsAllocated, 1, 16).value());
}

// DCMTK takes frames that end early for whole ones.
void SegmentationObject::State::check_rle() const {
  const auto fragments =
      pixel_fragments(source.bytes(), source.layout().pixel_offset, source.layout().fragments);
  if (const auto problem = rle_frames_problem(fragments, bits / 8, header.rows * header.columns)) {
    segmentation_pixels_unreadable(file, *problem);
  }
}

void SegmentationObject::State::decode() {
  if (syntax == kRleSyntax) {
    check_rle();
  }
  DcmFileFormat format;
  source.load_all(format);
  DcmDataset& data = *format.getDataset();
  if (const auto problem = decompress_pixels(data)) {
    segmentation_pixels_unreadable(file,
                                   fmt::format("{}: {}", transfer_syntax_name(syntax), *problem));
  }
  // What the decoder says of its pictures must be what was checked.
  if (whole_number(data, DCM_Rows, 1, 65535) != header.rows ||
      whole_number(data, DCM_Columns, 1, 65535) != header.columns ||
      whole_number(data, DCM_BitsAllocated, 1, 16) != bits ||
      whole_number(data, DCM_SamplesPerPixel, 1, 4) != 1) {
    segmentation_pixels_unreadable(file, "the compressed frames do not fit their header");
  }
  const auto samples =
      static_cast<std::size_t>(header.rows * header.columns) * header.frames.size();
  unsigned long count = 0;
  if (const Uint8* bytes = nullptr;
      bits == 8 && data.findAndGetUint8Array(DCM_PixelData, bytes, &count).good() &&
      bytes != nullptr && count >= samples) {
    const auto* const first = reinterpret_cast<const std::byte*>(bytes);
    decoded.assign(first, first + samples);
    return;
  }
  if (const Uint16* words = nullptr;
      bits == 16 && data.findAndGetUint16Array(DCM_PixelData, words, &count).good() &&
      words != nullptr && count >= samples) {
    for (std::size_t n = 0; n < samples; ++n) {
      decoded.push_back(static_cast<std::byte>(words[n] & 0xFFU));
      decoded.push_back(static_cast<std::byte>(words[n] >> 8U));
    }
    return;
  }
  segmentation_pixels_unreadable(file, "the compressed frames hold fewer pixels than promised");
}

std::span<const std::byte> SegmentationObject::State::pixels() {
  const DicomLayout& layout = source.layout();
  if (layout.encapsulated) {
    if (decoded.empty()) {
      decode();
    }
    return decoded;
  }
  const auto bytes = source.bytes().subspan(static_cast<std::size_t>(layout.pixel_offset),
                                            static_cast<std::size_t>(layout.pixel_bytes));
  if (layout.big_endian && (bits == 16 || layout.words)) {
    if (decoded.empty()) {
      decoded = swapped_pairs(bytes);
    }
    return decoded;
  }
  return bytes;
}

std::uint16_t SegmentationObject::State::described(std::uint16_t number) const {
  const auto found =
      std::lower_bound(header.segments.begin(),
                       header.segments.end(),
                       static_cast<std::int64_t>(number),
                       [](const Segment& segment, std::int64_t n) { return segment.number < n; });
  if (found == header.segments.end() || found->number != number) {
    segmentation_pixels_unreadable(
        file, fmt::format("a pixel has the value {}, which names no segment", number));
  }
  return number;
}

SegmentationObject::SegmentationObject(const fs::path& file) {
  prepare_dcmtk();
  state_ = std::make_unique<State>(file);
  state_->open();
}

SegmentationObject::~SegmentationObject() = default;
SegmentationObject::SegmentationObject(SegmentationObject&&) noexcept = default;
SegmentationObject& SegmentationObject::operator=(SegmentationObject&&) noexcept = default;

const fs::path& SegmentationObject::file() const {
  return state_->file;
}

const SegmentationHeader& SegmentationObject::header() const {
  return state_->header;
}

std::vector<std::uint16_t> SegmentationObject::frame_values(std::int64_t frame) const {
  const SegmentationHeader& header = state_->header;
  MARROW_CHECK(frame >= 0 && frame < static_cast<std::int64_t>(header.frames.size()));
  const std::span<const std::byte> bytes = state_->pixels();
  const std::int64_t area = header.rows * header.columns;
  std::vector<std::uint16_t> values(static_cast<std::size_t>(area));
  if (header.type == SegmentationType::kBinary) {
    unpack_bits(bytes, frame * area, values);
    return values;
  }
  const auto first = static_cast<std::size_t>(frame * area);
  std::uint16_t known = 0;  // the last number that was looked up: neighbours are mostly equal
  for (std::size_t n = 0; n < values.size(); ++n) {
    const auto at = [&](std::size_t byte) { return std::to_integer<unsigned>(bytes[byte]); };
    const unsigned stored =
        state_->bits == 8 ? at(first + n) : at(2 * (first + n)) | at(2 * (first + n) + 1) << 8U;
    if (header.type == SegmentationType::kFractional) {
      if (static_cast<std::int64_t>(stored) > header.maximum_fraction) {
        segmentation_pixels_unreadable(
            state_->file,
            fmt::format(
                "a fraction of {} where {} is the largest", stored, header.maximum_fraction));
      }
      values[n] = 2 * static_cast<std::int64_t>(stored) >= header.maximum_fraction ? 1 : 0;
    } else if (static_cast<std::int64_t>(stored) != header.background) {
      if (stored != known || known == 0) {
        known = state_->described(static_cast<std::uint16_t>(stored));
      }
      values[n] = known;
    }
  }
  return values;
}

}  // namespace marrow
