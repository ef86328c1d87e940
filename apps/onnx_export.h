#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace marrow {

// What export_onnx_of_run wrote.
struct ExportedOnnx {
  std::string task;                      // of the run: "pretrain" | "segment"
  std::vector<std::int64_t> input_size;  // channels, then data.patch_size; any number of samples
  std::vector<std::string> outputs;
};

// Writes the network of a finished run as an ONNX file that takes tiles of the run's
// data.patch_size (docs/formats/onnx.md). A pretrained run gives its encoder: the maps "stage0",
// "stage1", ..., finest first, and the row per sample "pooled". A segmenter gives "logits" on the
// tile's grid. Recipe, classes, patch size and version go into the file's metadata.
//
// Throws Error{kNothingFound} when RUN is no run folder or has not ended yet, Error{kUnsupported}
// for a run of another task, and what export_onnx throws.
ExportedOnnx export_onnx_of_run(const std::filesystem::path& run,
                                const std::filesystem::path& file);

}  // namespace marrow
