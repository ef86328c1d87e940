#include "io/dicom/dicom_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/dicom_pixels.h"
#include "io/dicom/dicom_source.h"
#include "io/dicom/pixel_file.h"
#include "io/dicom/slice_checks.h"
#include "io/dicom/sop_classes.h"
#include "io/images/picture.h"

namespace marrow {

namespace {

[[noreturn]] void refuse_picture(const DicomHeader& header,
                                 ErrorCode code,
                                 const char* reason_code,
                                 const std::string& sentence) {
  throw Error(
      code, fmt::format("{}: {}: {}", reason_code, printable(header.file.string(), 300), sentence));
}

// Attributes of pictures only, which no slice of a volume needs.
struct PictureAttributes {
  std::array<double, 2> spacing{1, 1};  // row (y), column (x) mm
  bool inverse = false;
};

PictureAttributes picture_attributes(const DicomHeader& header) {
  const DicomSource source(header.file);
  DcmFileFormat format;
  source.load_header(format);
  DcmDataset& data = *format.getDataset();
  PictureAttributes attributes;
  const auto take_spacing = [&](const DcmTagKey& tag) {
    const std::optional<std::vector<double>> numbers = dicom_numbers(data, tag);
    const bool good = numbers && numbers->size() == 2 &&
                      std::all_of(numbers->begin(), numbers->end(), [](double mm) {
                        return std::isfinite(mm) && mm > 0;
                      });
    if (good) {
      attributes.spacing = {(*numbers)[0], (*numbers)[1]};
    }
    return good;
  };
  static_cast<void>(take_spacing(DCM_PixelSpacing) || take_spacing(DCM_ImagerPixelSpacing));
  // Of one and the same meaning in the standard; some writers give only one of them.
  attributes.inverse = header.photometric == "MONOCHROME1" ||
                       dicom_text(data, DCM_PresentationLUTShape) == "INVERSE";
  return attributes;
}

void check_picture(const DicomHeader& header) {
  if (const std::optional<DicomRefusal> refusal = unusable_picture(header)) {
    refuse_picture(header, ErrorCode::kUnsupported, refusal->code.c_str(), refusal->sentence);
  }
}

Geometry geometry_of(const DicomHeader& header, const PictureAttributes& attributes) {
  return make_geometry({header.columns, header.rows, 1},
                       {attributes.spacing[1], attributes.spacing[0], 1},
                       {0, 0, 0},
                       Eigen::Matrix3d::Identity());
}

void read_grey(const DicomHeader& header, bool inverse, std::span<float> out) {
  PixelFile file(header);
  OutsidePixels outside(false);
  outside.found = read_slice_values(file,
                                    {0, 0, 0, header.rows, header.columns},
                                    header.columns,
                                    {header.slope, header.intercept, inverse},
                                    outside.marker,
                                    out);
  outside.settle(out);
}

// PS3.3 C.7.6.3.1.2, with full range; `largest` is the value of full brightness.
std::array<float, 3> rgb_of_ybr(const std::array<float, 3>& ybr, float largest) {
  const float middle = (largest + 1) / 2;
  const float blue = ybr[1] - middle;
  const float red = ybr[2] - middle;
  const auto whole = [&](float value) { return std::clamp(std::nearbyint(value), 0.0F, largest); };
  return {whole(ybr[0] + 1.402F * red),
          whole(ybr[0] - 0.344136F * blue - 0.714136F * red),
          whole(ybr[0] + 1.772F * blue)};
}

void read_colour(const DicomHeader& header, std::int64_t channel, std::span<float> out) {
  PixelFile file(header);
  const std::span<const std::byte> frame = file.frame(0);
  const PixelLayout& layout = file.layout();
  const bool ybr = file.photometric().starts_with("YBR_FULL");
  if (layout.samples != 3 || layout.is_signed || (!ybr && file.photometric() != "RGB")) {
    refuse_picture(header,
                   ErrorCode::kUnsupported,
                   "colour",
                   "expected RGB or YBR of three unsigned samples, found " +
                       printable(file.photometric(), 32));
  }
  const auto pixels = static_cast<std::int64_t>(out.size());
  const std::vector<std::int64_t> stored = stored_values(frame.data(), 3 * pixels, layout);
  const auto largest = static_cast<float>((std::int64_t{1} << layout.bits_stored) - 1);
  for (std::int64_t n = 0; n < pixels; ++n) {
    std::array<float, 3> colour{};
    for (std::int64_t sample = 0; sample < 3; ++sample) {
      const std::int64_t at = layout.planar ? sample * pixels + n : 3 * n + sample;
      colour[static_cast<std::size_t>(sample)] =
          static_cast<float>(stored[static_cast<std::size_t>(at)]);
    }
    if (ybr) {
      colour = rgb_of_ybr(colour, largest);
    }
    out[static_cast<std::size_t>(n)] = channel < 0 ? grey_of_colour(colour[0], colour[1], colour[2])
                                                   : colour[static_cast<std::size_t>(channel)];
  }
}

}  // namespace

bool is_dicom_picture(const DicomHeader& header) {
  const DicomKind kind = dicom_kind(header.sop_class_uid);
  return kind == DicomKind::kOtherImage || kind == DicomKind::kSecondaryCapture;
}

Geometry dicom_picture_geometry(const DicomHeader& header) {
  check_picture(header);
  return geometry_of(header, picture_attributes(header));
}

Volume read_dicom_picture(const DicomHeader& header,
                          std::int64_t channel,
                          std::uint64_t max_bytes) {
  check_picture(header);
  if (channel >= header.samples_per_pixel) {
    refuse_picture(
        header,
        ErrorCode::kInvalidArgument,
        "no-such-volume",
        fmt::format(
            "expected a channel below {}, was asked for {}", header.samples_per_pixel, channel));
  }
  const auto bytes = static_cast<std::uint64_t>(header.rows * header.columns) * sizeof(float);
  if (bytes > max_bytes) {
    refuse_picture(header,
                   ErrorCode::kResources,
                   "too-large",
                   fmt::format("a picture of {} x {} needs {} of memory, more than the {} allowed",
                               header.columns,
                               header.rows,
                               format_bytes(bytes),
                               format_bytes(max_bytes)));
  }
  const PictureAttributes attributes = picture_attributes(header);
  Volume volume = make_unfilled_grid<float>(geometry_of(header, attributes));
  if (header.samples_per_pixel == 1) {
    read_grey(header, attributes.inverse, volume.voxels);
  } else {
    read_colour(header, channel, volume.voxels);
  }
  return volume;
}

}  // namespace marrow
