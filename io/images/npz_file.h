#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/volume.h"
#include "io/images/zip_file.h"

namespace marrow {

// An array of a NumPy .npy file, in C order.
struct NpyArray {
  char kind = 'u';  // 'u', 'i' or 'b' (bool): whole numbers
  std::size_t item_bytes = 1;
  bool big_endian = false;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;  // all of the file
  std::size_t start = 0;         // of the items in it

  [[nodiscard]] std::int64_t items() const;  // of all axes
  [[nodiscard]] std::int64_t item(std::int64_t index) const;
};

// Versions 1 to 3 of the format. `name` is for messages. Throws FileError: "damaged-npy" when the
// header or the number of bytes is wrong, {kUnsupported, "unsupported-npy"} for other types of
// items and Fortran order.
[[nodiscard]] NpyArray parse_npy(std::vector<std::byte> bytes, const std::string& name);

// A data set of MedMNIST: {train,val,test}_images.npy of (N, rows, columns[, 3]) or (N, slices,
// rows, columns) and *_labels.npy of (N, k) in one .npz. Images are numbered through: those of
// train first, then val, then test. One part's images are held in memory at a time. For the parsing
// child only.
class NpzFile {
 public:
  static constexpr int kParts = 3;  // train, val, test

  // `max_bytes` bounds what is held.
  NpzFile(const std::filesystem::path& file, std::uint64_t max_bytes);

  // As a grid of k columns and N rows, (0, 0, 0) where the part is not there. Throws FileError,
  // also when the part has another number of images.
  [[nodiscard]] Volume labels(int part);
  // 1 mm apart, since the format does not say; colours as read_picture makes grey of them. Throws
  // FileError, {kInvalidArgument, "no-such-volume"} for a number that is not there.
  [[nodiscard]] Volume image(std::int64_t index);

 private:
  [[nodiscard]] const NpyArray& images(int part);
  [[nodiscard]] std::optional<NpyArray> array(const std::string& member);

  ZipFile zip_;
  std::uint64_t max_bytes_;
  std::map<int, std::int64_t> counts_;
  int loaded_ = -1;
  NpyArray images_;
};

// By content and ending.
[[nodiscard]] bool is_npz(const std::filesystem::path& file);

}  // namespace marrow
