#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/volume.h"
#include "io/file_error.h"
#include "io/images/npy_array.h"
#include "io/images/zip_file.h"
#include "io/images/zip_member.h"

namespace marrow {

// A data set of MedMNIST: {train,val,test}_images.npy of (N, rows, columns[, 3]) or (N, slices,
// rows, columns) and *_labels.npy of (N, k) in one .npz. Images are numbered through: those of
// train first, then val, then test. They are unpacked one by one, however large a part is. For the
// parsing child only.
//
// The numbers of images are taken from the descriptions of the arrays; a part's images are checked
// as a whole before the first of them is given out, which takes one pass over them.
class NpzFile {
 public:
  static constexpr int kParts = 3;  // train, val, test

  // `max_bytes` bounds what is held, the volumes that are given out aside.
  NpzFile(const std::filesystem::path& file, std::uint64_t max_bytes);
  NpzFile(const NpzFile&) = delete;
  NpzFile& operator=(const NpzFile&) = delete;

  // As a grid of k columns and N rows, (0, 0, 0) where the part is not there. Throws FileError,
  // also when the part has another number of images, and {kResources, "too-large"} when the labels
  // take more than `max_bytes`. The images themselves are not looked at.
  [[nodiscard]] Volume labels(int part);
  // 1 mm apart, since the format does not say; colours as read_picture makes grey of them. Throws
  // FileError, {kInvalidArgument, "no-such-volume"} for a number that is not there, {kResources,
  // "too-large"} for an image of more than `max_bytes`.
  [[nodiscard]] Volume image(std::int64_t index);

 private:
  struct Images {
    NpyHeader header;                   // (0) where the part is not there
    std::unique_ptr<ZipMember> member;  // once an image of the part was asked for
    std::optional<FileError> damage;    // why there is no `member`
  };

  [[nodiscard]] Images& images(int part);
  [[nodiscard]] std::unique_ptr<ZipMember> check(int part);
  [[nodiscard]] ZipMember& checked(int part);
  [[nodiscard]] std::optional<NpyArray> array(const std::string& member);
  void refuse_large(const std::string& member, std::uint64_t bytes) const;

  ZipFile zip_;
  std::uint64_t max_bytes_;
  std::array<std::optional<Images>, kParts> images_;
};

// By content and ending.
[[nodiscard]] bool is_npz(const std::filesystem::path& file);

}  // namespace marrow
