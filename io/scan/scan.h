#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "core/progress.h"
#include "io/worker/worker_client.h"

namespace marrow {

class Catalogue;

struct ScanOptions {
  int threads = 0;  // parsing children at work; 0: one per core
  bool use_derived =
      false;  // keep derived series and secondary captures that are regular grey volumes
  WorkerSettings worker;
  ProgressStyle progress = ProgressStyle::kNone;
};

// What became of an archive. Counts of series are those of the whole catalogue; counts of files
// those of this scan.
struct ScanResult {
  std::int64_t files = 0;      // regular files found
  std::int64_t opened = 0;     // of these, new or changed ones
  std::int64_t unchanged = 0;  // known from the last scan by size, time and inode, and not opened
  std::int64_t removed = 0;    // known from the last scan and gone
  std::int64_t patients = 0, studies = 0, series = 0;
  std::int64_t refused_files = 0;                  // not images, damaged, not readable
  std::map<std::string, std::int64_t> by_verdict;  // "use" -> series
  std::map<std::string, std::int64_t>
      by_reason;  // reason code of refused series and files -> how many
  double seconds = 0;
  std::filesystem::path issues;  // issues.jsonl beside the catalogue
};

// Folders and files -> catalogue and issues.jsonl. Symbolic links are not followed, pipes and
// devices not opened; what cannot be read is an issue. Files that have not changed since the last
// scan are not opened again; files of other archives that the catalogue knows stay in it. The rows
// depend on the archive and the salt only, not on `threads`.
//
// A DICOM file is kept without its identifiers: patient id, UIDs as keyed digests; names, dates and
// comments not at all. The patient of a NIfTI file is its "sub-..." folder or name (BIDS), else its
// folder when a few files have names that other folders repeat (t1.nii.gz, t2.nii.gz), else its
// name up to a channel number (_0000).
//
// Progress is kept: killed at any moment, the same call goes on with what is left, and the last
// complete state of series and issues stands until then. Throws Error{kNothingFound} when an
// archive is missing, Error{kInterrupted} on a signal.
ScanResult scan(std::span<const std::filesystem::path> archives,
                Catalogue& catalogue,
                const ScanOptions& options = {});

}  // namespace marrow
