#include "models/weights/tensor_fit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/upsample_trilinear3d.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

using FitSizes = std::vector<std::int64_t>;

std::int64_t grid_cells(const FitSizes& grid) {
  return std::accumulate(grid.begin(), grid.end(), std::int64_t{1}, std::multiplies<>());
}

// Sizes other than 1.
FitSizes without_ones(at::IntArrayRef sizes) {
  FitSizes kept;
  std::copy_if(
      sizes.begin(), sizes.end(), std::back_inserter(kept), [](std::int64_t n) { return n != 1; });
  return kept;
}

FittedTensor fit_positions(const at::Tensor& value,
                           const at::Tensor& target,
                           const FitOptions& options) {
  if (value.dim() != 3 || target.dim() != 3 || value.size(0) != 1 || target.size(0) != 1 ||
      value.size(2) != target.size(2) || options.grid.empty()) {
    return {};
  }
  const std::int64_t rows = target.size(1) - grid_cells(options.grid);
  const std::int64_t found_rows = options.class_row ? 1 : 0;
  for (const std::int64_t from_rows : {found_rows, 1 - found_rows}) {
    FitSizes from = even_grid(value.size(1) - from_rows, options.source_dimensions);
    if (value.size(1) - from_rows == grid_cells(options.grid)) {
      from = options.grid;  // the same number of tokens: taken to lie as ours
    }
    if (!from.empty() && rows >= 0) {
      std::string how = from == options.grid
                            ? std::string("positions")
                            : fmt::format("positions interpolated from {} to {} tokens",
                                          fmt::join(from, "x"),
                                          fmt::join(options.grid, "x"));
      how += from_rows < rows ? ", a class row of zeros put before them" : "";
      how += from_rows > rows ? ", the class row left out" : "";
      return {resize_positions(value, from, from_rows, options.grid, rows), how};
    }
  }
  return {};
}

}  // namespace

Inflation inflation_from_name(std::string_view word) {
  if (word == "average") {
    return Inflation::kAverage;
  }
  if (word == "centre") {
    return Inflation::kCentre;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "--inflate: expected average or centre, found \"" + printable(word) + "\"");
}

at::Tensor inflate_kernel(const at::Tensor& kernel, std::int64_t depth, Inflation inflation) {
  MARROW_CHECK(kernel.dim() == 4 && depth > 0);
  if (inflation == Inflation::kAverage) {
    return kernel.unsqueeze(2).repeat({1, 1, depth, 1, 1}) / static_cast<double>(depth);
  }
  at::Tensor inflated = at::zeros(
      {kernel.size(0), kernel.size(1), depth, kernel.size(2), kernel.size(3)}, kernel.options());
  inflated.select(2, depth / 2).copy_(kernel);
  return inflated;
}

at::Tensor adapt_input_channels(const at::Tensor& kernel, std::int64_t channels) {
  const std::int64_t found = kernel.size(1);
  if (channels == 1) {
    return kernel.sum(1, true);
  }
  std::vector<at::Tensor> inputs;
  for (std::int64_t c = 0; c < channels; ++c) {
    inputs.push_back(kernel.narrow(1, c % found, 1));
  }
  return at::cat(inputs, 1) * (static_cast<double>(found) / static_cast<double>(channels));
}

at::Tensor resize_positions(const at::Tensor& table,
                            const FitSizes& from,
                            std::int64_t from_rows,
                            const FitSizes& to,
                            std::int64_t to_rows) {
  const std::int64_t width = table.size(2);
  MARROW_CHECK(table.size(1) == from_rows + grid_cells(from) && from_rows <= 1 && to_rows <= 1);
  at::Tensor positions = table.narrow(1, from_rows, grid_cells(from));
  if (from != to) {
    // [1, F, tokens along each axis]
    FitSizes shape = {1, width};
    shape.insert(shape.end(), from.begin(), from.end());
    positions = positions.transpose(1, 2).reshape(shape);
    const FitSizes plane(to.end() - 2, to.end());
    if (from.size() == 2) {
      if (from != plane) {
        positions = at::_upsample_bicubic2d_aa(positions, plane, false);
      }
      if (to.size() == 3) {
        positions = positions.unsqueeze(2).repeat({1, 1, to[0], 1, 1});
      }
    } else {
      MARROW_CHECK(to.size() == 3);
      positions = at::upsample_trilinear3d(positions, to, false);
    }
    positions = positions.reshape({1, width, grid_cells(to)}).transpose(1, 2);
  }
  if (to_rows == 0) {
    return positions;
  }
  const at::Tensor row =
      from_rows == 1 ? table.narrow(1, 0, 1) : at::zeros({1, 1, width}, table.options());
  return at::cat({row, positions}, 1);
}

FittedTensor fit_tensor(const at::Tensor& value,
                        const at::Tensor& target,
                        const FitOptions& options) {
  at::Tensor fitted = value.to(target.scalar_type());
  if (fitted.sizes() == target.sizes()) {
    return {fitted, ""};
  }
  if (options.positions) {
    return fit_positions(fitted, target, options);
  }
  std::vector<std::string> steps;
  if (fitted.dim() == 4 && target.dim() == 5 &&
      fitted.sizes().slice(2) == target.sizes().slice(3)) {
    fitted = inflate_kernel(fitted, target.size(2), options.inflation);
    steps.push_back(
        fmt::format("inflated along a depth of {} ({})",
                    target.size(2),
                    options.inflation == Inflation::kAverage ? "average" : "centre slice"));
  }
  if (options.stem && fitted.dim() == target.dim() && fitted.dim() > 3 &&
      fitted.size(1) != target.size(1)) {
    steps.push_back(fmt::format("{} input channels {} to {}",
                                fitted.size(1),
                                target.size(1) == 1 ? "summed" : "repeated and scaled",
                                target.size(1)));
    fitted = adapt_input_channels(fitted, target.size(1));
  }
  if (fitted.sizes() != target.sizes() &&
      without_ones(fitted.sizes()) == without_ones(target.sizes())) {
    fitted = fitted.reshape(target.sizes());
    steps.push_back("axes of size 1 left out");
  }
  if (fitted.sizes() != target.sizes()) {
    return {};
  }
  return {fitted, join(steps, ", ")};
}

std::vector<std::int64_t> even_grid(std::int64_t count, std::int64_t dimensions) {
  const double root = dimensions == 3 ? std::cbrt(static_cast<double>(count))
                                      : std::sqrt(static_cast<double>(count));
  const FitSizes grid(static_cast<std::size_t>(dimensions), std::llround(root));
  return count > 0 && grid_cells(grid) == count ? grid : FitSizes{};
}

std::string shape_text(const at::Tensor& tensor) {
  return fmt::format("[{}]", fmt::join(tensor.sizes().vec(), ", "));
}

}  // namespace marrow
