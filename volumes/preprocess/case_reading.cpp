#include "volumes/preprocess/case_reading.h"

#include <cstdint>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "core/text.h"
#include "volumes/preprocess/intensity.h"

namespace marrow {

namespace {

void refuse_other_grid(const Case& one,
                       const std::string& what,
                       const Geometry& image,
                       const Geometry& other) {
  const std::string difference = geometry_difference(image, other);
  if (!difference.empty()) {
    throw CaseRefusal(ErrorCode::kRefused,
                      "geometry-differs",
                      fmt::format("{}: {} and image lie on different grids: {}; image: {}; {}: {}",
                                  case_name(one),
                                  what,
                                  difference,
                                  describe(image),
                                  what,
                                  describe(other)),
                      "bring both onto one grid; nothing is resampled silently");
  }
}

void refuse_not_finite(const Case& one, const Volume& volume) {
  const std::int64_t count = count_not_finite(volume);
  const double share = static_cast<double>(count) / static_cast<double>(volume.geometry.voxels());
  if (share > kMostNotFinite) {
    throw CaseRefusal(
        ErrorCode::kRefused,
        "not-finite",
        fmt::format(
            "{}: {} of {} voxels ({:.1f} %) are NaN or infinite where at most 1 % is tolerated",
            case_name(one),
            count,
            volume.geometry.voxels(),
            100 * share),
        "export the image again");
  }
}

}  // namespace

std::string case_name(const Case& one) {
  return "case " + printable(one.key);
}

ReadCase read_case(const Case& one, VolumeSource& source, std::mutex& reading) {
  if (one.images.empty()) {
    throw CaseRefusal(ErrorCode::kNothingFound, "no-image", case_name(one) + " has no image", "");
  }
  ReadCase result;
  {
    const std::lock_guard lock(reading);
    for (const ImageRef& image : one.images) {
      result.channels.push_back(source.volume(image));
    }
    if (one.labels) {
      result.labels = source.labels(*one.labels);
    }
  }
  const Geometry& grid = result.channels.front().geometry;
  for (std::size_t channel = 0; channel < result.channels.size(); ++channel) {
    if (channel > 0) {
      refuse_other_grid(
          one, fmt::format("channel {}", channel + 1), grid, result.channels[channel].geometry);
    }
    refuse_not_finite(one, result.channels[channel]);
  }
  if (result.labels) {
    refuse_other_grid(one, "label map", grid, result.labels->geometry);
    // They agree within the tolerance; voxel for voxel means the image's grid exactly.
    result.labels->geometry = grid;
  }
  return result;
}

std::string image_files_text(const ImageRef& image) {
  std::string text;
  for (const std::filesystem::path& file : image.files) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(file, error);
    const auto time = std::filesystem::last_write_time(file, error).time_since_epoch().count();
    text += fmt::format("{}|{}|{}\n", std::filesystem::absolute(file).string(), size, time);
  }
  if (image.volume) {
    text += fmt::format("volume {}\n", *image.volume);
  }
  return text;
}

Issue issue_of(const Case& one, const Error& error) {
  Issue issue;
  if (!one.images.empty() && !one.images.front().files.empty()) {
    issue.path = one.images.front().files.front();
  }
  issue.code = error.code();
  issue.reason = error.what();
  if (const auto* refusal = dynamic_cast<const CaseRefusal*>(&error)) {
    issue.reason_code = refusal->reason_code();
    issue.advice = refusal->advice();
  } else {
    issue.reason_code = std::string(error_name(error.code()));
    issue.reason = case_name(one) + ": " + issue.reason;
  }
  return issue;
}

}  // namespace marrow
