#include "io/images/zip_file.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "io/file_error.h"
#include "io/images/zip_fields.h"

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
constexpr std::uint64_t kMostDirectoryBytes = std::uint64_t{16} << 20;
constexpr std::size_t kLocatorBytes = 20;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::size_t kLocalHeaderBytes = 30;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint16_t kEncrypted = 1;
constexpr std::uint64_t kMostInflation = 1032;  // what deflate can do at its best

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
    : name_(printable(file.native(), 400)),
      file_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat facts = {};
  if (!file_ || ::fstat(file_.get(), &facts) != 0) {
    const int cause = errno;
    throw FileError(ErrorCode::kUnreadable,
                    cause == ENOENT ? "missing" : "no-permission",
                    name_ + ": the file cannot be opened: " +
                        std::error_code(cause, std::generic_category()).message());
  }
  if (!S_ISREG(facts.st_mode)) {
    throw FileError(ErrorCode::kUnreadable,
                    "not-a-file",
                    name_ + ": expected a file, found a folder, a pipe or a device");
  }
  size_ = static_cast<std::uint64_t>(facts.st_size);
  read_directory();
}

bool ZipFile::holds(std::uint64_t offset, std::uint64_t count) const {
  return offset <= size_ && count <= size_ - offset;
}

void ZipFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (!holds(offset, out.size())) {
    damaged("it ends early");
  }
  while (!out.empty()) {
    const ssize_t count = ::pread(file_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      throw FileError(ErrorCode::kUnreadable,
                      "read-failed",
                      name_ + ": the file cannot be read: " +
                          std::error_code(errno, std::generic_category()).message());
    }
    if (count == 0) {
      damaged("it ends early");  // it was longer when it was opened
    }
    offset += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

void ZipFile::read_directory() {
  std::vector<std::byte> tail(
      static_cast<std::size_t>(std::min<std::uint64_t>(size_, kEndBytes + kLongestComment)));
  read(size_ - tail.size(), tail);
  const std::optional<std::size_t> end_in_tail = find_directory_end(tail);
  if (!end_in_tail) {
    damaged("it has no directory at its end");
  }
  const std::uint64_t end = size_ - tail.size() + *end_in_tail;
  ZipFields fields(tail, *end_in_tail + 4);
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
  std::vector<std::byte> locator(end >= kLocatorBytes ? kLocatorBytes : 0);
  read(end - locator.size(), locator);
  if (ZipFields(locator, 0).integer<std::uint32_t>() == kDirectoryEnd64Locator) {
    const auto place = ZipFields(locator, 8).integer<std::uint64_t>();
    std::vector<std::byte> record(kEnd64Bytes);
    if (!holds(place, record.size())) {
      damaged("its large directory is not where it says");
    }
    read(place, record);
    ZipFields large(record, 0);
    if (large.integer<std::uint32_t>() != kDirectoryEnd64) {
      damaged("its large directory is not where it says");
    }
    large.take(20 + 8);
    directory.members = large.integer<std::uint64_t>();
    directory.bytes = large.integer<std::uint64_t>();
    directory.start = large.integer<std::uint64_t>();
  }
  if (directory.start > end || directory.bytes > end - directory.start ||
      directory.members > kMostMembers || directory.bytes > kMostDirectoryBytes) {
    damaged("its directory does not fit");
  }
  std::vector<std::byte> entries(static_cast<std::size_t>(directory.bytes));
  read(directory.start, entries);
  read_entries(entries, directory.members);
  limit_members(directory.start);
}

void ZipFile::read_entries(std::span<const std::byte> bytes, std::uint64_t count) {
  ZipFields entries(bytes, 0);
  for (std::uint64_t n = 0; n < count; ++n) {
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

// Without the local headers, whose own fields are not known yet: place() looks at them.
void ZipFile::limit_members(std::uint64_t directory_start) {
  std::vector<Member*> in_order;
  for (auto& [name, member] : members_) {
    in_order.push_back(&member);
  }
  std::sort(in_order.begin(), in_order.end(), [](const Member* a, const Member* b) {
    return a->local_header < b->local_header;
  });
  for (std::size_t n = 0; n < in_order.size(); ++n) {
    Member& member = *in_order[n];
    member.limit = n + 1 < in_order.size() ? in_order[n + 1]->local_header : directory_start;
    if (member.limit < member.local_header ||
        member.limit - member.local_header < kLocalHeaderBytes ||
        member.packed > member.limit - member.local_header - kLocalHeaderBytes) {
      damaged("two members, or a member and the directory, overlap");
    }
  }
}

ZipFile::Place ZipFile::place(const std::string& member) const {
  const auto found = members_.find(member);
  if (found == members_.end()) {
    damaged("it has no member " + printable(member, 80));
  }
  const Member& entry = found->second;
  Place place{printable(member, 80),
              entry.method == kDeflated,
              entry.crc,
              entry.local_header + kLocalHeaderBytes,  // limit_members has seen that it is there
              entry.packed,
              entry.unpacked};
  std::vector<std::byte> header(kLocalHeaderBytes);
  read(entry.local_header, header);
  ZipFields local(header, 0);
  const bool begins = local.integer<std::uint32_t>() == kLocalHeader;
  local.take(22);
  place.start += local.integer<std::uint16_t>();  // its name
  place.start += local.integer<std::uint16_t>();  // its extra fields
  if (!begins || place.start > entry.limit || entry.packed > entry.limit - place.start) {
    damaged(place.name + " does not lie where the directory says");
  }
  if (place.deflated ? place.unpacked / kMostInflation > place.packed
                     : place.packed != place.unpacked) {
    damaged(place.name + " cannot have the size that the directory says");
  }
  return place;
}

}  // namespace marrow
