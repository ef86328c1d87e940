#include "io/volume_files/header_text.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "io/file_error.h"
#include "io/volume_files/volume_header.h"

namespace marrow {

namespace {

constexpr double kFarthestVolume = 1e6;  // mm, as for NIfTI

}  // namespace

void refuse_volume_file(ErrorCode code,
                        std::string reason_code,
                        const std::string& name,
                        const std::string& what) {
  throw FileError(code, std::move(reason_code), name + ": " + what);
}

HeaderLines::HeaderLines(std::span<const std::byte> bytes, std::string name)
    : text_(reinterpret_cast<const char*>(bytes.data()),
            std::min(bytes.size(), kLargestVolumeHeader)),
      name_(std::move(name)) {}

std::optional<std::string_view> HeaderLines::next() {
  if (at_ >= text_.size()) {
    return std::nullopt;
  }
  const std::size_t end = text_.find('\n', at_);
  if (end == std::string_view::npos && text_.size() == kLargestVolumeHeader) {
    refuse_volume_file(
        ErrorCode::kUnreadable,
        "bad-header",
        name_,
        fmt::format("expected the header to end within {} bytes", kLargestVolumeHeader));
  }
  std::string_view line = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
  at_ = end == std::string_view::npos ? text_.size() : end + 1;
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  if (std::any_of(line.begin(), line.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\t';
      })) {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "bad-header",
                       name_,
                       "expected lines of text in the header, found control bytes");
  }
  return line;
}

std::string lower_header_word(std::string_view text) {
  return lower_case(trim(text));
}

std::optional<std::vector<double>> header_numbers(std::string_view text) {
  std::vector<double> numbers;
  while (!(text = trim(text)).empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    const std::optional<double> value = parse_decimal(text.substr(0, end));
    if (!value) {
      return std::nullopt;
    }
    numbers.push_back(*value);
    text.remove_prefix(end);
  }
  return numbers;
}

std::optional<std::int64_t> header_integer(std::string_view text) {
  text = trim(text);
  std::int64_t value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || stop != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Size3 header_size(std::string_view text, const std::string& name) {
  const auto refuse = [&]() {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "bad-size",
                       name,
                       fmt::format("expected three sizes of at least 1 and at most 2^40 voxels in "
                                   "all, found \"{}\"; repair the header or leave the file out",
                                   printable(text)));
  };
  Size3 size{};
  __extension__ using Wide = __int128;
  Wide voxels = 1;
  std::string_view rest = text;
  for (std::int64_t& axis : size) {
    rest = trim(rest);
    const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
    axis = header_integer(rest.substr(0, end)).value_or(0);
    voxels *= axis;
    if (axis < 1 || voxels > (Wide{1} << 40)) {
      refuse();
    }
    rest.remove_prefix(end);
  }
  if (!trim(rest).empty()) {
    refuse();
  }
  return size;
}

Geometry place_volume_grid(const Size3& size,
                           const Eigen::Matrix3d& columns,
                           const Eigen::Vector3d& origin,
                           const std::string& name,
                           std::vector<std::string>& warnings) {
  const auto refuse = [&](const std::string& what) {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "bad-transform",
                       name,
                       what + "; repair the header or leave the file out");
  };
  if (!columns.allFinite() || !origin.allFinite() ||
      std::max(columns.cwiseAbs().maxCoeff(), origin.cwiseAbs().maxCoeff()) > kFarthestVolume) {
    refuse(
        fmt::format("expected finite axis directions and an origin within {} mm", kFarthestVolume));
  }
  const Eigen::Vector3d lengths = columns.colwise().norm().transpose();
  if (lengths.minCoeff() < 1e-6) {
    refuse(fmt::format("expected a voxel spacing above 0, found {} x {} x {} mm",
                       lengths[0],
                       lengths[1],
                       lengths[2]));
  }
  if (lengths.minCoeff() < 0.01 || lengths.maxCoeff() > 100) {
    warnings.push_back(fmt::format("the voxel spacing {} x {} x {} mm is outside 0.01 to 100 mm",
                                   lengths[0],
                                   lengths[1],
                                   lengths[2]));
  }
  Eigen::Matrix4d affine = Eigen::Matrix4d::Identity();
  affine.topLeftCorner<3, 3>() = columns.array() + 0.0;  // no negative zeros
  affine.topRightCorner<3, 1>() = origin.array() + 0.0;
  try {
    return geometry_from_affine(size, affine);
  } catch (const Error& error) {
    const bool sheared = error.code() == ErrorCode::kUnsupported;
    refuse_volume_file(sheared ? ErrorCode::kUnsupported : ErrorCode::kUnreadable,
                       sheared ? "sheared-grid" : "bad-transform",
                       name,
                       error.what());
  }
}

std::string detached_file_name(std::string_view text, const std::string& name) {
  const std::string file(trim(text));
  if (file.empty() || file == "." || file == ".." || file.size() > 255 ||
      file.find_first_of("/\\%") != std::string::npos) {
    refuse_volume_file(
        ErrorCode::kUnsupported,
        "detached-data",
        name,
        fmt::format("expected the voxels in one file of the same folder, found \"{}\"; put both "
                    "files in one folder or write the volume as one file",
                    printable(file)));
  }
  return file;
}

}  // namespace marrow
