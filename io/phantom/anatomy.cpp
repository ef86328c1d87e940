#include "io/phantom/anatomy.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "core/rng.h"
#include "io/phantom/shapes.h"

namespace marrow {
namespace {

constexpr double kOutlinePower = 2.5;  // between an ellipse and a box, as trunks are
constexpr double kVertebraPitch = 34.0;
constexpr double kRibPitch = 30.0;

// The trunk's wall: all lengths in mm.
struct Wall {
  double half_width;
  double half_depth;
  double fat;
  double muscle;
  double waist;  // relative change of the width over the height

  // Half axes of the cavity inside.
  [[nodiscard]] double across() const { return half_width - fat - muscle; }

  [[nodiscard]] double deep() const { return half_depth - fat - muscle; }

  [[nodiscard]] double skin_distance(const Eigen::Vector3d& p) const {
    const double a = half_width * (1 + waist * std::sin(p.z() / 70.0));
    const double x = std::abs(p.x()) / a;
    const double y = std::abs(p.y()) / half_depth;
    const double level =
        std::pow(std::pow(x, kOutlinePower) + std::pow(y, kOutlinePower), 1 / kOutlinePower);
    const double ray = std::hypot(p.x(), p.y());
    return level < 0.1 ? -half_depth : ray * (1 - 1 / level);
  }
};

struct Loop {
  Tube tube;
  double wall;
  Tissue content;
};

struct Spot {
  Blob blob;
  Tissue tissue;
};

// The value of one voxel while shapes are laid over each other.
class Painter {
 public:
  Painter(double width_mm, const TissueSignals& signals, double grain)
      : width_mm_(width_mm), signals_(signals), grain_(grain), value_(signals.mean[0]) {}

  // Label: absent keeps what lies below.
  void paint(double distance,
             Tissue tissue,
             std::optional<std::uint16_t> label = std::uint16_t{0}) {
    const double share = coverage(distance, width_mm_);
    if (share <= 0) {
      return;
    }
    const auto t = static_cast<std::size_t>(tissue);
    value_ += share * (signals_.mean[t] + signals_.texture[t] * grain_ - value_);
    if (share >= 0.5 && label) {
      label_ = *label;
    }
  }

  [[nodiscard]] PhantomAnatomy::Sample result() const { return {value_, label_}; }

 private:
  double width_mm_;
  const TissueSignals& signals_;
  double grain_;
  double value_;
  std::uint16_t label_ = 0;
};

Eigen::Vector3d anatomy_jitter(Rng& rng, double mm) {
  return {rng.uniform(-mm, mm), rng.uniform(-mm, mm), rng.uniform(-mm, mm)};
}

Blob anatomy_organ(Rng& rng, Eigen::Vector3d centre, Eigen::Vector3d radii, double roughness) {
  centre += anatomy_jitter(rng, 6);
  for (int axis = 0; axis < 3; ++axis) {
    radii[axis] *= rng.uniform(0.85, 1.18);
  }
  return Blob(rng, centre, radii, anatomy_jitter(rng, 0.25), roughness);
}

}  // namespace

struct PhantomAnatomy::Parts {
  Parts(std::uint64_t seed, std::uint64_t patient)
      : Parts(Rng(seed, "phantom.anatomy", {patient}),
              derive_seed(seed, "phantom.grain", {patient})) {}

  Parts(Rng rng, std::uint64_t grain);

  void add_vessels();
  void add_bowel(Rng& rng);
  void add_spots(Rng& rng);
  void paint_trunk(Painter& painter, const Eigen::Vector3d& p, double skin) const;
  void paint_chest(Painter& painter, const Eigen::Vector3d& p, double cavity) const;
  void paint_spine(Painter& painter, const Eigen::Vector3d& p) const;
  void paint_organs(Painter& painter, const Eigen::Vector3d& p, double cavity) const;

