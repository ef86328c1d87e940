#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace marrow {

// What `reduce` decided. Nothing is deleted: these are rows of the catalogue that later stages
// read.

// A case that is left out as a whole.
struct DroppedCase {
  std::string key;
  std::string filter;   // "exact", "blank", "balance", ...
  std::string kept;     // key of the case that stands for it; empty when none does
  double measure = 0;   // of the filter: bits that differ, ...
  std::string because;  // one phrase

  friend bool operator==(const DroppedCase&, const DroppedCase&) = default;
};

// A slice that is left out, by its index in the source grid along ReducedCase::axis.
struct DroppedSlice {
  std::int64_t slice = 0;
  std::string filter;
  std::string kept_key;          // case of the slice that stands for it; empty: none does
  std::int64_t kept_slice = -1;  // -1: none does
  double measure = 0;

  friend bool operator==(const DroppedSlice&, const DroppedSlice&) = default;
};

// A case whose slices were looked at.
struct ReducedCase {
  std::string key;
  std::int64_t axis = 2;    // of the source grid, along which its slices follow each other
  std::int64_t slices = 0;  // along it
  std::vector<DroppedSlice> dropped;  // by slice

  friend bool operator==(const ReducedCase&, const ReducedCase&) = default;
};

struct Reduction {
  std::string config;                // resolved YAML
  std::vector<DroppedCase> dropped;  // by key
  std::vector<ReducedCase> cases;  // by key; those that a volume filter left out are not among them

  friend bool operator==(const Reduction&, const Reduction&) = default;
};

}  // namespace marrow
