#pragma once

#include <ATen/core/Tensor.h>

namespace marrow {

class Visibility;

// The visible positions of a map as a matrix, so that layers which work on each position by itself
// cost what is visible only.
//
// x: [B, C, spatial...]. Returns [B * visible positions per sample, C], sample after sample, the
// positions of each in the map's order. Hidden values are not read and get the gradient 0.
[[nodiscard]] at::Tensor visible_rows(const at::Tensor& x, const Visibility& visible);

// The reverse: a map [B, C, spatial...] with these rows at visible positions and 0 elsewhere.
[[nodiscard]] at::Tensor map_of_rows(const at::Tensor& rows,
                                     const Visibility& visible,
                                     at::IntArrayRef spatial);

}  // namespace marrow
