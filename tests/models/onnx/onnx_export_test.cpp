#include "models/onnx/onnx_export.h"

#include <algorithm>
#include <fstream>
#include <set>

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "models/onnx/onnx_model.h"
#include "tests/support/onnx_networks.h"

namespace marrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::features_of;
using testing_support::make_encoder;
using testing_support::stage_names;

constexpr const char* kSmallResenc =
    "encoder:\n  dimensions: 3\n  features: [4, 6]\n  strides: [1, 2]\n  blocks: [1, 1]\n";

class OnnxExport : public ::testing::Test {
 protected:
  OnnxModel exported(const std::shared_ptr<Encoder>& encoder, const at::Tensor& example) {
    export_onnx(*encoder,
                features_of(encoder),
                example,
                {.outputs = stage_names(*encoder), .metadata = {{"marrow.task", "pretrain"}}},
                file());
    return read_onnx(file());
  }

  // The error of exporting a module without parameters.
  Error refusal(const TensorForward& forward, const at::Tensor& example = at::ones({2, 3, 8, 8})) {
    torch::nn::Module nothing;
    return refusal_of(nothing, forward, example);
  }

  Error refusal_of(torch::nn::Module& module,
                   const TensorForward& forward,
                   const at::Tensor& example) {
    try {
      export_onnx(module, forward, example, {}, file());
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "the export was not refused";
    return Error(ErrorCode::kInternal, "");
  }

  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "network.onnx"; }

 private:
  TemporaryFolder folder_;
};

TEST_F(OnnxExport, HoldsEveryParameterByteForByteUnderItsName) {
  const auto encoder = make_encoder("resenc_unet", kSmallResenc);

  const OnnxModel model = exported(encoder, at::randn({1, 1, 8, 8, 12}));

  const std::map<std::string, at::Tensor> held(model.initialisers.begin(),
                                               model.initialisers.end());
  for (const auto& item : encoder->named_parameters()) {
    ASSERT_TRUE(held.contains(item.key())) << item.key();
    EXPECT_TRUE(at::equal(held.at(item.key()), item.value())) << item.key();
  }
}

TEST_F(OnnxExport, HoldsTheKeptStatisticsOfABatchNorm) {
  const auto encoder =
      make_encoder("resnet", "encoder:\n  dimensions: 2\n  depth: 10\n  width: 4\n");
  testing_support::disturb(*encoder);

  const OnnxModel model = exported(encoder, at::randn({1, 1, 64, 32}));

  const std::map<std::string, at::Tensor> held(model.initialisers.begin(),
                                               model.initialisers.end());
  ASSERT_TRUE(held.contains("bn1.running_var"));
  EXPECT_TRUE(at::equal(held.at("bn1.running_var"), encoder->named_buffers()["bn1.running_var"]));
}

TEST_F(OnnxExport, OrdersNodesSoThatEveryInputIsMadeBefore) {
  const auto encoder = make_encoder("resenc_unet", kSmallResenc);

  const OnnxModel model = exported(encoder, at::randn({1, 1, 8, 8, 12}));

  std::set<std::string> made = {"input"};
  for (const auto& item : model.initialisers) {
    made.insert(item.first);
  }
  for (const OnnxNode& node : model.nodes) {
    for (const std::string& input : node.inputs) {
      EXPECT_TRUE(input.empty() || made.contains(input)) << node.name << " reads " << input;
    }
    made.insert(node.outputs.begin(), node.outputs.end());
  }
  EXPECT_TRUE(made.contains("stage1"));
}

TEST_F(OnnxExport, KeepsTheExamplesSizeAndTakesAnyNumberOfSamples) {
  const auto encoder = make_encoder("resenc_unet", kSmallResenc);

  const OnnxModel model = exported(encoder, at::randn({1, 1, 8, 8, 12}));

  ASSERT_EQ(model.inputs.size(), 1U);
  EXPECT_THAT(model.inputs[0].size, ElementsAre(-1, 1, 8, 8, 12));
  ASSERT_EQ(model.outputs.size(), 2U);
  EXPECT_THAT(model.outputs[0].size, ElementsAre(-1, 4, 8, 8, 12));
  EXPECT_THAT(model.outputs[1].size, ElementsAre(-1, 6, 4, 4, 6));
  EXPECT_EQ(model.metadata.at("marrow.task"), "pretrain");
}

TEST_F(OnnxExport, TheTracedNetworkComputesWhatTheNetworkComputes) {
  const auto encoder = make_encoder("resenc_unet", kSmallResenc);
  testing_support::disturb(*encoder);
  const at::Tensor example = at::randn({2, 1, 8, 8, 12});
  encoder->eval();
  const at::Tensor plain = encoder->features(example).back();
  at::Tensor traced;

  export_onnx(
      *encoder,
      [&](const at::Tensor& x) {
        std::vector<at::Tensor> maps = encoder->features(x);
        if (x.size(0) == 2) {
          traced = maps.back();
        }
        return std::vector<at::Tensor>{maps.back()};
      },
      example,
      {},
      file());

  // float32 sums in another order
  EXPECT_TRUE(at::allclose(traced, plain, 1e-4, 1e-5));
}

