#pragma once

#include <memory>

#include "models/encoder.h"

namespace marrow {

// ConvNeXt (Liu et al. 2022), 2D and 3D from one source: a stem convolution with kernel = stride,
// four stages of blocks (depth-wise convolution, layer norm over channels, linear x4, GELU, linear,
// layer scale, added to the input), between them a layer norm and a 2x2 convolution with stride 2.
// Maps at strides 4, 8, 16, 32 (stem_stride 2: 2, 4, 8, 16), each the output of a stage without a
// norm. pooled() is the layer norm of the last map's mean; the loss of a method that trains on maps
// alone leaves that norm ("head.norm") as it was.
//
// Parameter names are timm's: stem.0, stem.1, stages.N.downsample.0 and .1, stages.N.blocks.M.
// {conv_dw, norm, mlp.fc1, mlp.fc2, gamma}, head.norm. Can be masked. features() throws
// Error{kInvalidArgument} when an axis is no multiple of the last stage's stride. Options: `marrow
// describe convnext`.
[[nodiscard]] std::shared_ptr<Encoder> make_convnext(const ConfigSection& options);

}  // namespace marrow
