#include "volumes/reduction/cosine_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

// Compiled for one kind of processor: nothing here may be a function that the rest of the program
// has, too.
namespace marrow {
namespace {

constexpr int kTileRows = 16;
constexpr int kTileDepth = 32;
constexpr int kTileValues = kTileRows * kTileDepth;
constexpr int kStripRows = 2 * kTileRows;
constexpr int kTileBytesPerRow = 64;

// Rounded to nearest, ties to even; callers have no NaN.
std::uint16_t bfloat16_bits(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U);
}

// For each 32 dimensions two tiles of 16 rows.
void pack_rows(const float* row, std::int64_t dimensions, std::int64_t place, void* strip) {
  auto* const out = static_cast<std::uint16_t*>(strip) + place * kTileDepth;
  for (std::int64_t n = 0; n < dimensions; ++n) {
    out[n / kTileDepth * 2 * kTileValues + n % kTileDepth] = bfloat16_bits(row[n]);
  }
}

// The same turned: a row of the tile holds two dimensions of each of 16 rows.
void pack_columns(const float* row, std::int64_t dimensions, std::int64_t place, void* strip) {
  auto* const out =
      static_cast<std::uint16_t*>(strip) + place / kTileRows * kTileValues + place % kTileRows * 2;
  for (std::int64_t n = 0; n < dimensions; ++n) {
    out[n / kTileDepth * 2 * kTileValues + n % kTileDepth / 2 * kTileDepth + n % 2] =
        bfloat16_bits(row[n]);
  }
}

// g++ 12 warns of its own _mm512_max_ps.
__m512 larger(__m512 a, __m512 b) {
  return a > b ? a : b;
}

struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

std::int64_t screen_tiles(const void* left,
                          std::int64_t strips,
                          const void* right,
                          std::int64_t depth,
                          float bound,
                          std::uint32_t* hits) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = kTileBytesPerRow;
    config.rows[tile] = kTileRows;
  }
  _tile_loadconfig(&config);
  const std::int64_t steps = depth / kTileDepth;
  const auto* a = static_cast<const std::uint16_t*>(left);
  const __m512 bounds = _mm512_set1_ps(bound);
  alignas(64) float products[4][kTileRows * kTileRows];
  std::int64_t found = 0;
  for (std::int64_t strip = 0; strip < strips; ++strip) {
    const auto* b = static_cast<const std::uint16_t*>(right);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (std::int64_t step = 0; step < steps; ++step) {
      _tile_loadd(4, a, kTileBytesPerRow);
      _tile_loadd(6, b, kTileBytesPerRow);
      _tile_loadd(7, b + kTileValues, kTileBytesPerRow);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(5, a + kTileValues, kTileBytesPerRow);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
      a += 2 * kTileValues;
      b += 2 * kTileValues;
    }
    _tile_stored(0, products[0], kTileBytesPerRow);
    _tile_stored(1, products[1], kTileBytesPerRow);
    _tile_stored(2, products[2], kTileBytesPerRow);
    _tile_stored(3, products[3], kTileBytesPerRow);
    __m512 most[4];
    for (int tile = 0; tile < 4; ++tile) {
      most[tile] = _mm512_load_ps(products[tile]);
    }
    for (int row = 1; row < kTileRows; ++row) {
      for (int tile = 0; tile < 4; ++tile) {
        most[tile] = larger(most[tile], _mm512_load_ps(products[tile] + row * kTileRows));
      }
    }
    const __m512 top = larger(larger(most[0], most[1]), larger(most[2], most[3]));
    if (_mm512_cmp_ps_mask(top, bounds, _CMP_GE_OQ) == 0) {
      continue;
    }
    for (int row = 0; row < kStripRows; ++row) {
      for (int half = 0; half < 2; ++half) {
        const float* const line =
            products[row / kTileRows * 2 + half] + row % kTileRows * kTileRows;
        unsigned mask = _mm512_cmp_ps_mask(_mm512_load_ps(line), bounds, _CMP_GE_OQ);
        for (; mask != 0; mask &= mask - 1) {
          hits[found++] = static_cast<std::uint32_t>(strip * kStripRows + row) << 16U |
                          static_cast<std::uint32_t>(half * kTileRows + __builtin_ctz(mask));
        }
      }
    }
  }
  _tile_release();
  return found;
}

}  // namespace

CosineKernel cosine_kernel_amx() {
  // bfloat16 keeps 8 bits.
  return {"amx",
          kStripRows,
          kStripRows,
          kTileDepth,
          2,
          1.0 / 256,
          pack_rows,
          pack_columns,
          screen_tiles};
}

}  // namespace marrow

#endif
