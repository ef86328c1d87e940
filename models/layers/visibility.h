#pragma once

#include <map>
#include <vector>

#include <ATen/core/Tensor.h>

namespace marrow {

// Which cells of a coarse grid a network may see (true = visible). A map of any finer size uses the
// same grid with each cell repeated. Handed through the forward call, never kept in a global.
class Visibility {
 public:
  // grid: [B, 1, d, h, w] or [B, 1, h, w] bool; every row has the same number of visible cells, at
  // least one. Throws Error{kInvalidArgument} otherwise.
  explicit Visibility(const at::Tensor& grid);

  [[nodiscard]] const at::Tensor& grid() const { return grid_; }

  [[nodiscard]] std::int64_t visible_cells_per_row() const { return visible_; }

  // [B, 1, spatial...] bool, contiguous. Every size must be a multiple of the grid's, else
  // Error{kInvalidArgument}: a map coarser than the grid cannot be masked exactly.
  [[nodiscard]] const at::Tensor& at_size(at::IntArrayRef spatial) const;
  // [n] long: which positions of a map of that size are visible, ascending, counted over the batch
  // and the spatial axes.
  [[nodiscard]] const at::Tensor& rows_at_size(at::IntArrayRef spatial) const;
  // `x` where visible, exactly 0 elsewhere, even where x is NaN or infinite.
  [[nodiscard]] at::Tensor select(const at::Tensor& x) const;

 private:
  at::Tensor grid_;
  std::int64_t visible_ = 0;
  mutable std::map<std::vector<std::int64_t>, at::Tensor> masks_;
  mutable std::map<std::vector<std::int64_t>, at::Tensor> rows_;
};

}  // namespace marrow
