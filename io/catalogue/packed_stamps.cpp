#include "io/catalogue/packed_stamps.h"

#include <algorithm>

#include "core/error.h"

namespace marrow {

namespace {

// Differences wrap around instead of overflowing; adding them back wraps too.
std::int64_t stamp_difference(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

std::int64_t stamp_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

}  // namespace

void pack_name(ByteWriter& bytes, std::string& last, std::string_view name) {
  const auto shared = static_cast<std::size_t>(
      std::mismatch(name.begin(), name.end(), last.begin(), last.end()).first - name.begin());
  bytes.unsigned_integer(shared);
  bytes.text(name.substr(shared));
  last.assign(name);
}

void unpack_name(ByteReader& bytes, std::string& last) {
  const std::uint64_t shared = bytes.unsigned_integer();
  if (shared > last.size()) {
    throw Error(
        ErrorCode::kUnreadable,
        "catalogue: a packed list of names is damaged; remove the catalogue and scan again");
  }
  last.resize(static_cast<std::size_t>(shared));
  last += bytes.text();
}

void StampPacker::add(std::string_view name, const FileStamp& stamp) {
  ByteWriter writer(bytes_);
  pack_name(writer, last_name_, name);
  writer.integer(stamp_difference(stamp.size, last_.size));
  writer.integer(stamp_difference(stamp.modified_ns, last_.modified_ns));
  writer.integer(stamp_difference(stamp.inode, last_.inode));
  last_ = stamp;
}

bool StampReader::next() {
  if (bytes_.rest().empty()) {
    return false;
  }
  unpack_name(bytes_, name_);
  stamp_.size = stamp_sum(stamp_.size, bytes_.integer());
  stamp_.modified_ns = stamp_sum(stamp_.modified_ns, bytes_.integer());
  stamp_.inode = stamp_sum(stamp_.inode, bytes_.integer());
  return true;
}

}  // namespace marrow
