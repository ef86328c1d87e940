#include "io/images/picture.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "core/files.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/file_error.h"
#include "io/images/picture_samples.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;

PictureSamples decode_picture(const fs::path& file, std::uint64_t max_bytes, bool header_only) {
  const MappedFile mapped(file);
  const std::string name = printable(file.string(), 400);
  switch (picture_kind(mapped.bytes())) {
    case PictureKind::kPng:
      return decode_png(mapped.bytes(), name, max_bytes, header_only);
    case PictureKind::kJpeg:
      return decode_jpeg(mapped.bytes(), name, max_bytes, header_only);
    case PictureKind::kNone:
      break;
  }
  throw FileError(
      ErrorCode::kUnsupported, "not-an-image", name + ": expected a PNG or JPEG picture");
}

// The value of one pixel, which `samples` starts with.
float pixel_value(const std::uint16_t* samples,
                  const PictureSamples& picture,
                  std::int64_t channel) {
  const bool colour = picture.samples >= 3;
  float value = samples[0];
  if (colour && channel >= 0) {
    value = samples[channel];
  } else if (colour) {
    value = grey_of_colour(samples[0], samples[1], samples[2]);
  }
  if (picture.samples % 2 == 0) {
    value *= static_cast<float>(samples[picture.samples - 1]) /
             static_cast<float>(picture.header.largest);
  }
  return value;
}

}  // namespace

PictureKind picture_kind(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.starts_with("\x89PNG\r\n\x1a\n")) {
    return PictureKind::kPng;
  }
  return text.starts_with("\xff\xd8\xff") ? PictureKind::kJpeg : PictureKind::kNone;
}

bool is_picture(const fs::path& file) {
  return picture_kind(MappedFile(file).bytes()) != PictureKind::kNone;
}

void check_picture_size(std::int64_t width,
                        std::int64_t height,
                        int samples,
                        std::uint64_t max_bytes,
                        const std::string& name) {
  if (width < 1 || height < 1 || width > (1 << 16) || height > (1 << 16) ||
      width * height > kMostPixels) {
    throw FileError(
        ErrorCode::kUnsupported,
        "bad-size",
        fmt::format(
            "{}: expected a picture of 1 x 1 to 2^28 pixels, found {} x {}", name, width, height));
  }
  // Decoded rows, the same widened to 16 bits, and the volume.
  const auto needed =
      static_cast<std::uint64_t>(width * height) * (static_cast<std::uint64_t>(samples) * 4 + 4);
  if (needed > max_bytes) {
    throw FileError(
        ErrorCode::kResources,
        "too-large",
        fmt::format("{}: a picture of {} x {} pixels needs {} of memory, more than the {} allowed; "
                    "raise the memory limit or leave the file out",
                    name,
                    width,
                    height,
                    format_bytes(needed),
                    format_bytes(max_bytes)));
  }
}

PictureHeader read_picture_header(const fs::path& file) {
  return decode_picture(file, std::numeric_limits<std::uint64_t>::max(), true).header;
}

Geometry picture_geometry(const PictureHeader& header) {
  return make_geometry({header.width, header.height, 1},
                       Eigen::Vector3d::Ones(),
                       Eigen::Vector3d::Zero(),
                       Eigen::Matrix3d::Identity());
}

Volume read_picture(const fs::path& file, std::int64_t channel, std::uint64_t max_bytes) {
  const PictureSamples picture = decode_picture(file, max_bytes, false);
  if (channel >= picture.header.channels) {
    throw FileError(ErrorCode::kInvalidArgument,
                    "no-such-volume",
                    fmt::format("{}: expected a picture with channel {}, found {} channel(s)",
                                printable(file.string(), 400),
                                channel,
                                picture.header.channels));
  }
  Volume volume = make_grid<float>(picture_geometry(picture.header));
  for (std::size_t i = 0; i < volume.voxels.size(); ++i) {
    volume.voxels[i] = pixel_value(
        picture.values.data() + i * static_cast<std::size_t>(picture.samples), picture, channel);
  }
  return volume;
}

LabelMap read_picture_labels(const fs::path& file, std::uint64_t max_bytes) {
  const PictureHeader header = read_picture_header(file);
  const bool jpeg = picture_kind(MappedFile(file).bytes()) == PictureKind::kJpeg;
  const PictureSamples picture = decode_picture(file, max_bytes, jpeg);
  if (jpeg || picture.samples != 1 || header.palette) {
    throw FileError(ErrorCode::kRefused,
                    "not-labels",
                    printable(file.string(), 400) +
                        ": expected labels as a grey PNG without transparency, found " +
                        (jpeg ? "a JPEG, which does not keep its values" : "colours") +
                        "; is this the image instead of its label map?");
  }
  return make_grid<std::uint16_t>(picture_geometry(picture.header), picture.values);
}

}  // namespace marrow
