// Weights that cross over to the reference implementation of safetensors and back.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/weights/safetensors.h"
#include "tests/support/python_peer.h"

namespace marrow {
namespace {

class SafetensorsPeer : public testing_support::PythonPeer {};

// Shape, type and values of every tensor, and the metadata, as the reference implementation reads
// them.
constexpr const char* kReferenceReads = R"(
import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], framework="pt") as file:
    tensors = {}
    for name in file.keys():
        tensor = file.get_tensor(name)
        tensors[name] = {"shape": list(tensor.shape), "dtype": str(tensor.dtype),
                         "values": tensor.double().flatten().tolist()}
    print(json.dumps({"tensors": tensors, "metadata": file.metadata()}))
)";

TEST_F(SafetensorsPeer, TheReferenceImplementationReadsEveryTypeThatWeWrite) {
  const at::Tensor numbers = at::arange(6).view({2, 3});
  TensorFile content;
  for (const auto& [name, type] : {std::pair{"f32", at::kFloat},
                                   std::pair{"f64", at::kDouble},
                                   std::pair{"f16", at::kHalf},
                                   std::pair{"bf16", at::kBFloat16},
                                   std::pair{"i64", at::kLong},
                                   std::pair{"i32", at::kInt},
                                   std::pair{"i16", at::kShort},
                                   std::pair{"i8", at::kChar},
                                   std::pair{"u8", at::kByte}}) {
    content.tensors.emplace_back(name, numbers.to(type));
  }
  content.tensors.emplace_back("bool", at::ones({1}).to(at::kBool));
  write_safetensors(file("ours.safetensors"), content);

  const nlohmann::json read = run_python(kReferenceReads, {file("ours.safetensors")});

  ASSERT_FALSE(read.is_null());
  const nlohmann::json& tensors = read.at("tensors");
  ASSERT_EQ(tensors.size(), 10U);
  for (const auto& [name, type] : {std::pair{"f32", "torch.float32"},
                                   std::pair{"f64", "torch.float64"},
                                   std::pair{"f16", "torch.float16"},
                                   std::pair{"bf16", "torch.bfloat16"},
                                   std::pair{"i64", "torch.int64"},
                                   std::pair{"i32", "torch.int32"},
                                   std::pair{"i16", "torch.int16"},
                                   std::pair{"i8", "torch.int8"},
                                   std::pair{"u8", "torch.uint8"}}) {
    EXPECT_EQ(tensors.at(name).at("dtype"), type);
    EXPECT_EQ(tensors.at(name).at("shape"), (std::vector<int>{2, 3})) << name;
    EXPECT_EQ(tensors.at(name).at("values"), (std::vector<double>{0, 1, 2, 3, 4, 5})) << name;
  }
  EXPECT_EQ(tensors.at("bool").at("dtype"), "torch.bool");
}

TEST_F(SafetensorsPeer, TheReferenceImplementationReadsOurMetadataAndScalars) {
  TensorFile content;
  content.tensors.emplace_back("step", at::scalar_tensor(417.0F));
  content.metadata["config"] = "train:\n  steps: 400  # \"quoted\", umlaut \xC3\xA4\n";
  write_safetensors(file("ours.safetensors"), content);

  const nlohmann::json read = run_python(kReferenceReads, {file("ours.safetensors")});

  ASSERT_FALSE(read.is_null());
  EXPECT_EQ(read.at("metadata").at("config"),
            "train:\n  steps: 400  # \"quoted\", umlaut \xC3\xA4\n");
  EXPECT_EQ(read.at("tensors").at("step").at("shape"), nlohmann::json::array());
  EXPECT_EQ(read.at("tensors").at("step").at("values"), (std::vector<double>{417}));
}

TEST_F(SafetensorsPeer, WritesATransposedWeightInItsLogicalOrder) {
  TensorFile content;
  content.tensors.emplace_back("weight", at::arange(6).to(at::kFloat).view({2, 3}).t());
  write_safetensors(file("ours.safetensors"), content);

  const nlohmann::json read = run_python(kReferenceReads, {file("ours.safetensors")});

  ASSERT_FALSE(read.is_null());
  EXPECT_EQ(read.at("tensors").at("weight").at("shape"), (std::vector<int>{3, 2}));
  EXPECT_EQ(read.at("tensors").at("weight").at("values"), (std::vector<double>{0, 3, 1, 4, 2, 5}));
}

TEST_F(SafetensorsPeer, ReadsWhatTheReferenceImplementationWrites) {
  run_python(R"(
import torch
from safetensors.torch import save_file
net = {"encoder.stem.weight": torch.arange(24.0).view(2, 3, 4), "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
       "count": torch.tensor(7), "flags": torch.tensor([True, False, True])}
save_file(net, "theirs.safetensors", metadata={"format": "pt"})
)");

  const TensorFile read = read_safetensors(file("theirs.safetensors"));

  EXPECT_EQ(read.metadata.at("format"), "pt");
  ASSERT_EQ(read.tensors.size(), 4U);
  ASSERT_TRUE(read.find("encoder.stem.weight").defined());
  EXPECT_EQ(read.find("encoder.stem.weight").sizes(), (std::vector<std::int64_t>{2, 3, 4}));
  EXPECT_EQ(read.find("encoder.stem.weight").select(0, 1).select(0, 2).select(0, 3).item<float>(),
            23.0F);
  EXPECT_EQ(read.find("half").scalar_type(), at::kBFloat16);
  EXPECT_EQ(read.find("half").select(0, 0).item<float>(), 1.5F);
  EXPECT_EQ(read.find("count").item<std::int64_t>(), 7);
  EXPECT_FALSE(read.find("flags").select(0, 1).item<bool>());
}

TEST_F(SafetensorsPeer, ReadsAnEmptyFileOfTheReferenceImplementation) {
  run_python(R"(
from safetensors.torch import save_file
save_file({}, "theirs.safetensors")
)");

  EXPECT_TRUE(read_safetensors(file("theirs.safetensors")).tensors.empty());
}

}  // namespace
}  // namespace marrow
