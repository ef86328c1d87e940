#include "models/weights/name_map.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "models/layers/norm.h"
#include "models/weights/bias_folding.h"
#include "models/weights/name_families.h"
#include "models/weights/name_match.h"

namespace marrow {

namespace {

// The first convolution of each encoder, whose input channels are the image's.
constexpr std::array<std::string_view, 4> kStems = {
    "conv1.weight", "stem.convs.0.conv.weight", "patch_embed.proj.weight", "stem.0.weight"};
constexpr std::string_view kPositions = "pos_embed";
constexpr std::string_view kCounter = "num_batches_tracked";

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

Tensors tensors_of(const torch::nn::Module& module) {
  Tensors tensors;
  for (const auto& item : module.named_parameters()) {
    tensors.emplace_back(item.key(), item.value());
  }
  for (const auto& item : module.named_buffers()) {
    tensors.emplace_back(item.key(), item.value());
  }
  return tensors;
}

std::string block_of(const std::string& name) {
  const std::vector<std::string> words = split_words(name, '.');
  const bool numbered = (words[0] == "stages" || words[0] == "blocks") && words.size() > 2;
  return numbered ? words[0] + "." + words[1] : words[0];
}

std::string module_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

// Leading components of names, each with how many there are: "decoder (12), fc (2)".
std::string grouped_names(const std::vector<std::string>& names, std::size_t limit) {
  std::vector<std::pair<std::string, int>> groups;
  for (const std::string& name : names) {
    const std::string group = block_of(name);
    const auto known =
        std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == group; });
    if (known == groups.end()) {
      groups.emplace_back(group, 1);
    } else {
      ++known->second;
    }
  }
  std::vector<std::string> words;
  for (const auto& [group, count] : groups) {
    if (words.size() == limit) {
      words.push_back("...");
      break;
    }
    words.push_back(fmt::format("{} ({})", printable(group, 60), count));
  }
  return join(words, ", ");
}

std::vector<std::string> sorted_names(const TensorFile& file) {
  std::vector<std::string> names;
  for (const auto& item : file.tensors) {
    names.push_back(item.first);
  }
  std::sort(names.begin(), names.end(), number_aware_less);
  return names;
}

[[noreturn]] void refuse_unlike(const WeightImport& made,
                                const TensorFile& file,
                                const WeightImportOptions& options,
                                const std::string& file_name) {
  if (made.matched == 0) {
    throw Error(ErrorCode::kRefused,
                fmt::format("{} holds no tensor that this encoder has: expected names such as "
                            "\"{}\", found {}; name the encoder that it is of (--encoder), or the "
                            "prefix of its names (--prefix)",
                            file_name,
                            made.missing.empty() ? "" : made.missing.front(),
                            grouped_names(sorted_names(file), 8)));
  }
  std::vector<std::string> blocks;
  for (const WeightImport::Block& block : made.blocks) {
    if (block.matched > 0) {
      blocks.push_back(fmt::format("{}: {} of {}", block.name, block.matched, block.total));
    }
  }
  throw Error(
      ErrorCode::kRefused,
      fmt::format("{} gives only {} of the encoder's {} tensors ({}), less than --minimum {:g}; "
                  "give the options of the network that it is of (encoder.*), or a lower minimum",
                  file_name,
                  made.matched,
                  made.total,
                  join(blocks, ", "),
                  options.minimum));
}

// An import while it is made; nothing is written into the encoder before `values` is complete.
struct ImportWork {
  Tensors targets;
  std::set<std::string> ours;
  NameMatch match;
  std::map<std::string, at::Tensor> theirs;
  std::string file_name;
  FitOptions fit;
  bool centred = false;          // norms without running means take a channel's constant away
  bool fixed_positions = false;  // ours are computed, not learned
  std::map<std::string, at::Tensor> values;  // by our names
  std::set<std::string> used_modules;
  WeightImport made;

  [[nodiscard]] bool has(std::string_view name) const {
    return match.names.contains(std::string(name));
  }

  [[nodiscard]] const at::Tensor& given(const std::string& name) const {
    return theirs.at(match.names.at(name).front());
  }
};

