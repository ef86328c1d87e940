#include "volumes/store/block_codec.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <lz4.h>

#include "core/error.h"

namespace marrow {

namespace {

static_assert(std::endian::native == std::endian::little,
              "the store is written and read as little-endian");

// Every row minus the row before it in j (the first row of a plane minus that of the plane before
// it), as zigzag numbers (0, -1, 1, -2, ... -> 0, 1, 2, 3, ...), low bytes first. Whole rows are
// subtracted, so that undoing it runs in vector registers, and j lies within the slice whatever
// plane the scanner cut.
std::vector<std::byte> filter_rows(std::span<const std::int16_t> values, const BlockSize& size) {
  const auto width = static_cast<std::size_t>(size[0]);
  const std::size_t plane = width * static_cast<std::size_t>(size[1]);
  std::vector<std::byte> filtered(2 * values.size());
  for (std::size_t at = 0; at < values.size(); ++at) {
    const std::size_t in_plane = at % plane;
    std::int16_t before = 0;
    if (in_plane >= width) {
      before = values[at - width];
    } else if (at >= plane) {
      before = values[at - plane];
    }
    const auto delta = static_cast<std::int16_t>(values[at] - before);
    const auto zigzag =
        static_cast<std::uint16_t>((static_cast<std::uint16_t>(delta) << 1) ^ (delta >> 15));
    filtered[at] = static_cast<std::byte>(zigzag & 0xFF);
    filtered[values.size() + at] = static_cast<std::byte>(zigzag >> 8);
  }
  return filtered;
}

void unfilter_rows(const std::byte* filtered,
                   const BlockSize& size,
                   std::span<std::int16_t> values) {
  const auto width = static_cast<std::size_t>(size[0]);
  const auto height = static_cast<std::size_t>(size[1]);
  const auto depth = static_cast<std::size_t>(size[2]);
  const auto* low = reinterpret_cast<const std::uint8_t*>(filtered);
  const auto* high = low + values.size();
  static constexpr std::array<std::int16_t, static_cast<std::size_t>(kBlockEdge)> kZeros{};
  std::int16_t* row = values.data();
  for (std::size_t k = 0; k < depth; ++k) {
    for (std::size_t j = 0; j < height; ++j) {
      const std::int16_t* before = kZeros.data();
      if (j > 0) {
        before = row - width;
      } else if (k > 0) {
        before = row - width * height;
      }
      for (std::size_t i = 0; i < width; ++i) {
        const unsigned zigzag = low[i] | (static_cast<unsigned>(high[i]) << 8);
        const unsigned delta = (zigzag >> 1) ^ (0U - (zigzag & 1U));
        row[i] = static_cast<std::int16_t>(static_cast<unsigned>(before[i]) + delta);
      }
      low += width;
      high += width;
      row += width;
    }
  }
}

std::vector<std::byte> lz4(std::span<const std::byte> bytes) {
  std::vector<std::byte> packed(
      static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(bytes.size()))));
  const int count = LZ4_compress_default(reinterpret_cast<const char*>(bytes.data()),
                                         reinterpret_cast<char*>(packed.data()),
                                         static_cast<int>(bytes.size()),
                                         static_cast<int>(packed.size()));
  MARROW_CHECK(count > 0);
  packed.resize(static_cast<std::size_t>(count));
  return packed;
}

bool unlz4(std::span<const std::byte> bytes, std::byte* out, std::size_t count) {
  return LZ4_decompress_safe(reinterpret_cast<const char*>(bytes.data()),
                             reinterpret_cast<char*>(out),
                             static_cast<int>(bytes.size()),
                             static_cast<int>(count)) == static_cast<int>(count);
}

template <class T>
PackedBlock pack_values(std::span<const T> values,
                        BlockCodec codec,
                        std::vector<std::byte> packed) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  PackedBlock block{
      codec, static_cast<std::int16_t>(*low), static_cast<std::int16_t>(*high), std::move(packed)};
  if (*low == *high) {
    block.codec = BlockCodec::kConstant;
    block.bytes.clear();
  } else if (block.bytes.size() >= values.size_bytes()) {
    block.codec = BlockCodec::kRaw;
    block.bytes.resize(values.size_bytes());
    std::memcpy(block.bytes.data(), values.data(), values.size_bytes());
  }
  return block;
}

bool sizes_agree(const BlockSize& size, std::size_t values) {
  for (const std::int64_t count : size) {
    if (count < 1 || count > kBlockEdge) {
      return false;
    }
  }
  return static_cast<std::size_t>(size[0] * size[1] * size[2]) == values;
}

}  // namespace

PackedBlock pack_block(std::span<const std::int16_t> values, const BlockSize& size) {
  MARROW_CHECK(sizes_agree(size, values.size()));
  return pack_values(values, BlockCodec::kLz4RowDelta, lz4(filter_rows(values, size)));
}

PackedBlock pack_block(std::span<const std::uint8_t> values, const BlockSize& size) {
  MARROW_CHECK(sizes_agree(size, values.size()));
  return pack_values(values, BlockCodec::kLz4, lz4(std::as_bytes(values)));
}

bool unpack_block(BlockCodec codec,
                  std::span<const std::byte> bytes,
                  const BlockSize& size,
                  std::span<std::int16_t> values) {
  if (!sizes_agree(size, values.size())) {
    return false;
  }
  const std::span<std::byte> out = std::as_writable_bytes(values);
  if (codec == BlockCodec::kRaw && bytes.size() == out.size()) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return true;
  }
  if (codec != BlockCodec::kLz4RowDelta) {
    return codec == BlockCodec::kLz4 && unlz4(bytes, out.data(), out.size());
  }
  std::array<std::byte, 2 * kBlockVoxels> filtered;
  if (!unlz4(bytes, filtered.data(), out.size())) {
    return false;
  }
  unfilter_rows(filtered.data(), size, values);
  return true;
}

bool unpack_block(BlockCodec codec,
                  std::span<const std::byte> bytes,
                  const BlockSize& size,
                  std::span<std::uint8_t> values) {
  if (!sizes_agree(size, values.size())) {
    return false;
  }
  const std::span<std::byte> out = std::as_writable_bytes(values);
  if (codec == BlockCodec::kRaw && bytes.size() == out.size()) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return true;
  }
  return codec == BlockCodec::kLz4 && unlz4(bytes, out.data(), out.size());
}

}  // namespace marrow
