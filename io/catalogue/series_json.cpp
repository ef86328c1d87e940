#include "io/catalogue/series_json.h"

#include <string>

#include <nlohmann/json.hpp>

#include "core/text.h"

namespace marrow {

using nlohmann::json;

bool is_kept(const SeriesRecord& record) {
  return (record.verdict == Verdict::kUse || record.verdict == Verdict::kSplit) &&
         record.dropped_because.empty();
}

json series_json(const SeriesRecord& record) {
  json object{{"key", record.key},
              {"patient", record.patient},
              {"study", record.study},
              {"modality", modality_name(record.modality)},
              {"format", record.format},
              {"size", nullptr},
              {"spacing_mm", nullptr},
              {"origin_mm", nullptr},
              {"direction", nullptr},
              {"volumes", record.volumes},
              {"volume", nullptr},
              {"files", record.files.size()},
              {"verdict", verdict_name(record.verdict)},
              {"reason_code", record.reason_code},
              {"reason", record.reason},
              {"split", record.split},
              {"kept", is_kept(record)},
              {"dropped_because", record.dropped_because},
              {"facts", record.facts}};
  if (record.volume) {
    object["volume"] = *record.volume;
  }
  if (record.geometry) {
    const Geometry& grid = *record.geometry;
    object["size"] = grid.size;
    object["spacing_mm"] = {grid.spacing[0], grid.spacing[1], grid.spacing[2]};
    object["origin_mm"] = {grid.origin[0], grid.origin[1], grid.origin[2]};
    json direction = json::array();
    for (int n = 0; n < 9; ++n) {
      direction.push_back(grid.direction(n / 3, n % 3));
    }
    object["direction"] = std::move(direction);
  }
  return object;
}

json issue_json(const Issue& issue) {
  constexpr std::size_t kWholePath = 4096;
  return {{"path", printable(issue.path.native(), kWholePath)},
          {"code", issue.reason_code},
          {"kind", error_name(issue.code)},
          {"reason", printable(issue.reason, kWholePath)},
          {"advice", issue.advice}};
}

}  // namespace marrow
