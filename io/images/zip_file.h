#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "io/worker/channel.h"

namespace marrow {

// The directory of a zip archive: members that are stored or deflated, zip64 where a member or the
// archive is large. ZipMember unpacks them. The central directory is what counts: writers of
// streams leave sizes out of the local headers. The archive may be larger than the address space:
// it is read in pieces, never mapped. For the parsing child only.
//
// Throws FileError: "damaged-zip" for an archive that contradicts itself, is cut short or has
// members that overlap, "unsupported-zip" (kUnsupported) for encryption, other ways of packing and
// several disks, and "missing", "no-permission" or "not-a-file" when it cannot be opened.
class ZipFile {
 public:
  // Where the bytes of a member lie in the archive, and what they unpack to.
  struct Place {
    std::string name;  // for messages
    bool deflated = false;
    std::uint32_t crc = 0;       // of the unpacked bytes
    std::uint64_t start = 0;     // of the packed bytes in the archive
    std::uint64_t packed = 0;    // bytes
    std::uint64_t unpacked = 0;  // bytes, as the directory says: at most what `packed` can hold
  };

  explicit ZipFile(const std::filesystem::path& file);

  [[nodiscard]] bool has(const std::string& member) const { return members_.contains(member); }

  // The packed bytes lie within the archive and belong to no other member.
  [[nodiscard]] Place place(const std::string& member) const;

  // Fills `out` with the bytes of the archive from `offset` on; bytes that are not there are
  // damage.
  void read(std::uint64_t offset, std::span<std::byte> out) const;

  // Throws "damaged-zip".
  [[noreturn]] void damaged(const std::string& what) const;

  // For messages.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct Member {
    std::uint16_t method = 0;
    std::uint32_t crc = 0;
    std::uint64_t packed = 0, unpacked = 0;
    std::uint64_t local_header = 0;
    std::uint64_t limit = 0;  // where the next member or the directory starts
  };

  [[nodiscard]] bool holds(std::uint64_t offset, std::uint64_t count) const;
  void read_directory();
  void read_entries(std::span<const std::byte> bytes, std::uint64_t count);
  void limit_members(std::uint64_t directory_start);

  std::string name_;
  Descriptor file_;
  std::uint64_t size_ = 0;
  std::map<std::string, Member> members_;
};

}  // namespace marrow
