#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <Eigen/Core>

namespace marrow {

enum class Tissue : std::size_t {
  kAir,
  kTable,
  kSkin,
  kFat,
  kMuscle,
  kLung,
  kHeart,
  kLiver,
  kSpleen,
  kKidneyCortex,
  kKidneyMedulla,
  kPancreas,
  kStomachWall,
  kStomachContent,
  kBowelWall,
  kBowelContent,
  kGas,
  kBile,
  kArtery,
  kVein,
  kBoneCortex,
  kMarrow,
  kDisc,
  kSpinalFluid,
  kLesion,
  kCyst,
};
inline constexpr std::size_t kTissues = static_cast<std::size_t>(Tissue::kCyst) + 1;

// What a scanner makes of the tissues: HU for CT, relative signal 0 to 1 for MR.
struct TissueSignals {
  std::array<double, kTissues> mean{};
  std::array<double, kTissues> texture{};  // amplitude of the tissue's own unevenness

  [[nodiscard]] double& operator[](Tissue tissue) { return mean[static_cast<std::size_t>(tissue)]; }
};

// Classes of the phantom's label maps.
inline constexpr std::uint16_t kLiverLabel = 1;  // lesions and vessels inside included
inline constexpr std::uint16_t kSpleenLabel = 2;
inline constexpr std::uint16_t kKidneyLabel = 3;  // both

// The upper abdomen of one invented patient as a function of position (LPS mm, the origin in the
// middle): body wall, ribs, spine, lungs, liver with vessels and sometimes lesions, gallbladder,
// spleen, stomach, pancreas, kidneys, bowel. Size, shape and place of everything vary with (seed,
// patient) and with nothing else. Const members are thread-safe.
class PhantomAnatomy {
 public:
  PhantomAnatomy(std::uint64_t seed, std::uint64_t patient);
  ~PhantomAnatomy();
  PhantomAnatomy(PhantomAnatomy&&) noexcept;
  PhantomAnatomy& operator=(PhantomAnatomy&&) noexcept;

  struct Sample {
    double value;
    std::uint16_t label;
  };

  // What a voxel of about `width_mm` shows, partial volume included.
  [[nodiscard]] Sample sample(const Eigen::Vector3d& point,
                              double width_mm,
                              const TissueSignals& signals) const;

  // Half width, half depth and half height (mm) that a field of view needs.
  [[nodiscard]] Eigen::Vector3d half_extent_mm() const;
  [[nodiscard]] std::string sex() const;  // "F" | "M"
  // The report's findings, in words that agree with what is drawn.
  [[nodiscard]] std::string findings() const;
  [[nodiscard]] std::int64_t lesions() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace marrow
