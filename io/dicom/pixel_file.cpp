#include "io/dicom/pixel_file.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/dicom_sequences.h"
#include "io/dicom/dicom_source.h"
#include "io/dicom/jpeg2000.h"
#include "io/dicom/rle_check.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

[[noreturn]] void pixels_unreadable(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::kUnreadable,
              fmt::format("bad-pixels: {}: {}; get the file again", name, what));
}

std::optional<ModalityLut> read_modality_lut(DcmItem& data, const std::string& name) {
  DcmItem* const item = first_dicom_item(data, DCM_ModalityLUTSequence);
  if (item == nullptr) {
    return std::nullopt;
  }
  const std::optional<std::vector<double>> descriptor = dicom_numbers(*item, DCM_LUTDescriptor);
  const Uint16* entries = nullptr;
  unsigned long count = 0;
  if (!descriptor || descriptor->size() != 3 ||
      item->findAndGetUint16Array(DCM_LUTData, entries, &count).bad() || entries == nullptr) {
    pixels_unreadable(name, "a modality look-up table without its descriptor or data");
  }
  constexpr double kLargestTable = 65536;
  const double stated = (*descriptor)[0] == 0 ? kLargestTable : (*descriptor)[0];
  if (static_cast<double>(count) != stated) {
    pixels_unreadable(
        name,
        fmt::format("a modality look-up table of {} entries where {} are stated", count, stated));
  }
  return ModalityLut{static_cast<std::int64_t>((*descriptor)[1]), {entries, entries + count}};
}

}  // namespace

PaddingRule stated_padding(const DicomHeader& header) {
  const auto number = [&](const char* name) -> std::optional<std::int64_t> {
    const std::optional<double> value = parse_decimal(named_text(header.traits, name));
    if (!value) {
      return std::nullopt;
    }
    return static_cast<std::int64_t>(std::clamp(*value, -2147483648.0, 4294967295.0));
  };
  return {number("padding_value"), number("padding_limit")};
}

struct PixelFile::State {
  DicomHeader header;
  std::string name;
  std::string photometric;
  DicomSource source;
  DcmFileFormat format;
  PixelLayout layout;
  PaddingRule padding;
  std::optional<ModalityLut> lut;
  std::span<const std::byte> all;                   // of all frames, one behind the other
  std::vector<std::byte> own;                       // what `all` lies in, where not in the file
  std::vector<std::span<const std::byte>> streams;  // of JPEG 2000, one a frame
  std::int64_t decoded_stream = -1;

  explicit State(const DicomHeader& of_file)
      : header(of_file),
        name(printable(of_file.file.string(), 300)),
        photometric(of_file.photometric),
        source(of_file.file),
        layout{of_file.bits_allocated,
               of_file.bits_stored,
               of_file.high_bit,
               static_cast<int>(of_file.samples_per_pixel),
               of_file.pixel_representation == 1,
               source.layout().float_pixels,
               source.layout().big_endian,
               false} {}

  [[nodiscard]] std::int64_t frame_samples() const {
    return header.rows * header.columns * layout.samples;
  }

  [[nodiscard]] std::int64_t frame_bytes() const {
    return layout.bits_allocated == 1 ? (frame_samples() + 7) / 8
                                      : frame_samples() * (layout.bits_allocated / 8);
  }

  void open();
  void check_sizes() const;
  void open_native();
  void decode_by_dcmtk();
  void check_rle() const;
  void find_streams();
  void decode_stream(std::int64_t frame);
};

void PixelFile::State::check_sizes() const {
  __extension__ using Wide = __int128;
  constexpr Wide kMostBytes = Wide{1} << 34;
  const bool sane =
      header.rows > 0 && header.columns > 0 && header.frames > 0 && layout.samples > 0 &&
      layout.samples <= 4 && layout.bits_allocated > 0 &&
      static_cast<Wide>(header.rows) * header.columns * header.frames * layout.samples * 8 <=
          kMostBytes;
  if (!sane) {
    pixels_unreadable(name,
                      fmt::format("{} rows, {} columns, {} frames and {} samples a pixel, which is "
                                  "no picture that can be read",
                                  header.rows,
                                  header.columns,
                                  header.frames,
                                  layout.samples));
  }
}

