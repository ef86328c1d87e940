#include "ssl/spark.h"

#include <algorithm>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>

#include "core/error.h"
#include "models/layers/visibility.h"
#include "ssl/light_decoder.h"
#include "ssl/losses/masked_reconstruction.h"
#include "ssl/masking.h"
#include "ssl/patches.h"
#include "ssl/reconstructions.h"
#include "ssl/spark_options.h"
#include "ssl/unet_reconstruction.h"

namespace marrow {

namespace {

std::int64_t automatic_width(const Encoder& encoder) {
  const std::int64_t total = encoder.stages().back().stride[0];
  const std::int64_t half = std::max(total, encoder.stages().back().channels / 2);
  return (half + total - 1) / total * total;  // the decoder halves it log2(total) times
}

std::shared_ptr<ReconstructionDecoder> make_decoder(const SparkOptions& options,
                                                    const MaskableEncoder& encoder) {
  if (options.decoder == "unet") {
    return std::make_shared<UnetReconstruction>(
        encoder.stages(), encoder.dimensions(), encoder.input_channels(), options.decoder_widths);
  }
  return std::make_shared<LightDecoder>(LightDecoder::Options{
      .stages = encoder.stages(),
      .dimensions = encoder.dimensions(),
      .width = options.decoder_width > 0 ? options.decoder_width : automatic_width(encoder),
      .output_channels = encoder.input_channels(),
      .densify_norm = encoder.norm()});
}

class Spark : public SslMethod {
 public:
  Spark(const SparkOptions& options, const std::shared_ptr<MaskableEncoder>& encoder)
      : options_(options) {
    encoder_ = register_module("encoder", encoder);
    const std::vector<std::int64_t>& stride = encoder->stages().back().stride;
    patch_ = stride[0];
    for (const std::int64_t axis : stride) {
      if (axis != patch_) {
        throw Error(
            ErrorCode::kInvalidArgument,
            "spark: the encoder's total stride must be equal along every axis, since a cell "
            "is one position of its last map; found " +
                std::to_string(patch_) + " and " + std::to_string(axis) +
                "; change the encoder's strides");
      }
    }
    decoder_ = register_module("decoder", make_decoder(options, *encoder));
  }

  StepResult step(const Batch& batch) override {
    const at::Tensor& x = batch.views.at(0);
    const Visibility visible = draw(x, batch.seed);
    const at::Tensor restored =
        decoder_->restore(encoder_->features(x, &visible), visible, x.sizes().slice(2));
    const at::Tensor hidden = visible.grid().flatten(1).logical_not();
    const MaskedReconstruction result = masked_reconstruction_loss(
        patchify(restored, patch_), patchify(x, patch_), hidden, options_.normalise_patches, 1e-8);
    return {result.loss, {}};
  }

  [[nodiscard]] DataNeeds needs() const override { return {.views = 1}; }

  [[nodiscard]] std::shared_ptr<Encoder> encoder() const override { return encoder_; }

  [[nodiscard]] std::shared_ptr<torch::nn::Module> head() const override {
    return decoder_->head();
  }

  std::vector<Reconstruction> reconstruct(const Batch& batch) override {
    const at::NoGradGuard no_grad;
    const at::Tensor& x = batch.views.at(0);
    const Visibility visible = draw(x, batch.seed);
    const at::Tensor output =
        decoder_->restore(encoder_->features(x, &visible), visible, x.sizes().slice(2))
            .to(at::kFloat);
    return reconstructions(
        x, patchify(output, patch_), visible, patch_, options_.normalise_patches);
  }

 private:
  [[nodiscard]] Visibility draw(const at::Tensor& x, std::uint64_t seed) const {
    std::vector<std::int64_t> grid;
    std::int64_t cells = 1;
    for (std::int64_t axis = 2; axis < x.dim(); ++axis) {
      if (x.size(axis) % patch_ != 0 || x.size(axis) < 2 * patch_) {
        throw Error(ErrorCode::kInvalidArgument,
                    "spark: the patch size must be a multiple of the encoder's total stride " +
                        std::to_string(patch_) + " and at least twice that, found " +
                        std::to_string(x.size(axis)) + " along spatial axis " +
                        std::to_string(axis - 2) + "; change data.patch_size");
      }
      grid.push_back(x.size(axis) / patch_);
      cells *= grid.back();
    }
    const std::int64_t visible = spark_visible_cells(cells, options_.mask_ratio);
    if (visible == cells) {
      throw Error(ErrorCode::kInvalidArgument,
                  "spark: with " + std::to_string(cells) + " cells a mask_ratio of " +
                      std::to_string(options_.mask_ratio) +
                      " hides nothing; use a larger patch or ratio");
    }
    return Visibility(random_visible(x.size(0), grid, visible, seed).to(x.device()));
  }

  SparkOptions options_;
  std::shared_ptr<MaskableEncoder> encoder_;
  std::shared_ptr<ReconstructionDecoder> decoder_;
  std::int64_t patch_ = 1;
};

}  // namespace

std::shared_ptr<SslMethod> make_spark(const ConfigSection& options,
                                      const std::shared_ptr<Encoder>& encoder) {
  const auto maskable = std::dynamic_pointer_cast<MaskableEncoder>(encoder);
  if (maskable == nullptr) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "spark: this encoder cannot be masked; choose convnext, resenc_unet or resnet, or another "
        "method");
  }
  return std::make_shared<Spark>(options.parse<SparkOptions>(), maskable);
}

}  // namespace marrow
