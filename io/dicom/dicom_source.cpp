#include "io/dicom/dicom_source.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <dcmtk/dcmdata/dcistrmb.h>
#include <fmt/format.h>
#include <isa-l/igzip_lib.h>

#include "core/error.h"
#include "core/text.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

constexpr std::uint64_t kMostInflated = std::uint64_t{4} << 30;

class DicomInflater {
 public:
  DicomInflater(std::span<const std::byte> file, const std::string& name)
      : file_(file), name_(name) {}

  std::vector<std::byte> inflate(std::size_t start) {
    std::vector<std::byte> bytes(file_.begin(), file_.begin() + static_cast<std::ptrdiff_t>(start));
    rename_syntax(bytes);
    append(file_.subspan(start), bytes);
    return bytes;
  }

 private:
  // The shorter UID padded with zeros, as UIDs are.
  static void rename_syntax(std::vector<std::byte>& meta) {
    const auto* const text = reinterpret_cast<const char*>(meta.data());
    const std::size_t at = std::string_view(text, meta.size()).find(kDeflatedSyntax);
    if (at != std::string_view::npos) {
      std::fill_n(meta.begin() + static_cast<std::ptrdiff_t>(at + kExplicitSyntax.size()),
                  kDeflatedSyntax.size() - kExplicitSyntax.size(),
                  std::byte{0});
    }
  }

  void append(std::span<const std::byte> deflated, std::vector<std::byte>& bytes) {
    const std::uint64_t most =
        std::min(kMostInflated, 32 * std::uint64_t{file_.size()} + (std::uint64_t{64} << 20));
    inflate_state state;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_DEFLATE;
    state.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(deflated.data()));
    state.avail_in = static_cast<std::uint32_t>(std::min<std::size_t>(deflated.size(), 1U << 31));
    std::vector<std::byte> piece(std::size_t{1} << 20);
    while (state.block_state != ISAL_BLOCK_FINISH) {
      state.next_out = reinterpret_cast<std::uint8_t*>(piece.data());
      state.avail_out = static_cast<std::uint32_t>(piece.size());
      const int result = isal_inflate(&state);
      const std::size_t made = piece.size() - state.avail_out;
      if (result < 0 || (made == 0 && state.block_state != ISAL_BLOCK_FINISH)) {
        throw Error(ErrorCode::kUnreadable,
                    fmt::format("damaged: {}: the deflated elements cannot be inflated (after {} "
                                "bytes); get the file again",
                                name_,
                                bytes.size()));
      }
      if (bytes.size() + made > most) {
        throw Error(
            ErrorCode::kUnsupported,
            fmt::format("oversized-element: {}: {} deflated bytes inflate to more than {}, which "
                        "no image header and picture do",
                        name_,
                        file_.size(),
                        most));
      }
      bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(made));
    }
  }

  std::span<const std::byte> file_;
  const std::string& name_;
};

}  // namespace

DicomSource::DicomSource(const std::filesystem::path& file, std::int64_t max_elements)
    : file_(file), name_(printable(file.string(), 300)), map_(file) {
  if (!is_dicom(map_.bytes())) {
    throw Error(ErrorCode::kUnsupported, "not-dicom: " + name_ + " is not a DICOM file");
  }
  layout_ = prescan_dicom(map_.bytes(), name_, max_elements);
  if (layout_.deflated) {
    inflated_ = DicomInflater(map_.bytes(), name_)
                    .inflate(static_cast<std::size_t>(layout_.dataset_offset));
    const std::string syntax = layout_.transfer_syntax_uid;
    layout_ = prescan_dicom(inflated_, name_, max_elements);
    layout_.transfer_syntax_uid = syntax;
    layout_.deflated = true;
  }
}

void DicomSource::load_header(DcmFileFormat& format) const {
  constexpr Uint32 kValueBytes = 4096;
  load(format, DcmTagKey(0x7FE0, 0x0000), kValueBytes);
}

void DicomSource::load_all(DcmFileFormat& format) const {
  load(format, DCM_UndefinedTagKey, DCM_MaxReadLength);
}

void DicomSource::load(DcmFileFormat& format, const DcmTagKey& stop, Uint32 value_bytes) const {
  OFCondition status = EC_Normal;
  if (inflated_.empty()) {
    status = format.loadFileUntilTag(
        file_.c_str(), EXS_Unknown, EGL_noChange, value_bytes, ERM_autoDetect, stop);
  } else {
    DcmInputBufferStream stream;
    stream.setBuffer(inflated_.data(), static_cast<offile_off_t>(inflated_.size()));
    stream.setEos();
    format.transferInit();
    status = format.readUntilTag(stream, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, stop);
    format.transferEnd();
  }
  if (status.bad()) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("damaged: {}: {}; get the file again", name_, status.text()));
  }
}

}  // namespace marrow
