#include "apps/ab_command.h"

#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/ab_study.h"
#include "apps/ab_text.h"
#include "apps/cli.h"
#include "apps/reduction_use.h"
#include "core/error.h"
#include "io/datasets/dataset_reader.h"

namespace marrow {

int compare_training(const CommandContext& context, const AbArguments& arguments) {
  if (arguments.probes.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "--ab: name at least one data set with classes, on which the encoders are probed, "
                "with --probe DATASET");
  }
  AbStudy study;
  study.out = arguments.out.empty() ? context.options.work / "ab" : arguments.out;
  study.data = arguments.data;
  study.probes = arguments.probes;
  study.options = context.config.section(AbOptions::kName).parse<AbOptions>();
  study.pretraining = Config::load(arguments.configuration, preset_folders());
  const std::set<std::string> sections{
      "prepare", "encoder", "method", "data", "sampler", "augment", "train"};
  std::vector<std::string> words;
  for (const std::string& word : context.overrides) {
    if (sections.contains(word.substr(0, word.find_first_of(".=")))) {
      words.push_back(word);
    }
  }
  study.pretraining.override_with(words);
  const std::string collection =
      arguments.data.empty() ? "" : collection_of(read_dataset(arguments.data));
  const std::optional<Reduction> decided = decided_reduction(context, collection);
  if (!decided) {
    throw Error(ErrorCode::kNothingFound,
                "--ab: nothing was decided about this data; say `marrow reduce` without --ab "
                "first, look at its page, then compare");
  }
  study.reduction = *decided;
  const nlohmann::json result = run_ab_study(context, study);
  const std::filesystem::path page = study.out / "ab.html";
  nlohmann::json answer = result;
  answer["page"] = page.string();
  context.answer(answer);
  context.print(ab_text(result) +
                fmt::format("means over draws of labels and seeds, 95 % intervals: {}\n"
                            "now open {}\n",
                            (study.out / "ab.json").string(),
                            page.string()));
  return 0;
}

}  // namespace marrow
