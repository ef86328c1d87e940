#include "io/dicom/position_split.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include <Eigen/Core>
#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/stack_check.h"

namespace marrow {

namespace {

struct SplitField {
  const char* name;
  std::string (*value)(const DicomHeader&);
};

const std::array kSplitFields{
    SplitField{"acquisition", [](const DicomHeader& h) { return h.acquisition_number; }},
    SplitField{"echo time", [](const DicomHeader& h) { return named_text(h.facts, "te_ms"); }},
    SplitField{"trigger time",
               [](const DicomHeader& h) { return named_text(h.traits, "trigger_time_ms"); }},
    SplitField{"sequence", [](const DicomHeader& h) { return named_text(h.facts, "sequence"); }},
    SplitField{"inversion time", [](const DicomHeader& h) { return named_text(h.facts, "ti_ms"); }},
    SplitField{
        "temporal position",
        [](const DicomHeader& h) { return named_text(h.traits, "frame temporal position"); }},
    SplitField{"gradient",
               [](const DicomHeader& h) { return named_text(h.traits, "frame gradient"); }},
    SplitField{"trigger delay",
               [](const DicomHeader& h) { return named_text(h.traits, "frame trigger delay"); }},
    SplitField{"spin label",
               [](const DicomHeader& h) { return named_text(h.traits, "frame spin label"); }},
    SplitField{"acquisition",
               [](const DicomHeader& h) { return named_text(h.traits, "frame acquisition"); }},
    SplitField{"dimension index",
               [](const DicomHeader& h) { return named_text(h.traits, "frame dimensions"); }}};

// Volume number of every slice, or nothing when the numbers do not make complete volumes.
using Assignment = std::vector<std::size_t>;

// By the order of their values, from 0.
Assignment numbered_values(const std::vector<std::string>& values) {
  std::map<std::string, std::size_t, decltype(&number_aware_less)> number(number_aware_less);
  for (const std::string& value : values) {
    number.emplace(value, 0);
  }
  std::size_t next = 0;
  for (auto& [value, index] : number) {
    index = next++;
  }
  Assignment assignment;
  for (const std::string& value : values) {
    assignment.push_back(number.at(value));
  }
  return assignment;
}

class PositionSplitter {
 public:
  explicit PositionSplitter(const std::vector<DicomHeader>& slices)
      : slices_(slices), place_(slices.size()) {
    const Eigen::Vector3d normal = slice_normal(slices.front());
    std::vector<double> along(slices.size());
    for (std::size_t n = 0; n < slices.size(); ++n) {
      const auto& p = *slices[n].position;
      along[n] = normal.dot(Eigen::Vector3d(p[0], p[1], p[2]));
    }
    std::vector<std::size_t> order(slices.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return along[a] < along[b];
    });
    for (std::size_t k = 0; k < order.size(); ++k) {
      if (k > 0 && along[order[k]] - along[order[k - 1]] >= kSamePositionMm) {
        ++places_;
      }
      place_[order[k]] = places_;
    }
    ++places_;
  }

  [[nodiscard]] std::size_t place(std::size_t slice) const { return place_[slice]; }

  [[nodiscard]] std::optional<Assignment> by_values(const std::vector<std::string>& values) const {
    const Assignment assignment = numbered_values(values);
    const std::size_t volumes = *std::max_element(assignment.begin(), assignment.end()) + 1;
    if (volumes < 2 || volumes * places_ != slices_.size()) {
      return std::nullopt;
    }
    return complete(assignment) ? std::optional(assignment) : std::nullopt;
  }

  [[nodiscard]] std::optional<Assignment> by_instance_number() const {
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t n = 0; n < slices_.size(); ++n) {
      const std::optional<double> number = parse_decimal(slices_[n].instance_number);
      if (!number) {
        return std::nullopt;
      }
      order.emplace_back(*number, n);
    }
    std::sort(order.begin(), order.end());
    const auto repeats =
        std::adjacent_find(order.begin(), order.end(), [](const auto& a, const auto& b) {
          return a.first == b.first;
        });
    if (repeats != order.end() || places_ < 2 || slices_.size() % places_ != 0) {
      return std::nullopt;
    }
    const std::size_t volumes = slices_.size() / places_;
    Assignment volume_by_volume(slices_.size());
    Assignment place_by_place(slices_.size());
    bool one_place = true;
    for (std::size_t k = 0; k < order.size(); ++k) {
      volume_by_volume[order[k].second] = k / places_;
      place_by_place[order[k].second] = k % volumes;
      one_place = one_place && place_[order[k].second] == place_[order[k - k % volumes].second];
    }
    if (complete(volume_by_volume)) {
      return volume_by_volume;
    }
    return one_place && complete(place_by_place) ? std::optional(place_by_place) : std::nullopt;
  }

