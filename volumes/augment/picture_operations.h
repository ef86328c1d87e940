#pragma once

#include <cstdint>
#include <span>

namespace marrow {

enum class PictureOperation {
  kAutoContrast,
  kEqualize,
  kInvert,
  kRotate,
  kPosterize,
  kSolarize,
  kSolarizeAdd,
  kContrast,
  kBrightness,
  kSharpness,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
};
inline constexpr std::int64_t kPictureOperations = 14;

// One operation and its strength, in the operation's own unit:
//   rotate: degrees, counterclockwise where j runs downwards; shear: voxels along one axis for each
//   voxel along the other; translate: share of the side; posterize: bits that are kept; solarize:
//   threshold in grey levels; solarize_add: grey levels; contrast, brightness, sharpness: factor;
//   others: no meaning.
struct PictureChange {
  PictureOperation operation = PictureOperation::kInvert;
  double value = 0;
};

// One operation on one picture in grey levels (0 to 255), as Pillow does it, but for fractions of a
// grey level, which stay where Pillow rounds; equalize and posterize take the nearest whole one.
void change_picture(std::span<float> grey,
                    std::int64_t width,
                    std::int64_t height,
                    const PictureChange& change);

// The same of a label map: what moves the picture moves it too (nearest voxel; 0 comes in from
// outside), other operations leave it alone.
void change_picture_labels(std::span<std::uint8_t> labels,
                           std::int64_t width,
                           std::int64_t height,
                           const PictureChange& change);

}  // namespace marrow
