#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/volume.h"
#include "io/volume_files/volume_header.h"

namespace marrow {

// The NRRD (.nrrd, .nhdr) or MetaImage (.mha, .mhd) file, and the file with its voxels where that
// is another, mapped into memory. For the parsing child only.
class VolumeFile {
 public:
  // Checks the header, and the bytes that are there against those it promises, as far as that goes
  // without inflating them. Throws FileError.
  explicit VolumeFile(const std::filesystem::path& file);

  [[nodiscard]] const VolumeFileHeader& header() const { return header_; }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // For messages.
  [[nodiscard]] const std::string& name() const { return name_; }

  // Inflates the voxels and throws FileError unless they are whole, sum up and are exactly as many
  // as the header promises. Returns the CRC-32 of the voxels as stored, raw ones too. `max_bytes`
  // bounds what reading allocates.
  [[nodiscard]] std::uint32_t check_voxels(std::uint64_t max_bytes) const;

 private:
  void check_raw_voxels();

  std::filesystem::path path_;
  std::string name_;
  std::unique_ptr<MappedFile> file_;
  std::unique_ptr<MappedFile> detached_;
  VolumeFileHeader header_;
  std::span<const std::byte> voxels_;  // as stored, from the first one on
};

// Whether the file's first bytes are those of a NRRD or MetaImage header.
[[nodiscard]] bool is_volume_file(const std::filesystem::path& file);

// "x.raw", "x.zraw" or "x.raw.gz" with a header "x.mhd" or "x.nhdr" beside it: that header.
[[nodiscard]] std::optional<std::filesystem::path> volume_header_beside(
    const std::filesystem::path& file);

struct VolumeFileImage {
  Volume volume;
  std::vector<std::string> warnings;
};

struct VolumeFileLabels {
  LabelMap labels;
  std::vector<std::string> warnings;
};

// Voxels, read by ITK's reader of that very format once every check above has passed; what ITK
// makes of the header must agree with ours, and its voxels with those of the file, byte for byte,
// because it gives back zeros without a word where it fails to inflate. Non-finite voxels and
// labels as in nifti_decode.h. Throws FileError.
[[nodiscard]] VolumeFileImage read_volume_file(const std::filesystem::path& file,
                                               std::uint64_t max_bytes);
[[nodiscard]] VolumeFileLabels read_volume_file_labels(const std::filesystem::path& file,
                                                       std::uint64_t max_bytes);

}  // namespace marrow
