#include "io/dicom/label_painter.h"

#include <fmt/format.h>

#include "core/text.h"
#include "io/file_error.h"

namespace marrow {

namespace {

std::string painter_file(const std::filesystem::path& file) {
  return printable(file.string(), 400);
}

}  // namespace

LabelPainter::LabelPainter(const LabelRequest& request) : request_(request) {
  for (const auto& [name, value] : request.values) {
    if (value < 0 || value > 65535) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("labels: expected the value of the label {} to be from 0 to 65535, "
                              "found {}",
                              printable(name),
                              value));
    }
  }
  painted_.labels = make_grid<std::uint16_t>(request.grid);
}

void LabelPainter::check_space(const std::filesystem::path& file,
                               const std::string& labels,
                               const std::string& frame_of_reference_uid) const {
  if (!frame_of_reference_uid.empty() && !request_.frame_of_reference_uid.empty() &&
      frame_of_reference_uid != request_.frame_of_reference_uid) {
    throw FileError(
        ErrorCode::kRefused,
        "other-frame-of-reference",
        fmt::format("{}: {} and the image have different frames of reference, so their positions "
                    "cannot be compared; register them first",
                    painter_file(file),
                    labels));
  }
}

std::optional<std::uint16_t> LabelPainter::value_of(const std::filesystem::path& file,
                                                    const std::string& name,
                                                    std::int64_t number) {
  met_.insert(name);
  std::int64_t value = number;
  if (!request_.values.empty()) {
    const auto wanted = request_.values.find(name);
    if (wanted == request_.values.end()) {
      return std::nullopt;
    }
    any_wanted_ = true;
    value = wanted->second;
    if (value == 0) {
      return std::nullopt;
    }
  } else if (number < 1 || number > 65535) {
    throw FileError(
        ErrorCode::kRefused,
        "bad-label-number",
        fmt::format("{}: the label {} has the number {}, which is no value from 1 to 65535; name "
                    "the labels that are wanted and their values",
                    painter_file(file),
                    printable(name),
                    number));
  }
  const auto [known, added] = names_.emplace(static_cast<std::uint16_t>(value), name);
  if (!added && request_.values.empty() && known->second != name) {
    throw FileError(ErrorCode::kRefused,
                    "bad-label-number",
                    fmt::format("{}: the labels {} and {} both have the number {}; name the labels "
                                "that are wanted and their values",
                                painter_file(file),
                                printable(known->second),
                                printable(name),
                                value));
  }
  return static_cast<std::uint16_t>(value);
}

void LabelPainter::warn(const std::filesystem::path& file, const std::string& sentence) {
  painted_.warnings.push_back(painter_file(file) + ": " + sentence);
}

PaintedLabels LabelPainter::finish(const std::filesystem::path& file) {
  if (!overlaps_.empty()) {
    const auto& [pair, voxels] = *overlaps_.begin();
    throw FileError(
        ErrorCode::kRefused,
        "overlapping-labels",
        fmt::format("{}: the labels {} and {} share {} voxels, and a voxel of a label map has one "
                    "value; ask for one of the two",
                    painter_file(file),
                    printable(names_.at(pair.first)),
                    printable(names_.at(pair.second)),
                    voxels));
  }
  if (!request_.values.empty() && !any_wanted_) {
    std::vector<std::string> wanted;
    for (const auto& [name, value] : request_.values) {
      wanted.push_back(printable(name));
    }
    std::vector<std::string> there;
    for (const std::string& name : met_) {
      there.push_back(printable(name));
    }
    throw FileError(ErrorCode::kInvalidArgument,
                    "no-such-label",
                    fmt::format("{}: expected a label named {}, found {}",
                                painter_file(file),
                                join(wanted, " or "),
                                there.empty() ? "none" : join(there, ", ")));
  }
  return std::move(painted_);
}

}  // namespace marrow
