#include "io/dicom/csa_header.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "core/text.h"

namespace marrow {

namespace {

constexpr std::size_t kCsaNameBytes = 64;
constexpr std::uint32_t kCsaMostTags = 1024;
constexpr std::int32_t kCsaMostItems = 256;

class CsaReader {
 public:
  explicit CsaReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::map<std::string, std::vector<std::string>> read() {
    second_layout_ = bytes_.size() >= 8 && std::memcmp(bytes_.data(), "SV10", 4) == 0;
    at_ = second_layout_ ? 8 : 0;
    const std::optional<std::uint32_t> tags = word();
    if (!tags || *tags == 0 || *tags > kCsaMostTags || !word()) {  // the second word is always 77
      return {};
    }
    for (std::uint32_t n = 0; n < *tags && read_tag(); ++n) {
    }
    return std::move(found_);
  }

 private:
  std::optional<std::uint32_t> word() {
    if (bytes_.size() < 4 || at_ > bytes_.size() - 4) {
      return std::nullopt;
    }
    std::uint32_t value = 0;
    for (std::size_t byte = 4; byte > 0; --byte) {
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[at_ + byte - 1]);
    }
    at_ += 4;
    return value;
  }

  // Up to the first zero.
  [[nodiscard]] std::string text(std::size_t size) const {
    const auto* const first = reinterpret_cast<const char*>(bytes_.data()) + at_;
    return std::string(
        trim({first, static_cast<std::size_t>(std::find(first, first + size, '\0') - first)}));
  }

  // Four words in front of every item. The older layout counts from the number of items of the
  // first tag, as nobody has documented but every file does.
  std::optional<std::size_t> item_size() {
    const auto first = word();
    const auto second = word();
    if (!first || !second || !word() || !word()) {
      return std::nullopt;
    }
    const std::int64_t size =
        second_layout_ ? std::int64_t{*second} : std::int64_t{*first} - *items_of_first_tag_;
    if (size < 0 || static_cast<std::size_t>(size) > bytes_.size() - at_) {
      return std::nullopt;
    }
    return static_cast<std::size_t>(size);
  }

  bool read_tag() {
    constexpr std::size_t kVrBytes = 4;
    if (bytes_.size() < kCsaNameBytes || at_ > bytes_.size() - kCsaNameBytes) {
      return false;
    }
    const std::string name = text(kCsaNameBytes);
    at_ += kCsaNameBytes + 4 + kVrBytes;  // multiplicity and representation tell nothing more
    const auto syngo_type = word();
    const auto items = word();
    if (!syngo_type || !items || !word() || static_cast<std::int32_t>(*items) < 0 ||
        static_cast<std::int32_t>(*items) > kCsaMostItems) {
      return false;
    }
    if (!items_of_first_tag_) {
      items_of_first_tag_ = *items;
    }
    std::vector<std::string> values;
    for (std::uint32_t n = 0; n < *items; ++n) {
      const std::optional<std::size_t> size = item_size();
      if (!size) {
        return false;
      }
      if (std::string value = text(*size); !value.empty()) {
        values.push_back(std::move(value));
      }
      at_ = std::min(bytes_.size(), at_ + (*size + 3) / 4 * 4);
    }
    if (!name.empty() && !values.empty()) {
      found_[name] = std::move(values);
    }
    return true;
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool second_layout_ = false;
  std::optional<std::uint32_t> items_of_first_tag_;
  std::map<std::string, std::vector<std::string>> found_;
};

}  // namespace

std::map<std::string, std::vector<std::string>> parse_csa_header(std::span<const std::byte> bytes) {
  return CsaReader(bytes).read();
}

}  // namespace marrow