// Our tokens' grid where nobody told it: the square or cube of as many; empty when there is none.
std::vector<std::int64_t> even_token_grid(const ImportWork& work) {
  const auto find = [&](std::string_view name) {
    const auto target = std::find_if(work.targets.begin(),
                                     work.targets.end(),
                                     [&](const auto& item) { return item.first == name; });
    return target == work.targets.end() ? at::Tensor() : target->second;
  };
  const at::Tensor positions = find(kPositions);
  const at::Tensor patches = find("patch_embed.proj.weight");
  if (!positions.defined() || !patches.defined()) {
    return {};
  }
  const std::int64_t rows = work.ours.contains("cls_token") ? 1 : 0;
  return even_grid(positions.size(1) - rows, patches.dim() - 2);
}

WeightImport::Block& import_block(WeightImport& made, const std::string& name) {
  const std::string block = block_of(name);
  const auto known = std::find_if(
      made.blocks.begin(), made.blocks.end(), [&](const auto& b) { return b.name == block; });
  return known != made.blocks.end() ? *known : made.blocks.emplace_back(block, 0, 0);
}

// Values are numbers, and tools that keep a tensor under several names keep equal ones there.
void check_values(const ImportWork& work, const std::string& name) {
  const at::Tensor& first = work.given(name);
  const std::vector<std::string>& twins = work.match.names.at(name);
  if (first.is_floating_point() && !at::isfinite(first).all().item<bool>()) {
    throw Error(ErrorCode::kRefused,
                fmt::format("{}: tensor \"{}\" holds values that are no numbers (NaN or infinite); "
                            "it comes from a training that failed, take an earlier one",
                            work.file_name,
                            printable(twins.front())));
  }
  for (const std::string& twin : twins) {
    const at::Tensor& other = work.theirs.at(twin);
    if (other.scalar_type() != first.scalar_type() || !at::equal(other, first)) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("{} holds \"{}\" twice with different values, as \"{}\" and as "
                              "\"{}\"; leave one of them out",
                              work.file_name,
                              name,
                              printable(twins.front()),
                              printable(twin)));
    }
  }
}

at::Tensor import_value(ImportWork& work, const std::string& name, const at::Tensor& target) {
  check_values(work, name);
  work.fit.stem = std::find(kStems.begin(), kStems.end(), name) != kStems.end();
  work.fit.positions = name == kPositions;
  const FittedTensor fitted = fit_tensor(work.given(name), target, work.fit);
  if (!fitted.tensor.defined()) {
    throw Error(ErrorCode::kRefused,
                fmt::format("{}: tensor \"{}\" has shape {} where {} is expected for \"{}\"; give "
                            "the options of the network that it is of (encoder.*)",
                            work.file_name,
                            printable(work.match.names.at(name).front()),
                            shape_text(work.given(name)),
                            shape_text(target),
                            name));
  }
  if (work.fit.positions && work.fixed_positions &&
      (!fitted.how.empty() || !at::allclose(fitted.tensor, target, 1e-3, 1e-3))) {
    throw Error(ErrorCode::kRefused,
                fmt::format("{}: \"{}\" of shape {} are other positions than this encoder computes "
                            "for itself; say encoder.positions=learned, or the file's image_size",
                            work.file_name,
                            printable(work.match.names.at(name).front()),
                            shape_text(work.given(name))));
  }
  if (!fitted.how.empty()) {
    work.made.adapted.push_back(name + ": " + fitted.how);
  }
  work.used_modules.insert(module_of(name));
  return fitted.tensor;
}

void import_targets(ImportWork& work) {
  for (const auto& [name, target] : work.targets) {
    ++work.made.total;
    ++import_block(work.made, name).total;
    if (work.has(name)) {
      work.values[name] = import_value(work, name, target);
    } else if (name.ends_with(".bias") && work.has(module_of(name) + ".weight")) {
      work.values[name] = at::zeros(target.sizes(), target.options());
      work.made.adapted.push_back(name + ": 0, as the file has no bias there");
    } else {
      work.made.missing.push_back(name);
      continue;
    }
    ++work.made.matched;
    ++import_block(work.made, name).matched;
  }
}

