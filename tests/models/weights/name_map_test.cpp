#include "models/weights/name_map.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "models/weights/foreign_file.h"
#include "models/weights/name_families.h"
#include "tests/support/weight_reference.h"

namespace marrow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kResnet = "{name: resnet, dimensions: 2, depth: 10, width: 8}";

std::shared_ptr<Encoder> small_encoder(const std::string& yaml) {
  return testing_support::make_encoder(
      Config::from_text("encoder: " + yaml, "test").section("encoder"));
}

// Every tensor of an encoder with values of its own, each under every prefix.
TensorFile foreign_resnet(const std::vector<std::string>& prefixes) {
  const auto encoder = small_encoder(kResnet);
  TensorFile file;
  double value = 1;
  for (const auto& [name, tensor] : weights_in_names(*encoder, "resnet", "torchvision").tensors) {
    const at::Tensor made = at::ones(tensor.sizes()).mul(value);
    for (const std::string& prefix : prefixes) {
      file.tensors.emplace_back(prefix + name, made);
    }
    value += 1;
  }
  return file;
}

WeightImport import_resnet(Encoder& encoder,
                           const TensorFile& file,
                           const WeightImportOptions& options = {}) {
  return import_weights(encoder, "resnet", file, options, "their.safetensors");
}

std::string refusal(Encoder& encoder,
                    const TensorFile& file,
                    const WeightImportOptions& options = {}) {
  try {
    static_cast<void>(import_resnet(encoder, file, options));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kRefused);
    return error.what();
  }
  ADD_FAILURE() << "expected a refusal";
  return {};
}

TEST(NameMap, PeelsPrefixesInWhateverOrderTheyWereWrappedIn) {
  for (const std::string prefix : {"",
                                   "module.",
                                   "_orig_mod.module.",
                                   "module.encoder_q.",
                                   "state_dict.model.backbone.",
                                   "online_network.encoder.",
                                   "teacher.backbone.",
                                   "a_name_of_their_own.inner."}) {
    const auto encoder = small_encoder(kResnet);

    const WeightImport made = import_resnet(*encoder, foreign_resnet({prefix}));

    EXPECT_EQ(made.prefix, prefix);
    EXPECT_EQ(made.matched, made.total);
    EXPECT_THAT(made.left_out, IsEmpty());
  }
}

TEST(NameMap, OfAPairOfNetworksTakesTheTrainedOneAndTellsOfTheOther) {
  const auto encoder = small_encoder(kResnet);
  TensorFile file = foreign_resnet({"module.encoder_k.", "module.encoder_q."});
  for (auto& [name, tensor] : file.tensors) {
    tensor = at::ones(tensor.sizes()).mul(name.starts_with("module.encoder_q.") ? 2.0 : 5.0);
  }

  const WeightImport made = import_resnet(*encoder, file);

  EXPECT_EQ(made.prefix, "module.encoder_q.");
  EXPECT_THAT(made.other_prefixes, ::testing::ElementsAre("module.encoder_k."));
  EXPECT_EQ(encoder->named_parameters()["conv1.weight"].max().item<float>(), 2.F);
}

TEST(NameMap, APrefixThatWasAskedForIsTaken) {
  const auto encoder = small_encoder(kResnet);

  const WeightImport made = import_resnet(
      *encoder, foreign_resnet({"student.", "teacher."}), {.prefix = "student.", .grid = {}});

  EXPECT_EQ(made.prefix, "student.");
}

TEST(NameMap, CountsTheTensorsOfEachBlockAndNamesWhatHasNoPlace) {
  const auto encoder = small_encoder(kResnet);
  TensorFile file = foreign_resnet({""});
  file.tensors.emplace_back("fc.weight", at::ones({2, 64}));
  file.tensors.emplace_back("fc.bias", at::ones({2}));

  const WeightImport made = import_resnet(*encoder, file);

  ASSERT_EQ(made.blocks.size(), 6U);
  EXPECT_EQ(made.blocks[2].name, "layer1");
  EXPECT_EQ(made.blocks[2].matched, 10);  // two convolutions, two norms of four tensors
  EXPECT_EQ(made.blocks[2].total, 10);
  EXPECT_THAT(made.left_out, ::testing::ElementsAre("fc.bias", "fc.weight"));
  EXPECT_THAT(made.torn, IsEmpty());
  EXPECT_THAT(made.adapted, IsEmpty());
}

