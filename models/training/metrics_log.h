#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace marrow {

// One row of training figures: metrics.jsonl (one JSON object a line) and a TensorBoard event file
// beside it.
class MetricsLog {
 public:
  // Keeps the rows up to `resumed_from` of an earlier metrics.jsonl and drops later ones, which
  // will be made again.
  MetricsLog(const std::filesystem::path& folder, std::int64_t resumed_from);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  // The last row of training that was kept, without its step and what is no number; empty if there
  // is none.
  [[nodiscard]] const std::map<std::string, double>& earlier() const;

  void row(std::int64_t step, const std::vector<std::pair<std::string, double>>& values);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace marrow
