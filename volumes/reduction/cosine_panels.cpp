#include "volumes/reduction/cosine_panels.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "core/error.h"

namespace marrow {

namespace {

std::int64_t filled_up(std::int64_t count, std::int64_t step) {
  return (count + step - 1) / step * step;
}

std::unique_ptr<std::byte, CosineMemoryRelease> cosine_memory(std::int64_t bytes) {
  constexpr std::int64_t kCacheLine = 64;
  auto* const memory = static_cast<std::byte*>(
      std::aligned_alloc(kCacheLine, static_cast<std::size_t>(filled_up(bytes, kCacheLine))));
  if (memory == nullptr) {
    throw Error(ErrorCode::kResources,
                "cosine scan: " + std::to_string(bytes) +
                    " bytes of memory for packed vectors were refused; scan fewer at a time");
  }
  return std::unique_ptr<std::byte, CosineMemoryRelease>(memory);
}

}  // namespace

CosinePanels::CosinePanels(const CosineKernel& kernel, std::int64_t dimensions)
    : kernel_(kernel),
      dimensions_(dimensions),
      depth_(filled_up(dimensions, kernel.depth_step)),
      strip_bytes_(kernel.right_rows * depth_ * kernel.value_bytes) {
  MARROW_CHECK(kCosineRightBlock % kernel.right_rows == 0);
}

void CosinePanels::append(std::span<const float> row) {
  MARROW_CHECK(static_cast<std::int64_t>(row.size()) == dimensions_);
  if (count_ % kCosineRightBlock == 0) {
    blocks_.push_back(cosine_memory(kCosineRightBlock / kernel_.right_rows * strip_bytes_));
  }
  const std::int64_t inside = count_ % kCosineRightBlock;
  const std::int64_t place = inside % kernel_.right_rows;
  std::byte* const strip = blocks_.back().get() + inside / kernel_.right_rows * strip_bytes_;
  if (place == 0) {
    std::memset(strip, 0, static_cast<std::size_t>(strip_bytes_));
  }
  kernel_.pack_right(row.data(), dimensions_, place, strip);
  ++count_;
}

const std::byte* CosinePanels::strip(std::int64_t first_row) const {
  return blocks_[static_cast<std::size_t>(first_row / kCosineRightBlock)].get() +
         first_row % kCosineRightBlock / kernel_.right_rows * strip_bytes_;
}

float cosine_screen_bound(const CosineKernel& kernel, std::int64_t dimensions, float threshold) {
  // By Cauchy and Schwarz the sum of |a_i b_i| is at most the product of the lengths. Each product
  // has the error of two rounded values, and a sum of d floats, in whatever order, one of d + 1
  // roundings; half of 2^-23 is one rounding, twice that covers the terms of second order. The
  // last number is for values too small for the format.
  const double longest = 1 + kUnitTolerance;
  const double values = (1 + kernel.rounding) * (1 + kernel.rounding) - 1;
  const double sums = static_cast<double>(dimensions + 2) * 0x1p-23 * (1 + values);
  return static_cast<float>(threshold - longest * (values + sums) - 1e-6);
}

CosineBlocks::CosineBlocks(const CosineKernel& kernel, float threshold, Pairs pairs)
    : kernel_(kernel),
      threshold_(threshold),
      pairs_(pairs),
      hits_(static_cast<std::size_t>(kCosineLeftBlock * kernel.right_rows)) {
  MARROW_CHECK(kCosineLeftBlock % kernel.left_rows == 0);
}

void CosineBlocks::pack_left(const UnitRows& left, std::int64_t first) {
  const float* const begin = left.row(first).data();
  if (packed_ == begin) {
    return;
  }
  const std::int64_t depth = filled_up(left.dimensions, kernel_.depth_step);
  const std::int64_t row_bytes = depth * kernel_.value_bytes;
  const std::int64_t rows = std::min(kCosineLeftBlock, left.count() - first);
  strips_ = (rows + kernel_.left_rows - 1) / kernel_.left_rows;
  const auto bytes = static_cast<std::size_t>(kCosineLeftBlock * row_bytes);
  if (left_bytes_ < bytes) {
    left_ = cosine_memory(static_cast<std::int64_t>(bytes));
    left_bytes_ = bytes;
  }
  std::memset(left_.get(), 0, static_cast<std::size_t>(strips_ * kernel_.left_rows * row_bytes));
  for (std::int64_t row = 0; row < rows; ++row) {
    kernel_.pack_left(left.row(first + row).data(),
                      left.dimensions,
                      row % kernel_.left_rows,
                      left_.get() + row / kernel_.left_rows * kernel_.left_rows * row_bytes);
  }
  packed_ = begin;
}

const std::vector<CosinePair>& CosineBlocks::find(const UnitRows& left,
                                                  std::int64_t first_left,
                                                  const UnitRows& right,
                                                  const CosinePanels& panels,
                                                  std::int64_t first_right) {
  found_.clear();
  pack_left(left, first_left);
  const std::int64_t depth = filled_up(left.dimensions, kernel_.depth_step);
  const float bound = cosine_screen_bound(kernel_, left.dimensions, threshold_);
  const std::int64_t last_left = std::min(first_left + kCosineLeftBlock, left.count());
  const std::int64_t last_right = std::min(first_right + kCosineRightBlock, panels.count());
  for (std::int64_t column = first_right; column < last_right; column += kernel_.right_rows) {
    std::int64_t strips = strips_;
    if (pairs_ == Pairs::kAscending) {
      // Strips that begin with the strip's last column or later have no a < b.
      const std::int64_t above = column + kernel_.right_rows - 1 - first_left;
      if (above <= 0) {
        continue;
      }
      strips = std::min(strips, (above + kernel_.left_rows - 1) / kernel_.left_rows);
    }
    const std::int64_t count =
        kernel_.screen(left_.get(), strips, panels.strip(column), depth, bound, hits_.data());
    for (std::int64_t n = 0; n < count; ++n) {
      const std::uint32_t hit = hits_[static_cast<std::size_t>(n)];
      const std::int64_t a = first_left + (hit >> 16U);
      const std::int64_t b = column + (hit & 0xffffU);
      if (a >= last_left || b >= last_right || (pairs_ == Pairs::kAscending && a >= b)) {
        continue;
      }
      const float cosine = unit_cosine(left.row(a), right.row(b));
      if (cosine >= threshold_) {
        found_.push_back({a, b, cosine});
      }
    }
  }
  std::sort(found_.begin(), found_.end(), [](const CosinePair& x, const CosinePair& y) {
    return std::tie(x.a, x.b) < std::tie(y.a, y.b);
  });
  return found_;
}

}  // namespace marrow
