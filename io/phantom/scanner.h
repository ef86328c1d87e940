#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/volume.h"
#include "io/phantom/anatomy.h"

namespace marrow {

enum class PhantomKind { kCt, kMr };

// An invented machine and its habits.
struct PhantomScanner {
  std::string manufacturer;
  std::string model;
  std::string kernel;  // CT
  double tesla = 0;    // MR
  std::array<double, 3>
      matrix;                // grid size relative to the nominal one, along the axes of the picture
  double blur_voxels = 0.5;  // point spread, standard deviation
  double noise = 20;         // standard deviation: HU, or share of the brightest tissue for MR
  double noise_grain_voxels = 0;  // how far neighbouring noise is alike
  double gain = 1;                // MR: stored value of signal 1
  bool coronal = false;
};

// How one series is taken: "native", "arterial", "portal" (CT), "t1", "t2" (MR).
struct PhantomProtocol {
  PhantomKind kind = PhantomKind::kCt;
  std::string sequence = "portal";
  Size3 nominal_size{56, 48, 40};
  std::uint64_t seed = 0;  // of this series: noise, contrast timing, table position
};

struct PhantomImage {
  Volume volume;    // whole numbers: HU, or 0 to 4095 for MR
  LabelMap labels;  // kLiverLabel, ...
};

[[nodiscard]] std::string_view phantom_kind_name(PhantomKind kind);  // "ct" | "mr"
[[nodiscard]] const std::vector<PhantomScanner>& phantom_scanners(PhantomKind kind);

// Takes the picture: the scanner's grid over the patient's field of view, tissue contrast of the
// sequence, bias field (MR), blur, noise. Deterministic.
[[nodiscard]] PhantomImage take_phantom_image(const PhantomAnatomy& anatomy,
                                              const PhantomScanner& scanner,
                                              const PhantomProtocol& protocol);

// Acquisition elements by DICOM keyword that agree with the picture.
[[nodiscard]] std::map<std::string, std::string> phantom_dicom_elements(
    const PhantomScanner& scanner, const PhantomProtocol& protocol);

}  // namespace marrow
