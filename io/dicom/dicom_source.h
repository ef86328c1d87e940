#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include "core/files.h"
#include "io/dicom/dicom_prescan.h"

namespace marrow {

// The bytes of a DICOM file as a file of explicit or implicit elements: those on disk, or, of a
// deflated one, the same file inflated (then as explicit VR little endian), which is bounded by
// min(4 GiB, 32 x file + 64 MiB). The structure has been walked (prescan_dicom).
//
// Throws what prescan_dicom throws, Error{kUnsupported} ("not-dicom: "), and Error{kUnreadable}
// ("damaged: ") or Error{kUnsupported}
// ("oversized-element: ") where the deflated bytes cannot or must not be inflated. For .cpp files
// of io/dicom only.
class DicomSource {
 public:
  explicit DicomSource(const std::filesystem::path& file,
                       std::int64_t max_elements = kMaxDicomElements);

  [[nodiscard]] std::span<const std::byte> bytes() const {
    return inflated_.empty() ? map_.bytes() : std::span<const std::byte>(inflated_);
  }

  // Of bytes(). `deflated` and `transfer_syntax_uid` are those of the file on disk.
  [[nodiscard]] const DicomLayout& layout() const { return layout_; }

  // Into DCMTK: the elements in front of the pixel data. Long values are left in the file until
  // they are asked for. Throws Error{kUnreadable} ("damaged: ").
  void load_header(DcmFileFormat& format) const;

  // All elements, with all of their values. Throws as load_header does.
  void load_all(DcmFileFormat& format) const;

 private:
  void load(DcmFileFormat& format, const DcmTagKey& stop, Uint32 value_bytes) const;

  std::filesystem::path file_;
  std::string name_;
  MappedFile map_;
  std::vector<std::byte> inflated_;
  DicomLayout layout_;
};

}  // namespace marrow
