#include "io/dicom/series_cut.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/stack_check.h"

namespace marrow {

namespace {

// A mosaic and a multi-frame object are volumes of their own, but for the parts of one that was
// stored in several files. The number in front puts them in the order in which they were made.
std::string own_file(const DicomHeader& header) {
  if (header.frame < 0) {
    return {};
  }
  const std::string whole = named_text(header.traits, "concatenation");
  return header.instance_number + '\n' + (whole.empty() ? header.instance_uid : whole);
}

// What always cuts a series, in the order in which a difference is named.
struct CutKey {
  const char* name;
  std::string (*value)(const DicomHeader&);
};

const std::vector<CutKey>& cut_keys() {
  static const std::vector<CutKey> keys{
      {"series number", [](const DicomHeader& h) { return named_text(h.traits, "series_number"); }},
      {"instance", own_file},
      {"b-value", [](const DicomHeader& h) { return h.b_value; }},
      {"echo", [](const DicomHeader& h) { return h.echo; }},
      {"temporal position", [](const DicomHeader& h) { return h.temporal_position; }},
      {"stack", [](const DicomHeader& h) { return named_text(h.traits, "frame stack"); }},
      {"component", [](const DicomHeader& h) { return named_text(h.traits, "component"); }},
      {"kernel", [](const DicomHeader& h) { return named_text(h.facts, "kernel"); }},
      {"image type", [](const DicomHeader& h) { return join(h.image_type, "/"); }},
      {"object class", [](const DicomHeader& h) { return h.sop_class_uid; }},
      {"modality", [](const DicomHeader& h) { return h.modality; }},
      {"pixel format",
       [](const DicomHeader& h) {
         return fmt::format("{} of {} bits, representation {}, {}",
                            h.bits_stored,
                            h.bits_allocated,
                            h.pixel_representation,
                            h.photometric);
       }},
      {"units", [](const DicomHeader& h) { return named_text(h.facts, "units"); }},
      {"study", [](const DicomHeader& h) { return h.patient_id + '\n' + h.study_uid; }}};
  return keys;
}

// Whether two slices surely have the same values of cut_keys(): all that those are made of is the
// same. Cheaper than making them, which for one slice after another of a series would be in vain.
bool surely_same_cut(const DicomHeader& a, const DicomHeader& b) {
  const auto direct = [](const DicomHeader& h) {
    return std::tie(h.b_value,
                    h.echo,
                    h.temporal_position,
                    h.image_type,
                    h.sop_class_uid,
                    h.modality,
                    h.bits_stored,
                    h.bits_allocated,
                    h.pixel_representation,
                    h.photometric,
                    h.patient_id,
                    h.study_uid);
  };
  const auto same_named = [](const auto& x, const auto& y, const char* name) {
    const auto in_x = x.find(name);
    const auto in_y = y.find(name);
    return in_x == x.end() || in_y == y.end() ? in_x == x.end() && in_y == y.end()
                                              : in_x->second == in_y->second;
  };
  return a.frame < 0 && b.frame < 0 && direct(a) == direct(b) &&
         same_named(a.facts, b.facts, "kernel") && same_named(a.facts, b.facts, "units") &&
         (a.traits == b.traits || (same_named(a.traits, b.traits, "series_number") &&
                                   same_named(a.traits, b.traits, "frame stack") &&
                                   same_named(a.traits, b.traits, "component")));
}

// Numbers by value, so that volume 10 follows volume 9; all else as text.
struct CutOrder {
  bool operator()(const std::vector<std::string>& a, const std::vector<std::string>& b) const {
    return std::lexicographical_compare(
        a.begin(), a.end(), b.begin(), b.end(), [](const std::string& x, const std::string& y) {
          return number_aware_less(x, y);
        });
  }
};

bool repeats_instances(const std::vector<DicomHeader>& slices) {
  std::vector<std::pair<std::string_view, std::int64_t>> instances;
  instances.reserve(slices.size());
  for (const DicomHeader& slice : slices) {
    if (!slice.instance_uid.empty()) {
      instances.emplace_back(slice.instance_uid, slice.frame);
    }
  }
  std::sort(instances.begin(), instances.end());
  return std::adjacent_find(instances.begin(), instances.end()) != instances.end();
}

}  // namespace

std::string shown_cut(std::size_t key, const std::string& value) {
  const std::string_view name = cut_keys().at(key).name;
  if (name == "study") {
    return std::string(name);
  }
  return fmt::format("{} {}", name, printable(value.substr(0, value.find('\n')), 48));
}

std::vector<SeriesCluster> cut_series(std::vector<DicomHeader> headers) {
  std::map<std::vector<std::string>, std::vector<SeriesCluster>, CutOrder> by_key;
  auto last = by_key.end();  // of the slice before
  for (DicomHeader& header : headers) {
    if (last == by_key.end() || !surely_same_cut(last->second.front().slices.front(), header)) {
      std::vector<std::string> key;
      key.reserve(cut_keys().size());
      for (const CutKey& cut : cut_keys()) {
        key.push_back(cut.value(header));
      }
      last = by_key.try_emplace(std::move(key)).first;
    }
    std::vector<SeriesCluster>& planes = last->second;
    auto plane = std::find_if(planes.begin(), planes.end(), [&](const SeriesCluster& cluster) {
      return same_plane(cluster.slices.front(), header);
    });
    if (plane == planes.end()) {
      plane = planes.insert(planes.end(), SeriesCluster{{}, last->first, "", {}, false});
    }
    plane->slices.push_back(std::move(header));
  }
  std::vector<SeriesCluster> clusters;
  for (auto& [key, planes] : by_key) {
    std::move(planes.begin(), planes.end(), std::back_inserter(clusters));
  }
  return clusters;
}

void remove_copies(SeriesCluster& cluster,
                   const std::function<bool(const DicomHeader&, const DicomHeader&)>& same_pixels) {
  if (!repeats_instances(cluster.slices)) {
    return;
  }
  std::map<std::string, std::size_t> first;
  std::vector<DicomHeader> kept;
  for (DicomHeader& header : cluster.slices) {
    const std::string name = fmt::format("{}\n{}", header.instance_uid, header.frame);
    const auto seen = header.instance_uid.empty() ? first.end() : first.find(name);
    if (seen == first.end()) {
      first.emplace(name, kept.size());
      kept.push_back(std::move(header));
      continue;
    }
    const DicomHeader& original = kept[seen->second];
    if (original.position == header.position && same_pixels(original, header)) {
      cluster.duplicates.push_back(header.file);
    } else {
      cluster.conflict = true;
      kept.push_back(std::move(header));
    }
  }
  cluster.slices = std::move(kept);
}

}  // namespace marrow
