#include "io/nifti/nifti_decode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/progress.h"
#include "io/file_error.h"
#include "io/nifti/nifti_fields.h"
#include "io/nifti/nifti_stream.h"
#include "io/nifti/nifti_voxels.h"
#include "io/voxel_checks.h"

namespace marrow {

namespace {

constexpr std::size_t kDecodePiece = std::size_t{1} << 20;  // a multiple of every voxel size
constexpr std::uint64_t kLargestSurplus = std::uint64_t{64}
                                          << 20;  // inflated bytes behind the voxels

struct OpenedNifti {
  NiftiHeader header;
  NiftiStream stream;  // stands at the first voxel of the first volume
  std::int64_t voxel_bytes = 0;
};

std::uint64_t stored_bytes(const NiftiHeader& header) {
  const WideInt bytes =
      WideInt{header.geometry.voxels()} * header.volumes * (nifti_type(header.datatype).bits / 8);
  return bytes > std::numeric_limits<std::int64_t>::max()
             ? std::numeric_limits<std::uint64_t>::max()
             : static_cast<std::uint64_t>(bytes);
}

[[noreturn]] void refuse_cut_voxels(const NiftiHeader& header,
                                    const std::string& name,
                                    const std::string& found) {
  const Size3& size = header.geometry.size;
  throw FileError(
      ErrorCode::kUnreadable,
      "cut-short",
      fmt::format(
          "{}: expected {} bytes of voxels for {} x {} x {} x {} of {}, {}; copy the file again "
          "from its source",
          name,
          stored_bytes(header),
          size[0],
          size[1],
          size[2],
          header.volumes,
          nifti_type(header.datatype).name,
          found));
}

// The header, with everything before the voxels read and walked.
OpenedNifti open_nifti(const NiftiBytes& bytes, const std::string& name) {
  if (bytes.file.empty()) {
    throw FileError(ErrorCode::kUnreadable, "empty", name + ": the file is empty");
  }
  NiftiStream stream(bytes.file, name);
  const std::span<const std::byte> start = stream.peek(544);
  NiftiHeader header = parse_nifti_header(start, name);
  const auto offset = static_cast<std::size_t>(header.data_offset);
  bool skip_to_voxels = true;
  if (nifti_signature(start).pair()) {
    stream = NiftiStream(bytes.voxels, name);
  } else if (start.size() <= offset) {  // NIfTI-1 voxels may start before byte 544
    if (offset > stream.largest_size()) {
      refuse_cut_voxels(header, name, "but the file ends before them");
    }
    check_nifti_extensions(stream.next(offset), header, name, header.warnings);
    skip_to_voxels = false;
  }
  const std::uint64_t needed = stored_bytes(header);
  if (stream.largest_size() < offset || stream.largest_size() - offset < needed) {
    refuse_cut_voxels(header,
                      name,
                      fmt::format("found {}{}",
                                  stream.compressed() ? "at most " : "",
                                  stream.largest_size() -
                                      std::min<std::uint64_t>(offset, stream.largest_size())));
  }
  if (skip_to_voxels) {
    stream.skip(offset);
  }
  const int bits = nifti_type(header.datatype).bits;
  return {std::move(header), std::move(stream), bits / 8};
}

template <class T>
void check_memory(const NiftiHeader& header, std::uint64_t max_bytes, const std::string& name) {
  const auto needed = static_cast<std::uint64_t>(header.geometry.voxels()) * sizeof(T);
  if (needed > max_bytes) {
    throw FileError(
        ErrorCode::kResources,
        "too-large",
        fmt::format("{}: a volume of {} needs {} of memory, more than the {} allowed; raise "
                    "the memory limit or leave the file out",
                    name,
                    describe(header.geometry),
                    format_bytes(needed),
                    format_bytes(max_bytes)));
  }
}

// Appends one volume piece by piece: memory grows with the data that is really there.
template <class T, class Convert>
VoxelVector<T> read_one_volume(OpenedNifti& opened,
                               std::int64_t volume_index,
                               const std::string& name,
                               Convert convert) {
  const NiftiHeader& header = opened.header;
  const auto voxel_bytes = static_cast<std::size_t>(opened.voxel_bytes);
  const auto voxels = static_cast<std::size_t>(header.geometry.voxels());
  opened.stream.skip(static_cast<std::uint64_t>(volume_index) * voxels * voxel_bytes);
  VoxelVector<T> out;
  out.reserve(voxels);
  while (out.size() < voxels) {
    const std::size_t start = out.size();
    const std::size_t count = std::min(voxels - start, kDecodePiece / voxel_bytes);
    const auto piece = opened.stream.next(count * voxel_bytes);
    if (piece.size() < count * voxel_bytes) {
      refuse_cut_voxels(
          header,
          name,
          fmt::format("found {} of volume {}", start * voxel_bytes + piece.size(), volume_index));
    }
    out.resize(start + count);
    convert(piece, std::span<T>(out).subspan(start), static_cast<std::int64_t>(start));
  }
  return out;
}

void read_to_the_end(OpenedNifti& opened,
                     std::int64_t volume_index,
                     const std::string& name,
                     std::vector<std::string>& warnings) {
  const std::uint64_t volume_bytes = static_cast<std::uint64_t>(opened.header.geometry.voxels()) *
                                     static_cast<std::uint64_t>(opened.voxel_bytes);
  const std::uint64_t later =
      static_cast<std::uint64_t>(opened.header.volumes - 1 - volume_index) * volume_bytes;
  const std::uint64_t left = opened.stream.drain(later + kLargestSurplus);
  if (left < later) {
    refuse_cut_voxels(opened.header, name, fmt::format("found {} fewer", later - left));
  }
  if (left > later) {
    warnings.push_back(
        fmt::format("{}: {} bytes behind the voxels are ignored", name, left - later));
  }
  if (opened.stream.trailing_bytes() > 0) {
    warnings.push_back(fmt::format(
        "{}: {} bytes behind the gzip data are ignored", name, opened.stream.trailing_bytes()));
  }
}

}  // namespace

NiftiHeader decode_nifti_header(const NiftiBytes& bytes, const std::string& name) {
  return open_nifti(bytes, name).header;
}

NiftiImage decode_nifti(const NiftiBytes& bytes,
                        const std::string& name,
                        std::int64_t volume_index,
                        std::uint64_t max_bytes) {
  OpenedNifti opened = open_nifti(bytes, name);
  if (volume_index < 0 || volume_index >= opened.header.volumes) {
    throw FileError(ErrorCode::kInvalidArgument,
                    "no-such-volume",
                    fmt::format("{}: expected a volume from 0 to {}, was asked for {}",
                                name,
                                opened.header.volumes - 1,
                                volume_index));
  }
  check_memory<float>(opened.header, max_bytes, name);
  NiftiImage image;
  VoxelCounts counts;
  image.volume.geometry = opened.header.geometry;
  image.volume.voxels = read_one_volume<float>(
      opened,
      volume_index,
      name,
      [&](std::span<const std::byte> raw, std::span<float> out, std::int64_t) {
        convert_nifti_voxels(opened.header, raw, out, counts);
      });
  read_to_the_end(opened, volume_index, name, image.warnings);
  check_image_voxels(image.volume, counts, name, image.warnings);
  image.header = std::move(opened.header);
  return image;
}

NiftiLabels decode_nifti_labels(const NiftiBytes& bytes,
                                const std::string& name,
                                std::uint64_t max_bytes) {
  OpenedNifti opened = open_nifti(bytes, name);
  if (opened.header.volumes != 1) {
    throw FileError(
        ErrorCode::kUnsupported,
        "several-volumes",
        fmt::format("{}: expected one label map, found {} volumes; split the file first",
                    name,
                    opened.header.volumes));
  }
  check_memory<std::uint16_t>(opened.header, max_bytes, name);
  NiftiLabels result;
  result.labels.geometry = opened.header.geometry;
  result.labels.voxels = read_one_volume<std::uint16_t>(
      opened,
      0,
      name,
      [&](std::span<const std::byte> raw, std::span<std::uint16_t> out, std::int64_t first) {
        convert_nifti_labels(opened.header, raw, out, first, name);
      });
  read_to_the_end(opened, 0, name, result.warnings);
  return result;
}

}  // namespace marrow
