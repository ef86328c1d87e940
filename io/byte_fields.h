#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/geometry.h"
#include "io/dicom/dicom_header.h"

namespace marrow {

// Fields of a header as bytes, one behind the other without names: integers as LEB128 (zigzag),
// numbers as eight bytes, texts with their length in front. Both are visitors for header_fields.h.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& bytes) : bytes_(bytes) {}

  void unsigned_integer(std::uint64_t value);
  void integer(std::int64_t value);
  void number(double value);
  void text(std::string_view value);

  void operator()(const char* name, const std::string& value);
  void operator()(const char* name, const std::vector<std::string>& value);
  void operator()(const char* name, double value);
  void operator()(const char* name, std::int64_t value);
  void operator()(const char* name, int value);
  void operator()(const char* name, bool value);
  void operator()(const char* name, const Geometry& value);
  void operator()(const char* name, const std::map<std::string, std::string>& value);
  void operator()(const char* name, const std::vector<DicomFrame>& value);

  template <std::size_t kCount>
  void operator()(const char* name, const std::optional<std::array<double, kCount>>& value) {
    unsigned_integer(value ? 1 : 0);
    for (std::size_t n = 0; value && n < kCount; ++n) {
      number((*value)[n]);
    }
    (void)name;
  }

 private:
  std::string& bytes_;
};

// Trusts nothing: throws Error{kUnreadable} where the bytes end early or hold no such value, and
// allocates no more than the bytes there are.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] std::uint64_t unsigned_integer();
  [[nodiscard]] std::int64_t integer();
  [[nodiscard]] double number();
  [[nodiscard]] std::string text();

  // What has not been read yet.
  [[nodiscard]] std::string_view rest() const { return bytes_; }

  void operator()(const char* name, std::string& value);
  void operator()(const char* name, std::vector<std::string>& value);
  void operator()(const char* name, double& value);
  void operator()(const char* name, std::int64_t& value);
  void operator()(const char* name, int& value);
  void operator()(const char* name, bool& value);
  void operator()(const char* name, Geometry& value);
  void operator()(const char* name, std::map<std::string, std::string>& value);
  void operator()(const char* name, std::vector<DicomFrame>& value);

  template <std::size_t kCount>
  void operator()(const char* name, std::optional<std::array<double, kCount>>& value) {
    (void)name;
    value.reset();
    if (unsigned_integer() != 0) {
      std::array<double, kCount> numbers{};
      for (double& one : numbers) {
        one = number();
      }
      value = numbers;
    }
  }

 private:
  [[nodiscard]] std::size_t count();

  std::string_view bytes_;
};

}  // namespace marrow
