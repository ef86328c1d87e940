#include "io/images/zip_file.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <libdeflate.h>

#include "core/error.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/file_error.h"

namespace marrow {

namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryEntry = 0x02014b50;
constexpr std::uint32_t kDirectoryEnd = 0x06054b50;
constexpr std::uint32_t kDirectoryEnd64 = 0x06064b50;
constexpr std::uint32_t kDirectoryEnd64Locator = 0x07064b50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kLongestComment = 65'535;
constexpr std::uint64_t kMostMembers = 10'000;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint16_t kEncrypted = 1;
constexpr std::uint64_t kMostInflation = 1032;  // what deflate can do at its best

// Little-endian fields of a part of the file; reading past the end is damage.
class ZipFields {
 public:
  ZipFields(std::span<const std::byte> bytes, std::uint64_t at) {
    if (at <= bytes.size()) {
      left_ = bytes.subspan(static_cast<std::size_t>(at));
    } else {
      short_ = true;
    }
  }

  template <class Integer>
  Integer integer() {
    Integer value = 0;
    const std::span<const std::byte> bytes = take(sizeof(Integer));
    for (std::size_t n = bytes.size(); n > 0; --n) {
      value = static_cast<Integer>(static_cast<std::uint64_t>(value) << 8U |
                                   std::to_integer<std::uint64_t>(bytes[n - 1]));
    }
    return value;
  }

  std::span<const std::byte> take(std::size_t count) {
    if (count > left_.size()) {
      short_ = true;
      left_ = {};
      return {};
    }
    const std::span<const std::byte> bytes = left_.first(count);
    left_ = left_.subspan(count);
    return bytes;
  }

  [[nodiscard]] bool ran_out() const { return short_; }

  [[nodiscard]] std::span<const std::byte> rest() const { return left_; }

 private:
  std::span<const std::byte> left_;
  bool short_ = false;
};

struct ZipDirectory {
  std::uint64_t members = 0, bytes = 0, start = 0;
};

// The last place in the file where the directory's end can be.
std::optional<std::size_t> find_directory_end(std::span<const std::byte> bytes) {
  if (bytes.size() < kEndBytes) {
    return std::nullopt;
  }
  const std::size_t first = bytes.size() - std::min(bytes.size(), kEndBytes + kLongestComment);
  for (std::size_t at = bytes.size() - kEndBytes + 1; at-- > first;) {
    if (ZipFields(bytes, at).integer<std::uint32_t>() == kDirectoryEnd &&
        at + kEndBytes + ZipFields(bytes, at + 20).integer<std::uint16_t>() == bytes.size()) {
      return at;
    }
  }
  return std::nullopt;
}

}  // namespace

void ZipFile::damaged(const std::string& what) const {
  throw FileError(ErrorCode::kUnreadable,
                  "damaged-zip",
                  fmt::format("{}: the archive is damaged: {}; copy it again", name_, what));
}

ZipFile::ZipFile(const std::filesystem::path& file)
    : name_(printable(file.native(), 400)), file_(file) {
  read_directory();
}

