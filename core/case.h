#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/records.h"

namespace marrow {

// One example of a data set: image channels on one grid, and what is known about it.
struct Case {
  std::string key;      // the case's name in the data set, or the series key; safe to print
  std::string patient;  // patients are kept together by every split
  std::vector<ImageRef> images;    // one per channel
  std::optional<ImageRef> labels;  // label map on the same grid
  std::vector<double>
      targets;        // class or multi-label targets of a classification set; empty otherwise
  std::string split;  // "train" | "validation" | "test" | "unlabelled" | ""
  Modality modality = Modality::kUnknown;  // of the first channel, or of the series
  std::vector<Modality> other_modalities;  // of the channels behind the first, where they are known
};

struct LabelClass {
  std::int64_t value = 0;
  std::string name;
};

struct Dataset {
  std::string name;
  std::filesystem::path root;
  std::vector<std::string> channel_names;
  std::vector<LabelClass> classes;  // background first; empty for an unlabelled set
  std::vector<Case> cases;          // sorted by key
  // Lists of training cases that the set itself names; few-shot lists are named by their size ("2",
  // "8").
  std::map<std::string, std::vector<std::string>> subsets;
};

}  // namespace marrow
