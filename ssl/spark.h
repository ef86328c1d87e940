#pragma once

#include <memory>

#include "ssl/ssl_method.h"

namespace marrow {

// SparK (Tian et al. 2023), 2D and 3D: cells of the image are hidden, the convolutional encoder
// works as if they did not exist, a light decoder restores them. Options: see `marrow describe
// spark`; departures: docs/methods/spark.md. Throws Error{kInvalidArgument} when `encoder` cannot
// be masked.
[[nodiscard]] std::shared_ptr<SslMethod> make_spark(const ConfigSection& options,
                                                    const std::shared_ptr<Encoder>& encoder);

}  // namespace marrow
