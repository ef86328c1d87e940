#include "volumes/fingerprints/lanczos_resize.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "volumes/fingerprints/lanczos_plan.h"

namespace marrow {

namespace {

constexpr std::int64_t kLongestSide = 32'768;

void turn(const std::uint8_t* picture,
          std::int64_t rows,
          std::int64_t columns,
          std::uint8_t* turned) {
  for (std::int64_t y = 0; y < rows; ++y) {
    for (std::int64_t x = 0; x < columns; ++x) {
      turned[x * rows + y] = picture[y * columns + x];
    }
  }
}

}  // namespace

LanczosResize::LanczosResize(Size from, Size to) : from_(from), to_(to) {
  for (const std::int64_t side : {from.columns, from.rows, to.columns, to.rows}) {
    if (side < 1 || side > kLongestSide) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format(
              "resize: expected pictures of 1 to {} pixels a side, found {}", kLongestSide, side));
    }
  }
  if (from.rows != to.rows) {
    along_columns_ = lanczos_plan(from.rows, to.rows);
  }
  if (from.columns != to.columns) {
    along_rows_ = lanczos_plan(from.columns, to.columns);
  }
}

void LanczosResize::resize(std::span<const std::uint8_t> picture,
                           std::span<std::uint8_t> out) const {
  MARROW_CHECK(static_cast<std::int64_t>(picture.size()) == from_.columns * from_.rows);
  MARROW_CHECK(static_cast<std::int64_t>(out.size()) == to_.columns * to_.rows);
  const bool rows_shrink = !along_rows_.outputs.empty();
  const bool columns_shrink = !along_columns_.outputs.empty();
  if (!rows_shrink && !columns_shrink) {
    std::copy(picture.begin(), picture.end(), out.begin());
    return;
  }
  std::vector<std::uint8_t> turned(static_cast<std::size_t>(to_.columns * from_.rows));
  if (rows_shrink) {
    lanczos_rows()(along_rows_, picture.data(), from_.rows, turned.data());
  } else {
    turn(picture.data(), from_.rows, from_.columns, turned.data());
  }
  if (columns_shrink) {
    lanczos_rows()(along_columns_, turned.data(), to_.columns, out.data());
  } else {
    turn(turned.data(), to_.columns, from_.rows, out.data());
  }
}

}  // namespace marrow
