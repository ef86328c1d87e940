#include "models/layers/drop_path.h"

#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "core/error.h"

namespace marrow {

at::Tensor drop_path(const at::Tensor& branch, double rate, bool training) {
  if (rate < 0.0 || rate >= 1.0) {
    throw Error(ErrorCode::kInvalidArgument,
                "drop_path: expected a rate in [0, 1), found " + std::to_string(rate));
  }
  if (!training || rate == 0.0) {
    return branch;
  }
  std::vector<std::int64_t> shape(static_cast<std::size_t>(branch.dim()), 1);
  shape[0] = branch.size(0);
  const at::Tensor keep =
      at::empty(shape, branch.options().dtype(at::kBool)).bernoulli_(1.0 - rate);
  // Scaled by a number and not by a tensor: bfloat16 would round the tensor's 1 / (1 - rate).
  return at::where(keep, branch * (1.0 / (1.0 - rate)), at::zeros({}, branch.options()));
}

double drop_path_rate(double last, std::int64_t block, std::int64_t blocks) {
  MARROW_CHECK(block >= 0 && block < blocks);
  return blocks == 1 ? 0.0 : last * static_cast<double>(block) / static_cast<double>(blocks - 1);
}

}  // namespace marrow
