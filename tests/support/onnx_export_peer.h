#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/onnx/onnx_export.h"
#include "models/weights/safetensors.h"
#include "tests/support/onnx_networks.h"
#include "tests/support/python_peer.h"

namespace marrow::testing_support {

// The largest difference between our outputs and the runtime's of every case, relative to the
// larger of 1 and the largest value.
inline constexpr const char* kRuntimeCompares = R"(
import json, sys
import numpy, onnx, onnxruntime
from safetensors.numpy import load_file
answers = {}
for case in sys.argv[1:]:
    onnx.checker.check_model(case + ".onnx", full_check=True)
    session = onnxruntime.InferenceSession(case + ".onnx", providers=["CPUExecutionProvider"])
    wanted = load_file(case + ".safetensors")
    found = session.run(None, {session.get_inputs()[0].name: wanted.pop("input")})
    names = [output.name for output in session.get_outputs()]
    assert sorted(names) == sorted(wanted), (names, list(wanted))
    worst = 0.0
    for name, ours in zip(names, found):
        assert wanted[name].shape == ours.shape, (name, wanted[name].shape, ours.shape)
        difference = numpy.abs(wanted[name].astype("f8") - ours.astype("f8")).max()
        worst = max(worst, float(difference / max(1.0, numpy.abs(wanted[name]).max())))
    answers[case] = worst
print(json.dumps(answers))
)";

// Base of the suites that run exported networks in ONNX Runtime: add() them, then
// expect_equal_outputs().
class OnnxExportPeer : public PythonPeer {
 protected:
  void SetUp() override {
    PythonPeer::SetUp();
    if (!IsSkipped() &&
        std::system((python().string() + " -c 'import onnx, onnxruntime' 2>/dev/null").c_str()) !=
            0) {
      GTEST_SKIP() << "the Python environment of peers has no onnxruntime; make it again with: "
                      "./run peers";
    }
  }

  // Exports for one sample and lets the network see three.
  void add(const std::string& name,
           torch::nn::Module& module,
           const TensorForward& forward,
           std::vector<std::int64_t> size,
           const std::vector<std::string>& outputs = {"output"}) {
    SCOPED_TRACE(name);
    const at::NoGradGuard no_grad;
    disturb(module);
    size[0] = 1;
    export_onnx(module, forward, at::randn(size), {.outputs = outputs}, file(name + ".onnx"));
    size[0] = 3;
    TensorFile content;
    content.tensors.emplace_back("input", at::randn(size));
    const std::vector<at::Tensor> made = forward(content.tensors[0].second);
    for (std::size_t i = 0; i < made.size(); ++i) {
      content.tensors.emplace_back(outputs.at(i), made[i].contiguous());
    }
    write_safetensors(file(name + ".safetensors"), content);
    cases_.push_back(name);
  }

  void add_encoder(const std::string& name,
                   const std::shared_ptr<Encoder>& encoder,
                   const std::vector<std::int64_t>& size) {
    add(name, *encoder, features_of(encoder), size, stage_names(*encoder));
  }

  void add_operation(const std::string& name,
                     const std::function<at::Tensor(const at::Tensor&)>& operation,
                     const std::vector<std::int64_t>& size) {
    torch::nn::Module nothing;
    add(
        name,
        nothing,
        [operation](const at::Tensor& x) { return std::vector<at::Tensor>{operation(x)}; },
        size);
  }

  // 1e-4 of the values: float32 sums in another order, through tens of layers.
  void expect_equal_outputs() {
    const nlohmann::json answers = run_python(kRuntimeCompares, cases_);
    ASSERT_EQ(answers.size(), cases_.size());
    for (const auto& [name, difference] : answers.items()) {
      EXPECT_LT(difference.get<double>(), 1e-4) << name;
    }
  }

 private:
  std::vector<std::string> cases_;
};

}  // namespace marrow::testing_support
