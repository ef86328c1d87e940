#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/dicom_pixels.h"
#include "io/dicom/grouping.h"
#include "io/dicom/plain_stack.h"
#include "io/dicom/slice_checks.h"
#include "io/dicom/stack_check.h"
#include "io/dicom/unshear.h"

namespace marrow {

namespace {

[[noreturn]] void refuse_stack(const DicomHeader& first,
                               const std::string& code,
                               const std::string& sentence) {
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{}: {}: {}", code, printable(first.file.string(), 300), sentence));
}

// Also of read_dicom_stack: nothing is read of a stack that grouping would have refused.
StackCheck usable_stack(std::span<const DicomHeader> headers) {
  for (const DicomHeader& header : headers) {
    if (const std::optional<DicomRefusal> refusal = unusable_slice(header)) {
      refuse_stack(header, refusal->code, refusal->sentence);
    }
  }
  StackCheck check = check_stack(headers);
  if (!check.geometry) {
    refuse_stack(headers[0], check.reason_code, check.reason);
  }
  return check;
}

// The slices of one volume out of files of one slice each, or of the files of mosaics and
// multi-frame objects: there grouping says again which volumes they hold.
std::vector<DicomHeader> slices_of_volume(std::span<const DicomHeader> files,
                                          std::optional<std::int64_t> volume) {
  if (files.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "dicom: a stack without files");
  }
  const bool framed = std::any_of(files.begin(), files.end(), [](const DicomHeader& file) {
    return !file.frame_table.empty();
  });
  if (!framed) {
    return {files.begin(), files.end()};
  }
  std::vector<DicomStack> stacks = group_dicom({files.begin(), files.end()}, {.use_derived = true});
  if (!volume && stacks.size() > 1) {
    refuse_stack(files[0],
                 "several-volumes",
                 fmt::format("expected one volume, found {}; say which one", stacks.size()));
  }
  const auto index = static_cast<std::size_t>(volume.value_or(0));
  if (index >= stacks.size()) {
    refuse_stack(files[0],
                 "no-such-volume",
                 fmt::format("volume {} was asked for, and there are {}; the files changed, scan "
                             "the archive again",
                             index,
                             stacks.size()));
  }
  if (stacks[index].reason_code == kIncompleteObject) {
    refuse_stack(files[0], stacks[index].reason_code, stacks[index].reason);
  }
  return std::move(stacks[index].slices);
}

// Any stack, in the limited child: files are decoded, tilted slices put upright.
class StackReader {
 public:
  StackReader(std::span<const DicomHeader> files,
              std::span<const DicomHeader> slices,
              const StackCheck& check)
      : slices_(slices),
        check_(check),
        volume_(make_unfilled_grid<float>(*check.geometry)),
        outside_(slices[0].modality == "CT", check.shear_mm.has_value()) {
    for (const DicomHeader& file : files) {
      files_.emplace(file.file, &file);
    }
  }

  Volume read() {
    const auto area = static_cast<std::size_t>(volume_.geometry.size[0] * volume_.geometry.size[1]);
    for (std::size_t k = 0; k < slices_.size(); ++k) {
      const std::span<float> out = std::span(volume_.voxels).subspan(k * area, area);
      if (check_.shear_mm) {
        read_sheared(k, out);
      } else {
        read_slice(slice(k), out);
      }
    }
    outside_.settle(volume_.voxels);
    return std::move(volume_);
  }

 private:
  [[nodiscard]] const DicomHeader& slice(std::size_t k) const { return slices_[check_.order[k]]; }

  // The slices of one file are asked for one after the other, so that one open file is enough.
  PixelFile& pixels_of(const DicomHeader& file) {
    if (open_ == nullptr || open_file_ != file.file) {
      open_ = std::make_unique<PixelFile>(file);
      open_file_ = file.file;
    }
    return *open_;
  }

  void read_slice(const DicomHeader& header, std::span<float> out) {
    const DicomHeader& file = *files_.at(header.file);
    outside_.found |= read_slice_values(pixels_of(file),
                                        slice_place(file, header.frame),
                                        file.columns,
                                        slice_scale(header),
                                        outside_.marker,
                                        out);
  }

  // On the grid without shear, whose first slice lies where the displacements begin.
  void read_sheared(std::size_t k, std::span<float> out) {
    const DicomHeader& header = slice(k);
    std::vector<float> values(static_cast<std::size_t>(header.rows * header.columns));
    read_slice(header, values);
    std::array<double, 2> shift{};
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const double step = (*check_.shear_mm)[static_cast<Eigen::Index>(axis)];
      const double first = std::min(step * static_cast<double>(slices_.size() - 1), 0.0);
      shift[axis] = std::max(0.0,
                             (step * static_cast<double>(k) - first) /
                                 volume_.geometry.spacing[static_cast<Eigen::Index>(axis)]);
    }
    unshear_slice(
        {values, header.columns, header.rows}, shift[0], shift[1], volume_.geometry.size[0], out);
    outside_.found = true;  // beside the slices
  }

  std::span<const DicomHeader> slices_;
  const StackCheck& check_;
  Volume volume_;
  OutsidePixels outside_;
  std::map<std::filesystem::path, const DicomHeader*> files_;
  std::unique_ptr<PixelFile> open_;
  std::filesystem::path open_file_;
};

}  // namespace

Geometry dicom_stack_geometry(std::span<const DicomHeader> headers,
                              std::optional<std::int64_t> volume) {
  return *usable_stack(slices_of_volume(headers, volume)).geometry;
}

std::variant<PlainStack, Volume> open_dicom_stack(std::span<const DicomHeader> headers,
                                                  std::optional<std::int64_t> volume) {
  const std::vector<DicomHeader> slices = slices_of_volume(headers, volume);
  const StackCheck check = usable_stack(slices);
  if (std::optional<PlainStack> plain = plain_stack(headers, slices, check)) {
    return *std::move(plain);
  }
  return StackReader(headers, slices, check).read();
}

Volume read_dicom_stack(std::span<const std::filesystem::path> files,
                        std::optional<std::int64_t> volume) {
  std::variant<PlainStack, Volume> opened = open_dicom_stack(read_dicom_headers(files), volume);
  if (const auto* const plain = std::get_if<PlainStack>(&opened)) {
    return read_plain_stack(*plain, files);
  }
  return std::get<Volume>(std::move(opened));
}

}  // namespace marrow
