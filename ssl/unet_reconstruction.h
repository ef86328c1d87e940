#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/encoder.h"
#include "ssl/reconstruction_decoder.h"

namespace marrow {

class Head;

// Restores with the decoder of a U-Net, the one that segmentation uses, so that a fine-tuning can
// start from it: in every map of the encoder a learned token takes the hidden places, and the
// decoder goes from the coarsest map to the input's grid with the others as skips.
//
// The maps are not normalised first, other than SparK's densification does: what the decoder sees
// at visible places is what it will see in the fine-tuning.
//
// Source: the pretraining of whole residual-encoder U-Nets in nnssl, with SparK's mask tokens.
class UnetReconstruction : public ReconstructionDecoder {
 public:
  // widths: see UnetDecoderOptions. Throws Error{kInvalidArgument} when they do not fit the stages.
  UnetReconstruction(const std::vector<Encoder::Stage>& stages,
                     int dimensions,
                     std::int64_t channels,
                     const std::vector<std::int64_t>& widths);

  [[nodiscard]] at::Tensor restore(const std::vector<at::Tensor>& maps,
                                   const Visibility& visible,
                                   at::IntArrayRef size) override;
  [[nodiscard]] std::shared_ptr<torch::nn::Module> head() const override;

 private:
  std::vector<at::Tensor> tokens_;  // finest first, [1, C, 1...]
  std::shared_ptr<Head> head_;
};

}  // namespace marrow
