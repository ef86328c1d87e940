#pragma once

#include <memory>

#include "models/encoder.h"

namespace marrow {

// Encoder of the residual-encoder U-Net (nnU-Net's ResEnc, 2D and 3D from one source): a stem
// convolution, then stages of residual blocks, the first block of a stage striding. One feature map
// per stage. Can be masked. Options: see `marrow describe resenc_unet`. Parameter names are those
// of dynamic-network-architectures below "encoder.".
[[nodiscard]] std::shared_ptr<Encoder> make_resenc_unet(const ConfigSection& options);

}  // namespace marrow
