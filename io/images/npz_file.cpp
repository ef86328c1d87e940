#include "io/images/npz_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "io/file_error.h"
#include "io/images/picture.h"

namespace marrow {

namespace {

constexpr std::string_view kNpyMagic("\x93NUMPY", 6);
constexpr std::size_t kLongestNpyHeader = 65'536;
constexpr std::size_t kMostAxes = 8;
constexpr std::array<std::string_view, NpzFile::kParts> kPartNames{"train", "val", "test"};

[[noreturn]] void refuse_npy(const std::string& name, const std::string& what) {
  throw FileError(
      ErrorCode::kUnreadable, "damaged-npy", fmt::format("{}: {}; copy it again", name, what));
}

[[noreturn]] void unsupported_npy(const std::string& name, const std::string& what) {
  throw FileError(ErrorCode::kUnsupported, "unsupported-npy", name + ": " + what);
}

// The text behind "'key':" in the dictionary that describes an array.
std::string_view npy_entry(std::string_view header, std::string_view key, const std::string& name) {
  const std::string quoted = fmt::format("'{}':", key);
  const std::size_t at = header.find(quoted);
  if (at == std::string_view::npos || header.find(quoted, at + 1) != std::string_view::npos) {
    refuse_npy(name, fmt::format("expected one {} in the description of the array", quoted));
  }
  return trim(header.substr(at + quoted.size()));
}

std::vector<std::int64_t> npy_shape(std::string_view text, const std::string& name) {
  const std::size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos) {
    refuse_npy(name, "expected a shape in brackets");
  }
  std::vector<std::int64_t> shape;
  for (const std::string& word : split_words(text.substr(1, end - 1), ',')) {
    const std::string_view digits = trim(word);
    if (digits.empty()) {
      continue;  // "(5,)"
    }
    std::int64_t axis = -1;
    const auto [rest, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), axis);
    if (failure != std::errc{} || rest != digits.data() + digits.size() || axis < 0 ||
        shape.size() == kMostAxes) {
      refuse_npy(name, "expected whole numbers in the shape");
    }
    shape.push_back(axis);
  }
  return shape;
}

// Bytes of the items, or nothing when they are more than can be.
std::optional<std::uint64_t> npy_bytes(const std::vector<std::int64_t>& shape, std::size_t item) {
  std::uint64_t bytes = item;
  for (const std::int64_t axis : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(axis), &bytes)) {
      return std::nullopt;
    }
  }
  return bytes;
}

Geometry npz_grid(const Size3& size) {
  return make_geometry(size, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
}

// (N, rows, columns, 3 or 4) is colour: no volume of the collection is so thin.
bool is_colour_shape(const std::vector<std::int64_t>& shape) {
  return shape.size() == 4 && (shape[3] == 3 || shape[3] == 4);
}

}  // namespace

std::int64_t NpyArray::items() const {
  std::int64_t count = 1;
  for (const std::int64_t axis : shape) {
    count *= axis;  // parse_npy has seen that the bytes are there
  }
  return count;
}

std::int64_t NpyArray::item(std::int64_t index) const {
  std::uint64_t value = 0;
  const std::size_t at = start + static_cast<std::size_t>(index) * item_bytes;
  for (std::size_t n = 0; n < item_bytes; ++n) {
    const std::size_t place = big_endian ? n : item_bytes - 1 - n;
    value = value << 8U | std::to_integer<std::uint64_t>(bytes[at + place]);
  }
  if (kind == 'i' && item_bytes < sizeof value) {
    const std::uint64_t sign = std::uint64_t{1} << (8 * item_bytes - 1);
    value = (value ^ sign) - sign;
  }
  return static_cast<std::int64_t>(value);
}

NpyArray parse_npy(std::vector<std::byte> bytes, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kNpyMagic) || text.size() < 12) {
    refuse_npy(name, "expected a NumPy array");
  }
  const int version = text[6];
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  std::size_t first = 10;
  std::size_t length = byte(8) | static_cast<std::size_t>(byte(9)) << 8U;
  if (version == 2 || version == 3) {
    first = 12;
    length |= static_cast<std::size_t>(byte(10)) << 16U | static_cast<std::size_t>(byte(11)) << 24U;
  } else if (version != 1) {
    unsupported_npy(name, fmt::format("expected version 1 to 3 of the format, found {}", version));
  }
  if (length > kLongestNpyHeader || length > text.size() - first) {
    refuse_npy(name, "the description of the array ends early");
  }
  const std::string_view header = text.substr(first, length);
  NpyArray array;
  const std::string_view type = npy_entry(header, "descr", name);
  const bool plain = type.size() > 4 && type[0] == '\'' && type[4] == '\'' &&
                     std::string_view("|<>=").find(type[1]) != std::string_view::npos &&
                     std::string_view("uib").find(type[2]) != std::string_view::npos &&
                     std::string_view("1248").find(type[3]) != std::string_view::npos;
  if (!plain || (type[2] == 'b' && type[3] != '1')) {
    unsupported_npy(name,
                    fmt::format("expected items that are whole numbers, found {}",
                                printable(type.substr(0, std::min<std::size_t>(type.size(), 12)))));
  }
  array.kind = type[2];
  array.item_bytes = static_cast<std::size_t>(type[3] - '0');
  array.big_endian = type[1] == '>';
  if (!npy_entry(header, "fortran_order", name).starts_with("False")) {
    unsupported_npy(name, "expected the array in C order, found Fortran order; save it again");
  }
  array.shape = npy_shape(npy_entry(header, "shape", name), name);
  array.start = first + length;
  const std::optional<std::uint64_t> needed = npy_bytes(array.shape, array.item_bytes);
  if (!needed || *needed != bytes.size() - array.start) {
    refuse_npy(name,
               fmt::format("its shape and its {} bytes do not agree", bytes.size() - array.start));
  }
  array.bytes = std::move(bytes);
  return array;
}

