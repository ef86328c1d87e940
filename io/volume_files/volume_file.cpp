#include "io/volume_files/volume_file.h"

#include <algorithm>
#include <array>
#include <system_error>

#include <fmt/format.h>
#include <libdeflate.h>

#include "core/digest.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/file_error.h"
#include "io/nifti/gzip_reader.h"
#include "io/volume_files/header_text.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestDeflateGain = 1032;

VolumeFileHeader parse_volume_header(std::span<const std::byte> bytes, const std::string& name) {
  const auto head = bytes.first(std::min(bytes.size(), kLargestVolumeHeader));
  switch (volume_file_kind(head.first(std::min<std::size_t>(head.size(), 8192)))) {
    case VolumeFileKind::kNrrd:
      return parse_nrrd_header(head, name);
    case VolumeFileKind::kMetaImage:
      return parse_metaimage_header(head, name);
    case VolumeFileKind::kNone:
      break;
  }
  refuse_volume_file(
      ErrorCode::kUnsupported, "not-an-image", name, "expected a NRRD or MetaImage header");
}

// Never through a link: that could lead out of the folder.
std::unique_ptr<MappedFile> open_detached(const fs::path& header,
                                          const std::string& data_file,
                                          const std::string& name) {
  const fs::path file = header.parent_path() / data_file;
  std::error_code failure;
  const fs::file_status status = fs::symlink_status(file, failure);
  if (!fs::is_regular_file(status)) {
    refuse_volume_file(
        ErrorCode::kUnreadable,
        "missing-pair",
        name,
        fmt::format("expected the voxels of this header in the file \"{}\" beside it, found {}; "
                    "copy both files",
                    printable(data_file),
                    fs::exists(status) ? "something that is no plain file" : "none"));
  }
  return std::make_unique<MappedFile>(file);
}

[[noreturn]] void refuse_packed(const std::string& name,
                                const char* reason_code,
                                const std::string& what) {
  refuse_volume_file(
      ErrorCode::kUnreadable, reason_code, name, what + "; copy the file again from its source");
}

std::string expected_voxels(const VolumeFileHeader& header) {
  return fmt::format(
      "expected {} bytes of voxels for {}", stored_volume_bytes(header), describe(header.geometry));
}

std::uint32_t check_gzip_voxels(std::span<const std::byte> packed,
                                const VolumeFileHeader& header,
                                const std::string& name) {
  GzipReader reader(packed, name);
  std::vector<std::byte> piece(std::size_t{1} << 20);
  std::uint64_t left = stored_volume_bytes(header);
  std::uint32_t crc = 0;
  for (;;) {
    const std::size_t count = reader.read(piece);
    if (count > left) {
      refuse_packed(name, "too-much-data", expected_voxels(header) + ", found more");
    }
    left -= count;
    crc = libdeflate_crc32(crc, piece.data(), count);
    if (count < piece.size()) {
      break;
    }
  }
  if (left > 0) {
    refuse_packed(
        name, "cut-short", fmt::format("{}, found {} fewer", expected_voxels(header), left));
  }
  return crc;
}

std::uint32_t check_zlib_voxels(std::span<const std::byte> packed,
                                const VolumeFileHeader& header,
                                const std::string& name) {
  struct Free {
    void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
  };

  const std::unique_ptr<libdeflate_decompressor, Free> inflater(libdeflate_alloc_decompressor());
  if (!inflater) {
    throw std::bad_alloc();
  }
  std::vector<std::byte> voxels(stored_volume_bytes(header));
  std::size_t used = 0;
  std::size_t made = 0;
  const libdeflate_result result = libdeflate_zlib_decompress_ex(
      inflater.get(), packed.data(), packed.size(), voxels.data(), voxels.size(), &used, &made);
  if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
    refuse_packed(name, "too-much-data", expected_voxels(header) + ", found more");
  }
  if (result != LIBDEFLATE_SUCCESS) {
    refuse_packed(name, "damaged-gzip", "expected whole zlib data, found it cut short or damaged");
  }
  if (made < voxels.size()) {
    refuse_packed(name,
                  "cut-short",
                  fmt::format("{}, found {} fewer", expected_voxels(header), voxels.size() - made));
  }
  return libdeflate_crc32(0, voxels.data(), voxels.size());
}

}  // namespace

