#include "apps/encoder_folder.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/loading_lines.h"
#include "core/config/config.h"
#include "core/files.h"
#include "models/training/checkpoint.h"
#include "models/weights/name_families.h"
#include "models/weights/name_map.h"
#include "models/weights/safetensors.h"

namespace marrow {

namespace {

void write_encoder_weights(const std::filesystem::path& file, TensorFile weights) {
  weights.metadata["format"] = "pt";  // what other safetensors readers look for
  weights.metadata["marrow_version"] = MARROW_VERSION;
  write_safetensors(file, weights);
}

std::string encoder_readme(const EncoderText& text,
                           const std::string& lines,
                           std::string_view names,
                           bool with_decoder) {
  std::string page = "# Encoder\n\n" + text.sentence + "\n\n";
  page += names == own_names().name
              ? std::string("- `model.safetensors`: weights, the dense network's own names\n")
              : fmt::format("- `model.safetensors`: weights, with the names of {}\n", names);
  page += with_decoder ? "- `decoder.safetensors`: the decoder that was trained with it, which a "
                         "fine-tuning starts from\n"
                       : "";
  page +=
      "- `config.json`: the network, as `encoder_yaml` for a configuration file\n"
      "- `preprocessor.json`: how volumes must be prepared before they enter the network\n\n";
  page += lines.empty()
              ? std::string(
                    "No common Python library has this network under these names; "
                    "`marrow export RUN --to onnx --out FOLDER` writes it for ONNX Runtime.\n\n")
              : "To load it in Python:\n\n```python\n" + lines + "```\n\n";
  page +=
      "The axes of a volume are depth, height, width: towards the patient's head, back and "
      "left.\n\n";
  return page + "For research use only.\n";
}

}  // namespace

bool write_encoder_folder(const std::filesystem::path& folder,
                          const Encoder& encoder,
                          const torch::nn::Module* decoder,
                          const RecipeOptions& recipe,
                          const EncoderText& text,
                          std::string_view names) {
  const ConfigSection section =
      Config::from_text(text.encoder_yaml, "encoder_yaml").section("encoder");
  const std::string part = section.part_name("resenc_unet");
  const std::string_view family = export_family(part, names).name;
  write_encoder_weights(folder / "model.safetensors", weights_in_names(encoder, part, family));
  if (decoder != nullptr) {
    write_encoder_weights(folder / "decoder.safetensors", weights_of(*decoder, ""));
  }
  nlohmann::ordered_json stages = nlohmann::ordered_json::array();
  for (const Encoder::Stage& stage : encoder.stages()) {
    stages.push_back({{"channels", stage.channels}, {"stride", stage.stride}});
  }
  const nlohmann::ordered_json config = {{"version", 1},
                                         {"encoder_yaml", text.encoder_yaml},
                                         {"names", family},
                                         {"dimensions", encoder.dimensions()},
                                         {"input_channels", encoder.input_channels()},
                                         {"stages", stages}};
  write_atomically(folder / "config.json", config.dump(2) + "\n");
  write_atomically(folder / "preprocessor.json", recipe_to_json(recipe));
  const std::string lines = loading_lines(section, family);
  write_atomically(folder / "README.md", encoder_readme(text, lines, family, decoder != nullptr));
  return !lines.empty();
}

}  // namespace marrow
