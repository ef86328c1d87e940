#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What an options struct says about its fields. Every struct has
//
//   static constexpr std::string_view kName = "mae";
//   double mask_ratio = 0.75;
//   template <class Visit> void describe(Visit&& visit) {
//     visit("mask_ratio", mask_ratio, Range{0.05, 0.95}, "fraction of patches hidden");
//   }
//
// and parsing, range checks, `marrow describe` and the resolved dump are visitors over it. Field
// types: bool, std::int64_t, double, std::string, and std::vector of the last three (a Range then
// applies to every element).
namespace marrow {

// Both ends allowed.
template <class T>
struct Range {
  T low;
  T high;
};

template <class T>
Range(T, T) -> Range<T>;

struct OneOf {
  std::vector<std::string> words;
};

struct AnyValue {};

// One described field, as text: for `marrow describe` and for generated tests of out-of-range
// values.
struct OptionDescription {
  std::string name;
  std::string type;           // "bool", "integer", "number", "text", "list of integers", ...
  std::string default_value;  // as it would stand in YAML
  std::string allowed;        // "0.05 to 0.95", "adamw | sgd", "any"
  std::string sentence;
};

}  // namespace marrow
