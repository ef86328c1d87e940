#include "io/image_source.h"

#include <string>

#include "core/error.h"
#include "io/worker/worker_client.h"

namespace marrow {

namespace {

class SandboxedImageSource final : public VolumeSource {
 public:
  explicit SandboxedImageSource(const SandboxLimits& limits)
      : client_({.limits = limits,
                 // Waiting for a slow disk is not computing; a file that takes this long is stuck.
                 .timeout_seconds = 3.0 * static_cast<double>(limits.seconds) + 60,
                 .executable = {},
                 .arguments = {}}) {}

  Geometry geometry(const ImageRef& image) override {
    check_has_files(image);
    return client_.geometry(image.files, image.volume);
  }

  Volume volume(const ImageRef& image) override {
    check_has_files(image);
    return client_.volume(image.files, image.volume);
  }

  LabelMap labels(const ImageRef& image) override {
    check_has_files(image);
    return client_.labels(image.files, image.volume);
  }

 private:
  static void check_has_files(const ImageRef& image) {
    if (image.files.empty()) {
      throw Error(ErrorCode::kInvalidArgument, "image " + image.key + " names no file");
    }
  }

  WorkerClient client_;
};

}  // namespace

std::unique_ptr<VolumeSource> make_image_source(const SandboxLimits& limits) {
  return std::make_unique<SandboxedImageSource>(limits);
}

}  // namespace marrow