VolumeFile::VolumeFile(const fs::path& file)
    : path_(file), name_(printable(file.string(), 400)), file_(std::make_unique<MappedFile>(file)) {
  header_ = parse_volume_header(file_->bytes(), name_);
  std::span<const std::byte> data = file_->bytes();
  if (!header_.data_file.empty()) {
    detached_ = open_detached(path_, header_.data_file, name_);
    data = detached_->bytes();
  }
  const std::uint64_t needed = stored_volume_bytes(header_);
  const auto offset = header_.data_offset >= 0 ? static_cast<std::uint64_t>(header_.data_offset)
                      : data.size() < needed   ? 0
                                               : data.size() - needed;
  if (offset > data.size()) {
    refuse_packed(
        name_,
        "cut-short",
        fmt::format("expected voxels from byte {} on, found {} bytes", offset, data.size()));
  }
  voxels_ = data.subspan(static_cast<std::size_t>(offset));
  if (header_.encoding == "raw") {
    check_raw_voxels();
    return;
  }
  const auto packed = static_cast<std::uint64_t>(header_.packed_bytes);
  if (voxels_.size() < packed || (voxels_.size() + 1) * kLargestDeflateGain < needed) {
    refuse_packed(name_,
                  "cut-short",
                  fmt::format("{}{}, found {}",
                              expected_voxels(header_),
                              packed > 0 ? fmt::format(" in {} compressed bytes", packed) : "",
                              voxels_.size()));
  }
  if (packed > 0) {
    voxels_ = voxels_.first(static_cast<std::size_t>(packed));
  }
}

void VolumeFile::check_raw_voxels() {
  const std::uint64_t needed = stored_volume_bytes(header_);
  if (voxels_.size() < needed) {
    refuse_packed(
        name_, "cut-short", fmt::format("{}, found {}", expected_voxels(header_), voxels_.size()));
  }
  if (voxels_.size() > needed) {
    header_.warnings.push_back(
        fmt::format("{} bytes behind the voxels are ignored", voxels_.size() - needed));
  }
}

std::uint32_t VolumeFile::check_voxels(std::uint64_t max_bytes) const {
  const std::uint64_t needed = stored_volume_bytes(header_);
  const std::uint64_t floats =
      static_cast<std::uint64_t>(header_.geometry.voxels()) * sizeof(float);
  if (needed + floats > max_bytes) {
    refuse_volume_file(
        ErrorCode::kResources,
        "too-large",
        name_,
        fmt::format("a volume of {} needs {} of memory, more than the {} allowed; raise the memory "
                    "limit or leave the file out",
                    describe(header_.geometry),
                    format_bytes(needed + floats),
                    format_bytes(max_bytes)));
  }
  if (header_.encoding == "raw") {
    return libdeflate_crc32(0, voxels_.data(), static_cast<std::size_t>(needed));
  }
  if (header_.encoding == "gzip") {
    if (!is_gzip(voxels_)) {
      refuse_packed(name_, "damaged-gzip", "expected gzip data, found other bytes");
    }
    return check_gzip_voxels(voxels_, header_, name_);
  }
  if (is_gzip(voxels_)) {
    refuse_volume_file(
        ErrorCode::kUnsupported,
        "unsupported-encoding",
        name_,
        "expected zlib data, as MetaImage has them, found gzip data; write the volume again");
  }
  return check_zlib_voxels(voxels_, header_, name_);
}

bool is_volume_file(const fs::path& file) {
  const MappedFile mapped(file);
  return volume_file_kind(mapped.bytes().first(
             std::min<std::size_t>(mapped.bytes().size(), 8192))) != VolumeFileKind::kNone;
}

std::optional<fs::path> volume_header_beside(const fs::path& file) {
  const std::string text = file.string();
  for (const std::string_view ending : {".raw", ".zraw", ".raw.gz", ".gz", ".bin", ".img"}) {
    if (!text.ends_with(ending)) {
      continue;
    }
    for (const char* const other : {".mhd", ".nhdr"}) {
      const fs::path candidate = text.substr(0, text.size() - ending.size()) + other;
      std::error_code failure;
      if (fs::is_regular_file(candidate, failure) && is_volume_file(candidate)) {
        return candidate;
      }
    }
  }
  return std::nullopt;
}

}  // namespace marrow