 private:
  // Exactly one slice of every volume at every place; the number of slices has been checked.
  [[nodiscard]] bool complete(const Assignment& assignment) const {
    std::set<std::pair<std::size_t, std::size_t>> seen;
    for (std::size_t n = 0; n < assignment.size(); ++n) {
      if (!seen.emplace(assignment[n], place_[n]).second) {
        return false;
      }
    }
    return true;
  }

  const std::vector<DicomHeader>& slices_;
  std::vector<std::size_t> place_;
  std::size_t places_ = 0;
};

PositionSplit split_as(std::vector<DicomHeader> slices,
                       const Assignment& assignment,
                       const std::string& name) {
  PositionSplit split;
  split.volumes.resize(*std::max_element(assignment.begin(), assignment.end()) + 1);
  for (std::size_t n = 0; n < slices.size(); ++n) {
    split.volumes[assignment[n]].push_back(std::move(slices[n]));
  }
  for (std::size_t n = 0; n < split.volumes.size(); ++n) {
    split.names.push_back(fmt::format("{} {}", name, n + 1));
  }
  return split;
}

PositionSplit without_repeats(
    std::vector<DicomHeader> slices,
    const PositionSplitter& splitter,
    const std::function<bool(const DicomHeader&, const DicomHeader&)>& same_pixels) {
  std::map<std::size_t, std::vector<std::size_t>> at_place;
  for (std::size_t n = 0; n < slices.size(); ++n) {
    at_place[splitter.place(n)].push_back(n);
  }
  PositionSplit split;
  split.volumes.resize(1);
  split.names.emplace_back();
  for (const auto& [place, members] : at_place) {
    for (std::size_t n = 0; n < members.size(); ++n) {
      DicomHeader& slice = slices[members[n]];
      // Compared with the first of the place, which is in the volume already.
      if (n > 0 && same_pixels(split.volumes[0][split.volumes[0].size() - 1], slice)) {
        split.duplicates.push_back(slice.file);
      } else {
        split.volumes[0].push_back(std::move(slice));
      }
    }
  }
  return split;
}

}  // namespace

PositionSplit split_by_position(
    std::vector<DicomHeader> slices,
    const std::function<bool(const DicomHeader&, const DicomHeader&)>& same_pixels) {
  const PositionSplitter splitter(slices);
  std::vector<std::string> all(slices.size());
  for (const SplitField& field : kSplitFields) {
    std::vector<std::string> values;
    for (std::size_t n = 0; n < slices.size(); ++n) {
      values.push_back(field.value(slices[n]));
      all[n] += values.back() + '\n';
    }
    if (const std::optional<Assignment> assignment = splitter.by_values(values)) {
      PositionSplit split = split_as(std::move(slices), *assignment, field.name);
      for (std::size_t n = 0; n < split.volumes.size(); ++n) {
        split.names[n] =
            fmt::format("{} {}", field.name, printable(field.value(split.volumes[n].front()), 48));
      }
      return split;
    }
  }
  if (const std::optional<Assignment> assignment = splitter.by_values(all)) {
    return split_as(std::move(slices), *assignment, "several fields, volume");
  }
  // The frames of one object are described so well that a volume with a frame missing is still
  // known by its fields; it is refused alone.
  if (slices.front().frame >= 0) {
    if (const Assignment assignment = numbered_values(all);
        *std::max_element(assignment.begin(), assignment.end()) > 0) {
      return split_as(std::move(slices), assignment, "several fields, volume");
    }
  }
  if (const std::optional<Assignment> assignment = splitter.by_instance_number()) {
    return split_as(std::move(slices), *assignment, "instance numbers, volume");
  }
  return without_repeats(std::move(slices), splitter, same_pixels);
}

}  // namespace marrow