NpzFile::NpzFile(const std::filesystem::path& file, std::uint64_t max_bytes)
    : zip_(file), max_bytes_(max_bytes) {
  if (!zip_.has("train_images.npy") && !zip_.has("val_images.npy") &&
      !zip_.has("test_images.npy")) {
    throw FileError(ErrorCode::kUnsupported,
                    "no-images",
                    zip_.name() +
                        ": expected the arrays train_images, val_images or test_images "
                        "with their labels, as MedMNIST has them; found none");
  }
}

std::optional<NpyArray> NpzFile::array(const std::string& member) {
  if (!zip_.has(member + ".npy")) {
    return std::nullopt;
  }
  return parse_npy(zip_.read(member + ".npy", max_bytes_), zip_.name() + ": " + member);
}

Volume NpzFile::labels(int part) {
  const std::string name(kPartNames.at(static_cast<std::size_t>(part)));
  const std::optional<NpyArray> found = array(name + "_labels");
  if (found.has_value() != zip_.has(name + "_images.npy")) {
    refuse_npy(zip_.name(),
               fmt::format("expected images and labels of {}, found one of them", name));
  }
  if (!found) {
    return make_grid<float>(npz_grid({1, 1, 1}), -1.0F);
  }
  const std::int64_t rows = found->shape.empty() ? 0 : found->shape[0];
  const std::int64_t columns = found->shape.size() == 2 ? found->shape[1] : 1;
  if (found->shape.empty() || found->shape.size() > 2 || rows == 0 || columns == 0) {
    refuse_npy(zip_.name(), fmt::format("expected labels of {} in rows and columns", name));
  }
  if (images(part).shape[0] != rows) {
    refuse_npy(zip_.name(),
               fmt::format("expected as many labels as images of {}, found {} and {}",
                           name,
                           rows,
                           images(part).shape[0]));
  }
  Volume table = make_grid<float>(npz_grid({columns, rows, 1}));
  for (std::int64_t n = 0; n < rows * columns; ++n) {
    const std::int64_t value = found->item(n);
    if (value < 0 || value > 65'535) {
      refuse_npy(zip_.name(), fmt::format("expected labels from 0 to 65535, found {}", value));
    }
    table.voxels[static_cast<std::size_t>(n)] = static_cast<float>(value);
  }
  return table;
}

const NpyArray& NpzFile::images(int part) {
  if (loaded_ == part) {
    return images_;
  }
  const std::string name(kPartNames.at(static_cast<std::size_t>(part)));
  loaded_ = -1;
  images_ = {};  // before the next one is unpacked
  std::optional<NpyArray> found = array(name + "_images");
  if (!found) {
    images_.shape = {0};
  } else {
    images_ = *std::move(found);
    const bool fits = (images_.shape.size() == 3 || images_.shape.size() == 4) &&
                      images_.kind == 'u' && images_.item_bytes <= 2 && images_.items() > 0;
    if (!fits) {
      unsupported_npy(
          zip_.name(),
          fmt::format("expected {}_images of 8 or 16 bits and three or four axes", name));
    }
  }
  counts_[part] = images_.shape[0];
  loaded_ = part;
  return images_;
}

Volume NpzFile::image(std::int64_t index) {
  std::int64_t left = index;
  int part = 0;
  for (; part < kParts; ++part) {
    const auto known = counts_.find(part);
    const std::int64_t count = known == counts_.end() ? images(part).shape[0] : known->second;
    if (left >= 0 && left < count) {
      break;
    }
    left -= count;
  }
  if (index < 0 || part == kParts) {
    throw FileError(
        ErrorCode::kInvalidArgument,
        "no-such-volume",
        fmt::format("{}: expected the number of an image in it, found {}; give the file "
                    "with --data",
                    zip_.name(),
                    index));
  }
  const NpyArray& all = images(part);
  const bool colour = is_colour_shape(all.shape);
  const bool flat = all.shape.size() == 3 || colour;
  const std::int64_t slices = flat ? 1 : all.shape[1];
  const std::int64_t rows = all.shape[flat ? 1 : 2];
  const std::int64_t columns = all.shape[flat ? 2 : 3];
  Volume volume = make_grid<float>(npz_grid({columns, rows, slices}));
  const std::int64_t voxels = volume.geometry.voxels();
  const std::int64_t samples = colour ? all.shape[3] : 1;
  for (std::int64_t n = 0; n < voxels; ++n) {
    const std::int64_t at = (left * voxels + n) * samples;
    const auto sample = [&](std::int64_t which) {
      return static_cast<float>(all.item(at + which));
    };
    volume.voxels[static_cast<std::size_t>(n)] =
        colour ? grey_of_colour(sample(0), sample(1), sample(2)) : sample(0);
  }
  return volume;
}

bool is_npz(const std::filesystem::path& file) {
  if (lower_case(file.extension().native()) != ".npz") {
    return false;
  }
  std::array<char, 4> head{};
  std::ifstream stream(file, std::ios::binary);
  return stream.read(head.data(), head.size()) && std::string_view(head.data(), 4) == "PK\3\4";
}

}  // namespace marrow