// Tensors of the file that are none of ours.
void import_rest(ImportWork& work, const TensorFile& file) {
  std::set<std::string> absorbed;  // by our names: a bias may stand twice in the file
  for (const std::string& name : sorted_names(file)) {
    const bool peeled = name.starts_with(work.match.prefix);
    const std::optional<std::string> own =
        peeled ? work.match.family.ours(std::string_view(name).substr(work.match.prefix.size()))
               : std::nullopt;
    if (name.ends_with(kCounter) ||
        (own && (work.ours.contains(*own) || absorbed.contains(*own)))) {
      continue;
    }
    const std::string module = own ? module_of(*own) : "";
    if (!module.empty() && work.used_modules.contains(module)) {
      const std::string how =
          own->ends_with(".bias")
              ? absorb_bias(norm_after(module), work.theirs.at(name), work.centred, work.values)
              : "";
      if (!how.empty()) {
        work.made.adapted.push_back(*own + ": " + how);
        absorbed.insert(*own);
        continue;
      }
      work.made.torn.push_back(name);
    }
    work.made.left_out.push_back(name);
  }
}

}  // namespace

WeightImport import_weights(Encoder& encoder,
                            std::string_view part,
                            const TensorFile& file,
                            const WeightImportOptions& options,
                            const std::string& file_name) {
  ImportWork work;
  work.targets = tensors_of(encoder);
  for (const auto& target : work.targets) {
    work.ours.insert(target.first);
  }
  const auto* const maskable = dynamic_cast<const MaskableEncoder*>(&encoder);
  work.centred = maskable != nullptr && maskable->norm().kind == NormKind::kInstance;
  const auto buffers = encoder.named_buffers(true);
  work.fixed_positions = buffers.contains(std::string(kPositions));
  work.match = match_names(file, work.ours, part, options.prefix);
  work.theirs = {file.tensors.begin(), file.tensors.end()};
  work.file_name = file_name;
  work.made.names = work.match.family.name;
  work.made.tools = work.match.family.tools;
  work.made.prefix = work.match.prefix;
  work.made.other_prefixes = work.match.other_prefixes;
  work.fit.inflation = options.inflation;
  work.fit.grid = options.grid;
  work.fit.class_row = work.has("cls_token");
  if (work.fit.grid.empty() && work.ours.contains(std::string(kPositions))) {
    work.fit.grid = even_token_grid(work);
  }
  for (const std::string_view stem : kStems) {
    if (work.has(stem) && work.given(std::string(stem)).dim() == 5) {
      work.fit.source_dimensions = 3;
    }
  }
  import_targets(work);
  import_rest(work, file);
  if (work.made.matched == 0 || static_cast<double>(work.made.matched) <
                                    options.minimum * static_cast<double>(work.made.total)) {
    refuse_unlike(work.made, file, options, file_name);
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, target] : work.targets) {
    if (const auto value = work.values.find(name); value != work.values.end()) {
      at::Tensor(target).copy_(value->second);
    }
  }
  return work.made;
}

TensorFile weights_in_names(const Encoder& encoder, std::string_view part, std::string_view names) {
  const NameFamily family = export_family(part, names);
  const bool own = family.name == own_names().name;
  TensorFile file;
  for (const auto& [name, tensor] : tensors_of(encoder)) {
    for (const std::string& theirs : family.theirs(name)) {
      // torchvision keeps a layer's scale as [F, 1, 1].
      const bool scale = theirs.ends_with(".layer_scale");
      file.tensors.emplace_back(theirs, scale ? tensor.reshape({-1, 1, 1}) : tensor);
      constexpr std::string_view kMean = "running_mean";
      if (!own && theirs.ends_with(kMean)) {
        file.tensors.emplace_back(
            theirs.substr(0, theirs.size() - kMean.size()) + std::string(kCounter),
            at::zeros({}, at::TensorOptions().dtype(at::kLong)));
      }
    }
  }
  return file;
}

}  // namespace marrow
