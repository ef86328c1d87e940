#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <torch/nn/module.h>

#include "models/weights/safetensors.h"
#include "models/weights/tensor_fit.h"

namespace marrow {

struct WeightImportOptions {
  double minimum = 0.5;               // share of the encoder's tensors that the file must give
  std::optional<std::string> prefix;  // what to peel; else the peeling that matches most
  Inflation inflation = Inflation::kAverage;
  std::vector<std::int64_t> grid;  // of the encoder's tokens, D, H, W or H, W; empty: it has none
};

// What an import did. Tensors are parameters and buffers of the encoder.
struct WeightImport {
  struct Block {
    std::string name;  // "layer1", "stages.2", "blocks.11"
    std::int64_t matched = 0;
    std::int64_t total = 0;
  };

  std::string names;                        // NameFamily::name that matched
  std::string tools;                        // NameFamily::tools
  std::string prefix;                       // that was peeled
  std::vector<std::string> other_prefixes;  // that would have matched as many
  std::int64_t matched = 0;
  std::int64_t total = 0;
  std::vector<Block> blocks;          // in the encoder's order
  std::vector<std::string> adapted;   // "conv1.weight: 3 input channels summed to 1"
  std::vector<std::string> missing;   // ours that the file does not give; left as they were
  std::vector<std::string> left_out;  // the file's that have no place here, ascending
  // Of those, the ones whose module is otherwise used: the network there computes something more.
  std::vector<std::string> torn;
};

// Another tool's weights into `encoder`, whose part is called `part` ("resnet"): prefixes such as
// "module." and "encoder_q." are peeled, again and again, and the peeling and the family of names
// that match most tensors are taken; kernels, input channels and positions are made to fit. A bias
// that the file lacks beside a weight that it has is 0, as it is there.
//
// file_name: for messages. Throws Error{kRefused} when nothing or less than the minimum matched,
// when a tensor cannot be made to fit (naming it, what was expected and found) or stands twice with
// different values; the encoder is unchanged then.
[[nodiscard]] WeightImport import_weights(torch::nn::Module& encoder,
                                          std::string_view part,
                                          const TensorFile& file,
                                          const WeightImportOptions& options,
                                          const std::string& file_name);

// The encoder's tensors under the names of a family of export_family, for another tool to load;
// with the counters "num_batches_tracked" (0) that strict loading of batch norms asks for.
[[nodiscard]] TensorFile weights_in_names(const torch::nn::Module& encoder,
                                          std::string_view part,
                                          std::string_view names);

}  // namespace marrow
