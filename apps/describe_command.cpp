#include "apps/describe_command.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/ab_study.h"
#include "apps/cli.h"
#include "apps/parts.h"
#include "apps/segmentation_model.h"
#include "clinical/probes/probe_options.h"
#include "clinical/tasks/classification_options.h"
#include "clinical/tasks/segmentation.h"
#include "core/error.h"
#include "core/text.h"
#include "io/catalogue/series_filter.h"
#include "models/features/case_features.h"
#include "models/training/trainer.h"
#include "volumes/augment/augmenter.h"
#include "volumes/preprocess/recipe.h"
#include "volumes/reduction/reduce_options.h"
#include "volumes/reduction/redundancy_filter.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {

namespace {

// Something with options: a part that a section names, or a section of its own.
struct Describable {
  std::string section;
  std::string chosen;  // how the section chooses it; empty for a section of its own
  std::string options_section;
  std::string name;
  std::string summary;
  std::vector<OptionDescription> options;
};

template <class Factory>
void add_parts(const std::string& section,
               const Registry<Factory>& registry,
               std::vector<Describable>& all) {
  for (const auto& part : registry.parts()) {
    all.push_back({section,
                   ": {name: " + part.name + "}",
                   section,
                   part.name,
                   part.summary,
                   part.describe(ConfigSection(section))});
  }
}

// Several run one after the other, and so each has a section of its own for its options.
template <class Factory>
void add_filters(const std::string& list,
                 const Registry<Factory>& registry,
                 std::vector<Describable>& all) {
  for (const auto& part : registry.parts()) {
    all.push_back({list,
                   ": [" + part.name + "]",
                   part.name,
                   part.name,
                   part.summary,
                   part.describe(ConfigSection(part.name))});
  }
}

std::vector<Describable> describables() {
  std::vector<Describable> all;
  add_parts("method", ssl_methods(), all);
  add_parts("encoder", encoders(), all);
  add_parts("head", heads(), all);
  add_parts("head", classifier_heads(), all);
  add_parts("sampler", samplers(), all);
  add_filters("slice_filters", slice_filters(), all);
  add_filters("volume_filters", volume_filters(), all);
  const auto add_section = [&](const std::string& summary, const auto& options) {
    const std::string name(options.kName);
    all.push_back({name, "", name, name, summary, describe_options(options)});
  };
  add_section("what is left out as redundant", ReduceOptions{});
  add_section("how volumes are prepared", RecipeOptions{});
  add_section("which series of the catalogue are prepared", SelectOptions{});
  add_section("what a step takes of its data", DataOptions{});
  add_section("random changes of training patches", AugmentOptions{});
  add_section("steps, learning rate, precision, saving", TrainOptions{});
  add_section("the loss and what a fine-tuning starts from", SegmentationOptions{});
  add_section("what a classification learns and when", ClassificationOptions{});
  add_section("what `embed` and `probe` take of an encoder", FeatureOptions{});
  add_section("kNN and linear probe of frozen features", ProbeOptions{});
  add_section("the trial of a reduction", AbOptions{});
  add_section("the sliding window", InferenceOptions{});
  return all;
}

int describe_all(const CommandContext& context, const std::vector<Describable>& all) {
  nlohmann::json parts = nlohmann::json::array();
  for (const Describable& item : all) {
    parts.push_back({{"section", item.section}, {"name", item.name}, {"summary", item.summary}});
    context.print(fmt::format("{:<13} {:<14} {}\n", item.section, item.name, item.summary));
  }
  context.answer({{"parts", parts}});
  context.print("one of them: marrow describe NAME\n");
  return 0;
}

int describe_run(const CommandContext& context, const std::string& name) {
  const std::vector<Describable> all = describables();
  if (name.empty()) {
    return describe_all(context, all);
  }
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const Describable& item) { return item.name == name; });
  if (found == all.end()) {
    std::vector<std::string> names;
    names.reserve(all.size());
    for (const Describable& item : all) {
      names.push_back(item.name);
    }
    const std::string nearest = nearest_word(name, names);
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("describe: there is no part or section \"{}\"{}; marrow describe lists "
                            "them",
                            printable(name),
                            nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  }
  nlohmann::json options = nlohmann::json::array();
  context.print(fmt::format("{}{}: {}\n", found->section, found->chosen, found->summary));
  for (const OptionDescription& option : found->options) {
    options.push_back({{"name", option.name},
                       {"type", option.type},
                       {"default", option.default_value},
                       {"allowed", option.allowed},
                       {"sentence", option.sentence}});
    context.print(fmt::format("\n  {}.{} = {}   ({}, {})\n      {}\n",
                              found->options_section,
                              option.name,
                              option.default_value,
                              option.type,
                              option.allowed,
                              option.sentence));
  }
  context.answer({{"section", found->section},
                  {"name", found->name},
                  {"summary", found->summary},
                  {"options", options}});
  return 0;
}

}  // namespace

void add_describe_command(CommandTable& table) {
  auto name = std::make_shared<std::string>();
  Command& command = table.add("describe",
                               "tells what can be configured, with defaults and ranges",
                               "marrow describe spark");
  command.app().add_option("PART", *name, "a method, encoder, head, sampler or section");
  command.runs([name](const CommandContext& context) { return describe_run(context, *name); });
}

}  // namespace marrow
