#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

// Damaged copies of a valid DICOM file (explicit, little endian), each with what was damaged, so
// that a test can tell whether the damage may change what is read.
namespace marrow::testing {

// An element, an item or a fragment, with its place in the file.
struct PlacedElement {
  std::uint32_t tag = 0;
  std::size_t start = 0, length_at = 0, value = 0, end = 0;
  std::string vr;            // "" of items, fragments and delimiters
  bool holds = false;        // sequences, items and encapsulated pixels: others lie inside
  int parent = -1;           // index of the one that this one lies in
  std::uint32_t length = 0;  // as written
};

class PlacedElements {
 public:
  explicit PlacedElements(const std::string& file) : file_(file) {
    std::size_t at = 132;
    while (at < file_.size()) {
      at = place(at, -1);
    }
  }

  [[nodiscard]] const std::vector<PlacedElement>& all() const { return found_; }

  [[nodiscard]] std::uint32_t tag_at(std::size_t at) const {
    return word(at, 2) << 16 | word(at + 2, 2);
  }

  // The tags of what the bytes `first` to `last` belong to: those of every value there, and those
  // of whatever begins there.
  [[nodiscard]] std::set<std::uint32_t> tags_of(std::size_t first, std::size_t last) const {
    std::set<std::uint32_t> tags;
    for (const PlacedElement& element : found_) {
      if (element.start < last && first < (element.holds ? element.value : element.end)) {
        tags.insert(element.tag);
      }
    }
    return tags;
  }

 private:
  static constexpr std::uint32_t kItem = 0xFFFEE000;
  static constexpr std::uint32_t kUndefined = 0xFFFFFFFF;

  [[nodiscard]] std::uint32_t word(std::size_t at, std::size_t bytes) const {
    std::uint32_t value = 0;
    for (std::size_t n = bytes; n > 0; --n) {
      value = value << 8 | static_cast<unsigned char>(file_.at(at + n - 1));
    }
    return value;
  }

  // Returns where the next one begins.
  std::size_t place(std::size_t at, int parent) {
    const auto index = static_cast<int>(found_.size());
    PlacedElement element;
    element.tag = tag_at(at);
    element.start = at;
    element.parent = parent;
    element.length_at = at + 4;
    element.value = at + 8;
    bool wide = true;
    if (element.tag >> 16 != 0xFFFE) {
      element.vr = file_.substr(at + 4, 2);
      static const std::set<std::string> kWide{
          "OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"};
      wide = kWide.contains(element.vr);
      element.length_at = wide ? at + 8 : at + 6;
      element.value = wide ? at + 12 : at + 8;
    }
    element.length = word(element.length_at, wide ? 4 : 2);
    const bool undefined = wide && element.length == kUndefined;
    element.holds = undefined || element.vr == "SQ" ||
                    (element.tag == kItem && parent >= 0 &&
                     found_[static_cast<std::size_t>(parent)].vr == "SQ");
    element.end = element.value + (undefined ? 0 : element.length);
    found_.push_back(element);
    if (!element.holds) {
      return element.end;
    }
    std::size_t inside = element.value;
    while (undefined || inside < element.end) {
      const std::uint32_t next = tag_at(inside);
      inside = place(inside, index);
      if (undefined && (next == 0xFFFEE00D || next == 0xFFFEE0DD)) {
        break;
      }
    }
    found_[static_cast<std::size_t>(index)].end = inside;
    return inside;
  }

  const std::string& file_;
  std::vector<PlacedElement> found_;
};

struct DamagedCopy {
  std::string bytes;
  std::string what;
  std::set<std::uint32_t> touched = {};  // tags
  bool cut = false;
};

inline std::string tag_text(std::uint32_t tag) {
  return fmt::format("({:04x},{:04x})", tag >> 16, tag & 0xFFFF);
}

// Calls visit(DamagedCopy) for every copy.
class CopyDamager {
 public:
  explicit CopyDamager(std::string file) : file_(std::move(file)), placed_(file_) {}

  [[nodiscard]] const PlacedElements& placed() const { return placed_; }

  // Ends at every byte behind the preamble, and at some in it.
  template <class Visit>
  void cut(Visit visit) const {
    for (std::size_t size = 0; size < file_.size(); size += size < 128 ? 32 : 1) {
      visit(DamagedCopy{file_.substr(0, size), fmt::format("cut at {}", size), {}, true});
    }
  }

  // Every byte from `first` on, with one of its bits or all of them turned.
  template <class Visit>
  void flip(Visit visit, std::size_t first = 132) const {
    constexpr std::array<char, 5> kPatterns{'\x01', '\x80', '\xff', '\x20', '\x04'};
    for (std::size_t at = first; at < file_.size(); ++at) {
      DamagedCopy copy{file_, fmt::format("byte {} flipped", at), placed_.tags_of(at, at + 1)};
      copy.bytes[at] = static_cast<char>(copy.bytes[at] ^ kPatterns[at % kPatterns.size()]);
      add_new_meaning(at, copy);
      visit(copy);
    }
  }

  // The lengths of elements, sequences, items and fragments.
  template <class Visit>
  void lengthen(Visit visit) const {
    for (const PlacedElement& element : placed_.all()) {
      const std::size_t bytes = element.value - element.length_at;
      for (const std::uint32_t length :
           {0U, 1U, 2U, 0xFFFFFFFFU, 0x7FFFFFFFU, element.length - 2, element.length + 2}) {
        if (length == element.length) {
          continue;
        }
        DamagedCopy copy{
            file_,
            fmt::format(
                "length of {} at {} made {}", tag_text(element.tag), element.start, length)};
        put_word(copy.bytes, element.length_at, length, bytes);
        // What the new length swallows or lets go is touched as well.
        copy.touched = placed_.tags_of(element.start, reach(element, length, bytes));
        visit(copy);
      }
    }
  }

