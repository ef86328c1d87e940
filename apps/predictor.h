#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "apps/input_contract.h"
#include "volumes/preprocess/channels.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {

// A trained run, asked about one input after the other.
class Predictor {
 public:
  virtual ~Predictor() = default;
  // Of the answer about an input of this name.
  [[nodiscard]] virtual std::string file_name(const std::string& input) const = 0;
  [[nodiscard]] virtual std::string done() const = 0;  // "segmented"
  // Writes `file`, and what else belongs to it beside it; returns a line for a person.
  [[nodiscard]] virtual std::string predict(const std::string& input,
                                            const PreparedChannels& prepared,
                                            const std::filesystem::path& file) = 0;
  [[nodiscard]] virtual const RecipeOptions& recipe() const = 0;
  [[nodiscard]] virtual const InputContract& contract() const = 0;
  [[nodiscard]] virtual std::int64_t channels() const = 0;
};

// The segmenter or classifier of a run folder.
[[nodiscard]] std::unique_ptr<Predictor> make_predictor(const std::filesystem::path& run);

}  // namespace marrow
