#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/dicom_pixels.h"
#include "io/dicom/slice_checks.h"
#include "io/dicom/stack_check.h"

namespace marrow {

namespace {

constexpr float kCtPaddingHu = -1024;

[[noreturn]] void refuse_stack(const DicomHeader& first,
                               const std::string& code,
                               const std::string& sentence) {
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{}: {}: {}", code, printable(first.file.string(), 300), sentence));
}

// Also of read_dicom_stack: nothing is read of a stack that grouping would have refused.
StackCheck usable_stack(std::span<const DicomHeader> headers) {
  if (headers.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "dicom: a stack without files");
  }
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

}  // namespace

Geometry dicom_stack_geometry(std::span<const DicomHeader> headers) {
  return *usable_stack(headers).geometry;
}

Volume read_dicom_stack(std::span<const std::filesystem::path> files) {
  std::vector<DicomHeader> headers;
  headers.reserve(files.size());
  for (const std::filesystem::path& file : files) {
    headers.push_back(read_dicom_header(file));
  }
  const StackCheck check = usable_stack(headers);
  Volume volume = make_grid<float>(*check.geometry);
  const auto area = static_cast<std::size_t>(headers[0].rows * headers[0].columns);
  std::vector<bool> padding;
  float smallest = std::numeric_limits<float>::max();
  for (std::size_t k = 0; k < headers.size(); ++k) {
    const DicomHeader& header = headers[check.order[k]];
    const StoredSlice slice = read_stored_slice(header);
    if (!slice.padding.empty() && padding.empty()) {
      padding.resize(area * headers.size());
    }
    for (std::size_t n = 0; n < area; ++n) {
      const auto value = static_cast<float>(static_cast<double>(slice.values[n]) * header.slope +
                                            header.intercept);
      volume.voxels[k * area + n] = value;
      if (!slice.padding.empty() && slice.padding[n]) {
        padding[k * area + n] = true;
      } else {
        smallest = std::min(smallest, value);
      }
    }
  }
  const float outside = headers[0].modality == "CT" ? kCtPaddingHu : std::min(smallest, 0.0F);
  for (std::size_t n = 0; n < padding.size(); ++n) {
    if (padding[n]) {
      volume.voxels[n] = outside;
    }
  }
  return volume;
}

}  // namespace marrow
