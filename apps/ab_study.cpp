#include "apps/ab_study.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/ab_page.h"
#include "apps/ab_probes.h"
#include "apps/archive_cases.h"
#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "apps/parts.h"
#include "apps/pretraining.h"
#include "apps/reduction_use.h"
#include "apps/training_data.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "io/image_source.h"
#include "volumes/augment/augmenter.h"
#include "volumes/preprocess/prepare.h"
#include "volumes/reduction/evenly_spaced.h"
#include "volumes/reduction/kept_slices.h"

namespace marrow {

namespace {

using Json = nlohmann::json;

struct AbArm {
  std::string name;
  Reduction reduction;
  std::string digest;
  std::int64_t samples = 0;  // slices (3D: volumes) that an epoch visits
};

struct AbCell {
  const AbArm* arm = nullptr;
  std::string budget;  // "steps", "epochs", or "both" for `all`
  std::int64_t steps = 0;
};

void check_words(const std::vector<std::string>& words,
                 const std::set<std::string>& known,
                 const char* option) {
  for (const std::string& word : words) {
    if (!known.contains(word)) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format(
              "ab.{}: expected some of {}, found \"{}\"", option, fmt::join(known, ", "), word));
    }
  }
}

class Study {
 public:
  Study(const CommandContext& context, const AbStudy& study) : context_(context), study_(study) {
    check_words(study.options.arms, {"all", "reduced", "every_n"}, "arms");
    check_words(study.options.budgets, {"steps", "epochs"}, "budgets");
    PartSections parts(study.pretraining);
    const std::shared_ptr<Encoder> encoder = parts.encoder("resenc_unet");
    two_dimensional_ = encoder->dimensions() == 2;
    train_ = parts.options<TrainOptions>("train");
    open_store();
    make_arms();
    // Made once for its resolved text, and so that a mistake shows before anything is trained.
    static_cast<void>(parts.method("spark", encoder));
    static_cast<void>(parts.options<AugmentOptions>("augment"));
    SamplerInput input = everything();
    input.patch_size = patch_voxels(parts.options<DataOptions>("data"), encoder->dimensions());
    static_cast<void>(parts.sampler(two_dimensional_ ? "slice" : "body_patch", input));
    configuration_ = parts.yaml();
  }

  Json run() {
    const std::vector<AbCell> cells = cells_of_a_seed();
    const auto total = std::ssize(cells) * study_.options.seeds;
    std::int64_t number = 0;
    AbProbes probes(context_, study_.out, study_.probes);
    Json result;
    for (std::int64_t seed = 0; seed < study_.options.seeds; ++seed) {
      const std::uint64_t of_seed = context_.options.seed + static_cast<std::uint64_t>(seed);
      for (const AbCell& cell : cells) {
        ++number;
        const std::filesystem::path folder = folder_of(cell, of_seed);
        if (!std::filesystem::exists(folder / "cell.json")) {
          context_.say(fmt::format("{} of {}: {} · {} steps · seed {}",
                                   number,
                                   total,
                                   cell.arm->name,
                                   format_count(cell.steps),
                                   of_seed));
          pretrain_cell(cell, folder, of_seed);
        }
        trained_.push_back(Json::parse(read_text(folder / "cell.json")));
        if (&cell == cells.data()) {
          probes.add("initial", "", folder, true, of_seed);
        }
        probes.add(cell.arm->name, cell.budget, folder, false, of_seed);
      }
      result = result_of(probes, seed + 1);
      write_atomically(study_.out / "ab.json", result.dump(2) + "\n");
      write_atomically(study_.out / "ab.html", ab_page_of(context_, result, page_facts()));
    }
    return result;
  }

 private:
  void open_store() {
    const auto recipe = study_.pretraining.section("prepare").parse<RecipeOptions>();
    if (!study_.data.empty()) {
      store_ = std::move(open_dataset(study_.data,
                                      context_.options.work,
                                      recipe,
                                      context_.options.seed,
                                      context_.options.threads)
                             .store);
      return;
    }
    // The store of `prepare` has nothing of what was left out.
    const std::vector<Case> cases =
        archive_cases(open_work_catalogue(context_), series_fitting(recipe), "");
    store_folder_ = study_.out / "store";
    const std::unique_ptr<VolumeSource> source = make_image_source();
    const PrepareResult prepared =
        prepare(cases, *source, recipe, store_folder_, context_.options.threads);
    write_issues(study_.out / "prepare_issues.jsonl", prepared.issues);
    store_ = std::make_unique<VolumeStore>(store_folder_);
  }

  void make_arms() {
    all_samples_ = samples_of(everything());
    for (const std::string& name : study_.options.arms) {
      if (name == "every_n" && !two_dimensional_) {
        continue;
      }
      AbArm arm;
      arm.name = name;
      if (name != "all") {
        arm.reduction = name == "reduced" ? study_.reduction : evenly_spaced(usable_reduction());
      }
      SamplerInput input = everything();
      arm.digest = use_reduction(arm.reduction, two_dimensional_, input).digest;
      arm.samples = samples_of(input);
      if (name == "reduced" && arm.samples == all_samples_) {
        throw Error(ErrorCode::kRefused,
                    fmt::format("reduce --ab: the reduction leaves out none of the {} {} that this "
                                "pretraining uses, so that there is nothing to compare",
                                all_samples_,
                                two_dimensional_ ? "slices" : "volumes"));
      }
      arms_.push_back(std::move(arm));
    }
  }

