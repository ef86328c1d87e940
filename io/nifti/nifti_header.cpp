#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "core/error.h"
#include "io/file_error.h"
#include "io/nifti/gzip_reader.h"
#include "io/nifti/nifti.h"
#include "io/nifti/nifti_decode.h"
#include "io/nifti/nifti_fields.h"
#include "io/nifti/nifti_transform.h"

namespace marrow {

namespace {

constexpr std::int64_t kLargestVoxelCount = std::int64_t{1} << 31;
constexpr double kLargestDataOffset = 64.0 * 1024 * 1024;

Size3 checked_dimensions(const NiftiFields& fields, const std::string& name, NiftiHeader& header) {
  const std::int64_t dimensions = fields.dim[0];
  if (dimensions < 1 || dimensions > 7) {
    throw FileError(ErrorCode::kUnreadable,
                    "bad-dimensions",
                    fmt::format("{}: expected 1 to 7 dimensions, found dim[0] = {}; repair the "
                                "header or leave the file out",
                                name,
                                dimensions));
  }
  std::array<std::int64_t, 8> dim{};
  dim.fill(1);
  for (std::size_t i = 1; i < 8; ++i) {
    const std::int64_t length = fields.dim[i];
    if (static_cast<std::int64_t>(i) > dimensions) {
      if (length > 1) {
        header.warnings.push_back(
            fmt::format("dim[{}] = {} is beyond the {} dimensions of dim[0] and is ignored",
                        i,
                        length,
                        dimensions));
      }
      continue;
    }
    if (length < 1) {
      throw FileError(ErrorCode::kUnreadable,
                      "bad-dimensions",
                      fmt::format("{}: expected sizes of at least 1, found dim[{}] = {}; repair "
                                  "the header or leave the file out",
                                  name,
                                  i,
                                  length));
    }
    dim[i] = length;
  }
  for (std::size_t i = 5; i < 8; ++i) {
    if (dim[i] != 1) {
      throw FileError(
          ErrorCode::kUnsupported,
          "too-many-dimensions",
          fmt::format("{}: expected at most three space axes and one series axis, found "
                      "dim[{}] = {}; split the file first",
                      name,
                      i,
                      dim[i]));
    }
  }
  WideInt voxels = 1;
  for (std::size_t i = 1; i < 4; ++i) {
    voxels *= dim[i];
    if (voxels > kLargestVoxelCount) {
      throw FileError(ErrorCode::kUnsupported,
                      "too-large",
                      fmt::format("{}: expected at most 2^31 voxels a volume, found {} x {} x {}; "
                                  "the header may be damaged",
                                  name,
                                  dim[1],
                                  dim[2],
                                  dim[3]));
    }
  }
  header.volumes = dim[4];
  return {dim[1], dim[2], dim[3]};
}

void check_type(const NiftiFields& fields, const std::string& name) {
  const NiftiType type = nifti_type(fields.datatype);
  if (!type.readable) {
    throw FileError(
        type.bits == 0 ? ErrorCode::kUnreadable : ErrorCode::kUnsupported,
        "unsupported-type",
        fmt::format("{}: expected integer or real voxels of up to 64 bits, found datatype {} ({}); "
                    "convert the file to float32",
                    name,
                    fields.datatype,
                    type.name));
  }
  if (fields.bitpix != type.bits) {
    throw FileError(ErrorCode::kUnreadable,
                    "bad-header",
                    fmt::format("{}: expected bitpix {} for datatype {} ({}), found {}; repair the "
                                "header or leave the file out",
                                name,
                                type.bits,
                                fields.datatype,
                                type.name,
                                fields.bitpix));
  }
}

void take_scaling(const NiftiFields& fields, const std::string& name, NiftiHeader& header) {
  if (!std::isfinite(fields.scl_slope) || fields.scl_slope == 0) {
    return;
  }
  if (!std::isfinite(fields.scl_inter)) {
    throw FileError(ErrorCode::kUnreadable,
                    "bad-scaling",
                    fmt::format("{}: expected a finite scl_inter beside scl_slope {}, found {}; "
                                "repair the header or leave the file out",
                                name,
                                fields.scl_slope,
                                fields.scl_inter));
  }
  header.slope = fields.scl_slope;
  header.intercept = fields.scl_inter;
  header.scaled = header.slope != 1 || header.intercept != 0;
}

std::int64_t checked_data_offset(const NiftiFields& fields, const std::string& name) {
  const double offset = fields.vox_offset;
  const double smallest =
      fields.signature.pair() ? 0 : static_cast<double>(fields.signature.header_bytes() + 4);
  if (!(offset >= smallest && offset <= kLargestDataOffset) || offset != std::floor(offset)) {
    throw FileError(ErrorCode::kUnreadable,
                    "bad-offset",
                    fmt::format("{}: expected vox_offset to be a whole number from {} to {}, found "
                                "{}; repair the header or leave the file out",
                                name,
                                smallest,
                                kLargestDataOffset,
                                offset));
  }
  return static_cast<std::int64_t>(offset);
}

std::int32_t extension_size(std::span<const std::byte> bytes, bool big_endian) {
  std::uint32_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  if (big_endian == (std::endian::native == std::endian::little)) {
    size = __builtin_bswap32(size);
  }
  return static_cast<std::int32_t>(size);
}

}  // namespace

void check_nifti_extensions(std::span<const std::byte> bytes,
                            const NiftiHeader& header,
                            const std::string& name,
                            std::vector<std::string>& warnings) {
  const std::size_t extender = header.version == 2 ? 540 : 348;
  const auto end = static_cast<std::size_t>(header.data_offset);
  if (bytes.size() < extender + 4 || bytes[extender] == std::byte{0}) {
    return;
  }
  std::size_t at = extender + 4;
  if (at >= end) {
    warnings.emplace_back("the header announces an extension, but leaves no room for one");
    return;
  }
  while (at + 8 <= end && at + 8 <= bytes.size()) {
    const std::int64_t size = extension_size(bytes.subspan(at, 4), header.big_endian);
    if (size < 16 || size % 16 != 0 || static_cast<std::uint64_t>(size) > end - at) {
      throw FileError(
          ErrorCode::kUnreadable,
          "bad-extension",
          fmt::format("{}: expected a header extension of a multiple of 16 bytes within "
                      "the {} bytes before the voxels, found one of {}; repair the "
                      "header or leave the file out",
                      name,
                      end - at,
                      size));
    }
    at += static_cast<std::size_t>(size);
  }
}

NiftiHeader parse_nifti_header(std::span<const std::byte> bytes, const std::string& name) {
  const NiftiFields fields = read_nifti_fields(bytes, name);
  NiftiHeader header;
  header.version = fields.signature.version();
  header.big_endian = fields.signature.big_endian;
  header.datatype = fields.datatype;
  const Size3 size = checked_dimensions(fields, name, header);
  check_type(fields, name);
  take_scaling(fields, name, header);
  header.data_offset = checked_data_offset(fields, name);
  NiftiPlacement placement = place_nifti_grid(fields, size, name, header.warnings);
  header.geometry = placement.geometry;
  header.transform = std::move(placement.transform);
  if (!fields.signature.pair()) {
    check_nifti_extensions(bytes, header, name, header.warnings);
  }
  return header;
}

bool is_nifti(std::span<const std::byte> head) {
  std::array<std::byte, 544> inflated{};
  if (is_gzip(head)) {
    head = inflate_prefix(head, inflated);
  }
  const NiftiKind kind = nifti_signature(head).kind;
  return kind != NiftiKind::kNone && kind != NiftiKind::kAnalyze;
}

}  // namespace marrow
