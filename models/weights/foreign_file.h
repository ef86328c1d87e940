#pragma once

#include <filesystem>

#include "models/weights/safetensors.h"

namespace marrow {

// Weights that another tool saved, as safetensors. What looks like a pickle (.pth, .pt, .ckpt, .bin
// of PyTorch, by its first bytes or its name) is Error{kUnsupported} with advice: reading one can
// run code. Otherwise as read_safetensors.
[[nodiscard]] TensorFile read_foreign_weights(const std::filesystem::path& file);

}  // namespace marrow
