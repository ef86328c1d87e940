#pragma once

#include "models/layers/norm_act_kernel.h"
#include "models/layers/wide_vectors.h"

// The activation of norm_act in vectors: the vectoriser itself makes branches of it, ten times
// slower.
namespace marrow {

namespace {

constexpr std::int64_t kChunk = 1024;  // voxels summed in float before the sum goes into a double

template <int N>
MARROW_INLINE typename Wide<N>::Floats activated(typename Wide<N>::Floats x,
                                                 const NormActShape& s) {
  const auto y = x > 0.0F ? x : x * s.slope;
  return y < s.cap ? y : all<N>(s.cap);
}

// The gradient before the activation; y tells on which piece of it the value lay.
template <int N>
MARROW_INLINE typename Wide<N>::Floats gradient_through(typename Wide<N>::Floats dy,
                                                        typename Wide<N>::Floats y,
                                                        const NormActShape& s) {
  const auto d = y > 0.0F ? dy : dy * s.slope;
  return y < s.cap ? d : all<N>(0.0F);
}

}  // namespace

}  // namespace marrow
