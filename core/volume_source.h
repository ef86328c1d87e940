#pragma once

#include "core/records.h"
#include "core/volume.h"

namespace marrow {

// Where volumes come from. `volumes` reads through this, so that it links no reader.
class VolumeSource {
 public:
  virtual ~VolumeSource() = default;

  // Header only: the grid of the image.
  [[nodiscard]] virtual Geometry geometry(const ImageRef& image) = 0;
  // Throws Error{kUnreadable | kUnsupported | kRefused} with the file's name and the reason.
  [[nodiscard]] virtual Volume volume(const ImageRef& image) = 0;
  // As volume(), for annotations: values must be integers in [0, 65535], else Error{kRefused}.
  [[nodiscard]] virtual LabelMap labels(const ImageRef& image) = 0;
};

}  // namespace marrow
