#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/geometry.h"

namespace marrow {

enum class Modality { kUnknown, kCt, kMr, kPet, kOther };

// "CT", "MR", "PT", "OT", "" and back (unknown words give kOther, an empty one kUnknown).
[[nodiscard]] std::string_view modality_name(Modality modality);
[[nodiscard]] Modality modality_from_name(std::string_view name);

// What is to be done with a series. `kRefuse` always comes with a reason.
enum class Verdict { kUse, kSplit, kResample, kRefuse };

[[nodiscard]] std::string_view verdict_name(Verdict verdict);
[[nodiscard]] Verdict verdict_from_name(std::string_view name);

// Where the voxels of one image lie: one volume file (NIfTI, NRRD, MetaImage), or the files of one
// DICOM stack (in any order).
struct ImageRef {
  std::string key;  // digest; names the image in messages and file names
  std::vector<std::filesystem::path> files;
  std::optional<std::int64_t> volume =
      std::nullopt;  // which one of a 4-D file; absent: the file must hold one
  // Of labels that DICOM segmentations or structure sets hold: the DICOM files of the image whose
  // grid they are put on (`volume` is then which one in those), and label name -> voxel value;
  // labels that are not named are left out, none named: all of them, under their own numbers.
  std::vector<std::filesystem::path> grid_files = {};
  std::map<std::string, std::int64_t> label_values = {};
};

// One stackable series. Keys are digests of UIDs (or of the path, for NIfTI) with one salt per work
// folder, so that the record holds no name, id or birth date.
struct SeriesRecord {
  std::string key;      // 16 hex digits
  std::string study;    // 16 hex digits
  std::string patient;  // 16 hex digits
  Modality modality = Modality::kUnknown;
  std::string format;  // "dicom" | "nifti" | "nrrd" | "metaimage"
  std::vector<std::filesystem::path> files;
  std::optional<Geometry> geometry;  // absent when the verdict is kRefuse and no grid could be made
  std::int64_t volumes = 1;
  // Which of the volumes in `files` this record is, from 0, where the files hold several that are
  // records of their own (enhanced multi-frame objects, mosaics); absent: all that is in them.
  std::optional<std::int64_t> volume = std::nullopt;
  Verdict verdict = Verdict::kUse;
  std::string reason_code;      // "missing-slices", "localizer", ...; empty for kUse
  std::string reason;           // one sentence; empty for kUse
  std::string split;            // "train" | "validation" | "test" | ""
  std::string dropped_because;  // written by `reduce`
  std::map<std::string, std::string>
      facts;  // acquisition facts without identifiers: kernel, thickness_mm, tr_ms, ...
};

// A file or series that was not used. A bulk run never drops anything without one.
struct Issue {
  std::filesystem::path path;
  ErrorCode code = ErrorCode::kUnreadable;
  std::string reason_code;  // "cut-short", "not-an-image", ...
  std::string reason;       // one sentence
  std::string advice;       // what to do; may be empty
};

}  // namespace marrow