  std::uint64_t grain_key;
  std::string sex;
  Wall wall;
  SmoothWarp warp;
  double rib_phase;
  double disc_phase;
  double diaphragm;
  Blob heart, right_lobe, left_lobe, spleen, stomach, gallbladder, right_kidney, left_kidney;
  Tube pancreas;
  std::vector<Tube> liver_vessels;
  std::vector<Loop> bowel;
  std::vector<Spot> spots;
  std::int64_t liver_lesions = 0;
  std::int64_t kidney_cysts = 0;
  double largest_lesion_mm = 0;
};

PhantomAnatomy::Parts::Parts(Rng rng, std::uint64_t grain)
    : grain_key(grain),
      sex(rng.chance(0.5) ? "F" : "M"),
      wall{rng.uniform(138, 178),
           rng.uniform(94, 122),
           rng.uniform(8, 26),
           rng.uniform(9, 15),
           rng.uniform(0.01, 0.06)},
      warp(rng, 7.0),
      rib_phase(rng.uniform(0, kRibPitch)),
      disc_phase(rng.uniform(0, kVertebraPitch)),
      diaphragm(rng.uniform(14, 38)),
      heart(anatomy_organ(rng, {22, -0.35 * wall.deep(), 112}, {52, 40, 42}, 0.05)),
      right_lobe(anatomy_organ(rng,
                               {-0.48 * wall.across(), -0.02 * wall.deep(), 18},
                               {0.50 * wall.across(), 0.86 * wall.deep(), 66},
                               0.13)),
      left_lobe(anatomy_organ(rng,
                              {0.04 * wall.across(), -0.50 * wall.deep(), 34},
                              {0.46 * wall.across(), 0.40 * wall.deep(), 35},
                              0.15)),
      spleen(anatomy_organ(rng,
                           {0.74 * wall.across(), 0.40 * wall.deep(), 36},
                           {0.23 * wall.across(), 0.50 * wall.deep(), 46},
                           0.15)),
      stomach(anatomy_organ(rng,
                            {0.44 * wall.across(), -0.28 * wall.deep(), 40},
                            {0.34 * wall.across(), 0.40 * wall.deep(), 42},
                            0.14)),
      gallbladder(anatomy_organ(
          rng, {-0.38 * wall.across(), -0.45 * wall.deep(), -30}, {13, 13, 25}, 0.08)),
      right_kidney(
          anatomy_organ(rng, {-0.47 * wall.across(), 0.56 * wall.deep(), -46}, {26, 24, 50}, 0.09)),
      left_kidney(
          anatomy_organ(rng, {0.49 * wall.across(), 0.56 * wall.deep(), -34}, {26, 24, 50}, 0.09)),
      pancreas({{-26, 0.12 * wall.deep(), -14},
                {12, -0.05 * wall.deep(), -4},
                {0.36 * wall.across(), 0.15 * wall.deep(), 10},
                {0.60 * wall.across(), 0.36 * wall.deep(), 22}},
               rng.uniform(11, 15),
               rng.uniform(6, 9)) {
  add_vessels();
  add_bowel(rng);
  add_spots(rng);
}

void PhantomAnatomy::Parts::add_vessels() {
  const double a = wall.across();
  const double d = wall.deep();
  const Eigen::Vector3d hilum(-0.18 * a, 0.05 * d, 2);
  const Eigen::Vector3d cava(-22, 0.45 * d, 78);
  using Points = std::vector<Eigen::Vector3d>;
  // Portal branches, then hepatic veins.
  liver_vessels.emplace_back(
      Points{hilum, {-0.45 * a, 0, 18}, {-0.74 * a, -0.2 * d, 24}}, 6.5, 2.5);
  liver_vessels.emplace_back(
      Points{hilum, {-0.45 * a, 0.3 * d, 32}, {-0.62 * a, 0.45 * d, 54}}, 5.5, 2.5);
  liver_vessels.emplace_back(
      Points{hilum, {-0.02 * a, -0.38 * d, 30}, {0.24 * a, -0.5 * d, 38}}, 5.5, 2.5);
  liver_vessels.emplace_back(
      Points{cava, {-0.5 * a, 0.12 * d, 60}, {-0.76 * a, -0.1 * d, 40}}, 6.5, 3);
  liver_vessels.emplace_back(
      Points{cava, {-0.35 * a, -0.35 * d, 56}, {-0.4 * a, -0.6 * d, 20}}, 6, 3);
  liver_vessels.emplace_back(
      Points{cava, {0.02 * a, -0.3 * d, 54}, {0.1 * a, -0.55 * d, 40}}, 5, 3);
}

void PhantomAnatomy::Parts::add_bowel(Rng& rng) {
  const double a = wall.across();
  const double d = wall.deep();
  using Points = std::vector<Eigen::Vector3d>;
  bowel.push_back(
      {Tube(Points{{-0.78 * a, 0.12 * d, -130}, {-0.76 * a, 0, -70}, {-0.7 * a, -0.3 * d, -48}},
            19,
            17),
       3,
       Tissue::kBowelContent});
  bowel.push_back(
      {Tube(Points{{-0.66 * a, -0.62 * d, -50}, {0, -0.72 * d, -62}, {0.68 * a, -0.45 * d, -30}},
            16,
            14),
       3,
       rng.chance(0.6) ? Tissue::kGas : Tissue::kBowelContent});
  bowel.push_back(
      {Tube(Points{{0.78 * a, 0.1 * d, -24}, {0.8 * a, 0.2 * d, -80}, {0.72 * a, 0.1 * d, -130}},
            14,
            15),
       3,
       rng.chance(0.3) ? Tissue::kGas : Tissue::kBowelContent});
  for (int n = 0; n < 13; ++n) {
    Points points;
    for (int bend = 0; bend < 4; ++bend) {
      points.emplace_back(
          rng.uniform(-0.55, 0.6) * a, rng.uniform(-0.6, 0.25) * d, rng.uniform(-130, -45));
    }
    bowel.push_back({Tube(points, rng.uniform(9, 14), rng.uniform(9, 14)),
                     2.5,
                     rng.chance(0.2) ? Tissue::kGas : Tissue::kBowelContent});
  }
}

void PhantomAnatomy::Parts::add_spots(Rng& rng) {
  if (rng.chance(0.45)) {
    liver_lesions = 1 + rng.below(4);
    for (std::int64_t n = 0; n < liver_lesions; ++n) {
      const double radius = rng.uniform(6, 17);
      largest_lesion_mm = std::max(largest_lesion_mm, 2 * radius);
      const Eigen::Vector3d centre = right_lobe.point_inside(rng, rng.uniform(0.2, 0.7));
      spots.push_back(
          {Blob(rng, centre, Eigen::Vector3d::Constant(radius), Eigen::Vector3d::Zero(), 0.2),
           Tissue::kLesion});
    }
  }
  if (rng.chance(0.25)) {
    kidney_cysts = 1;
    const Blob& kidney = rng.chance(0.5) ? right_kidney : left_kidney;
    spots.push_back({Blob(rng,
                          kidney.point_inside(rng, 0.7),
                          Eigen::Vector3d::Constant(rng.uniform(7, 15)),
                          Eigen::Vector3d::Zero(),
                          0.05),
                     Tissue::kCyst});
  }
}

void PhantomAnatomy::Parts::paint_trunk(Painter& painter,
                                        const Eigen::Vector3d& p,
                                        double skin) const {
  painter.paint(skin, Tissue::kSkin);
  painter.paint(skin + 2, Tissue::kFat);
  painter.paint(skin + wall.fat, Tissue::kMuscle);
  const double cavity = skin + wall.fat + wall.muscle;
  painter.paint(cavity, Tissue::kFat);
  // Ribs: slices of the wall that fall from back to front and end below the costal arch.
  const double along = p.z() - 0.42 * p.y() + rib_phase;
  const double rib = std::abs(along - kRibPitch * std::round(along / kRibPitch)) - 3.5;
  const double ring = std::abs(cavity - 0.45 * wall.muscle) - 0.4 * wall.muscle;
  const double arch = -55 - 0.5 * p.y() - p.z();
  const double gap = 45 - std::abs(p.x());
  const double bone = std::max({rib, ring, arch, gap});
  painter.paint(bone, Tissue::kBoneCortex);
  painter.paint(bone + 2, Tissue::kMarrow);
}

void PhantomAnatomy::Parts::paint_chest(Painter& painter,
                                        const Eigen::Vector3d& p,
                                        double cavity) const {
  // Two domes, the right one higher; the lungs reach deep behind and beside them.
  const auto dome = [&](double x, double height) {
    const double u = (p.x() - x * wall.across()) / (0.5 * wall.across());
    const double v = (p.y() + 0.1 * wall.deep()) / (0.85 * wall.deep());
    return height * std::exp(-std::pow(u, 4) - std::pow(v, 4));
  };
  const double surface = diaphragm - 8 + dome(-0.48, 50) + dome(0.48, 40);
  painter.paint(std::max(cavity + 3, surface - p.z()), Tissue::kLung);
  painter.paint(
      std::max({cavity + 3, std::abs(p.x() + 3) - 24 - 0.2 * p.z(), surface - 12 - p.z()}),
      Tissue::kFat);
  painter.paint(heart.distance(p), Tissue::kHeart);
}

void PhantomAnatomy::Parts::paint_spine(Painter& painter, const Eigen::Vector3d& p) const {
  const double middle = 0.82 * wall.deep();
  for (const double side : {-1.0, 1.0}) {
    const double psoas = 6 + 13 * std::clamp((20 - p.z()) / 100, 0.0, 1.0);
    painter.paint(std::hypot(p.x() - side * 36, p.y() - middle + 2) - psoas, Tissue::kMuscle);
    painter.paint(std::hypot((p.x() - side * 30) * 0.7, p.y() - middle - 36) - 17, Tissue::kMuscle);
  }
  const double body = (std::hypot(p.x() / 22, (p.y() - middle) / 17) - 1) * 18;
  const double level = p.z() + disc_phase;
  const double disc = std::abs(level - kVertebraPitch * std::round(level / kVertebraPitch)) - 4;
  painter.paint(body, Tissue::kBoneCortex);
  painter.paint(body + 3, Tissue::kMarrow);
  painter.paint(std::max(body + 1, disc), Tissue::kDisc);
  const double arch = std::hypot(p.x(), p.y() - middle - 27) - 13;
  const double spinous =
      std::max({std::abs(p.x()) - 4, std::abs(p.y() - middle - 48) - 13, 4 - disc});
  const double transverse =
      std::max({std::abs(p.x()) - 38, std::abs(p.y() - middle - 24) - 5, 6 - disc});
  painter.paint(std::min({arch, spinous, transverse}), Tissue::kBoneCortex);
  painter.paint(arch + 4.5, Tissue::kSpinalFluid);
  const double front = middle - 17;
  painter.paint(std::hypot(p.x() - 9, p.y() - front + 11) - 10, Tissue::kArtery);
  painter.paint(std::hypot(p.x() + 21, p.y() - front + 9) - 11, Tissue::kVein);
}

void PhantomAnatomy::Parts::paint_organs(Painter& painter,
                                         const Eigen::Vector3d& p,
                                         double cavity) const {
  const auto inside = [&](double distance) { return std::max(distance, cavity + 2); };
  for (const Loop& loop : bowel) {
    const double distance = inside(loop.tube.distance(p));
    painter.paint(distance, Tissue::kBowelWall);
    painter.paint(distance + loop.wall, loop.content);
  }
  painter.paint(inside(pancreas.distance(p)), Tissue::kPancreas);
  for (const Blob* kidney : {&right_kidney, &left_kidney}) {
    const double distance = inside(kidney->distance(p));
    painter.paint(distance, Tissue::kKidneyCortex, kKidneyLabel);
    painter.paint(distance + 9, Tissue::kKidneyMedulla, kKidneyLabel);
    // The sinus opens towards the spine.
    const Eigen::Vector3d q = p - kidney->centre();
    const double towards = q.x() * (kidney->centre().x() > 0 ? 1 : -1) + 14;
    painter.paint(
        std::max(distance, (Eigen::Vector3d(towards / 14, q.y() / 8, q.z() / 17).norm() - 1) * 9),
        Tissue::kFat,
        std::nullopt);
  }
  const double stomach_distance = inside(stomach.distance(p));
  painter.paint(stomach_distance, Tissue::kStomachWall);
  painter.paint(stomach_distance + 5, Tissue::kStomachContent);
  // The patient lies on the back, so that gas gathers in front.
  painter.paint(std::max(stomach_distance + 5, p.y() - stomach.centre().y() + 12), Tissue::kGas);
  painter.paint(inside(spleen.distance(p)), Tissue::kSpleen, kSpleenLabel);
  painter.paint(inside(gallbladder.distance(p)), Tissue::kBile);
  const double liver = inside(smooth_union(right_lobe.distance(p), left_lobe.distance(p), 14));
  painter.paint(std::max(liver, -gallbladder.distance(p)), Tissue::kLiver, kLiverLabel);
  for (const Tube& vessel : liver_vessels) {
    painter.paint(std::max(vessel.distance(p), liver), Tissue::kVein, std::nullopt);
  }
  for (const Spot& spot : spots) {
    const double host = spot.tissue == Tissue::kLesion
                            ? liver
                            : std::min(right_kidney.distance(p), left_kidney.distance(p)) - 4;
    painter.paint(std::max(spot.blob.distance(p), host), spot.tissue, std::nullopt);
  }
}

PhantomAnatomy::PhantomAnatomy(std::uint64_t seed, std::uint64_t patient)
    : parts_(std::make_unique<Parts>(seed, patient)) {}

PhantomAnatomy::~PhantomAnatomy() = default;

PhantomAnatomy::PhantomAnatomy(PhantomAnatomy&&) noexcept = default;

PhantomAnatomy& PhantomAnatomy::operator=(PhantomAnatomy&&) noexcept = default;

PhantomAnatomy::Sample PhantomAnatomy::sample(const Eigen::Vector3d& point,
                                              double width_mm,
                                              const TissueSignals& signals) const {
  const Parts& parts = *parts_;
  const double grain = 0.7 * value_noise(parts.grain_key, point / 11) +
                       0.6 * value_noise(parts.grain_key + 1, point / 5);
  Painter painter(width_mm, signals, grain);
  // The table bends a little around the patient's back.
  const double table = point.y() - parts.wall.half_depth - 6 + point.x() * point.x() / 900;
  painter.paint(std::max(std::abs(table) - 4, std::abs(point.x()) - 190), Tissue::kTable);
  const Eigen::Vector3d p = parts.warp(point);
  const double skin = parts.wall.skin_distance(p);
  if (skin < width_mm) {
    const double cavity = skin + parts.wall.fat + parts.wall.muscle;
    parts.paint_trunk(painter, p, skin);
    parts.paint_chest(painter, p, cavity);
    parts.paint_spine(painter, p);
    parts.paint_organs(painter, p, cavity);
  }
  return painter.result();
}

Eigen::Vector3d PhantomAnatomy::half_extent_mm() const {
  return {parts_->wall.half_width * 1.06 + 10, parts_->wall.half_depth + 20, 112};
}

std::string PhantomAnatomy::sex() const {
  return parts_->sex;
}

std::int64_t PhantomAnatomy::lesions() const {
  return parts_->liver_lesions;
}

std::string PhantomAnatomy::findings() const {
  const Parts& parts = *parts_;
  std::string text;
  if (parts.liver_lesions == 0) {
    text = "Liver without focal lesion.";
  } else {
    text = (parts.liver_lesions == 1 ? std::string("One focal lesion")
                                     : std::to_string(parts.liver_lesions) + " focal lesions") +
           " of the right lobe of the liver, up to " +
           std::to_string(std::lround(parts.largest_lesion_mm)) + " mm.";
  }
  text +=
      parts.kidney_cysts > 0 ? " Simple cyst of one kidney." : " Kidneys without focal finding.";
  return text + " Spleen and pancreas unremarkable.";
}

}  // namespace marrow