TEST(NameMap, WhatTheFileLacksStaysAsItWasAndIsNamed) {
  const auto encoder = small_encoder(kResnet);
  const at::Tensor before = encoder->named_parameters()["conv1.weight"].clone();
  TensorFile file = foreign_resnet({""});
  std::erase_if(file.tensors, [](const auto& item) { return item.first == "conv1.weight"; });

  const WeightImport made = import_resnet(*encoder, file);

  EXPECT_THAT(made.missing, ::testing::ElementsAre("conv1.weight"));
  EXPECT_TRUE(at::equal(before, encoder->named_parameters()["conv1.weight"]));
}

TEST(NameMap, AFileWithoutAnyOfTheNamesIsRefusedWithWhatItHolds) {
  const auto encoder = small_encoder(kResnet);
  TensorFile file;
  file.tensors.emplace_back("lm.layers.0.weight", at::ones({3}));

  const std::string sentence = refusal(*encoder, file);

  EXPECT_THAT(sentence, HasSubstr("conv1.weight"));
  EXPECT_THAT(sentence, HasSubstr("lm (1)"));
}

TEST(NameMap, LessThanTheMinimumIsRefusedWithWhatMatchedAndChangesNothing) {
  const auto encoder = small_encoder(kResnet);
  const at::Tensor before = encoder->named_parameters()["conv1.weight"].clone();
  TensorFile file = foreign_resnet({""});
  std::erase_if(file.tensors, [](const auto& item) { return item.first.starts_with("layer"); });

  const std::string sentence = refusal(*encoder, file);

  EXPECT_THAT(sentence, HasSubstr("conv1: 1 of 1"));
  EXPECT_THAT(sentence, HasSubstr("--minimum 0.5"));
  EXPECT_TRUE(at::equal(before, encoder->named_parameters()["conv1.weight"]));
  EXPECT_EQ(import_resnet(*encoder, file, {.minimum = 0.05, .prefix = {}, .grid = {}}).matched, 5);
}

TEST(NameMap, AShapeThatCannotBeMadeToFitIsRefusedWithBothShapes) {
  const auto encoder = small_encoder(kResnet);
  TensorFile file = foreign_resnet({"module."});
  for (auto& [name, tensor] : file.tensors) {
    if (name == "module.layer2.0.conv1.weight") {
      tensor = at::ones({16, 8, 5, 5});
    }
  }

  const std::string sentence = refusal(*encoder, file);

  EXPECT_THAT(sentence, HasSubstr("\"module.layer2.0.conv1.weight\""));
  EXPECT_THAT(sentence, HasSubstr("[16, 8, 5, 5]"));
  EXPECT_THAT(sentence, HasSubstr("[16, 8, 3, 3]"));
}

TEST(NameMap, SlicesWeightsOfColourFitVolumesOfGreyAndEachChangeIsSaid) {
  const auto colour =
      small_encoder("{name: resnet, dimensions: 2, input_channels: 3, depth: 10, width: 8}");
  const auto grey = small_encoder("{name: resnet, dimensions: 3, depth: 10, width: 8}");
  const TensorFile file = weights_in_names(*colour, "resnet", "torchvision");

  const WeightImport made = import_resnet(*grey, file);

  EXPECT_EQ(made.matched, made.total);
  EXPECT_THAT(made.adapted,
              ::testing::Contains("conv1.weight: inflated along a depth of 7 (average), 3 input "
                                  "channels summed to 1"));
  EXPECT_THAT(made.adapted,
              ::testing::Contains("layer1.0.conv1.weight: inflated along a depth of 3 (average)"));
}

TEST(NameMap, ABiasThatOursLacksGoesIntoTheRunningMeanOfTheNormBehindIt) {
  const auto encoder = small_encoder(kResnet);
  TensorFile file = foreign_resnet({""});
  file.tensors.emplace_back("layer2.0.downsample.0.bias", at::ones({16}).mul(0.5));
  const float mean = file.find("layer2.0.downsample.1.running_mean").max().item<float>();

  const WeightImport made = import_resnet(*encoder, file);

  EXPECT_THAT(made.torn, IsEmpty());
  EXPECT_EQ(encoder->named_buffers()["layer2.0.downsample.1.running_mean"].max().item<float>(),
            mean - 0.5F);
}

