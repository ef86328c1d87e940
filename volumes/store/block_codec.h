#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace marrow {

// How the bytes of one block are stored. Numbers are part of the format.
enum class BlockCodec : std::uint8_t {
  kConstant = 0,     // no bytes: every voxel has the same value
  kRaw = 1,          // the values as they are
  kLz4 = 2,          // LZ4 of the values as they are
  kLz4RowDelta = 3,  // int16 only: row delta, zigzag, low bytes before high bytes, then LZ4
};

inline constexpr std::int64_t kBlockEdge = 32;
inline constexpr std::size_t kBlockVoxels = 32 * 32 * 32;

// Voxels of a block along i, j, k: 32, or less at the end of an axis.
using BlockSize = std::array<std::int64_t, 3>;

// One block, packed.
struct PackedBlock {
  BlockCodec codec = BlockCodec::kConstant;
  std::int16_t min = 0;
  std::int16_t max = 0;
  std::vector<std::byte> bytes;
};

// `values`: i fastest, size[0] * size[1] * size[2] of them. The same values give the same bytes.
[[nodiscard]] PackedBlock pack_block(std::span<const std::int16_t> values, const BlockSize& size);
[[nodiscard]] PackedBlock pack_block(std::span<const std::uint8_t> values, const BlockSize& size);

// Undoes pack_block for every codec but kConstant. Returns false when `bytes` are not such a block;
// reads and writes inside the spans only, whatever they hold.
[[nodiscard]] bool unpack_block(BlockCodec codec,
                                std::span<const std::byte> bytes,
                                const BlockSize& size,
                                std::span<std::int16_t> values);
[[nodiscard]] bool unpack_block(BlockCodec codec,
                                std::span<const std::byte> bytes,
                                const BlockSize& size,
                                std::span<std::uint8_t> values);

}  // namespace marrow
