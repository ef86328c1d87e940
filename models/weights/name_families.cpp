#include "models/weights/name_families.h"

#include <array>
#include <charconv>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

using Words = std::vector<std::string>;

std::optional<std::string> same_name(std::string_view name) {
  return std::string(name);
}

std::vector<std::string> same_names(std::string_view name) {
  return {std::string(name)};
}

std::optional<int> number_in_name(const std::string& word) {
  int value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

std::string joined_from(const Words& words, std::size_t first) {
  return join(Words(words.begin() + static_cast<std::ptrdiff_t>(first), words.end()), ".");
}

// Sources: dynamic_network_architectures 0.4.4, building_blocks/simple_conv_blocks.py and
// residual_encoders.py: every convolution and norm stands a second time under all_modules, which
// holds conv, dropout if any, norm, activation.
std::optional<std::string> from_nnunet(std::string_view theirs) {
  constexpr std::string_view kList = ".all_modules.";
  std::string name(theirs);
  const std::size_t at = name.find(kList);
  if (at == std::string::npos || at + kList.size() + 1 >= name.size() ||
      name[at + kList.size() + 1] != '.') {
    return name;
  }
  const char place = name[at + kList.size()];
  return name.replace(at, kList.size() + 2, place == '0' ? ".conv." : ".norm.");
}

std::vector<std::string> to_nnunet(std::string_view ours) {
  std::vector<std::string> names = {std::string(ours)};
  for (const auto& [word, place] :
       {std::pair<std::string_view, std::string_view>{".conv.", ".all_modules.0."},
        std::pair<std::string_view, std::string_view>{".norm.", ".all_modules.1."}}) {
    if (const std::size_t at = ours.rfind(word); at != std::string_view::npos) {
      names.push_back(std::string(names.front()).replace(at, word.size(), place));
    }
  }
  return names;
}

// One block of a ConvNeXt: timm's word, then torchvision's and the original's.
struct ConvnextWord {
  std::string_view timm;
  std::string_view torchvision;
  std::string_view original;
};

constexpr std::array<ConvnextWord, 5> kConvnextBlock = {{
    {"conv_dw", "block.0", "dwconv"},
    {"norm", "block.2", "norm"},
    {"mlp.fc1", "block.3", "pwconv1"},
    {"mlp.fc2", "block.5", "pwconv2"},
    {"gamma", "layer_scale", "gamma"},
}};

using ConvnextTool = std::string_view ConvnextWord::*;

// "block.3.weight" -> "mlp.fc1.weight" for what follows a block's number.
std::optional<std::string> convnext_block(const std::string& rest,
                                          ConvnextTool from,
                                          ConvnextTool to) {
  for (const ConvnextWord& word : kConvnextBlock) {
    if (rest == word.*from || rest.starts_with(std::string(word.*from) + ".")) {
      return std::string(word.*to) + rest.substr((word.*from).size());
    }
  }
  return std::nullopt;
}

// Source: torchvision 0.26, models/convnext.py: stem, stage 1, downsampling, stage 2, ... in turn
// under `features`; the classifier's first part is the norm of the pooled features.
std::optional<std::string> convnext_from_torchvision(std::string_view theirs) {
  const Words words = split_words(theirs, '.');
  if (words.size() >= 3 && words[0] == "classifier" && words[1] == "0") {
    return "head.norm." + joined_from(words, 2);
  }
  if (words.size() < 4 || words[0] != "features") {
    return std::nullopt;
  }
  const std::optional<int> place = number_in_name(words[1]);
  if (!place) {
    return std::nullopt;
  }
  if (*place == 0) {
    return "stem." + joined_from(words, 2);
  }
  const std::string stage = "stages." + std::to_string(*place / 2) + ".";
  if (*place % 2 == 0) {
    return stage + "downsample." + joined_from(words, 2);
  }
  const auto rest =
      convnext_block(joined_from(words, 3), &ConvnextWord::torchvision, &ConvnextWord::timm);
  return rest ? std::optional("stages." + std::to_string((*place - 1) / 2) + ".blocks." + words[2] +
                              "." + *rest)
              : std::nullopt;
}

std::vector<std::string> convnext_to_torchvision(std::string_view ours) {
  const Words words = split_words(ours, '.');
  const bool staged = words.size() > 3 && words[0] == "stages";
  const int stage = staged ? number_in_name(words[1]).value_or(0) : 0;
  if (words[0] == "stem") {
    return {"features.0." + joined_from(words, 1)};
  }
  if (ours.starts_with("head.norm.")) {
    return {"classifier.0." + joined_from(words, 2)};
  }
  if (staged && words[2] == "downsample") {
    return {"features." + std::to_string(2 * stage) + "." + joined_from(words, 3)};
  }
  if (staged && words[2] == "blocks") {
    if (const auto rest = convnext_block(
            joined_from(words, 4), &ConvnextWord::timm, &ConvnextWord::torchvision)) {
      return {"features." + std::to_string(2 * stage + 1) + "." + words[3] + "." + *rest};
    }
  }
  return {std::string(ours)};
}

// Source: the names of the ConvNeXt paper's own checkpoints (Liu et al. 2022), which SparK's use
// as well: downsample_layers.0 is the stem.
std::optional<std::string> convnext_from_original(std::string_view theirs) {
  const Words words = split_words(theirs, '.');
  if (words.size() >= 4 && words[0] == "downsample_layers") {
    return words[1] == "0" ? "stem." + joined_from(words, 2)
                           : "stages." + words[1] + ".downsample." + joined_from(words, 2);
  }
  if (words.size() == 2 && words[0] == "norm") {
    return "head.norm." + words[1];
  }
  if (words.size() >= 4 && words[0] == "stages") {
    const auto rest =
        convnext_block(joined_from(words, 3), &ConvnextWord::original, &ConvnextWord::timm);
    if (rest) {
      return "stages." + words[1] + ".blocks." + words[2] + "." + *rest;
    }
  }
  return std::nullopt;
}

// Source: MONAI 1.6.1, networks/nets/vit.py and networks/blocks: the class token is put before
// tokens that have their position already, so that the table has no row for it.
std::optional<std::string> vit_from_monai(std::string_view theirs) {
  std::string name(theirs);
  if (name == "patch_embedding.position_embeddings") {
    return "pos_embed";
  }
  for (const auto& [from, to] :
       {std::pair<std::string_view, std::string_view>{"patch_embedding.patch_embeddings.",
                                                      "patch_embed.proj."},
        std::pair<std::string_view, std::string_view>{"patch_embedding.cls_token", "cls_token"},
        std::pair<std::string_view, std::string_view>{".attn.out_proj.", ".attn.proj."},
        std::pair<std::string_view, std::string_view>{".mlp.linear1.", ".mlp.fc1."},
        std::pair<std::string_view, std::string_view>{".mlp.linear2.", ".mlp.fc2."}}) {
    if (const std::size_t at = name.find(from); at != std::string::npos) {
      name.replace(at, from.size(), to);
    }
  }
  return name;
}

constexpr NameFamily kOwnNames = {"marrow", "", "Marrow", same_name, same_names};

constexpr std::array<NameFamily, 8> kFamilies = {{
    {"torchvision", "resnet", "torchvision and MONAI", same_name, same_names},
    {"timm", "resnet", "timm", same_name, same_names},
    {"nnunet", "resenc_unet", "nnU-Net (dynamic-network-architectures)", from_nnunet, to_nnunet},
    {"timm", "vit", "timm", same_name, same_names},
    {"monai", "vit", "MONAI", vit_from_monai, nullptr},
    {"timm", "convnext", "timm", same_name, same_names},
    {"torchvision", "convnext", "torchvision", convnext_from_torchvision, convnext_to_torchvision},
    {"facebook", "convnext", "the original ConvNeXt", convnext_from_original, nullptr},
}};

}  // namespace

const NameFamily& own_names() {
  return kOwnNames;
}

std::vector<NameFamily> name_families(std::string_view encoder) {
  std::vector<NameFamily> found;
  for (const NameFamily& family : kFamilies) {
    if (family.encoder == encoder) {
      found.push_back(family);
    }
  }
  return found;
}

NameFamily export_family(std::string_view encoder, std::string_view name) {
  std::vector<NameFamily> choice = name_families(encoder);
  choice.push_back(kOwnNames);
  std::vector<std::string> known;
  for (const NameFamily& family : choice) {
    if (family.theirs == nullptr) {
      continue;
    }
    if (name.empty() || family.name == name) {
      return family;
    }
    known.emplace_back(family.name);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "--names: a " + std::string(encoder) + " can be written with the names of " +
                  join(known, ", ") + ", found \"" + printable(name) + "\"");
}

}  // namespace marrow
