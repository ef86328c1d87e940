#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <Eigen/Geometry>

#include "core/error.h"
#include "core/files.h"
#include "core/rng.h"
#include "core/volume.h"
#include "core/volume_source.h"

namespace marrow::testing {

// Three different sizes and spacings, turned about all three axes, far from the origin.
inline Geometry oblique_grid(const Size3& size = {7, 5, 4}) {
  const Eigen::Matrix3d turn = (Eigen::AngleAxisd(0.20, Eigen::Vector3d::UnitZ()) *
                                Eigen::AngleAxisd(-0.15, Eigen::Vector3d::UnitY()) *
                                Eigen::AngleAxisd(0.10, Eigen::Vector3d::UnitX()))
                                   .toRotationMatrix();
  return make_geometry(size, {0.7, 1.1, 2.5}, {-31.5, 12.25, 140}, turn);
}

// The 48 ways to name and direct the axes of a grid: the same voxels in the same places each time.
inline std::vector<Geometry> all_axis_orders(const Geometry& grid) {
  std::vector<Geometry> result;
  std::array<std::size_t, 3> order{0, 1, 2};
  do {
    for (unsigned flips = 0; flips < 8; ++flips) {
      Size3 size{};
      Eigen::Vector3d spacing;
      Eigen::Vector3d corner = Eigen::Vector3d::Zero();
      Eigen::Matrix3d direction;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const auto from = static_cast<Eigen::Index>(order[axis]);
        const auto to = static_cast<Eigen::Index>(axis);
        const bool flip = (flips >> axis & 1U) != 0;
        size[axis] = grid.size[order[axis]];
        spacing[to] = grid.spacing[from];
        direction.col(to) = grid.direction.col(from) * (flip ? -1.0 : 1.0);
        if (flip) {
          corner[from] = static_cast<double>(grid.size[order[axis]] - 1);
        }
      }
      result.push_back(make_geometry(size, spacing, grid.to_physical(corner), direction));
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return result;
}

// A volume whose value at each voxel is a function of the place in the patient.
template <class T, class Value>
Grid<T> fill_by_place(const Geometry& grid, const Value& value) {
  Grid<T> result = make_grid(grid, T{});
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i) {
        const Eigen::Vector3d index(
            static_cast<double>(i), static_cast<double>(j), static_cast<double>(k));
        result.at(i, j, k) = static_cast<T>(value(grid.to_physical(index)));
      }
    }
  }
  return result;
}

// Smooth structure with a little noise, so that every block has something to compress.
inline Volume textured(const Geometry& grid, std::uint64_t seed) {
  Rng rng(seed);
  Volume result = make_grid(grid, 0.0F);
  std::size_t at = 0;
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i) {
        const double wave = std::sin(0.21 * static_cast<double>(i)) +
                            std::cos(0.17 * static_cast<double>(j)) +
                            std::sin(0.13 * static_cast<double>(k));
        result.voxels[at++] = static_cast<float>(wave + 0.05 * rng.normal());
      }
    }
  }
  return result;
}

// Classes 0, 1 and 3 in slanted layers.
inline LabelMap layered_labels(const Geometry& grid) {
  LabelMap result = make_grid(grid, std::uint16_t{0});
  std::size_t at = 0;
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i) {
        const std::int64_t layer = (i + 2 * j + 3 * k) / 9 % 3;
        result.voxels[at++] = static_cast<std::uint16_t>(layer == 2 ? 3 : layer);
      }
    }
  }
  return result;
}

// Volumes from memory, by the key of the image. A key without volume is an unreadable file.
class MemorySource : public VolumeSource {
 public:
  std::map<std::string, Volume> volumes;
  std::map<std::string, LabelMap> maps;
  std::function<void(const std::string&)> before_reading;
  std::atomic<int> reads{0};

  Geometry geometry(const ImageRef& image) override { return volume(image).geometry; }

  Volume volume(const ImageRef& image) override {
    ++reads;
    if (before_reading) {
      before_reading(image.key);
    }
    const auto found = volumes.find(image.key);
    if (found == volumes.end()) {
      throw Error(ErrorCode::kUnreadable, "the file of " + image.key + " is cut short");
    }
    return found->second;
  }

  LabelMap labels(const ImageRef& image) override { return maps.at(image.key); }
};

// Every file below a folder with its content, but for the lock.
inline std::map<std::string, std::string> folder_content(const std::filesystem::path& folder) {
  std::map<std::string, std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name != ".lock") {
      result[name] = read_text(entry.path());
    }
  }
  return result;
}

// The message of the Error that `action` throws with `code`; another outcome is told in brackets.
template <class Action>
std::string error_of(ErrorCode code, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code() == code
               ? error.what()
               : "[" + std::string(error_name(error.code())) + "] " + std::string(error.what());
  }
  return "[no error]";
}

}  // namespace marrow::testing
