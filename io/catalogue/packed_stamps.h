#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/byte_fields.h"
#include "io/catalogue/file_stamp.h"

namespace marrow {

// The files of a folder, sorted by name, by what a scan knows them again: names front-coded,
// numbers as differences from the file before. About ten bytes a file.
class StampPacker {
 public:
  void add(std::string_view name, const FileStamp& stamp);

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::string last_name_;
  FileStamp last_;
};

// Throws Error{kUnreadable} where the bytes are no such list.
class StampReader {
 public:
  explicit StampReader(std::string_view bytes) : bytes_(bytes) {}

  // False at the end; else the next name and stamp are below.
  [[nodiscard]] bool next();

  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] const FileStamp& stamp() const { return stamp_; }

 private:
  ByteReader bytes_;
  std::string name_;
  FileStamp stamp_;
};

// One name after the other, each as the number of bytes that it shares with the one before, and the
// rest. `last` is the name before, and becomes this one.
void pack_name(ByteWriter& bytes, std::string& last, std::string_view name);
void unpack_name(ByteReader& bytes, std::string& last);

}  // namespace marrow
