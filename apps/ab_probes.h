#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "clinical/probes/probe.h"
#include "core/case.h"
#include "core/volume_source.h"
#include "models/features/case_features.h"

namespace marrow {

struct CommandContext;

// Probes of the encoders of a comparison, on the same cases with the same labels.
class AbProbes {
 public:
  // Reads the data sets; `out` keeps features between calls.
  AbProbes(const CommandContext& context,
           const std::filesystem::path& out,
           const std::vector<std::filesystem::path>& data);
  ~AbProbes();
  AbProbes(const AbProbes&) = delete;
  AbProbes& operator=(const AbProbes&) = delete;

  // Embeds every data set with the encoder of `run` and probes it. Several encoders of one arm and
  // budget (other seeds) count as further draws.
  void add(const std::string& arm,
           const std::string& budget,
           const std::filesystem::path& run,
           bool initial,
           std::uint64_t seed);

  // For each data set a row for each arm, budget, number of labels and kind of probe: means with
  // intervals, and the paired difference to the arm `all`.
  [[nodiscard]] nlohmann::json result() const;

 private:
  struct Arm {
    std::string name, budget;
    std::vector<ProbeReport> reports;  // one a data set
  };

  const CommandContext& context_;
  std::filesystem::path cache_;
  std::vector<Dataset> datasets_;
  std::unique_ptr<VolumeSource> source_;
  FeatureOptions features_;
  ProbeOptions options_;
  std::vector<Arm> arms_;
};

}  // namespace marrow
