#include "models/encoder.h"

namespace marrow {

at::Tensor Encoder::pooled(const at::Tensor& x) {
  return features(x).back().flatten(2).mean(-1);
}

}  // namespace marrow
