#include "io/images/npz_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/images/picture.h"

namespace marrow {

namespace {

constexpr std::array<std::string_view, NpzFile::kParts> kPartNames{"train", "val", "test"};

std::string images_member(int part) {
  return fmt::format("{}_images.npy", kPartNames.at(static_cast<std::size_t>(part)));
}

[[noreturn]] void refuse_npz(const std::string& name, const std::string& what) {
  throw FileError(
      ErrorCode::kUnreadable, "damaged-npy", fmt::format("{}: {}; copy it again", name, what));
}

Geometry npz_grid(const Size3& size) {
  return make_geometry(size, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
}

// (N, rows, columns, 3 or 4) is colour: no volume of the collection is so thin.
bool is_colour_shape(const std::vector<std::int64_t>& shape) {
  return shape.size() == 4 && (shape[3] == 3 || shape[3] == 4);
}

// The images of a part, each as volumes are: flat ones have one slice.
struct ImageShape {
  explicit ImageShape(const NpyHeader& header) {
    const std::vector<std::int64_t>& shape = header.shape;
    const bool colour = is_colour_shape(shape);
    const bool flat = shape.size() == 3 || colour;
    size = {shape[flat ? 2 : 3], shape[flat ? 1 : 2], flat ? 1 : shape[1]};
    samples = colour ? shape[3] : 1;
    bytes = static_cast<std::uint64_t>(header.items() / shape[0]) * header.item_bytes;
  }

  Size3 size{};
  std::int64_t samples = 1;  // of a voxel
  std::uint64_t bytes = 0;   // of an image in the array
};

}  // namespace

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

void NpzFile::refuse_large(const std::string& member, std::uint64_t bytes) const {
  if (bytes > max_bytes_) {
    throw FileError(ErrorCode::kResources,
                    "too-large",
                    fmt::format("{}: {} takes {} of memory, more than the {} allowed; raise "
                                "--max-memory or take an edition of smaller pictures",
                                zip_.name(),
                                member,
                                format_bytes(bytes),
                                format_bytes(max_bytes_)));
  }
}

std::optional<NpyArray> NpzFile::array(const std::string& member) {
  const std::string file = member + ".npy";
  if (!zip_.has(file)) {
    return std::nullopt;
  }
  refuse_large(file, zip_.place(file).unpacked);
  ZipMember packed(zip_, file, max_bytes_);
  std::vector<std::byte> bytes(static_cast<std::size_t>(packed.size()));
  packed.read(0, bytes);
  return parse_npy(std::move(bytes), zip_.name() + ": " + member);
}

Volume NpzFile::labels(int part) {
  const std::string name(kPartNames.at(static_cast<std::size_t>(part)));
  const std::optional<NpyArray> found = array(name + "_labels");
  if (found.has_value() != zip_.has(name + "_images.npy")) {
    refuse_npz(zip_.name(),
               fmt::format("expected images and labels of {}, found one of them", name));
  }
  if (!found) {
    return make_grid<float>(npz_grid({1, 1, 1}), -1.0F);
  }
  const std::int64_t rows = found->header.shape.empty() ? 0 : found->header.shape[0];
  const std::int64_t columns = found->header.shape.size() == 2 ? found->header.shape[1] : 1;
  if (found->header.shape.empty() || found->header.shape.size() > 2 || rows == 0 || columns == 0) {
    refuse_npz(zip_.name(), fmt::format("expected labels of {} in rows and columns", name));
  }
  const std::int64_t count = images(part).header.shape[0];
  if (count != rows) {
    refuse_npz(
        zip_.name(),
        fmt::format("expected as many labels as images of {}, found {} and {}", name, rows, count));
  }
  Volume table = make_grid<float>(npz_grid({columns, rows, 1}));
  for (std::int64_t n = 0; n < rows * columns; ++n) {
    const std::int64_t value = found->item(n);
    if (value < 0 || value > 65'535) {
      refuse_npz(zip_.name(), fmt::format("expected labels from 0 to 65535, found {}", value));
    }
    table.voxels[static_cast<std::size_t>(n)] = static_cast<float>(value);
  }
  return table;
}

NpzFile::Images& NpzFile::images(int part) {
  std::optional<Images>& known = images_.at(static_cast<std::size_t>(part));
  if (known) {
    return *known;
  }
  const std::string member = images_member(part);
  Images found;
  found.header.shape = {0};
  if (zip_.has(member)) {
    // Not checked yet: their number must be that of the labels, which are checked, and checked()
    // looks again before an image is given out.
    found.header = parse_npy_header(read_unchecked_start(zip_, member, kMostNpyHeaderBytes),
                                    zip_.place(member).unpacked,
                                    zip_.name() + ": " + member);
    const NpyHeader& header = found.header;
    const bool fits = (header.shape.size() == 3 || header.shape.size() == 4) &&
                      header.kind == 'u' && header.item_bytes <= 2 && header.items() > 0;
    if (!fits) {
      throw FileError(ErrorCode::kUnsupported,
                      "unsupported-npy",
                      fmt::format("{}: expected {}_images of 8 or 16 bits and three or four axes",
                                  zip_.name(),
                                  kPartNames.at(static_cast<std::size_t>(part))));
    }
  }
  return known.emplace(std::move(found));
}

std::unique_ptr<ZipMember> NpzFile::check(int part) {
  const std::string member = images_member(part);
  // Those of every part stay, since images may be asked for in any order.
  auto opened = std::make_unique<ZipMember>(zip_, member, max_bytes_ / kParts);
  std::vector<std::byte> head(
      static_cast<std::size_t>(std::min<std::uint64_t>(opened->size(), kMostNpyHeaderBytes)));
  opened->read(0, head);
  if (parse_npy_header(head, opened->size(), zip_.name() + ": " + member) != images(part).header) {
    refuse_npz(zip_.name(), fmt::format("{} changed while it was read", member));
  }
  return opened;
}

ZipMember& NpzFile::checked(int part) {
  Images& all = images(part);
  if (all.damage) {
    throw FileError(*all.damage);
  }
  if (all.member == nullptr) {
    try {
      all.member = check(part);
    } catch (const FileError& error) {
      if (error.reason_code().starts_with("damaged")) {
        all.damage = error;  // so that not every image costs a pass over all
      }
      throw;
    }
  }
  return *all.member;
}

Volume NpzFile::image(std::int64_t index) {
  std::int64_t left = index;
  int part = 0;
  for (; part < kParts; ++part) {
    const std::int64_t count = images(part).header.shape[0];
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
  const NpyHeader& header = images(part).header;
  const ImageShape shape(header);
  refuse_large("an image of " + images_member(part), shape.bytes);
  std::vector<std::byte> bytes(static_cast<std::size_t>(shape.bytes));
  checked(part).read(header.start + static_cast<std::uint64_t>(left) * shape.bytes, bytes);
  Volume volume = make_grid<float>(npz_grid(shape.size));
  for (std::int64_t n = 0; n < volume.geometry.voxels(); ++n) {
    const auto sample = [&](std::int64_t which) {
      return static_cast<float>(header.item(bytes, n * shape.samples + which));
    };
    volume.voxels[static_cast<std::size_t>(n)] =
        shape.samples > 1 ? grey_of_colour(sample(0), sample(1), sample(2)) : sample(0);
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
