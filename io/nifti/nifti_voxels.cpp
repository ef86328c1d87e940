#include "io/nifti/nifti_voxels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include <fmt/format.h>

#include "io/file_error.h"

namespace marrow {

namespace {

// Voxels are converted in blocks of a fixed length, so that the inner loops vectorise at -O2.
constexpr std::size_t kVoxelBlock = 64;

template <class T>
T swapped_voxel(T value) {
  if constexpr (sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return std::bit_cast<T>(__builtin_bswap16(std::bit_cast<std::uint16_t>(value)));
  } else if constexpr (sizeof(T) == 4) {
    return std::bit_cast<T>(__builtin_bswap32(std::bit_cast<std::uint32_t>(value)));
  } else {
    return std::bit_cast<T>(__builtin_bswap64(std::bit_cast<std::uint64_t>(value)));
  }
}

// Copies `count` <= kVoxelBlock unaligned voxels; the rest of the block is 0. Swapping works on the
// bits: a swapped signalling NaN must not pass through a float register.
template <class T>
void load_voxel_block(const std::byte* raw,
                      std::size_t count,
                      bool swap,
                      std::array<T, kVoxelBlock>& block) {
  if (count < kVoxelBlock) {
    block.fill(T{});
    std::memcpy(block.data(), raw, count * sizeof(T));
  } else {
    std::memcpy(block.data(), raw, kVoxelBlock * sizeof(T));
  }
  if (sizeof(T) > 1 && swap) {
    using Bits =
        std::conditional_t<sizeof(T) == 2,
                           std::uint16_t,
                           std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>;
    std::array<Bits, kVoxelBlock> bits{};
    std::memcpy(bits.data(), block.data(), sizeof block);
    for (Bits& b : bits) {
      b = swapped_voxel(b);
    }
    std::memcpy(block.data(), bits.data(), sizeof block);
  }
}

bool swaps_voxels(const NiftiHeader& header) {
  return header.big_endian == (std::endian::native == std::endian::little);
}

template <class T>
std::int64_t count_inexact(const std::array<T, kVoxelBlock>& block) {
  std::int64_t inexact = 0;
  if constexpr (std::is_integral_v<T> && sizeof(T) == 8) {
    constexpr auto kExact = static_cast<T>(std::int64_t{1} << 53);
    for (const T value : block) {
      bool beyond = value > kExact;
      if constexpr (std::is_signed_v<T>) {
        beyond = beyond || value < -kExact;
      }
      inexact += beyond ? 1 : 0;
    }
  }
  return inexact;
}

template <class T>
void convert_as(const NiftiHeader& header,
                const std::byte* raw,
                std::span<float> out,
                VoxelCounts& counts) {
  const bool swap = swaps_voxels(header);
  const bool may_be_non_finite = header.scaled || std::is_floating_point_v<T>;
  std::array<T, kVoxelBlock> block;
  std::array<float, kVoxelBlock> values;
  for (std::size_t start = 0; start < out.size(); start += kVoxelBlock) {
    const std::size_t count = std::min(kVoxelBlock, out.size() - start);
    load_voxel_block(raw + start * sizeof(T), count, swap, block);
    if (header.scaled) {
      for (std::size_t i = 0; i < kVoxelBlock; ++i) {
        values[i] =
            static_cast<float>(static_cast<double>(block[i]) * header.slope + header.intercept);
      }
    } else {
      for (std::size_t i = 0; i < kVoxelBlock; ++i) {
        values[i] = static_cast<float>(block[i]);
      }
    }
    if (may_be_non_finite) {
      std::array<std::uint32_t, kVoxelBlock> bits{};
      std::memcpy(bits.data(), values.data(), count * sizeof(float));
      std::uint32_t bad = 0;
      for (std::size_t i = 0; i < kVoxelBlock; ++i) {
        bad += (bits[i] & 0x7f800000U) == 0x7f800000U ? 1U : 0U;
      }
      counts.non_finite += bad;
    }
    counts.inexact += count_inexact(block);
    std::memcpy(out.data() + start, values.data(), count * sizeof(float));
  }
}

template <class T>
bool label_of(const NiftiHeader& header, T stored, std::uint16_t& label) {
  if constexpr (std::is_integral_v<T>) {
    if (!header.scaled) {
      label = static_cast<std::uint16_t>(stored);
      return static_cast<T>(label) == stored && !(stored < T{});
    }
  }
  const double value = static_cast<double>(stored) * header.slope + header.intercept;
  const double tolerance = header.scaled ? 1e-4 : 0;
  const double nearest = std::nearbyint(value);
  if (!(nearest >= 0 && nearest <= 65535 && std::abs(value - nearest) <= tolerance)) {
    return false;
  }
  label = static_cast<std::uint16_t>(nearest);
  return true;
}

template <class T>
void convert_labels_as(const NiftiHeader& header,
                       const std::byte* raw,
                       std::span<std::uint16_t> out,
                       std::int64_t first_voxel,
                       const std::string& name) {
  const bool swap = swaps_voxels(header);
  std::array<T, kVoxelBlock> block;
  for (std::size_t start = 0; start < out.size(); start += kVoxelBlock) {
    const std::size_t count = std::min(kVoxelBlock, out.size() - start);
    load_voxel_block(raw + start * sizeof(T), count, swap, block);
    for (std::size_t i = 0; i < count; ++i) {
      if (!label_of(header, block[i], out[start + i])) {
        const std::int64_t voxel = first_voxel + static_cast<std::int64_t>(start + i);
        const Size3& size = header.geometry.size;
        throw FileError(
            ErrorCode::kRefused,
            "not-labels",
            fmt::format(
                "{}: expected labels to be integers from 0 to 65535, found {} at voxel ({}, "
                "{}, {}); is this the image instead of its label map?",
                name,
                static_cast<double>(block[i]) * header.slope + header.intercept,
                voxel % size[0],
                voxel / size[0] % size[1],
                voxel / size[0] / size[1]));
      }
    }
  }
}

// Calls `use` with a value of the type that the code names.
template <class Use>
void with_voxel_type(int datatype, Use use) {
  switch (datatype) {
    case 2:
      return use(std::uint8_t{});
    case 4:
      return use(std::int16_t{});
    case 8:
      return use(std::int32_t{});
    case 16:
      return use(float{});
    case 64:
      return use(double{});
    case 256:
      return use(std::int8_t{});
    case 512:
      return use(std::uint16_t{});
    case 768:
      return use(std::uint32_t{});
    case 1024:
      return use(std::int64_t{});
    case 1280:
      return use(std::uint64_t{});
    default:
      MARROW_CHECK(!"a datatype that check_type let through");
  }
}

}  // namespace

void convert_nifti_voxels(const NiftiHeader& header,
                          std::span<const std::byte> raw,
                          std::span<float> out,
                          VoxelCounts& counts) {
  with_voxel_type(header.datatype, [&]<class T>(T) {
    MARROW_CHECK(raw.size() == out.size() * sizeof(T));
    convert_as<T>(header, raw.data(), out, counts);
  });
}

void convert_nifti_labels(const NiftiHeader& header,
                          std::span<const std::byte> raw,
                          std::span<std::uint16_t> out,
                          std::int64_t first_voxel,
                          const std::string& name) {
  with_voxel_type(header.datatype, [&]<class T>(T) {
    MARROW_CHECK(raw.size() == out.size() * sizeof(T));
    convert_labels_as<T>(header, raw.data(), out, first_voxel, name);
  });
}

}  // namespace marrow