void ZipFile::read_directory() {
  const std::span<const std::byte> bytes = file_.bytes();
  const std::optional<std::size_t> end = find_directory_end(bytes);
  if (!end) {
    damaged("it has no directory at its end");
  }
  ZipFields fields(bytes, *end + 4);
  const bool one_disk =
      fields.integer<std::uint16_t>() == 0 && fields.integer<std::uint16_t>() == 0;
  ZipDirectory directory;
  fields.integer<std::uint16_t>();
  directory.members = fields.integer<std::uint16_t>();
  directory.bytes = fields.integer<std::uint32_t>();
  directory.start = fields.integer<std::uint32_t>();
  if (!one_disk) {
    throw FileError(ErrorCode::kUnsupported,
                    "unsupported-zip",
                    name_ + ": expected a zip archive in one file, found a part of several");
  }
  if (*end >= 20 &&
      ZipFields(bytes, *end - 20).integer<std::uint32_t>() == kDirectoryEnd64Locator) {
    const auto place = ZipFields(bytes, *end - 12).integer<std::uint64_t>();
    ZipFields large(bytes, place);
    if (large.integer<std::uint32_t>() != kDirectoryEnd64) {
      damaged("its large directory is not where it says");
    }
    large.take(20 + 8);
    directory.members = large.integer<std::uint64_t>();
    directory.bytes = large.integer<std::uint64_t>();
    directory.start = large.integer<std::uint64_t>();
  }
  if (directory.start > *end || directory.bytes > *end - directory.start ||
      directory.members > kMostMembers) {
    damaged("its directory does not fit");
  }
  ZipFields entries(bytes.first(static_cast<std::size_t>(directory.start + directory.bytes)),
                    directory.start);
  for (std::uint64_t n = 0; n < directory.members; ++n) {
    if (entries.integer<std::uint32_t>() != kDirectoryEntry) {
      damaged("an entry of its directory is none");
    }
    Member member;
    entries.take(4);
    const auto flags = entries.integer<std::uint16_t>();
    member.method = entries.integer<std::uint16_t>();
    entries.take(4);
    member.crc = entries.integer<std::uint32_t>();
    member.packed = entries.integer<std::uint32_t>();
    member.unpacked = entries.integer<std::uint32_t>();
    const auto name_bytes = entries.integer<std::uint16_t>();
    const auto extra_bytes = entries.integer<std::uint16_t>();
    const auto comment_bytes = entries.integer<std::uint16_t>();
    entries.take(8);
    member.local_header = entries.integer<std::uint32_t>();
    const std::span<const std::byte> name = entries.take(name_bytes);
    ZipFields extras(entries.take(extra_bytes), 0);
    entries.take(comment_bytes);
    if (entries.ran_out()) {
      damaged("its directory ends early");
    }
    while (extras.rest().size() >= 4) {
      const auto kind = extras.integer<std::uint16_t>();
      ZipFields extra(extras.take(extras.integer<std::uint16_t>()), 0);
      for (std::uint64_t* const field : {&member.unpacked, &member.packed, &member.local_header}) {
        if (kind == 1 && *field == 0xFFFFFFFF) {
          *field = extra.integer<std::uint64_t>();
        }
      }
      if (extra.ran_out() || extras.ran_out()) {
        damaged("sizes of a large member are missing");
      }
    }
    if ((flags & kEncrypted) != 0 || (member.method != kStored && member.method != kDeflated)) {
      throw FileError(
          ErrorCode::kUnsupported,
          "unsupported-zip",
          fmt::format("{}: expected members that are stored or deflated, found {} ({})",
                      name_,
                      (flags & kEncrypted) != 0 ? "an encrypted one" : "another way of packing",
                      member.method));
    }
    std::string text(reinterpret_cast<const char*>(name.data()), name.size());
    if (!members_.emplace(std::move(text), member).second) {
      damaged("two members have one name");
    }
  }
}

std::vector<std::byte> ZipFile::read(const std::string& member, std::uint64_t max_bytes) const {
  const auto found = members_.find(member);
  if (found == members_.end()) {
    damaged("it has no member " + printable(member, 80));
  }
  const Member& entry = found->second;
  const std::span<const std::byte> bytes = file_.bytes();
  ZipFields local(bytes, entry.local_header);
  const bool begins = local.integer<std::uint32_t>() == kLocalHeader;
  local.take(22);
  const auto name_bytes = local.integer<std::uint16_t>();
  const auto extra_bytes = local.integer<std::uint16_t>();
  local.take(static_cast<std::size_t>(name_bytes) + extra_bytes);
  if (!begins || local.ran_out() || entry.packed > local.rest().size()) {
    damaged(printable(member, 80) + " does not lie where the directory says");
  }
  if (entry.unpacked > max_bytes) {
    throw FileError(ErrorCode::kResources,
                    "too-large",
                    fmt::format("{}: {} takes {} of memory, more than the {} allowed; raise "
                                "--max-memory or take an edition of smaller pictures",
                                name_,
                                printable(member, 80),
                                format_bytes(entry.unpacked),
                                format_bytes(max_bytes)));
  }
  if (entry.method == kStored ? entry.packed != entry.unpacked
                              : entry.unpacked / kMostInflation > entry.packed) {
    damaged(printable(member, 80) + " cannot have the size that the directory says");
  }
  const std::span<const std::byte> packed =
      local.rest().first(static_cast<std::size_t>(entry.packed));
  std::vector<std::byte> data(static_cast<std::size_t>(entry.unpacked));
  if (entry.method == kStored) {
    std::copy(packed.begin(), packed.end(), data.begin());
  } else {
    const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> inflate(
        libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
    MARROW_CHECK(inflate != nullptr);
    std::size_t used = 0;
    const libdeflate_result result = libdeflate_deflate_decompress_ex(
        inflate.get(), packed.data(), packed.size(), data.data(), data.size(), &used, nullptr);
    if (result != LIBDEFLATE_SUCCESS || used != packed.size()) {
      damaged(printable(member, 80) + " cannot be unpacked to its size");
    }
  }
  if (libdeflate_crc32(0, data.data(), data.size()) != entry.crc) {
    damaged(printable(member, 80) + " has another checksum");
  }
  return data;
}

}  // namespace marrow