TEST(NameMap, WhatElseBelongsToALayerThatIsUsedIsToldApart) {
  const auto encoder = small_encoder(kResnet);
  TensorFile file = foreign_resnet({""});
  file.tensors.emplace_back("layer1.0.conv1.scale", at::ones({8}));

  EXPECT_THAT(import_resnet(*encoder, file).torn, ::testing::ElementsAre("layer1.0.conv1.scale"));
}

TEST(NameMap, ATensorThatStandsTwiceWithDifferentValuesIsRefused) {
  const auto encoder = small_encoder(
      "{name: resenc_unet, dimensions: 2, features: [4, 6], strides: [1, 2], blocks: "
      "[1, 1]}");
  TensorFile file = weights_in_names(*encoder, "resenc_unet", "nnunet");
  for (auto& [name, tensor] : file.tensors) {
    if (name == "stem.convs.0.all_modules.0.weight") {
      tensor = tensor + 1;
    }
  }

  try {
    static_cast<void>(import_weights(*encoder, "resenc_unet", file, {}, "their.safetensors"));
    FAIL() << "expected a refusal";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kRefused);
    EXPECT_THAT(error.what(), HasSubstr("stem.convs.0.all_modules.0.weight"));
  }
}

TEST(NameMap, WeightsThatAreNoNumbersAreRefusedByName) {
  const auto encoder = small_encoder(kResnet);
  TensorFile file = foreign_resnet({""});
  file.tensors.front().second = at::full_like(file.tensors.front().second, std::nan(""));

  try {
    static_cast<void>(import_resnet(*encoder, file));
    FAIL() << "expected a refusal";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kRefused);
    EXPECT_THAT(error.what(), HasSubstr(file.tensors.front().first));
    EXPECT_THAT(error.what(), HasSubstr("no numbers"));
  }
}

TEST(NameMap, TheSecondNamesOfNnunetAloneAreEnough) {
  const std::string yaml =
      "{name: resenc_unet, dimensions: 2, features: [4, 6], strides: [1, 2], blocks: [1, 1]}";
  const auto from = small_encoder(yaml);
  const auto to = small_encoder(yaml);
  TensorFile file = weights_in_names(*from, "resenc_unet", "nnunet");
  std::erase_if(file.tensors, [](const auto& item) {
    return item.first.find("all_modules") == std::string::npos;
  });
  for (auto& item : file.tensors) {
    item.first = "network_weights.encoder." + item.first;
  }

  const WeightImport made = import_weights(*to, "resenc_unet", file, {}, "their.safetensors");

  EXPECT_EQ(made.matched, made.total);
  EXPECT_EQ(made.prefix, "network_weights.encoder.");
  EXPECT_TRUE(at::equal(from->named_parameters()["stages.1.blocks.0.conv1.conv.weight"],
                        to->named_parameters()["stages.1.blocks.0.conv1.conv.weight"]));
}

TEST(NameMap, EveryNameThatIsWrittenIsReadBackAsOurs) {
  const std::vector<std::pair<std::string, std::string>> ours = {
      {"resnet", "layer4.1.downsample.0.weight"},
      {"resenc_unet", "stages.3.blocks.1.conv2.norm.bias"},
      {"resenc_unet", "stages.1.blocks.0.skip.1.conv.weight"},
      {"vit", "blocks.11.attn.qkv.weight"},
      {"convnext", "stem.1.bias"},
      {"convnext", "stages.2.downsample.1.weight"},
      {"convnext", "stages.3.blocks.2.conv_dw.weight"},
      {"convnext", "stages.3.blocks.2.mlp.fc2.bias"},
      {"convnext", "stages.0.blocks.0.gamma"},
      {"convnext", "head.norm.weight"}};
  for (const auto& [part, name] : ours) {
    for (const NameFamily& family : name_families(part)) {
      if (family.theirs == nullptr) {
        continue;
      }
      for (const std::string& theirs : family.theirs(name)) {
        EXPECT_EQ(family.ours(theirs), name) << family.name << ": " << theirs;
      }
    }
  }
}

