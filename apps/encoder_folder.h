#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "models/encoder.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {

// What is written about an encoder besides its weights.
struct EncoderText {
  std::string encoder_yaml;  // its section, resolved
  std::string sentence;      // where it comes from
};

// FOLDER: model.safetensors, config.json (name and options of the encoder), preprocessor.json (the
// recipe), README.md (how to load it); and decoder.safetensors, where `decoder` is a pretrained one
// (else null). `names`: "marrow", or those of another tool (export_family; "" its first). Returns
// whether a Python library has the network, so that README.md has the lines to load it.
bool write_encoder_folder(const std::filesystem::path& folder,
                          const Encoder& encoder,
                          const torch::nn::Module* decoder,
                          const RecipeOptions& recipe,
                          const EncoderText& text,
                          std::string_view names);

}  // namespace marrow
