// Weights that cross over to torchvision, timm, MONAI and dynamic-network-architectures and back:
// the same features there and here.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/weights/name_families.h"
#include "tests/support/python_peer.h"
#include "tests/support/weight_reference.h"

namespace marrow {
namespace {

using testing_support::WeightReference;

// One of the networks of make_references.py, and whose names an export of it takes; "" where the
// tool is only read.
struct ToolNetwork {
  std::string network;
  std::string names;
};

class WeightsPeer : public testing_support::PythonPeer,
                    public ::testing::WithParamInterface<ToolNetwork> {
 protected:
  // Python with make_references.py as `references`.
  void python(const std::string& script, const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {std::string(MARROW_TEST_DATA) + "/weights"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    static_cast<void>(
        run_python("import sys\nsys.path.insert(0, sys.argv[1])\nsys.dont_write_bytecode = True\n"
                   "import make_references as references\n" +
                       script,
                   all));
  }
};

TEST_P(WeightsPeer, AnImportedNetworkGivesTheFeaturesOfTheTool) {
  python("references.write(sys.argv[2], sys.argv[3], seed=23)",
         {GetParam().network, file("theirs.safetensors")});
  const WeightReference reference =
      testing_support::read_weight_reference(file("theirs.safetensors"));
  const auto encoder = testing_support::make_encoder(reference.encoder);

  const WeightImport made = testing_support::import_reference(*encoder, reference);

  EXPECT_TRUE(made.torn.empty());
  testing_support::expect_same_features(
      *encoder, reference, testing_support::feature_tolerance(GetParam().network));
}

TEST_P(WeightsPeer, TheToolLoadsAnExportedNetworkStrictlyAndGivesItsFeatures) {
  if (GetParam().names.empty()) {
    GTEST_SKIP() << "no export with the names of this tool";
  }
  python("references.write(sys.argv[2], sys.argv[3], seed=29)",
         {GetParam().network, file("theirs.safetensors")});
  const WeightReference reference =
      testing_support::read_weight_reference(file("theirs.safetensors"));
  const std::string part = reference.encoder.part_name("");
  const auto encoder = testing_support::make_encoder(reference.encoder);
  static_cast<void>(
      import_weights(*encoder, part, reference.weights, {.prefix = {}, .grid = {}}, "theirs"));

  write_safetensors(file("ours.safetensors"), weights_in_names(*encoder, part, GetParam().names));
  python(
      "from safetensors.torch import load_file, save_file\n"
      "name, ours, theirs, out = sys.argv[2:]\n"
      "network = references.load(name, ours)\n"
      "made = references.features(name, network, load_file(theirs)['input'])\n"
      "save_file({key: value.contiguous() for key, value in made.items()}, out)\n",
      {GetParam().network,
       file("ours.safetensors"),
       file("theirs.safetensors"),
       file("features.safetensors")});

  const TensorFile made = read_safetensors(file("features.safetensors"));
  for (std::size_t stage = 0; stage < reference.expected.size(); ++stage) {
    EXPECT_LT(testing_support::relative_difference(made.find("expected." + std::to_string(stage)),
                                                   reference.expected[stage]),
              1e-4)
        << "stage " << stage;
  }
}

INSTANTIATE_TEST_SUITE_P(Tools,
                         WeightsPeer,
                         ::testing::Values(ToolNetwork{"resnet_torchvision", "torchvision"},
                                           ToolNetwork{"resnet50_torchvision", "torchvision"},
                                           ToolNetwork{"resnet_timm", "timm"},
                                           ToolNetwork{"resnet_monai", "torchvision"},
                                           ToolNetwork{"resnet_monai_bias", ""},
                                           ToolNetwork{"resenc_2d", "nnunet"},
                                           ToolNetwork{"resenc_3d", "nnunet"},
                                           ToolNetwork{"resenc_3d_bias", ""},
                                           ToolNetwork{"resenc_2d_batch_bias", ""},
                                           ToolNetwork{"vit_timm", "timm"},
                                           ToolNetwork{"vit_timm_mean", ""},
                                           ToolNetwork{"vit_monai", ""},
                                           ToolNetwork{"convnext_timm", "timm"},
                                           ToolNetwork{"convnext_torchvision", "torchvision"}),
                         [](const auto& tool) { return tool.param.network; });

}  // namespace
}  // namespace marrow
