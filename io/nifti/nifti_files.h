#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/files.h"
#include "io/nifti/nifti_decode.h"

namespace marrow {

// The file, or both files of a pair, mapped into memory.
class NiftiFiles {
 public:
  // `file`: a .nii, or either file of a pair, by content. Throws Error{kUnreadable} when the file,
  // or the other file of the pair, is missing or no regular file.
  explicit NiftiFiles(const std::filesystem::path& file);

  [[nodiscard]] NiftiBytes bytes() const;

  // For messages.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::unique_ptr<MappedFile> header_;
  std::unique_ptr<MappedFile> voxels_;
};

// "x.img" or "x.img.gz" with a NIfTI header "x.hdr" or "x.hdr.gz" beside it: that header.
[[nodiscard]] std::optional<std::filesystem::path> nifti_header_beside(
    const std::filesystem::path& file);

}  // namespace marrow