void PixelFile::State::open() {
  const DicomLayout& scan = source.layout();
  if (scan.pixel_offset != header.pixel_offset || scan.pixel_bytes != header.pixel_bytes) {
    pixels_unreadable(name, "the file changed while it was read");
  }
  check_sizes();
  const bool by_dcmtk = scan.encapsulated && !jpeg2000_transfer_syntax(header.transfer_syntax_uid);
  padding = stated_padding(header);
  // Plain grey pixels, which most files hold, need nothing that is not in the header already.
  if (by_dcmtk || layout.samples > 1 || header.traits.contains("modality_lut")) {
    by_dcmtk ? source.load_all(format) : source.load_header(format);
    DcmDataset& data = *format.getDataset();
    lut = read_modality_lut(data, name);
    Uint16 planar = 0;
    layout.planar = data.findAndGetUint16(DCM_PlanarConfiguration, planar).good() && planar == 1 &&
                    layout.samples > 1;
  }
  if (!scan.encapsulated) {
    open_native();
  } else if (by_dcmtk) {
    decode_by_dcmtk();
  } else {
    find_streams();
  }
}

void PixelFile::State::open_native() {
  const DicomLayout& scan = source.layout();
  const std::int64_t bits = layout.bits_allocated;
  if (bits != 1 && bits != 8 && bits != 16 && bits != 32 && !(bits == 64 && layout.floating)) {
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format(
            "bad-bits: {}: {} bits allocated a pixel; 1, 8, 16 and 32 are read", name, bits));
  }
  const std::int64_t needed =
      bits == 1 ? (frame_samples() * header.frames + 7) / 8 : frame_bytes() * header.frames;
  if (scan.pixel_bytes < needed) {
    pixels_unreadable(name,
                      fmt::format("{} bytes of pixels where {} belong", scan.pixel_bytes, needed));
  }
  const auto offset = static_cast<std::size_t>(scan.pixel_offset);
  if (scan.big_endian && bits <= 8 && scan.words) {
    // Two samples to a word, and each word is swapped: take the whole words, swap, cut.
    const auto stored = source.bytes().subspan(offset, static_cast<std::size_t>(scan.pixel_bytes));
    own.assign(stored.begin(), stored.end());
    for (std::size_t n = 0; n + 1 < own.size(); n += 2) {
      std::swap(own[n], own[n + 1]);
    }
    all = std::span(own).first(static_cast<std::size_t>(needed));
    layout.big_endian = false;
    return;
  }
  all = source.bytes().subspan(offset, static_cast<std::size_t>(needed));
}

// One fragment a frame, as the standard has it, and every one complete.
void PixelFile::State::check_rle() const {
  const auto fragments =
      pixel_fragments(source.bytes(), source.layout().pixel_offset, source.layout().fragments);
  if (static_cast<std::int64_t>(fragments.size()) != header.frames) {
    pixels_unreadable(
        name, fmt::format("{} RLE fragments for {} frames", fragments.size(), header.frames));
  }
  const std::int64_t bytes_a_pixel = layout.samples * ((layout.bits_allocated + 7) / 8);
  if (const auto problem =
          rle_frames_problem(fragments, bytes_a_pixel, header.rows * header.columns)) {
    pixels_unreadable(name, *problem);
  }
}

// Through DCMTK's codecs to little endian; what the decoder says of the bits replaces what the
// header said.
void PixelFile::State::decode_by_dcmtk() {
  constexpr std::int64_t kMostFragmentsOfFrame = 4;
  const DicomLayout& scan = source.layout();
  const std::int64_t fragments = std::max<std::int64_t>(scan.fragments - 1, 0);
  if (fragments < header.frames || fragments > kMostFragmentsOfFrame * header.frames) {
    pixels_unreadable(name,
                      fmt::format("{} fragments of compressed pixels where {} to {} are expected",
                                  fragments,
                                  header.frames,
                                  kMostFragmentsOfFrame * header.frames));
  }
  if (header.transfer_syntax_uid == kRleSyntax) {
    check_rle();
  }
  DcmDataset& data = *format.getDataset();
  if (const auto problem = decompress_pixels(data)) {
    pixels_unreadable(
        name, fmt::format("{}: {}", transfer_syntax_name(header.transfer_syntax_uid), *problem));
  }
  const auto number = [&](const DcmTagKey& tag, int absent) {
    Uint16 value = 0;
    return data.findAndGetUint16(tag, value).good() ? static_cast<int>(value) : absent;
  };
  layout.bits_allocated = number(DCM_BitsAllocated, -1);
  layout.bits_stored = number(DCM_BitsStored, -1);
  layout.high_bit = number(DCM_HighBit, -1);
  layout.is_signed = number(DCM_PixelRepresentation, 0) == 1;
  layout.big_endian = false;
  layout.planar = number(DCM_PlanarConfiguration, 0) == 1 && layout.samples > 1;
  photometric = dicom_text(data, DCM_PhotometricInterpretation);
  if (number(DCM_Rows, -1) != header.rows || number(DCM_Columns, -1) != header.columns ||
      number(DCM_SamplesPerPixel, -1) != layout.samples ||
      (layout.bits_allocated != 8 && layout.bits_allocated != 16) || layout.bits_stored < 1 ||
      layout.high_bit >= layout.bits_allocated || layout.high_bit + 1 < layout.bits_stored) {
    pixels_unreadable(name, "the compressed picture does not fit its header");
  }
  unsigned long count = 0;
  const auto needed = static_cast<std::size_t>(frame_bytes() * header.frames);
  if (layout.bits_allocated == 8) {
    const Uint8* bytes = nullptr;
    if (data.findAndGetUint8Array(DCM_PixelData, bytes, &count).good() && bytes != nullptr &&
        count >= needed) {
      all = std::as_bytes(std::span(bytes, needed));
    }
  } else {
    const Uint16* words = nullptr;
    if (data.findAndGetUint16Array(DCM_PixelData, words, &count).good() && words != nullptr &&
        count >= needed / 2) {
      all = std::as_bytes(std::span(words, needed / 2));
    }
  }
  if (all.empty()) {
    pixels_unreadable(name, "the compressed picture holds fewer pixels than its header says");
  }
}