  // Without the cases whose slices are all drawn anyway (cut in another plane), so that both arms
  // have as many.
  [[nodiscard]] Reduction usable_reduction() const {
    Reduction usable = study_.reduction;
    std::erase_if(usable.cases, [this](const ReducedCase& one) {
      const std::int64_t index = store_->find(one.key);
      return index < 0 || !kept_prepared_slices(store_->info(index), one);
    });
    return usable;
  }

  [[nodiscard]] SamplerInput everything() const {
    SamplerInput input;
    input.store = store_.get();
    input.cases = pretraining_cases(*store_);
    return input;
  }

  // Slices (3D: volumes) that an epoch visits.
  [[nodiscard]] std::int64_t samples_of(const SamplerInput& input) const {
    std::int64_t samples = 0;
    for (const std::int64_t index : input.cases) {
      const auto kept = input.kept_slices.find(index);
      samples += !two_dimensional_                 ? 1
                 : kept == input.kept_slices.end() ? store_->info(index).geometry.size[2]
                                                   : std::ssize(kept->second);
    }
    return samples;
  }

  [[nodiscard]] std::vector<AbCell> cells_of_a_seed() const {
    std::vector<AbCell> cells;
    const auto whole = static_cast<double>(all_samples_);
    for (const AbArm& arm : arms_) {
      if (arm.name == "all") {
        cells.push_back({&arm, "both", train_.steps});
        continue;
      }
      for (const std::string& budget : study_.options.budgets) {
        const double share = budget == "steps" ? 1 : static_cast<double>(arm.samples) / whole;
        const auto steps =
            static_cast<std::int64_t>(std::llround(share * static_cast<double>(train_.steps)));
        cells.push_back({&arm, budget, std::max<std::int64_t>(1, steps)});
      }
    }
    return cells;
  }

  // Another configuration, data or decision comes with another folder.
  [[nodiscard]] std::filesystem::path folder_of(const AbCell& cell, std::uint64_t seed) const {
    const std::string text = store_->fingerprint() + cell.arm->digest + configuration_;
    return study_.out /
           fmt::format(
               "{}-{}-seed{}-{}", cell.arm->name, cell.steps, seed, sha256_hex(text).substr(0, 8));
  }

  void pretrain_cell(const AbCell& cell, const std::filesystem::path& folder, std::uint64_t seed) {
    CommandContext context = context_;
    context.options.seed = seed;
    context.config = study_.pretraining;
    context.config.override_with({fmt::format("train.steps={}", cell.steps)});
    PretrainArguments arguments;
    arguments.out = folder;
    arguments.data = study_.data;
    arguments.store = store_folder_;
    arguments.reduction = cell.arm->reduction;
    const Pretrained made = pretrain(context, arguments);
    const Json row = {{"arm", cell.arm->name},
                      {"budget", cell.budget},
                      {"steps", made.result.steps},
                      {"seed", seed},
                      {"loss", made.result.loss},
                      {"seconds", made.result.seconds},
                      {"resumed_from", made.result.resumed_from},
                      {"samples_per_second", made.result.samples_per_second},
                      {"run", folder.filename().string()}};
    write_atomically(folder / "cell.json", row.dump(2) + "\n");
  }

  [[nodiscard]] Json result_of(const AbProbes& probes, std::int64_t seeds) const {
    Json arms = Json::array();
    for (const AbArm& arm : arms_) {
      arms.push_back({{"arm", arm.name}, {"samples", arm.samples}, {"decision", arm.digest}});
    }
    return {{"unit", two_dimensional_ ? "slices" : "volumes"},
            {"batch_size", train_.batch_size},
            {"seeds", seeds},
            {"arms", arms},
            {"pretrained", trained_},
            {"probes", probes.result()}};
  }

  [[nodiscard]] AbPageFacts page_facts() const {
    ResolvedConfig own;
    own.add(AbOptions::kName, "", study_.options);
    return {study_.options.seeds, configuration_ + own.yaml()};
  }

  const CommandContext& context_;
  const AbStudy& study_;
  bool two_dimensional_ = false;
  TrainOptions train_;
  std::string configuration_;           // resolved
  std::filesystem::path store_folder_;  // empty with a data set
  std::unique_ptr<VolumeStore> store_;
  std::int64_t all_samples_ = 0;
  std::vector<AbArm> arms_;
  Json trained_ = Json::array();
};

}  // namespace

Json run_ab_study(const CommandContext& context, const AbStudy& study) {
  std::filesystem::create_directories(study.out);
  const FolderLock lock(study.out);
  return Study(context, study).run();
}

}  // namespace marrow