  // The values of elements that hold numbers or words.
  template <class Visit>
  void revalue(Visit visit) const {
    for (const PlacedElement& element : placed_.all()) {
      const bool text = element.vr == "DS" || element.vr == "IS";
      const bool words = element.vr == "US" || element.vr == "UL" || element.vr == "SS" ||
                         element.vr == "FD" || element.vr == "FL";
      if (!text && !words) {
        continue;
      }
      const std::vector<std::string> values =
          text ? std::vector<std::string>{"",
                                          "0",
                                          "1",
                                          "-1",
                                          "NaN",
                                          "inf",
                                          "1e308",
                                          "2147483647",
                                          "4294967295",
                                          "1\\",
                                          "x"}
               : std::vector<std::string>{std::string(8, '\0'),
                                          "\x01" + std::string(7, '\0'),
                                          std::string(8, '\xff'),
                                          std::string(7, '\xff') + '\x7f',
                                          std::string("\0\0\0\0\0\0\xf8\x7f", 8)};
      for (const std::string& value : values) {
        visit(with_value(element, value, text));
      }
    }
  }

  // Elements and items left out, doubled, and in the place of the one behind them.
  template <class Visit>
  void rearrange(Visit visit) const {
    const std::vector<PlacedElement>& all = placed_.all();
    for (std::size_t n = 0; n < all.size(); ++n) {
      const PlacedElement& element = all[n];
      const auto named = [&](const char* how) {
        return DamagedCopy{file_,
                           fmt::format("{} at {} {}", tag_text(element.tag), element.start, how),
                           placed_.tags_of(element.start, element.end)};
      };
      const std::size_t size = element.end - element.start;
      DamagedCopy copy = named("left out");
      copy.bytes.erase(element.start, size);
      visit(copy);
      copy = named("doubled");
      copy.bytes.insert(element.end, file_, element.start, size);
      visit(copy);
      const auto next = std::find_if(
          all.begin() + static_cast<std::ptrdiff_t>(n) + 1, all.end(), [&](const PlacedElement& e) {
            return e.parent == element.parent && e.start == element.end;
          });
      if (next != all.end()) {
        copy = named("swapped with the next");
        copy.touched.merge(placed_.tags_of(next->start, next->end));
        copy.bytes.replace(
            element.start,
            next->end - element.start,
            file_.substr(next->start, next->end - next->start) + file_.substr(element.start, size));
        visit(copy);
      }
    }
  }

  template <class Visit>
  void every_way(Visit visit) const {
    cut(visit);
    flip(visit);
    lengthen(visit);
    revalue(visit);
    rearrange(visit);
  }

 private:
  static void put_word(std::string& bytes, std::size_t at, std::uint32_t value, std::size_t count) {
    for (std::size_t n = 0; n < count; ++n, value >>= 8) {
      bytes[at + n] = static_cast<char>(value & 0xFF);
    }
  }

  [[nodiscard]] std::size_t reach(const PlacedElement& element,
                                  std::uint64_t length,
                                  std::size_t bytes) const {
    const std::uint64_t written = bytes == 2 ? length & 0xFFFF : length;
    return std::min<std::uint64_t>(file_.size(),
                                   std::max<std::uint64_t>(element.value + written, element.end));
  }

  // A damaged tag is another element's, and a damaged length covers others.
  void add_new_meaning(std::size_t at, DamagedCopy& copy) const {
    for (const PlacedElement& element : placed_.all()) {
      if (at < element.start || at >= element.value) {
        continue;
      }
      const PlacedElements& placed = placed_;
      if (at < element.start + 4) {
        const auto byte = [&](std::size_t n) {
          return std::uint32_t{static_cast<unsigned char>(copy.bytes[element.start + n])};
        };
        copy.touched.insert(byte(1) << 24 | byte(0) << 16 | byte(3) << 8 | byte(2));
      } else {
        std::uint32_t length = 0;
        const std::size_t bytes = element.value - element.length_at;
        for (std::size_t n = bytes; n > 0; --n) {
          length = length << 8 | static_cast<unsigned char>(copy.bytes[element.length_at + n - 1]);
        }
        copy.touched.merge(placed.tags_of(element.start, reach(element, length, bytes)));
      }
    }
  }

  [[nodiscard]] DamagedCopy with_value(const PlacedElement& element,
                                       std::string value,
                                       bool text) const {
    DamagedCopy copy{file_,
                     fmt::format("value of {} at {} made \"{}\"",
                                 tag_text(element.tag),
                                 element.start,
                                 text ? value
                                      : fmt::format("{:02x}..{:02x}",
                                                    static_cast<unsigned char>(value[0]),
                                                    static_cast<unsigned char>(value[7]))),
                     {element.tag}};
    if (text) {
      value.resize(value.size() + value.size() % 2, ' ');
      copy.bytes.replace(element.value, element.end - element.value, value);
      put_word(copy.bytes,
               element.length_at,
               static_cast<std::uint32_t>(value.size()),
               element.value - element.length_at);
      return copy;
    }
    for (std::size_t n = element.value; n < element.end; ++n) {
      copy.bytes[n] =
          value[(n - element.value) % std::min<std::size_t>(8, element.end - element.value)];
    }
    return copy;
  }

  std::string file_;
  PlacedElements placed_;
};

}  // namespace marrow::testing
