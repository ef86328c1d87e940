#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/encoder.h"

namespace marrow {

// An encoder that cuts its input into patches and turns each into a token, so that it can leave out
// patches altogether (MAE). All of its stages have the patch as stride.
class TokenEncoder : public Encoder {
 public:
  // Voxels of a patch, one size per spatial axis (D, H, W or H, W).
  [[nodiscard]] virtual const std::vector<std::int64_t>& patch() const = 0;
  // Patches of x [B, C, spatial...] per axis. Throws Error{kInvalidArgument} when a size is not a
  // multiple of the patch, or the channels or axes are not those of the encoder.
  [[nodiscard]] virtual std::vector<std::int64_t> grid(const at::Tensor& x) const = 0;
  // Features of a token.
  [[nodiscard]] virtual std::int64_t width() const = 0;
  // Whether a class token stands before those of the patches.
  [[nodiscard]] virtual bool has_class_token() const = 0;

  // The tokens of the kept patches and of no others, after the last norm: [B, (1 +) K, width], the
  // class token first, patches in the order of `kept`. What lies in other patches changes nothing.
  //
  // x: [B, C, spatial...]; kept: [B, K] int64, indices of patches in order (d, h, w), K >= 1.
  // Throws as grid() does.
  [[nodiscard]] virtual at::Tensor encode(const at::Tensor& x, const at::Tensor& kept) = 0;
};

}  // namespace marrow
