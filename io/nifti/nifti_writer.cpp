#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include <Eigen/Geometry>
#include <fmt/format.h>
#include <libdeflate.h>

#include "core/files.h"
#include "core/text.h"
#include "io/nifti/nifti.h"

namespace marrow {

namespace {

static_assert(std::endian::native == std::endian::little,
              "voxels are written as they lie in memory");

constexpr std::size_t kNiftiVoxelStart = 352;  // header and four bytes that say "no extension"
constexpr int kNiftiCompressionLevel = 6;

using HeaderBytes = std::array<std::byte, kNiftiVoxelStart>;

template <class T>
void put_field(HeaderBytes& header, std::size_t offset, T value) {
  std::memcpy(header.data() + offset, &value, sizeof value);
}

float header_real(double value) {
  return static_cast<float>(value) + 0.0F;  // no negative zeros
}

// Both transforms, from an LPS grid.
void put_transforms(HeaderBytes& header, const Geometry& geometry) {
  Eigen::Matrix3d axes = geometry.direction;
  axes.topRows<2>() *= -1;  // LPS -> RAS
  Eigen::Vector3d origin = geometry.origin;
  origin.head<2>() *= -1;
  const Eigen::Matrix3d columns = axes * geometry.spacing.asDiagonal();
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      put_field(header,
                static_cast<std::size_t>(280 + 16 * row + 4 * column),
                header_real(columns(row, column)));
    }
    put_field(header, static_cast<std::size_t>(280 + 16 * row + 12), header_real(origin[row]));
    put_field(header, static_cast<std::size_t>(268 + 4 * row), header_real(origin[row]));
    put_field(header, static_cast<std::size_t>(80 + 4 * row), header_real(geometry.spacing[row]));
  }
  const bool left_handed = axes.determinant() < 0;
  put_field(header, 76, left_handed ? -1.0F : 1.0F);
  if (left_handed) {
    axes.col(2) *= -1;
  }
  Eigen::Quaterniond rotation(axes);
  rotation.normalize();
  const double sign = rotation.w() < 0 ? -1 : 1;
  put_field(header, 256, header_real(sign * rotation.x()));
  put_field(header, 260, header_real(sign * rotation.y()));
  put_field(header, 264, header_real(sign * rotation.z()));
  put_field(header, 252, std::int16_t{1});
  put_field(header, 254, std::int16_t{1});
}

HeaderBytes make_nifti_header(const Geometry& geometry,
                              std::int16_t datatype,
                              std::int16_t bits,
                              const std::string& name) {
  HeaderBytes header{};
  put_field(header, 0, std::int32_t{348});
  put_field(header, 38, 'r');  // "regular", which some older readers look for
  put_field(header, 40, std::int16_t{3});
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (geometry.size[axis] > 32767) {
      throw Error(
          ErrorCode::kUnsupported,
          fmt::format("{}: NIfTI-1 holds at most 32767 voxels along an axis, the volume has {}",
                      name,
                      geometry.size[axis]));
    }
    put_field(header, 42 + 2 * axis, static_cast<std::int16_t>(geometry.size[axis]));
  }
  for (std::size_t i = 4; i < 8; ++i) {
    put_field(header, 40 + 2 * i, std::int16_t{1});
    put_field(header, 76 + 4 * i, 1.0F);
  }
  put_field(header, 70, datatype);
  put_field(header, 72, bits);
  put_field(header, 108, static_cast<float>(kNiftiVoxelStart));
  put_field(header, 112, 1.0F);
  put_field(header, 123, std::uint8_t{2});  // millimetres
  put_transforms(header, geometry);
  std::memcpy(header.data() + 344, "n+1", 4);
  return header;
}

std::vector<std::byte> gzip_bytes(std::span<const std::byte> plain) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(kNiftiCompressionLevel), &libdeflate_free_compressor);
  if (!compressor) {
    throw Error(ErrorCode::kResources, "nifti: no memory for the gzip compressor");
  }
  std::vector<std::byte> packed(libdeflate_gzip_compress_bound(compressor.get(), plain.size()));
  const std::size_t size = libdeflate_gzip_compress(
      compressor.get(), plain.data(), plain.size(), packed.data(), packed.size());
  MARROW_CHECK(size > 0);
  packed.resize(size);
  return packed;
}

template <class T>
void write_nifti_file(const std::filesystem::path& file,
                      const Geometry& geometry,
                      std::int16_t datatype,
                      std::span<const T> voxels) {
  const std::string name = printable(file.string(), 400);
  MARROW_CHECK(static_cast<std::int64_t>(voxels.size()) == geometry.voxels());
  const HeaderBytes header =
      make_nifti_header(geometry, datatype, static_cast<std::int16_t>(8 * sizeof(T)), name);
  const auto data = std::as_bytes(voxels);
  if (name.ends_with(".nii.gz")) {
    std::vector<std::byte> plain(header.size() + data.size());
    std::copy(header.begin(), header.end(), plain.begin());
    std::copy(data.begin(), data.end(), plain.begin() + header.size());
    write_atomically(file, gzip_bytes(plain));
    return;
  }
  if (!name.ends_with(".nii")) {
    throw Error(ErrorCode::kInvalidArgument,
                name + ": expected a name ending in .nii or .nii.gz for a NIfTI file");
  }
  AtomicFile output(file);
  output.write(header);
  output.write(data);
  output.commit();
}

}  // namespace

void write_nifti(const std::filesystem::path& file, const Volume& volume) {
  write_nifti_file<float>(file, volume.geometry, 16, volume.voxels);
}

void write_nifti(const std::filesystem::path& file, const LabelMap& labels) {
  const auto largest = std::max_element(labels.voxels.begin(), labels.voxels.end());
  if (largest == labels.voxels.end() || *largest > 255) {
    write_nifti_file<std::uint16_t>(file, labels.geometry, 512, labels.voxels);
    return;
  }
  std::vector<std::uint8_t> narrow(labels.voxels.size());
  std::transform(
      labels.voxels.begin(), labels.voxels.end(), narrow.begin(), [](std::uint16_t label) {
        return static_cast<std::uint8_t>(label);
      });
  write_nifti_file<std::uint8_t>(file, labels.geometry, 2, narrow);
}

void write_nifti_int16(const std::filesystem::path& file, const Volume& volume) {
  std::vector<std::int16_t> narrow(volume.voxels.size());
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    const float value = volume.voxels[i];
    if (!(value >= -32768.0F && value <= 32767.0F) || value != std::nearbyint(value)) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: expected integer voxels from -32768 to 32767 for int16, found {}",
                      printable(file.string(), 400),
                      value));
    }
    narrow[i] = static_cast<std::int16_t>(value);
  }
  write_nifti_file<std::int16_t>(file, volume.geometry, 4, narrow);
}

}  // namespace marrow
