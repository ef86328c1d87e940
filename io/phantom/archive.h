#pragma once

#include <cstdint>
#include <filesystem>

#include "core/geometry.h"
#include "io/phantom/scanner.h"

namespace marrow {

class Progress;

struct PhantomOptions {
  PhantomKind kind = PhantomKind::kCt;
  std::int64_t patients = 24;  // of the unlabelled archive, >= 1
  std::int64_t labelled = 24;  // labelled cases of other patients, 0 or >= 4
  std::uint64_t seed = 17;
  Size3 size{56, 48, 40};  // nominal; scanners differ from it
  std::int64_t threads = 1;
};

struct PhantomSummary {
  std::int64_t patients = 0;
  std::int64_t studies = 0;
  std::int64_t series = 0;  // DICOM series that a reader should use
  std::int64_t files = 0;   // files under archive/, traps included
  std::int64_t traps = 0;
  std::int64_t labelled = 0;
};

// Throws Error{kInvalidArgument} for options out of range.
void check_phantom_options(const PhantomOptions& options);

// How many pictures write_phantom takes: the total of its progress.
[[nodiscard]] std::int64_t phantom_pictures(const PhantomOptions& options);

// Writes a synthetic archive into `folder`:
//   archive/      unlabelled DICOM series, P0001/ST1/SE1/IM00000.dcm, with the traps of a real
//   archive reports.csv   study_uid,report: findings that agree with the pictures labelled/     an
//   nnU-Net v2 folder of other patients: imagesTr, labelsTr, dataset.json, splits.json truth.json
//   what was planted and what a scan should make of it; written last
// The same options, the same bytes, for any number of threads; a stopped call is repeated from the
// start. Throws Error{kInvalidArgument} for options out of range, Error{kResources} when the disk
// is full.
PhantomSummary write_phantom(const std::filesystem::path& folder,
                             const PhantomOptions& options,
                             Progress& progress);

}  // namespace marrow
