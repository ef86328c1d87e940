#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/log.h"
#include "core/text.h"
#include "io/file_error.h"
#include "io/nifti/gzip_reader.h"
#include "io/nifti/nifti.h"
#include "io/nifti/nifti_decode.h"
#include "io/nifti/nifti_fields.h"
#include "io/nifti/nifti_files.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

void check_nifti_is_file(const fs::path& file, const std::string& name) {
  std::error_code failure;
  const fs::file_status status = fs::status(file, failure);
  if (!fs::exists(status)) {
    throw FileError(ErrorCode::kUnreadable, "missing", name + ": there is no such file");
  }
  if (!fs::is_regular_file(status)) {
    throw FileError(ErrorCode::kUnreadable,
                    "not-a-file",
                    name + ": expected a file, found a folder or a device");
  }
}

bool has_ending(const std::string& text, std::string_view ending) {
  return text.size() > ending.size() && lower_case(text).ends_with(ending);
}

// The other file of a pair: `from` (".img") replaced by the first of `to` that exists.
std::optional<fs::path> partner_file(const fs::path& file,
                                     std::string_view from,
                                     std::string_view to,
                                     std::string_view to_upper) {
  const std::string text = file.string();
  for (const std::string_view packed : {"", ".gz"}) {
    const std::string ending = std::string(from) + std::string(packed);
    if (!has_ending(text, ending)) {
      continue;
    }
    const std::string stem = text.substr(0, text.size() - ending.size());
    for (const std::string_view other : {to, to_upper}) {
      for (const std::string_view other_packed :
           {packed, std::string_view(packed.empty() ? ".gz" : "")}) {
        const fs::path candidate = stem + std::string(other) + std::string(other_packed);
        std::error_code failure;
        if (fs::is_regular_file(candidate, failure)) {
          return candidate;
        }
      }
    }
  }
  return std::nullopt;
}

NiftiSignature mapped_signature(const MappedFile& file) {
  std::array<std::byte, 544> inflated{};
  auto head = file.bytes();
  if (is_gzip(head)) {
    head = inflate_prefix(head, inflated);
  }
  return nifti_signature(head);
}

void log_nifti_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    log::warn(warning);
  }
}

}  // namespace

std::optional<fs::path> nifti_header_beside(const fs::path& file) {
  std::optional<fs::path> header = partner_file(file, ".img", ".hdr", ".HDR");
  if (header && !mapped_signature(MappedFile(*header)).pair()) {
    header.reset();
  }
  return header;
}

NiftiFiles::NiftiFiles(const fs::path& file) : name_(printable(file.string(), 400)) {
  check_nifti_is_file(file, name_);
  header_ = std::make_unique<MappedFile>(file);
  NiftiSignature signature = mapped_signature(*header_);
  fs::path header_file = file;
  if (signature.kind == NiftiKind::kNone) {
    if (const auto beside = nifti_header_beside(file)) {
      header_file = *beside;
      header_ = std::make_unique<MappedFile>(header_file);
      signature = mapped_signature(*header_);
    }
  }
  if (!signature.pair()) {
    return;
  }
  const auto voxels = partner_file(header_file, ".hdr", ".img", ".IMG");
  if (!voxels) {
    throw FileError(ErrorCode::kUnreadable,
                    "missing-pair",
                    name_ +
                        ": expected the voxels of this NIfTI header in a file of the same name "
                        "ending in .img beside it, found none; copy both files");
  }
  voxels_ = std::make_unique<MappedFile>(*voxels);
}

NiftiBytes NiftiFiles::bytes() const {
  return {header_->bytes(), voxels_ ? voxels_->bytes() : std::span<const std::byte>{}};
}

NiftiHeader read_nifti_header(const fs::path& file) {
  const NiftiFiles files(file);
  return decode_nifti_header(files.bytes(), files.name());
}

Volume read_nifti(const fs::path& file, std::int64_t volume_index, std::uint64_t max_bytes) {
  const NiftiFiles files(file);
  NiftiImage image = decode_nifti(files.bytes(), files.name(), volume_index, max_bytes);
  log_nifti_warnings(image.warnings);
  return std::move(image.volume);
}

LabelMap read_nifti_labels(const fs::path& file, std::uint64_t max_bytes) {
  const NiftiFiles files(file);
  NiftiLabels result = decode_nifti_labels(files.bytes(), files.name(), max_bytes);
  log_nifti_warnings(result.warnings);
  return std::move(result.labels);
}

}  // namespace marrow
