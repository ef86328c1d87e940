#include "io/datasets/medmnist.h"

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/log.h"
#include "io/datasets/dataset_checks.h"
#include "io/worker/worker_client.h"

namespace marrow {

namespace {

struct MedmnistPart {
  const char* name;
  const char* split;
};

constexpr std::array<MedmnistPart, 3> kMedmnistParts{
    {{"train", "train"}, {"val", "validation"}, {"test", "test"}}};

void refuse_findings(const Volume& table, const std::string& name) {
  for (const float value : table.voxels) {
    if (table.geometry.size[0] > 1 && value != 0 && value != 1) {
      throw Error(ErrorCode::kUnreadable,
                  fmt::format("{}: expected findings to be 0 or 1, found {}", name, value));
    }
  }
}

}  // namespace

Dataset read_medmnist(const std::filesystem::path& file) {
  Dataset dataset;
  dataset.name = file.stem().string();
  dataset.root = file.parent_path();
  dataset.channel_names = {"image"};
  WorkerClient worker;
  std::set<std::int64_t> classes;
  std::int64_t first = 0;
  std::int64_t columns = 0;
  for (std::size_t part = 0; part < kMedmnistParts.size(); ++part) {
    const Volume table = worker.npz_labels(file, static_cast<int>(part));
    if (table.voxels.front() < 0) {
      continue;
    }
    const std::int64_t rows = table.geometry.size[1];
    if (columns != 0 && columns != table.geometry.size[0]) {
      throw Error(ErrorCode::kUnreadable,
                  fmt::format("{}: expected as many labels an image in {} as before, found {}",
                              shown_path(file),
                              kMedmnistParts[part].name,
                              table.geometry.size[0]));
    }
    columns = table.geometry.size[0];
    refuse_findings(table, shown_path(file));
    for (std::int64_t n = 0; n < rows; ++n) {
      Case found;
      found.key = fmt::format("{}_{}", kMedmnistParts[part].name, n);
      found.patient = found.key;
      found.split = kMedmnistParts[part].split;
      found.images = {ImageRef{found.key, {file}, first + n}};
      for (std::int64_t column = 0; column < columns; ++column) {
        found.targets.push_back(table.at(column, n, 0));
      }
      if (columns == 1) {
        classes.insert(static_cast<std::int64_t>(found.targets.front()));
      }
      dataset.cases.push_back(std::move(found));
    }
    first += rows;
  }
  for (const std::int64_t value : classes) {
    dataset.classes.push_back({value, std::to_string(value)});
  }
  sort_cases(dataset, shown_path(file));
  log::warn(shown_path(file) +
            ": patients are not in the file, so images of one patient may be in training and test");
  return dataset;
}

}  // namespace marrow
