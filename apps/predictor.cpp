#include "apps/predictor.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/classification_model.h"
#include "apps/run_folder.h"
#include "apps/segmentation_model.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "io/nifti/nifti.h"

namespace marrow {

namespace {

nlohmann::ordered_json provenance(std::int64_t step, const RecipeOptions& recipe) {
  return {{"model_step", step},
          {"recipe", nlohmann::ordered_json::parse(recipe_to_json(recipe))},
          {"program_version", MARROW_VERSION},
          {"note", "for research use only"}};
}

class SegmentPredictor final : public Predictor {
 public:
  explicit SegmentPredictor(const std::filesystem::path& run) : model_(load_segmentation(run)) {}

  [[nodiscard]] std::string file_name(const std::string& input) const override {
    return input + "_seg.nii.gz";
  }

  [[nodiscard]] std::string done() const override { return "segmented"; }

  std::string predict(const std::string& input,
                      const PreparedChannels& prepared,
                      const std::filesystem::path& file) override {
    const LabelMap labels = labels_to_source(
        segment(*model_.task, prepared.channels, model_.window, model_.mode, model_.classes),
        prepared.source);
    write_nifti(file, labels);
    nlohmann::ordered_json voxels;
    nlohmann::ordered_json millilitres;
    std::vector<std::string> volumes;
    for (std::size_t c = 1; c < model_.classes.size(); ++c) {
      const auto count = std::count(labels.voxels.begin(),
                                    labels.voxels.end(),
                                    static_cast<std::uint16_t>(model_.classes[c].value));
      voxels[model_.classes[c].name] = count;
      const double volume = static_cast<double>(count) * prepared.source.spacing.prod() / 1000.0;
      millilitres[model_.classes[c].name] = volume;
      volumes.push_back(fmt::format("{} {:.3g} ml", printable(model_.classes[c].name), volume));
    }
    nlohmann::ordered_json facts = {{"prediction", file.filename().string()},
                                    {"voxels", voxels},
                                    {"millilitres", millilitres},
                                    {"classes", classes_text(model_.classes)}};
    facts.update(provenance(model_.step, model_.recipe));
    write_atomically(file.parent_path() / (input + "_seg.json"), facts.dump(2) + "\n");
    return join(volumes, " · ");
  }

  [[nodiscard]] const RecipeOptions& recipe() const override { return model_.recipe; }

  [[nodiscard]] const InputContract& contract() const override { return model_.contract; }

  [[nodiscard]] std::int64_t channels() const override { return model_.channels; }

 private:
  SegmentationModel model_;
};

class ClassPredictor final : public Predictor {
 public:
  explicit ClassPredictor(const std::filesystem::path& run) : model_(load_classification(run)) {}

  [[nodiscard]] std::string file_name(const std::string& input) const override {
    return input + "_class.json";
  }

  [[nodiscard]] std::string done() const override { return "classified"; }

  std::string predict(const std::string& /*input*/,
                      const PreparedChannels& prepared,
                      const std::filesystem::path& file) override {
    const std::vector<double> scores =
        classify(*model_.task, prepared.channels, image_view(model_), model_.mode);
    const std::vector<std::string>& names = model_.classes.names;
    nlohmann::ordered_json by_name;
    std::vector<std::string> found;
    for (std::size_t k = 0; k < names.size(); ++k) {
      by_name[names[k]] = scores[k];
      if (model_.classes.multi_label() && scores[k] >= 0.5) {
        found.push_back(names[k]);
      }
    }
    if (!model_.classes.multi_label()) {
      found = {names[static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) -
                                              scores.begin())]};
    }
    nlohmann::ordered_json facts = {{"predicted", found}, {"scores", by_name}};
    facts.update(provenance(model_.step, model_.recipe));
    write_atomically(file, facts.dump(2) + "\n");
    return fmt::format("{} ({:.3f})",
                       found.empty() ? "no finding" : printable(join(found, ", "), 100),
                       *std::max_element(scores.begin(), scores.end()));
  }

  [[nodiscard]] const RecipeOptions& recipe() const override { return model_.recipe; }

  [[nodiscard]] const InputContract& contract() const override { return model_.contract; }

  [[nodiscard]] std::int64_t channels() const override { return model_.channels; }

 private:
  ClassificationModel model_;
};

}  // namespace

std::unique_ptr<Predictor> make_predictor(const std::filesystem::path& run) {
  if (read_run(run).task == "classify") {
    return std::make_unique<ClassPredictor>(run);
  }
  return std::make_unique<SegmentPredictor>(run);
}

}  // namespace marrow
