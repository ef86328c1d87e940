#include "io/byte_fields.h"

#include <bit>
#include <limits>

#include "core/error.h"
#include "io/header_fields.h"

namespace marrow {

namespace {

[[noreturn]] void bytes_damaged() {
  throw Error(ErrorCode::kUnreadable, "the stored facts of a file are damaged");
}

}  // namespace

void ByteWriter::unsigned_integer(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_ += static_cast<char>((value & 0x7F) | 0x80);
    value >>= 7;
  }
  bytes_ += static_cast<char>(value);
}

void ByteWriter::integer(std::int64_t value) {
  const auto sign = static_cast<std::uint64_t>(value < 0 ? -1 : 0);
  unsigned_integer((static_cast<std::uint64_t>(value) << 1) ^ sign);
}

void ByteWriter::number(double value) {
  auto word = std::bit_cast<std::uint64_t>(value);
  std::array<char, 8> bytes{};
  for (char& byte : bytes) {
    byte = static_cast<char>(word & 0xFF);
    word >>= 8;
  }
  bytes_.append(bytes.data(), bytes.size());
}

void ByteWriter::text(std::string_view value) {
  unsigned_integer(value.size());
  bytes_ += value;
}

void ByteWriter::operator()(const char* /*name*/, const std::string& value) {
  text(value);
}

void ByteWriter::operator()(const char* /*name*/, const std::vector<std::string>& value) {
  unsigned_integer(value.size());
  for (const std::string& one : value) {
    text(one);
  }
}

void ByteWriter::operator()(const char* /*name*/, double value) {
  number(value);
}

void ByteWriter::operator()(const char* /*name*/, std::int64_t value) {
  integer(value);
}

void ByteWriter::operator()(const char* /*name*/, int value) {
  integer(value);
}

void ByteWriter::operator()(const char* /*name*/, bool value) {
  unsigned_integer(value ? 1 : 0);
}

void ByteWriter::operator()(const char* /*name*/, const Geometry& value) {
  for (const std::int64_t size : value.size) {
    integer(size);
  }
  for (Eigen::Index axis = 0; axis < 3; ++axis) {
    number(value.spacing[axis]);
  }
  for (Eigen::Index axis = 0; axis < 3; ++axis) {
    number(value.origin[axis]);
  }
  for (Eigen::Index n = 0; n < 9; ++n) {
    number(value.direction(n / 3, n % 3));
  }
}

void ByteWriter::operator()(const char* /*name*/, const std::map<std::string, std::string>& value) {
  unsigned_integer(value.size());
  for (const auto& [key, one] : value) {
    text(key);
    text(one);
  }
}

void ByteWriter::operator()(const char* /*name*/, const std::vector<DicomFrame>& value) {
  unsigned_integer(value.size());
  for (const DicomFrame& frame : value) {
    visit_frame_fields(frame, *this);
  }
}

std::uint64_t ByteReader::unsigned_integer() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes_.empty()) {
      bytes_damaged();
    }
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) {
      return value;
    }
  }
  bytes_damaged();
}

std::int64_t ByteReader::integer() {
  const std::uint64_t value = unsigned_integer();
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

double ByteReader::number() {
  if (bytes_.size() < 8) {
    bytes_damaged();
  }
  std::uint64_t word = 0;
  for (std::size_t byte = 8; byte > 0; --byte) {
    word = word << 8 | static_cast<unsigned char>(bytes_[byte - 1]);
  }
  bytes_.remove_prefix(8);
  return std::bit_cast<double>(word);
}

// Of things that take at least one byte each.
std::size_t ByteReader::count() {
  const std::uint64_t value = unsigned_integer();
  if (value > bytes_.size()) {
    bytes_damaged();
  }
  return static_cast<std::size_t>(value);
}

std::string ByteReader::text() {
  const std::size_t size = count();
  std::string value(bytes_.substr(0, size));
  bytes_.remove_prefix(size);
  return value;
}

void ByteReader::operator()(const char* /*name*/, std::string& value) {
  value = text();
}

void ByteReader::operator()(const char* /*name*/, std::vector<std::string>& value) {
  value.clear();
  for (std::size_t left = count(); left > 0; --left) {
    value.push_back(text());
  }
}

void ByteReader::operator()(const char* /*name*/, double& value) {
  value = number();
}

void ByteReader::operator()(const char* /*name*/, std::int64_t& value) {
  value = integer();
}

void ByteReader::operator()(const char* /*name*/, int& value) {
  const std::int64_t wide = integer();
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    bytes_damaged();
  }
  value = static_cast<int>(wide);
}

void ByteReader::operator()(const char* /*name*/, bool& value) {
  value = unsigned_integer() != 0;
}

void ByteReader::operator()(const char* /*name*/, Geometry& value) {
  Size3 size{};
  Eigen::Vector3d spacing;
  Eigen::Vector3d origin;
  Eigen::Matrix3d direction;
  for (std::int64_t& axis : size) {
    axis = integer();
  }
  for (Eigen::Index axis = 0; axis < 3; ++axis) {
    spacing[axis] = number();
  }
  for (Eigen::Index axis = 0; axis < 3; ++axis) {
    origin[axis] = number();
  }
  for (Eigen::Index n = 0; n < 9; ++n) {
    direction(n / 3, n % 3) = number();
  }
  value = make_geometry(size, spacing, origin, direction);
}

void ByteReader::operator()(const char* /*name*/, std::map<std::string, std::string>& value) {
  value.clear();
  for (std::size_t left = count(); left > 0; --left) {
    std::string key = text();
    // Maps are written in the order of their keys, where each goes to the end.
    value.insert_or_assign(value.end(), std::move(key), text());
  }
}

void ByteReader::operator()(const char* /*name*/, std::vector<DicomFrame>& value) {
  value.clear();
  for (std::size_t left = count(); left > 0; --left) {
    visit_frame_fields(value.emplace_back(), *this);
  }
}

}  // namespace marrow
