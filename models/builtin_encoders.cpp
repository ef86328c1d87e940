#include "models/encoder.h"
#include "models/encoders/convnext.h"
#include "models/encoders/convnext_options.h"
#include "models/encoders/resenc_unet.h"
#include "models/encoders/resenc_unet_options.h"
#include "models/encoders/resnet.h"
#include "models/encoders/resnet_options.h"
#include "models/encoders/vit.h"
#include "models/encoders/vit_options.h"

namespace marrow {

void add_builtin_encoders(Encoders& encoders) {
  encoders.add<ConvnextOptions>("ConvNeXt with timm's names, 2D and 3D, maskable", make_convnext);
  encoders.add<ResencUnetOptions>("Residual-encoder U-Net's encoder (nnU-Net), 2D and 3D, maskable",
                                  make_resenc_unet);
  encoders.add<ResnetOptions>("ResNet-10 to -101 with torchvision's names, 2D and 3D, maskable",
                              make_resnet);
  encoders.add<VitOptions>("Vision transformer with timm's names, 2D and 3D, can leave out patches",
                           make_vit);
}

}  // namespace marrow
