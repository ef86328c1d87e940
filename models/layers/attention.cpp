#include "models/layers/attention.h"

#include <cmath>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/cpu/Utils.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

AttentionKernel attention_kernel(const at::Device& device, at::ScalarType type) {
  static const bool kMultipliesBf16 = at::cpu::init_amx();
  return device.is_cpu() && type == at::kBFloat16 && !kMultipliesBf16 ? AttentionKernel::kExplicit
                                                                      : AttentionKernel::kFused;
}

at::Tensor attend(const at::Tensor& q,
                  const at::Tensor& k,
                  const at::Tensor& v,
                  AttentionKernel kernel) {
  if (kernel == AttentionKernel::kFused) {
    return at::scaled_dot_product_attention(q, k, v);
  }
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(-1)));
  const at::Tensor scores = at::matmul(q * scale, k.transpose(-2, -1));
  // float32 at least: sums of many bfloat16 would lose the small weights.
  const at::Tensor weights =
      scores.scalar_type() == at::kBFloat16 || scores.scalar_type() == at::kHalf
          ? at::softmax(scores, -1, at::kFloat).to(scores.scalar_type())
          : at::softmax(scores, -1);
  return at::matmul(weights, v);
}

Attention::Attention(std::int64_t width, std::int64_t heads) : heads_(heads) {
  if (width % heads != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("attention: {} heads do not divide a width of {}; choose a width that "
                            "is a multiple of the heads",
                            heads,
                            width));
  }
  qkv_ = register_module("qkv", std::make_shared<Linear>(width, 3 * width));
  proj_ = register_module("proj", std::make_shared<Linear>(width, width));
}

at::Tensor Attention::forward(const at::Tensor& x) const {
  const std::int64_t features = x.size(2) / heads_;
  // Taken apart at once: the gradient of three selections would be three sums over all of it.
  const std::vector<at::Tensor> qkv = qkv_->forward(x)
                                          .reshape({x.size(0), x.size(1), 3, heads_, features})
                                          .permute({2, 0, 3, 1, 4})
                                          .unbind(0);
  const at::Tensor attended =
      attend(qkv[0], qkv[1], qkv[2], attention_kernel(x.device(), qkv[0].scalar_type()));
  return proj_->forward(attended.transpose(1, 2).flatten(2));
}

}  // namespace marrow
