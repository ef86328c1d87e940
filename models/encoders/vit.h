#pragma once

#include <memory>

#include "models/encoder.h"

namespace marrow {

// Vision transformer (Dosovitskiy et al. 2021), 2D and 3D from one source, a TokenEncoder. Names
// are timm's (cls_token, pos_embed, patch_embed.proj, blocks.N..., norm, fc_norm), so that weights
// can be exchanged in 2D; positions that are not learned are a buffer of that name.
//
// features(): the tokens after the blocks of `feature_blocks` as maps with the patch as stride, the
// last after the last norm. pooled(): with pool = mean the norm ("fc_norm") of the mean of the
// patches' tokens, taken before the last norm; with pool = class the class token after the last
// norm.
//
// Options: `marrow describe vit`.
[[nodiscard]] std::shared_ptr<Encoder> make_vit(const ConfigSection& options);

}  // namespace marrow
