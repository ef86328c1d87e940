#pragma once

#include <memory>

#include "models/encoder.h"

namespace marrow {

// ResNet (He et al. 2016) in torchvision's form (stride on the 3x3 convolution of a bottleneck), 2D
// and 3D from one source: 7x7 stem with stride 2, max-pool with stride 2, four stages at strides 4,
// 8, 16, 32 (options change the first and the last). Parameter names are torchvision's (conv1, bn1,
// layer1.0.conv1, ..., downsample.0) whatever the norm. Can be masked. Options: `marrow describe
// resnet`.
[[nodiscard]] std::shared_ptr<Encoder> make_resnet(const ConfigSection& options);

}  // namespace marrow