TEST(NameMap, KnowsTheNamesOfTheOriginalConvnextAndOfMonaisTransformer) {
  const auto ours = [](const std::string& part, const std::string& family, std::string_view name) {
    for (const NameFamily& known : name_families(part)) {
      if (known.name == family) {
        return known.ours(name).value_or("");
      }
    }
    return std::string();
  };
  EXPECT_EQ(ours("convnext", "facebook", "downsample_layers.0.1.weight"), "stem.1.weight");
  EXPECT_EQ(ours("convnext", "facebook", "downsample_layers.3.0.bias"),
            "stages.3.downsample.0.bias");
  EXPECT_EQ(ours("convnext", "facebook", "stages.2.5.pwconv1.weight"),
            "stages.2.blocks.5.mlp.fc1.weight");
  EXPECT_EQ(ours("convnext", "facebook", "stages.2.5.gamma"), "stages.2.blocks.5.gamma");
  EXPECT_EQ(ours("convnext", "facebook", "norm.weight"), "head.norm.weight");
  EXPECT_EQ(ours("convnext", "facebook", "head.weight"), "");
  EXPECT_EQ(ours("convnext", "torchvision", "features.5.8.block.3.weight"),
            "stages.2.blocks.8.mlp.fc1.weight");
  EXPECT_EQ(ours("convnext", "torchvision", "features.1.0.layer_scale"), "stages.0.blocks.0.gamma");
  EXPECT_EQ(ours("vit", "monai", "blocks.3.attn.out_proj.weight"), "blocks.3.attn.proj.weight");
  EXPECT_EQ(ours("vit", "monai", "patch_embedding.patch_embeddings.bias"), "patch_embed.proj.bias");
}

TEST(NameMap, AnExportHasTheCountersThatStrictLoadingAsksForAndOurOwnNamesHaveNot) {
  const auto encoder = small_encoder(kResnet);

  EXPECT_TRUE(weights_in_names(*encoder, "resnet", "torchvision")
                  .find("layer1.0.bn1.num_batches_tracked")
                  .defined());
  EXPECT_FALSE(
      weights_in_names(*encoder, "resnet", "marrow").find("bn1.num_batches_tracked").defined());
}

TEST(NameMap, NamesOfAnotherFieldAreRefusedWithThoseThatThereAre) {
  try {
    static_cast<void>(export_family("resnet", "nnunet"));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("torchvision, timm, marrow"));
  }
}

class ForeignFile : public ::testing::Test {
 protected:
  std::string refused(const std::string& name, std::string_view bytes) const {
    write_atomically(folder_.path() / name, bytes);
    try {
      static_cast<void>(read_foreign_weights(folder_.path() / name));
    } catch (const Error& error) {
      code_ = error.code();
      return error.what();
    }
    ADD_FAILURE() << "expected an error";
    return {};
  }

  TemporaryFolder folder_;
  mutable ErrorCode code_ = ErrorCode::kInternal;
};

TEST_F(ForeignFile, APickleIsRefusedByItsFirstBytesWhateverItsName) {
  for (const std::string_view bytes : {std::string_view("PK\x03\x04 and so on", 14),
                                       std::string_view("\x80\x02}q\x00(X\x05\x00", 8)}) {
    EXPECT_THAT(refused("weights.safetensors", bytes), HasSubstr("docs/formats/weights.md"));
    EXPECT_EQ(code_, ErrorCode::kUnsupported);
  }
}

TEST_F(ForeignFile, ACheckpointOfPytorchIsRefusedByItsName) {
  EXPECT_THAT(refused("model.pth", "anything else"), HasSubstr("can run code"));
  EXPECT_EQ(code_, ErrorCode::kUnsupported);
}

TEST_F(ForeignFile, ADamagedFileIsTheReadersSentence) {
  EXPECT_THAT(refused("weights.safetensors", "12345"), HasSubstr("no valid safetensors file"));
  EXPECT_EQ(code_, ErrorCode::kUnreadable);
}

TEST_F(ForeignFile, AHeaderWhoseLengthLooksLikeAPickleIsRead) {
  // 0x280 bytes of header: the file begins with 80 02, as pickles of protocol 2 do.
  std::string bytes("\x80\x02\0\0\0\0\0\0", 8);
  bytes += "{}" + std::string(0x280 - 2, ' ');
  write_atomically(folder_.path() / "weights.safetensors", bytes);

  EXPECT_THAT(read_foreign_weights(folder_.path() / "weights.safetensors").tensors, IsEmpty());
}

}  // namespace
}  // namespace marrow
