#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/embedding_file.h"
#include "apps/input_contract.h"
#include "core/case.h"
#include "core/records.h"
#include "core/volume_source.h"
#include "models/encoder.h"
#include "models/features/case_features.h"
#include "models/training/precision.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {

class Command;
struct CommandContext;

// What `embed` and `probe` are told about the encoder.
struct EncoderArguments {
  std::filesystem::path run;
  std::string contract = "match";
  bool initial = false;
};

// RUN, --contract and --initial.
void add_encoder_options(Command& command, EncoderArguments& arguments);

// The encoder of a run folder, in eval mode, and what it expects of a volume.
struct TrainedEncoder {
  std::shared_ptr<Encoder> encoder;
  RecipeOptions recipe;
  InputContract contract;
  std::vector<std::int64_t> tile;  // D, H, W; what a 3D encoder was trained on
  ComputeMode mode;                // float32: features are compared with those of other machines
  std::string digest;              // of weights, network and recipe
};

// `initial`: the network with weights drawn from `seed` instead, to compare with. Throws
// Error{kNothingFound} when RUN is no run folder or has not ended yet.
[[nodiscard]] TrainedEncoder load_encoder(const std::filesystem::path& run,
                                          bool initial,
                                          std::uint64_t seed);

struct Embedded {
  EmbeddingFile file;
  std::vector<Issue> issues;  // cases that could not be embedded
  std::int64_t known = 0;     // that `cache` knew already
};

// Features of every case, prepared by the encoder's recipe straight from its source. `cache`: a
// file that keeps what was computed, so that an interrupted run goes on. Throws
// Error{kNothingFound} when no case could be embedded (a single case: its own error),
// Error{kInterrupted}.
[[nodiscard]] Embedded embed_cases(const std::vector<Case>& cases,
                                   VolumeSource& source,
                                   TrainedEncoder& encoder,
                                   const FeatureOptions& options,
                                   ContractRule rule,
                                   const std::filesystem::path& cache);

// The same for a command: features are kept in --work, and what could not be embedded is listed
// there.
[[nodiscard]] Embedded embed_in_work(const CommandContext& context,
                                     const std::vector<Case>& cases,
                                     TrainedEncoder& encoder,
                                     const FeatureOptions& options,
                                     ContractRule rule);
// Says how many could not be, and where that list is; nothing when all could.
void print_not_embedded(const CommandContext& context, const Embedded& made);

}  // namespace marrow
