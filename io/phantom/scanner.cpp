#include "io/phantom/scanner.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "core/error.h"
#include "core/rng.h"
#include "io/phantom/shapes.h"

namespace marrow {
namespace {

constexpr double kLowestHu = -1024;
constexpr double kHighestHu = 3071;
constexpr double kHighestMr = 4095;

struct TissueRow {
  Tissue tissue;
  double native, arterial, portal;  // HU
  double t1, t2;                    // relative signal
  double texture;                   // HU; divided by 400 for MR
};

// Typical textbook values; that liver, spleen, muscle and bowel wall overlap is the point.
constexpr TissueRow kTissueTable[] = {
    {Tissue::kAir, -1000, -1000, -1000, 0, 0, 0},
    {Tissue::kTable, -640, -640, -640, 0, 0, 0},
    {Tissue::kSkin, 20, 22, 24, 0.45, 0.35, 8},
    {Tissue::kFat, -102, -100, -98, 0.95, 0.75, 9},
    {Tissue::kMuscle, 54, 58, 64, 0.38, 0.22, 12},
    {Tissue::kLung, -830, -825, -820, 0.05, 0.06, 40},
    {Tissue::kHeart, 44, 170, 130, 0.36, 0.2, 10},
    {Tissue::kLiver, 57, 68, 106, 0.54, 0.28, 9},
    {Tissue::kSpleen, 48, 112, 114, 0.38, 0.48, 9},
    {Tissue::kKidneyCortex, 34, 160, 172, 0.42, 0.55, 9},
    {Tissue::kKidneyMedulla, 30, 66, 150, 0.34, 0.62, 9},
    {Tissue::kPancreas, 42, 92, 90, 0.52, 0.36, 14},
    {Tissue::kStomachWall, 40, 62, 76, 0.4, 0.34, 10},
    {Tissue::kStomachContent, 24, 24, 24, 0.25, 0.85, 20},
    {Tissue::kBowelWall, 38, 64, 78, 0.4, 0.36, 10},
    {Tissue::kBowelContent, 34, 34, 36, 0.36, 0.6, 38},
    {Tissue::kGas, -940, -940, -940, 0.01, 0.01, 10},
    {Tissue::kBile, 9, 9, 9, 0.22, 0.95, 3},
    {Tissue::kArtery, 42, 290, 150, 0.16, 0.1, 4},
    {Tissue::kVein, 42, 60, 152, 0.18, 0.12, 4},
    {Tissue::kBoneCortex, 620, 620, 620, 0.06, 0.05, 60},
    {Tissue::kMarrow, 190, 192, 196, 0.68, 0.42, 45},
    {Tissue::kDisc, 84, 84, 86, 0.3, 0.5, 6},
    {Tissue::kSpinalFluid, 14, 14, 14, 0.14, 1, 3},
    {Tissue::kLesion, 34, 48, 58, 0.34, 0.6, 12},
    {Tissue::kCyst, 6, 6, 6, 0.16, 0.98, 2},
};

constexpr double kMrTextureShare = 1.0 / 400.0;

TissueSignals scanner_signals(const PhantomProtocol& protocol, Rng& rng) {
  TissueSignals signals;
  const bool ct = protocol.kind == PhantomKind::kCt;
  // Contrast timing and dose differ between examinations, and organs take part to different
  // degrees.
  const double uptake = rng.uniform(0.7, 1.2);
  for (const TissueRow& row : kTissueTable) {
    const auto t = static_cast<std::size_t>(row.tissue);
    if (ct) {
      const double enhanced = protocol.sequence == "arterial" ? row.arterial
                              : protocol.sequence == "portal" ? row.portal
                                                              : row.native;
      const bool soft = row.native > -50 && row.native < 100;
      signals.mean[t] =
          row.native + uptake * (enhanced - row.native) + (soft ? rng.uniform(-9, 9) : 0);
      signals.texture[t] = row.texture;
    } else {
      const double signal = protocol.sequence == "t2" ? row.t2 : row.t1;
      signals.mean[t] = std::max(0.0, signal * rng.uniform(0.88, 1.12));
      signals.texture[t] = signal > 0.02 ? row.texture * kMrTextureShare : 0;
    }
  }
  // Meals differ more than organs do.
  signals[Tissue::kBowelContent] += ct ? rng.uniform(-25, 70) : rng.uniform(-0.15, 0.25);
  signals[Tissue::kStomachContent] += ct ? rng.uniform(-15, 60) : rng.uniform(-0.1, 0.1);
  return signals;
}

Geometry scanner_grid(const PhantomAnatomy& anatomy,
                      const PhantomScanner& scanner,
                      const PhantomProtocol& protocol,
                      Rng& rng) {
  // Columns: the directions of i, j and k; coronal slices run from front to back, their rows from
  // head to foot.
  Eigen::Matrix3d direction = Eigen::Matrix3d::Identity();
  if (scanner.coronal) {
    direction << 1, 0, 0, 0, 0, 1, 0, -1, 0;
  }
  if (protocol.kind == PhantomKind::kMr) {
    direction =
        rotation({rng.uniform(-0.12, 0.12), rng.uniform(-0.05, 0.05), rng.uniform(-0.05, 0.05)}) *
        direction;
  }
  Eigen::Vector3d extent = 2 * anatomy.half_extent_mm() * rng.uniform(0.98, 1.08);
  Size3 nominal = protocol.nominal_size;
  if (scanner.coronal) {
    std::swap(extent[1], extent[2]);
    std::swap(nominal[1], nominal[2]);
  }
  Size3 size{};
  Eigen::Vector3d spacing;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<Eigen::Index>(axis);
    size[axis] = std::max<std::int64_t>(
        4, std::llround(static_cast<double>(nominal[axis]) * scanner.matrix[axis]));
    spacing[a] = std::round(extent[a] / static_cast<double>(size[axis]) * 100) / 100;
  }
  // Pixels are square in the plane.
  spacing[0] = spacing[1] = std::max(spacing[0], spacing[1]);
  const Eigen::Vector3d last(static_cast<double>(size[0] - 1),
                             static_cast<double>(size[1] - 1),
                             static_cast<double>(size[2] - 1));
  const Eigen::Vector3d offset(rng.uniform(-6, 6), rng.uniform(-6, 6), rng.uniform(-8, 8));
  const Eigen::Vector3d origin = offset - direction * (0.5 * last.cwiseProduct(spacing));
  return make_geometry(size, spacing, (origin * 1000).array().round().matrix() / 1000, direction);
}

void scanner_blur_axis(Volume& volume, int axis, double sigma_voxels) {
  const auto reach = static_cast<std::int64_t>(std::ceil(3 * sigma_voxels));
  std::vector<double> kernel;
  double sum = 0;
  for (std::int64_t n = -reach; n <= reach; ++n) {
    const double x = static_cast<double>(n) / sigma_voxels;
    kernel.push_back(std::exp(-0.5 * x * x));
    sum += kernel.back();
  }
  const Size3& size = volume.geometry.size;
  const auto a = static_cast<std::size_t>(axis);
  const std::int64_t stride = axis == 0 ? 1 : axis == 1 ? size[0] : size[0] * size[1];
  const std::int64_t length = size[a];
  std::vector<double> line(static_cast<std::size_t>(length));
  for (std::int64_t start = 0; start < volume.geometry.voxels(); ++start) {
    if ((start / stride) % length != 0) {
      continue;
    }
    for (std::int64_t n = 0; n < length; ++n) {
      line[static_cast<std::size_t>(n)] =
          static_cast<double>(volume.voxels[static_cast<std::size_t>(start + n * stride)]);
    }
    for (std::int64_t n = 0; n < length; ++n) {
      double value = 0;
      for (std::int64_t m = -reach; m <= reach; ++m) {
        value += kernel[static_cast<std::size_t>(m + reach)] *
                 line[static_cast<std::size_t>(std::clamp<std::int64_t>(n + m, 0, length - 1))];
      }
      volume.voxels[static_cast<std::size_t>(start + n * stride)] = static_cast<float>(value / sum);
    }
  }
}

void scanner_blur(Volume& volume, double sigma_voxels) {
  if (sigma_voxels < 0.1) {
    return;
  }
  for (int axis = 0; axis < 3; ++axis) {
    scanner_blur_axis(volume, axis, sigma_voxels);
  }
}

// Unit standard deviation, alike over `grain_voxels`.
Volume scanner_noise(const Geometry& geometry, double grain_voxels, Rng& rng) {
  Volume noise = make_grid<float>(geometry);
  for (float& value : noise.voxels) {
    value = static_cast<float>(rng.normal());
  }
  scanner_blur(noise, grain_voxels);
  double squares = 0;
  for (const float value : noise.voxels) {
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const double deviation = std::sqrt(squares / static_cast<double>(noise.voxels.size()));
  for (float& value : noise.voxels) {
    value = static_cast<float>(static_cast<double>(value) / deviation);
  }
  return noise;
}

// The sensitivity of receiver coils: smooth, some 30 % over the body.
class CoilField {
 public:
  explicit CoilField(Rng& rng)
      : key_(rng()),
        tilt_(rng.uniform(-0.2, 0.2), rng.uniform(-0.25, 0.25), rng.uniform(-0.2, 0.2)) {}

  [[nodiscard]] double at(const Eigen::Vector3d& point) const {
    return std::exp(tilt_.dot(point) / 150 + 0.25 * value_noise(key_, point / 170));
  }

 private:
  std::uint64_t key_;
  Eigen::Vector3d tilt_;
};

}  // namespace

std::string_view phantom_kind_name(PhantomKind kind) {
  return kind == PhantomKind::kCt ? "ct" : "mr";
}

const std::vector<PhantomScanner>& phantom_scanners(PhantomKind kind) {
  static const std::vector<PhantomScanner> kCtScanners = {
      {"Alder Imaging", "Spiral 64", "SOFT", 0, {1, 1, 1}, 0.45, 22, 0.5, 1, false},
      {"Birch Medical", "Volume 128", "STANDARD", 0, {1.12, 1.12, 0.85}, 0.55, 28, 0.6, 1, false},
      {"Cedar Systems", "Rapid 16", "SHARP", 0, {0.9, 0.9, 1.1}, 0.35, 36, 0.25, 1, false},
  };
  static const std::vector<PhantomScanner> kMrScanners = {
      {"Alder Imaging", "Field 15", "", 1.5, {1, 1, 1}, 0.45, 0.035, 0, 900, false},
      {"Birch Medical", "Aurora 3T", "", 3.0, {1.1, 1.1, 0.9}, 0.5, 0.025, 0.3, 2100, false},
      {"Cedar Systems", "Open 1", "", 1.0, {0.95, 0.95, 1}, 0.6, 0.05, 0, 420, true},
  };
  return kind == PhantomKind::kCt ? kCtScanners : kMrScanners;
}

PhantomImage take_phantom_image(const PhantomAnatomy& anatomy,
                                const PhantomScanner& scanner,
                                const PhantomProtocol& protocol) {
  Rng rng(protocol.seed, "phantom.scanner", {});
  const TissueSignals signals = scanner_signals(protocol, rng);
  const Geometry grid = scanner_grid(anatomy, scanner, protocol, rng);
  const CoilField coil(rng);
  const bool ct = protocol.kind == PhantomKind::kCt;
  PhantomImage image{make_grid<float>(grid), make_grid<std::uint16_t>(grid)};
  const double width_mm = grid.spacing.mean();
  std::size_t voxel = 0;
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i, ++voxel) {
        const Eigen::Vector3d index(
            static_cast<double>(i), static_cast<double>(j), static_cast<double>(k));
        const Eigen::Vector3d point = grid.to_physical(index);
        const PhantomAnatomy::Sample sample = anatomy.sample(point, width_mm, signals);
        image.volume.voxels[voxel] =
            static_cast<float>(ct ? sample.value : sample.value * coil.at(point));
        image.labels.voxels[voxel] = sample.label;
      }
    }
  }
  scanner_blur(image.volume, scanner.blur_voxels);
  const Volume noise = scanner_noise(grid, scanner.noise_grain_voxels, rng);
  const Volume second = ct ? Volume{} : scanner_noise(grid, scanner.noise_grain_voxels, rng);
  for (voxel = 0; voxel < image.volume.voxels.size(); ++voxel) {
    const double clean = static_cast<double>(image.volume.voxels[voxel]);
    const double first = static_cast<double>(noise.voxels[voxel]) * scanner.noise;
    // The magnitude of a noisy complex signal: Rician.
    const double value =
        ct ? std::clamp(clean + first, kLowestHu, kHighestHu)
           : std::min(kHighestMr,
                      scanner.gain *
                          std::hypot(clean + first,
                                     static_cast<double>(second.voxels[voxel]) * scanner.noise));
    image.volume.voxels[voxel] = static_cast<float>(std::round(value));
  }
  return image;
}

std::map<std::string, std::string> phantom_dicom_elements(const PhantomScanner& scanner,
                                                          const PhantomProtocol& protocol) {
  if (protocol.kind == PhantomKind::kCt) {
    std::map<std::string, std::string> elements = {{"KVP", "120"},
                                                   {"ConvolutionKernel", scanner.kernel},
                                                   {"XRayTubeCurrent", "220"},
                                                   {"PatientPosition", "HFS"}};
    if (protocol.sequence != "native") {
      elements["ContrastBolusAgent"] = "iodine";
    }
    return elements;
  }
  const bool t2 = protocol.sequence == "t2";
  return {{"MagneticFieldStrength",
           scanner.tesla == 1.5   ? "1.5"
           : scanner.tesla == 3.0 ? "3"
                                  : "1"},
          {"RepetitionTime", t2 ? "4200" : "520"},
          {"EchoTime", t2 ? "92" : "11"},
          {"ScanningSequence", "SE"},
          {"SequenceVariant", "NONE"},
          {"MRAcquisitionType", "2D"},
          {"PatientPosition", "HFS"}};
}

}  // namespace marrow
