#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/files.h"

namespace marrow {

// The members of a zip archive, stored or deflated, zip64 where a member or the archive is large.
// The central directory is what counts: writers of streams leave sizes out of the local headers.
// For the parsing child only.
//
// Throws FileError: "damaged-zip" for an archive that contradicts itself or is cut short,
// "unsupported-zip" (kUnsupported) for encryption, other ways of packing and several disks.
class ZipFile {
 public:
  explicit ZipFile(const std::filesystem::path& file);

  [[nodiscard]] bool has(const std::string& member) const { return members_.contains(member); }

  // Unpacked, its checksum checked. Throws FileError, {kResources, "too-large"} when it would take
  // more than `max_bytes`.
  [[nodiscard]] std::vector<std::byte> read(const std::string& member,
                                            std::uint64_t max_bytes) const;

  // For messages.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct Member {
    std::uint16_t method = 0;
    std::uint32_t crc = 0;
    std::uint64_t packed = 0, unpacked = 0;
    std::uint64_t local_header = 0;
  };

  void read_directory();
  [[noreturn]] void damaged(const std::string& what) const;

  std::string name_;
  MappedFile file_;
  std::map<std::string, Member> members_;
};

}  // namespace marrow
