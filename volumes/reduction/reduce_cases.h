#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config/config.h"
#include "core/records.h"
#include "core/reduction.h"
#include "core/volume_source.h"
#include "volumes/fingerprints/unit_vectors.h"
#include "volumes/reduction/reduce_options.h"
#include "volumes/reduction/reduction_item.h"

namespace marrow {

// Where fingerprints are kept between runs, so that another threshold reads nothing again. Called
// by one thread at a time.
class FingerprintCache {
 public:
  virtual ~FingerprintCache() = default;
  [[nodiscard]] virtual std::optional<std::string> find(const std::string& name) = 0;
  virtual void keep(const std::string& name, const std::string& bytes) = 0;
};

struct FilterResult {
  std::string name;
  std::string summary;
  std::string threshold;  // in words; empty for none
  // Of a volume filter what it drops; of a slice filter cases of which no slice is left, with that
  // of their first slice.
  std::int64_t dropped_cases = 0;
  std::int64_t dropped_slices = 0;  // of a slice filter; each with the first that drops it
  bool of_volumes = false;
  double seconds = 0;
};

struct CurvePoint {
  double threshold = 0;
  std::int64_t kept = 0;
};

// Of a filter that thins by what volumes are about: how many there are of a concept before it, and
// of these after it.
struct ConceptChange {
  std::string filter, name;
  std::int64_t before = 0, after = 0;
};

// Another measure at the threshold that keeps as many slices as the filter in use.
struct MatchedMeasure {
  std::string name;
  double threshold = 0;
  std::int64_t kept = 0;
  double agreement = 0;  // share of the slices kept by the filter in use that it keeps, too
};

struct ReduceResult {
  Reduction reduction;
  std::vector<Issue> issues;  // cases that could not be read and stay as they are
  std::int64_t cases = 0, kept_cases = 0;
  // Of the cases that were read and are not held out.
  std::int64_t slices = 0, kept_slices = 0;
  std::vector<FilterResult> filters;
  std::vector<ConceptChange> concepts;  // by filter, then by falling number
  std::string measure, unit;            // of the last slice filter
  double threshold = 0;                 // that it used
  std::vector<CurvePoint> curve;
  std::vector<MatchedMeasure> measures;
};

// Decides which of `items` and which of their slices are left out. Reads every volume once (those
// compared pixel by pixel: twice), nothing that `cache` knows. `scratch`: an existing folder, where
// pictures that are compared pixel by pixel lie while it runs. The same items in any order, with
// any number of threads, give the same answer.
//
// `target`: what filters that select towards a target set are given; of the encoder that made the
// items' vectors.
//
// Rules: slices of one value are all alike. Volumes of which more than 1 % of the voxels is not
// finite are issues. Held-out cases keep their slices, and no slice of theirs stands for another.
//
// Throws Error{kInvalidArgument} for options that contradict each other, Error{kNothingFound} when
// no item could be read, Error{kInterrupted} on a signal.
[[nodiscard]] ReduceResult reduce_cases(std::vector<ReductionItem>& items,
                                        VolumeSource& source,
                                        const Config& config,
                                        FingerprintCache& cache,
                                        const std::filesystem::path& scratch,
                                        std::int64_t threads,
                                        const UnitRows& target = {});

}  // namespace marrow