// One stream a frame: each in a fragment of its own, or that of an only frame in several.
void PixelFile::State::find_streams() {
  // The structure was walked by prescan_dicom: every item is all there.
  std::vector<std::span<const std::byte>> fragments =
      pixel_fragments(source.bytes(), source.layout().pixel_offset, source.layout().fragments);
  if (header.frames == 1 && fragments.size() > 1) {
    for (const auto& fragment : fragments) {
      own.insert(own.end(), fragment.begin(), fragment.end());
    }
    fragments = {own};
  }
  if (static_cast<std::int64_t>(fragments.size()) != header.frames) {
    pixels_unreadable(
        name,
        fmt::format(
            "{} fragments of compressed pixels for {} frames", fragments.size(), header.frames));
  }
  streams = std::move(fragments);
  decode_stream(0);
}

void PixelFile::State::decode_stream(std::int64_t frame) {
  Jpeg2000Picture picture =
      decode_jpeg2000(streams[static_cast<std::size_t>(frame)], header.rows, header.columns, name);
  if (picture.components != layout.samples) {
    pixels_unreadable(
        name,
        fmt::format("{} components in the compressed picture where the header says {}",
                    picture.components,
                    layout.samples));
  }
  layout.bits_allocated = 8 * picture.bytes_a_sample;
  layout.bits_stored = picture.bits;
  layout.high_bit = picture.bits - 1;
  layout.is_signed = picture.is_signed;
  layout.big_endian = false;
  layout.planar = false;
  if (photometric == "YBR_RCT" || photometric == "YBR_ICT") {
    photometric = "RGB";  // that transformation is the stream's own, and undone by its decoder
  }
  if (streams.size() == 1 && !own.empty()) {
    streams[0] = {};  // it lay in `own`, and is not asked for again
  }
  own = std::move(picture.samples);
  all = own;
  decoded_stream = frame;
}

PixelFile::PixelFile(const DicomHeader& header) {
  prepare_dcmtk();
  state_ = std::make_unique<State>(header);
  state_->open();
}

PixelFile::~PixelFile() = default;
PixelFile::PixelFile(PixelFile&&) noexcept = default;
PixelFile& PixelFile::operator=(PixelFile&&) noexcept = default;

const PixelLayout& PixelFile::layout() const {
  return state_->layout;
}

const PaddingRule& PixelFile::padding() const {
  return state_->padding;
}

const std::optional<ModalityLut>& PixelFile::modality_lut() const {
  return state_->lut;
}

const std::string& PixelFile::photometric() const {
  return state_->photometric;
}

std::int64_t PixelFile::frames() const {
  return state_->header.frames;
}

std::span<const std::byte> PixelFile::frame(std::int64_t frame) {
  State& state = *state_;
  if (frame < 0 || frame >= state.header.frames ||
      (state.layout.bits_allocated == 1 && state.header.frames != 1)) {
    pixels_unreadable(state.name,
                      fmt::format("frame {} of {} cannot be had", frame + 1, state.header.frames));
  }
  const auto bytes = static_cast<std::size_t>(state.frame_bytes());
  if (state.streams.empty()) {
    return state.all.subspan(static_cast<std::size_t>(frame) * bytes, bytes);
  }
  if (state.decoded_stream != frame) {
    state.decode_stream(frame);
  }
  return state.all;
}

}  // namespace marrow
