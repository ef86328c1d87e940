#pragma once

#include <fstream>
#include <string>
#include <vector>

#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

namespace marrow::testing {

inline nlohmann::json golden(const std::string& name) {
  std::ifstream file(std::string(MARROW_TEST_DATA) + "/golden/" + name + ".json");
  return nlohmann::json::parse(file);
}

inline void flatten_numbers(const nlohmann::json& value,
                            std::vector<double>& numbers,
                            std::vector<std::int64_t>& shape,
                            std::size_t depth) {
  if (!value.is_array()) {
    numbers.push_back(value.get<double>());
    return;
  }
  if (shape.size() <= depth) {
    shape.push_back(static_cast<std::int64_t>(value.size()));
  }
  for (const auto& item : value) {
    flatten_numbers(item, numbers, shape, depth + 1);
  }
}

// A nested JSON list as a float64 tensor.
inline at::Tensor golden_tensor(const nlohmann::json& value) {
  std::vector<double> numbers;
  std::vector<std::int64_t> shape;
  flatten_numbers(value, numbers, shape, 0);
  return at::tensor(numbers, at::kDouble).reshape(shape);
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace marrow::testing
