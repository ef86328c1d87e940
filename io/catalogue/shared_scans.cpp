#include "io/catalogue/shared_scans.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/geometry.h"
#include "core/log.h"

namespace marrow {

namespace {

std::string grid_name(const Geometry& grid) {
  std::string name;
  for (int axis = 0; axis < 3; ++axis) {
    name += fmt::format("{} {:.3f} {:.3f} ",
                        grid.size[static_cast<std::size_t>(axis)],
                        grid.spacing[axis],
                        grid.origin[axis] + 0.0);
  }
  return name;
}

// Sets of patients, each known by its smallest key.
class PatientSets {
 public:
  std::string first_of(std::string patient) const {
    for (auto found = parents_.find(patient); found != parents_.end();
         found = parents_.find(patient)) {
      patient = found->second;
    }
    return patient;
  }

  void join(const std::string& a, const std::string& b) {
    const std::string first = first_of(a);
    const std::string other = first_of(b);
    if (first != other) {
      parents_[std::max(first, other)] = std::min(first, other);
    }
  }

  [[nodiscard]] std::map<std::string, std::string> all() const {
    std::map<std::string, std::string> sets;
    for (const auto& [patient, parent] : parents_) {
      const std::string first = first_of(patient);
      sets[patient] = first;
      sets[first] = first;
    }
    return sets;
  }

 private:
  std::map<std::string, std::string> parents_;
};

}  // namespace

std::map<std::string, std::string> patients_sharing_scans(
    std::span<const SeriesRecord> series, const std::function<Volume(const SeriesRecord&)>& read) {
  std::map<std::string, std::vector<const SeriesRecord*>> by_grid;
  for (const SeriesRecord& record : series) {
    if (record.geometry) {
      by_grid[grid_name(*record.geometry)].push_back(&record);
    }
  }
  PatientSets sets;
  for (const auto& [grid, records] : by_grid) {
    std::set<std::string> patients;
    for (const SeriesRecord* const record : records) {
      patients.insert(record->patient);
    }
    if (patients.size() < 2) {
      continue;
    }
    std::map<std::uint64_t, std::string> seen;  // digest of voxels -> a patient
    for (const SeriesRecord* const record : records) {
      try {
        const Volume volume = read(*record);
        const std::uint64_t digest = xxh3(std::as_bytes(std::span(volume.voxels)));
        const auto [first, is_new] = seen.emplace(digest, record->patient);
        if (!is_new) {
          sets.join(first->second, record->patient);
        }
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kInternal) {
          throw;
        }
        log::warn(std::string("split: not compared with other scans: ") + error.what());
      }
    }
  }
  return sets.all();
}

}  // namespace marrow
