#include "ssl/mae.h"

#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/var.h>
#include <fmt/format.h>

#include "core/error.h"
#include "models/layers/visibility.h"
#include "models/token_encoder.h"
#include "ssl/losses/masked_reconstruction.h"
#include "ssl/mae_decoder.h"
#include "ssl/mae_options.h"
#include "ssl/masking.h"
#include "ssl/patches.h"
#include "ssl/reconstructions.h"

namespace marrow {

namespace {

// Below this deviation a patch holds no structure, in the normalised units of prepared volumes.
constexpr double kFlatPatchStd = 1e-3;

class Mae : public SslMethod {
 public:
  Mae(const MaeOptions& options, const std::shared_ptr<TokenEncoder>& encoder) : options_(options) {
    encoder_ = register_module("encoder", encoder);
    std::int64_t outputs = encoder->input_channels();
    for (const std::int64_t side : encoder->patch()) {
      outputs *= side;
    }
    decoder_ = register_module(
        "decoder",
        std::make_shared<MaeDecoder>(MaeDecoder::Options{.encoder_width = encoder->width(),
                                                         .class_token = encoder->has_class_token(),
                                                         .width = options.decoder_width,
                                                         .depth = options.decoder_depth,
                                                         .heads = options.decoder_heads,
                                                         .outputs = outputs}));
  }

  StepResult step(const Batch& batch) override {
    const at::Tensor& x = batch.views.at(0);
    const std::vector<std::int64_t> grid = encoder_->grid(x);
    const TokenMask mask = draw(x, grid, batch.seed);
    const at::Tensor target = patchify(x, encoder_->patch());
    const at::Tensor deviation = at::var(target.detach(), -1, true).sqrt();
    at::Tensor counted = mask.hidden;
    double eps = 0;
    if (options_.min_patch_std > 0) {
      counted = counted.logical_and(deviation.ge(options_.min_patch_std));
      eps = 1e-8;  // a batch of air counts no patch at all
    }
    const MaskedReconstruction result = masked_reconstruction_loss(
        restored(x, mask, grid), target, counted, options_.normalise_patches, eps);
    return {result.loss, {{"flat_patches", deviation.lt(kFlatPatchStd).to(at::kFloat).mean()}}};
  }

  [[nodiscard]] DataNeeds needs() const override { return {.views = 1}; }

  [[nodiscard]] std::shared_ptr<Encoder> encoder() const override { return encoder_; }

  std::vector<Reconstruction> reconstruct(const Batch& batch) override {
    const at::NoGradGuard no_grad;
    const at::Tensor& x = batch.views.at(0);
    const std::vector<std::int64_t> grid = encoder_->grid(x);
    const TokenMask mask = draw(x, grid, batch.seed);
    const Visibility visible(mask.hidden.logical_not().unsqueeze(1).unflatten(2, grid));
    return reconstructions(x,
                           restored(x, mask, grid).to(at::kFloat),
                           visible,
                           encoder_->patch(),
                           options_.normalise_patches);
  }

 private:
  [[nodiscard]] at::Tensor restored(const at::Tensor& x,
                                    const TokenMask& mask,
                                    const std::vector<std::int64_t>& grid) {
    return decoder_->forward(encoder_->encode(x, mask.kept), mask.restore, grid);
  }

  [[nodiscard]] TokenMask draw(const at::Tensor& x,
                               const std::vector<std::int64_t>& grid,
                               std::uint64_t seed) const {
    std::int64_t patches = 1;
    for (const std::int64_t cells : grid) {
      patches *= cells;
    }
    const std::int64_t kept = mae_kept_patches(patches, options_.mask_ratio);
    if (kept < 1) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("mae: with {} patches a mask_ratio of {} leaves none visible; lower "
                              "method.mask_ratio, or raise data.patch_size or lower encoder.patch "
                              "to have more patches",
                              patches,
                              options_.mask_ratio));
    }
    const TokenMask mask = token_mask(mask_noise(x.size(0), patches, seed), kept);
    return {mask.kept.to(x.device()), mask.restore.to(x.device()), mask.hidden.to(x.device())};
  }

  MaeOptions options_;
  std::shared_ptr<TokenEncoder> encoder_;
  std::shared_ptr<MaeDecoder> decoder_;
};

}  // namespace

std::shared_ptr<SslMethod> make_mae(const ConfigSection& options,
                                    const std::shared_ptr<Encoder>& encoder) {
  const auto tokens = std::dynamic_pointer_cast<TokenEncoder>(encoder);
  if (tokens == nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                "mae: this encoder cannot leave out patches; choose encoder.name: vit, or another "
                "method");
  }
  return std::make_shared<Mae>(options.parse<MaeOptions>(), tokens);
}

}  // namespace marrow
