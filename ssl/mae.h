#pragma once

#include <memory>

#include "ssl/ssl_method.h"

namespace marrow {

// Masked autoencoder (He et al. 2022), 2D and 3D: the encoder sees a few patches of the image, a
// small decoder restores the others. Options: see `marrow describe mae`; departures:
// docs/methods/mae.md. Throws Error{kInvalidArgument} when `encoder` cannot leave out patches.
[[nodiscard]] std::shared_ptr<SslMethod> make_mae(const ConfigSection& options,
                                                  const std::shared_ptr<Encoder>& encoder);

}  // namespace marrow
