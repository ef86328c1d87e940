#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/records.h"
#include "core/volume.h"

namespace marrow {

// What the headers of a written series say, and the deviations that make it a test of readers.
struct DicomSeriesAttributes {
  Modality modality = Modality::kCt;  // kCt, kMr or kPet
  std::string patient_id = "PHANTOM";
  std::string patient_name = "PHANTOM";
  std::string patient_birth_date;  // YYYYMMDD, may be empty
  std::string patient_sex;         // "M" | "F" | "O" | ""
  // Empty UIDs are derived from patient_id, study_name and series_number, the same ones every time.
  std::string study_name = "1";
  std::string study_uid, series_uid, frame_of_reference_uid;
  std::int64_t series_number = 1;
  std::string study_date = "20240101", study_time = "120000";
  std::string study_description, series_description, body_part;
  std::string manufacturer = "MARROW", model = "PHANTOM";
  std::vector<std::string> image_type{"ORIGINAL", "PRIMARY", "AXIAL"};

  // Stored value = round((voxel - intercept) / slope), clamped to what bits_stored can hold.
  double slope = 1;
  double intercept = 0;  // CT: usually -1024 with unsigned storage
  // When not empty: one slope per slice, in place of `slope`.
  std::vector<double> slope_of_slice;
  int bits_stored = 16;  // 1..16; 16 bits are always allocated
  bool signed_values = true;
  std::optional<int>
      padding_value;        // written as PixelPaddingValue; voxels that are NaN are stored as it
  bool big_endian = false;  // Explicit VR Big Endian instead of Little Endian
  double slice_thickness_mm = 0;  // 0: the spacing along k

  // More elements by DICOM keyword ("GantryDetectorTilt" -> "12.5"; several values separated by a
  // backslash), set last, so that they replace what was written above. An empty value removes the
  // element.
  std::map<std::string, std::string> elements;
  // The same for one slice, set after `elements`.
  std::function<std::map<std::string, std::string>(std::int64_t slice)> elements_of_slice;

  // Deviations of a real archive.
  bool reverse_instance_numbers = false;     // numbers and file names run against k
  std::vector<std::int64_t> dropped_slices;  // k of slices that are not written
  std::vector<std::int64_t>
      duplicated_slices;           // k of slices whose file is stored twice, byte for byte
  std::string file_prefix = "IM";  // files are IM00000.dcm, ...
};

// Writes one classic single-frame file per slice of axis k, Explicit VR, into `folder` (made when
// missing), and returns the files in writing order. The direction of the volume must be
// right-handed, as DICOM's is. Throws Error{kInvalidArgument} when the attributes cannot describe
// the volume (left-handed grid, unknown keyword, a slice number outside the volume) and
// Error{kResources} when a file cannot be written.
std::vector<std::filesystem::path> write_dicom_series(const std::filesystem::path& folder,
                                                      const Volume& volume,
                                                      const DicomSeriesAttributes& attributes);

// The UID 2.25.N whose N is made from the digest of `name`: the same name, the same UID.
[[nodiscard]] std::string uid_from_name(const std::string& name);

}  // namespace marrow
