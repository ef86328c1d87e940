#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "core/error.h"
#include "io/byte_fields.h"
#include "io/dicom/dicom_header.h"
#include "io/nifti/nifti.h"
#include "io/volume_files/volume_header.h"

namespace marrow {

// Why a file is not used; what an Issue of the scan is made of.
struct FileRefusal {
  ErrorCode code = ErrorCode::kUnreadable;
  std::string
      reason_code;  // "cut-short", "not-an-image", "unsupported-...", "parser-died", "timeout", ...
  std::string sentence;  // names the file
  std::string advice;    // what to do; may be empty
};

// What one file of an archive is, from its header alone.
struct FileFacts {
  std::filesystem::path file;
  std::variant<FileRefusal, NiftiHeader, DicomHeader, VolumeFileHeader> content;

  // Each null when the file is of another kind.
  [[nodiscard]] const NiftiHeader* nifti() const { return std::get_if<NiftiHeader>(&content); }

  [[nodiscard]] const DicomHeader* dicom() const { return std::get_if<DicomHeader>(&content); }

  // NRRD or MetaImage.
  [[nodiscard]] const VolumeFileHeader* volume_file() const {
    return std::get_if<VolumeFileHeader>(&content);
  }

  [[nodiscard]] const FileRefusal* refusal() const { return std::get_if<FileRefusal>(&content); }
};

// As bytes, for the way out of the parsing child and for the catalogue. Reading trusts nothing:
// Error{kUnreadable} or Error{kInternal} where the bytes are no such thing.
void write_refusal(const FileRefusal& refusal, ByteWriter& writer);
[[nodiscard]] FileRefusal read_refusal(ByteReader& reader);

// Appends to `bytes`.
void write_facts(const FileFacts& facts, std::string& bytes);
// `file` is the path that was asked about; the bytes' word is not taken for it.
[[nodiscard]] FileFacts read_facts(ByteReader& reader, const std::filesystem::path& file);

}  // namespace marrow
