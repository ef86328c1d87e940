#include "core/config/config.h"
#include "models/head.h"
#include "models/heads/unet_decoder.h"
#include "models/heads/unetr_decoder.h"

namespace marrow {

void add_builtin_heads(Heads& heads) {
  heads.add<UnetDecoderOptions>(
      "U-Net decoder with skip connections from every stage of the encoder",
      [](const ConfigSection& section, const HeadInput& input) {
        return make_unet_decoder(section.parse<UnetDecoderOptions>(), input);
      });
  heads.add<UnetrDecoderOptions>(
      "UNETR's decoder for vision transformers, whose maps all have one size",
      [](const ConfigSection& section, const HeadInput& input) {
        return make_unetr_decoder(section.parse<UnetrDecoderOptions>(), input);
      });
}

}  // namespace marrow
