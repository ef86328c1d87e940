#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <Eigen/Geometry>

#include "core/geometry.h"
#include "core/volume.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/dicom_writer.h"

namespace marrow::testing {

// Anisotropic, oblique, off-origin, three different sizes.
inline Geometry oblique_grid() {
  const Eigen::Matrix3d turn = (Eigen::AngleAxisd(0.3, Eigen::Vector3d::UnitX()) *
                                Eigen::AngleAxisd(-0.2, Eigen::Vector3d::UnitZ()))
                                   .toRotationMatrix();
  return make_geometry({7, 5, 6}, {0.75, 1.25, 2.5}, {-31.5, 12.25, 140.0}, turn);
}

// Whole numbers, a different one in every voxel: 3 i + 50 j + 400 k - 900.
inline Volume ramp_volume(const Geometry& geometry) {
  Volume volume = make_grid<float>(geometry);
  for (std::int64_t k = 0; k < geometry.size[2]; ++k) {
    for (std::int64_t j = 0; j < geometry.size[1]; ++j) {
      for (std::int64_t i = 0; i < geometry.size[0]; ++i) {
        volume.at(i, j, k) = static_cast<float>(3 * i + 50 * j + 400 * k - 900);
      }
    }
  }
  return volume;
}

inline double largest_difference(const Volume& a, const Volume& b) {
  double worst = a.voxels.size() == b.voxels.size() ? 0 : 1e30;
  for (std::size_t n = 0; n < std::min(a.voxels.size(), b.voxels.size()); ++n) {
    worst = std::max(worst,
                     std::abs(static_cast<double>(a.voxels[n]) - static_cast<double>(b.voxels[n])));
  }
  return worst;
}

// The header of slice `k` of a regular made-up MR series; nothing of it is on disk.
inline DicomHeader made_header(int k) {
  DicomHeader header;
  header.file = "/made/" + std::to_string(100 + k) + ".dcm";
  header.patient_id = "P1";
  header.study_uid = "1.2.3";
  header.series_uid = "1.2.3.4";
  header.instance_uid = "1.2.3.4." + std::to_string(k + 1);
  header.frame_of_reference_uid = "1.2.9";
  header.sop_class_uid = "1.2.840.10008.5.1.4.1.1.4";
  header.transfer_syntax_uid = "1.2.840.10008.1.2.1";
  header.modality = "MR";
  header.image_type = {"ORIGINAL", "PRIMARY", "M"};
  header.rows = 5;
  header.columns = 7;
  header.bits_allocated = 16;
  header.bits_stored = 12;
  header.high_bit = 11;
  header.photometric = "MONOCHROME2";
  header.position = {{-10.0, 20.0, 30.0 + 2.5 * k}};
  header.orientation = {{1, 0, 0, 0, 1, 0}};
  header.pixel_spacing = {{1.25, 0.75}};
  header.pixel_bytes = 70;
  header.pixel_offset = 1000;
  header.has_pixel_data = true;
  header.instance_number = std::to_string(k + 1);
  header.acquisition_number = "1";
  header.facts = {{"thickness_mm", "2.5"}};
  return header;
}

inline std::vector<DicomHeader> made_series(int slices) {
  std::vector<DicomHeader> headers;
  for (int k = 0; k < slices; ++k) {
    headers.push_back(made_header(k));
  }
  return headers;
}

inline std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace marrow::testing
