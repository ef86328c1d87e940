#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/files.h"
#include "core/geometry.h"
#include "core/volume.h"
#include "volumes/store/volume_store.h"

namespace marrow::testing {

using ImageFunction = std::function<float(std::int64_t, std::int64_t, std::int64_t)>;
using LabelFunction = std::function<std::uint16_t(std::int64_t, std::int64_t, std::int64_t)>;

struct StoreCase {
  std::string key;
  Size3 size{13, 11, 9};
  std::vector<ImageFunction> channels;
  std::optional<LabelFunction> labels;
  Eigen::Vector3d spacing{0.8, 1.25, 2.5};
  std::vector<double> targets = {};
};

// Off the origin and turned by ten degrees about the patient's long axis.
inline Geometry oblique_grid(const Size3& size, const Eigen::Vector3d& spacing) {
  const double c = std::cos(0.1745);
  const double s = std::sin(0.1745);
  Eigen::Matrix3d direction;
  direction << c, -s, 0, s, c, 0, 0, 0, 1;
  return make_geometry(size, spacing, {12, -34, 56}, direction);
}

template <class T, class Function>
Grid<T> filled_grid(const Geometry& geometry, const Function& function) {
  Grid<T> grid = make_grid<T>(geometry);
  for (std::int64_t k = 0; k < geometry.size[2]; ++k) {
    for (std::int64_t j = 0; j < geometry.size[1]; ++j) {
      for (std::int64_t i = 0; i < geometry.size[0]; ++i) {
        grid.at(i, j, k) = function(i, j, k);
      }
    }
  }
  return grid;
}

// A volume store in a temporary folder, made from functions of the voxel index.
class TemporaryStore {
 public:
  explicit TemporaryStore(const std::vector<StoreCase>& cases, const std::string& modality = "mr")
      : TemporaryStore(cases, recipe_of(modality)) {}

  TemporaryStore(const std::vector<StoreCase>& cases, const RecipeOptions& recipe) {
    VolumeStoreWriter writer(folder_.path() / "store", recipe);
    for (const StoreCase& item : cases) {
      StoredCase info;
      info.key = item.key;
      info.patient = item.key;
      info.geometry = oblique_grid(item.size, item.spacing);
      info.source = info.geometry;
      info.channels = static_cast<std::int64_t>(item.channels.size());
      info.targets = item.targets;
      info.has_labels = item.labels.has_value();
      std::vector<Volume> channels;
      channels.reserve(item.channels.size());
      for (const ImageFunction& channel : item.channels) {
        channels.push_back(filled_grid<float>(info.geometry, channel));
      }
      std::optional<LabelMap> labels;
      if (item.labels) {
        labels = filled_grid<std::uint16_t>(info.geometry, *item.labels);
        std::vector<double> counts;
        for (const std::uint16_t value : labels->voxels) {
          counts.resize(std::max<std::size_t>(counts.size(), value));
          if (value > 0) {
            counts[value - 1U] += 1.0 / static_cast<double>(labels->voxels.size());
          }
        }
        info.label_fractions = counts;
      }
      writer.add(info, channels, labels ? &*labels : nullptr);
    }
    writer.finish();
    store_ = std::make_unique<VolumeStore>(folder_.path() / "store");
  }

  [[nodiscard]] const VolumeStore& store() const { return *store_; }

  [[nodiscard]] std::int64_t find(const std::string& key) const { return store_->find(key); }

  [[nodiscard]] std::vector<std::int64_t> all_cases() const {
    std::vector<std::int64_t> cases;
    for (std::int64_t index = 0; index < store_->size(); ++index) {
      cases.push_back(index);
    }
    return cases;
  }

 private:
  static RecipeOptions recipe_of(const std::string& modality) {
    RecipeOptions recipe;
    recipe.modality = modality;
    return recipe;
  }

  TemporaryFolder folder_;
  std::unique_ptr<VolumeStore> store_;
};

// Different at every voxel and along every axis, between -2 and 2.
inline float uneven(std::int64_t i, std::int64_t j, std::int64_t k) {
  return static_cast<float>(std::sin(0.37 * static_cast<double>(i) + 0.9) +
                            std::cos(0.23 * static_cast<double>(j) - 0.4 * static_cast<double>(k)));
}

inline bool box_holds(const Box& box, const std::array<std::int32_t, 3>& voxel) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (voxel[axis] < box.start[axis] || voxel[axis] >= box.start[axis] + box.size[axis]) {
      return false;
    }
  }
  return true;
}

}  // namespace marrow::testing
