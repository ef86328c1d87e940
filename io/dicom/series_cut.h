#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/dicom/dicom_header.h"

// The first step of grouping (grouping.h): what never belongs into one volume is taken apart.
namespace marrow {

// Slices of one series that may make one volume.
struct SeriesCluster {
  std::vector<DicomHeader> slices;
  std::vector<std::string> cut;  // values of what always cuts a series, in one order
  std::string cut_name;          // from a split by repeated positions
  std::vector<std::filesystem::path> duplicates;
  bool conflict = false;  // one instance, two pictures
};

// By patient, study, object class, image type, kernel, bits, echo, b-value, temporal position, ...,
// and by plane (same_plane). In the natural order of the values.
[[nodiscard]] std::vector<SeriesCluster> cut_series(std::vector<DicomHeader> headers);

// Name and value of place `key` of SeriesCluster::cut, as they may be shown; UIDs and patient keys
// may not.
[[nodiscard]] std::string shown_cut(std::size_t key, const std::string& value);

// Copies of one instance: the first file stands for all when the pixels agree; else nobody can say
// which one is right.
void remove_copies(SeriesCluster& cluster,
                   const std::function<bool(const DicomHeader&, const DicomHeader&)>& same_pixels);

}  // namespace marrow