TEST_F(OnnxExport, ComputesPooledFeaturesFromTheMapsThatAreThereAlready) {
  const auto encoder = make_encoder("resenc_unet", kSmallResenc);
  const auto convolutions = [](const OnnxModel& model) {
    return std::count_if(model.nodes.begin(), model.nodes.end(), [](const OnnxNode& node) {
      return node.op == "Conv";
    });
  };
  const at::Tensor example = at::randn({1, 1, 8, 8, 12});
  const auto alone = convolutions(exported(encoder, example));

  export_onnx(
      *encoder,
      [&](const at::Tensor& x) {
        return std::vector<at::Tensor>{encoder->features(x).back(), encoder->pooled(x)};
      },
      example,
      {.outputs = {"map", "pooled"}},
      file());

  EXPECT_EQ(convolutions(read_onnx(file())), alone);
}

TEST_F(OnnxExport, LeavesTheNetworkInEvalMode) {
  const auto encoder = make_encoder("resenc_unet", kSmallResenc);
  encoder->train();

  exported(encoder, at::randn({1, 1, 8, 8, 12}));

  EXPECT_FALSE(encoder->is_training());
}

TEST_F(OnnxExport, RefusesAnOperationWithoutACounterpartAndNamesIt) {
  const Error error =
      refusal([](const at::Tensor& x) { return std::vector<at::Tensor>{x.cumsum(1)}; });

  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("aten::cumsum"));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(OnnxExport, RefusesAnOperationInAWayThatOnnxCannotSay) {
  const Error error = refusal([](const at::Tensor& x) {
    return std::vector<at::Tensor>{at::adaptive_avg_pool2d(x, {3, 3})};
  });

  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("adaptive_avg_pool2d"));
}

TEST_F(OnnxExport, RefusesArgumentsThatDependOnTheNumberOfSamples) {
  const Error error = refusal(
      [](const at::Tensor& x) { return std::vector<at::Tensor>{x.narrow(1, 0, x.size(0))}; });

  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("number of samples"));
}

TEST_F(OnnxExport, RefusesOtherStepsForAnotherNumberOfSamples) {
  const Error error = refusal([](const at::Tensor& x) {
    return std::vector<at::Tensor>{x.size(0) == 2 ? x.relu() : x.sigmoid()};
  });

  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("other steps"));
}

TEST_F(OnnxExport, RefusesAnExampleThatTheStrideDoesNotDivide) {
  const auto encoder = make_encoder("resenc_unet", kSmallResenc);

  const Error error = refusal_of(*encoder, features_of(encoder), at::randn({1, 1, 8, 8, 7}));

  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("multiple of the encoder's stride"));
}

TEST_F(OnnxExport, RefusesAnExampleWithAnotherNumberOfChannels) {
  const auto encoder = make_encoder("resenc_unet", kSmallResenc);

  const Error error = refusal_of(*encoder, features_of(encoder), at::randn({1, 2, 8, 8, 8}));

  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("does not take an example of 1x2x8x8x8"));
}

TEST_F(OnnxExport, RefusesAnotherNumberOfNamesThanOfOutputs) {
  const Error error = refusal([](const at::Tensor& x) {
    return std::vector<at::Tensor>{x.relu(), x.sigmoid()};
  });

  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("gives 2 tensors, but 1 names"));
}

TEST_F(OnnxExport, RefusesParametersOfAnotherTypeThanFloat32) {
  torch::nn::Module module;
  const at::Tensor weight = module.register_parameter("weight", at::ones({3, 1, 1}, at::kBFloat16));

  const Error error = refusal_of(
      module,
      [&](const at::Tensor& x) { return std::vector<at::Tensor>{x * weight}; },
      at::ones({1, 3, 4, 4}));

  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("\"weight\" is of type BFloat16"));
}

TEST_F(OnnxExport, RefusesMoreThanTheTwoGigabytesOfOneFile) {
  torch::nn::Module module;
  // One number in memory, 4 GB where it is written.
  const at::Tensor weight = module.register_parameter(
      "weight", at::ones({1}).expand({std::int64_t{1} << 30}).detach(), false);

  const Error error = refusal_of(
      module,
      [&](const at::Tensor& x) { return std::vector<at::Tensor>{x * weight.slice(0, 0, 4)}; },
      at::ones({1, 3, 4, 4}));

  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("4.3 GB"));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(OnnxExport, RefusesToReadACutFile) {
  exported(make_encoder("resenc_unet", kSmallResenc), at::randn({1, 1, 8, 8, 12}));
  std::filesystem::resize_file(file(), std::filesystem::file_size(file()) / 2);

  try {
    static_cast<void>(read_onnx(file()));
    FAIL() << "a cut file was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnreadable);
    EXPECT_THAT(error.what(), HasSubstr("network.onnx"));
  }
}

TEST(OnnxModel, IsRefusedWhereANodeReadsWhatIsMadeAfterIt) {
  OnnxModel model;
  model.inputs = {{"input", at::kFloat, {-1, 3}}};
  model.outputs = {{"b", at::kFloat, {-1, 3}}};
  model.nodes = {{"Relu", "first", {"a"}, {"b"}, {}}, {"Relu", "second", {"input"}, {"a"}, {}}};

  try {
    check_onnx(model, "here");
    FAIL() << "the order was not refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"first\" reads \"a\" before it is made"));
  }
}

}  // namespace
}  // namespace marrow
