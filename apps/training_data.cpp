#include "apps/training_data.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "apps/data_counts.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/text.h"
#include "io/datasets/dataset_reader.h"
#include "io/image_source.h"
#include "volumes/preprocess/case_reading.h"
#include "volumes/preprocess/prepare.h"

namespace marrow {

namespace {

// Digest over what the data set is made of; a changed file changes it.
std::string dataset_digest(const Dataset& dataset, const RecipeOptions& recipe) {
  std::string text = recipe_digest(recipe);
  const auto add = [&](const ImageRef& image) {
    text += image_files_text(image);
    for (const std::filesystem::path& file : image.grid_files) {
      text += file.string() + "\n";
    }
    for (const auto& [name, value] : image.label_values) {
      text += fmt::format("{}={}\n", name, value);
    }
  };
  for (const Case& item : dataset.cases) {
    text += item.key + "|" + item.split + "\n";
    for (const double target : item.targets) {
      text += fmt::format("target {}\n", target);
    }
    for (const ImageRef& image : item.images) {
      add(image);
    }
    if (item.labels.has_value()) {
      add(*item.labels);
    }
  }
  return sha256_hex(text).substr(0, 16);
}

std::uint64_t folder_bytes(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    bytes += entry.is_regular_file() ? entry.file_size() : 0;
  }
  return bytes;
}

}  // namespace

TrainingData open_dataset(const std::filesystem::path& data,
                          const std::filesystem::path& work,
                          const RecipeOptions& recipe,
                          std::uint64_t seed,
                          std::int64_t threads) {
  TrainingData result;
  DatasetOptions options;
  options.seed = seed;
  result.dataset = read_dataset(data, options);
  const std::filesystem::path folder = work / "datasets" / dataset_digest(result.dataset, recipe);
  const bool known = std::filesystem::exists(folder / "index.json");
  if (!known) {
    log::info(fmt::format("preparing {} ({} cases) -> {}",
                          data.string(),
                          result.dataset.cases.size(),
                          folder.string()));
    const std::unique_ptr<VolumeSource> source = make_image_source();
    result.prepared =
        prepare(result.dataset.cases, *source, recipe, folder, threads, result.dataset.classes);
    for (const Issue& issue : result.prepared.issues) {
      log::warn(issue.reason);
    }
  }
  result.folder = folder;
  result.store = std::make_unique<VolumeStore>(folder);
  result.flow = dataset_flow(result.dataset, *result.store, result.prepared.issues);
  if (!known) {
    write_atomically(folder / "flow.json", flow_to_json(result.flow));
  } else {
    const std::optional<DataFlow> earlier = read_flow(folder / "flow.json");
    if (earlier && !earlier->steps.empty()) {
      result.flow = *earlier;
    }
    result.prepared.volumes = result.store->size();
    result.prepared.bytes_store = folder_bytes(folder);
  }
  return result;
}

void leave_out_refused(TrainingData& data) {
  std::vector<std::string> names;
  std::erase_if(data.dataset.cases, [&](const Case& one) {
    const bool refused = data.store->find(one.key) < 0;
    if (refused) {
      names.push_back(case_name(one));
    }
    return refused;
  });
  if (!names.empty()) {
    constexpr std::size_t kNamed = 3;
    const std::size_t count = names.size();
    names.resize(std::min(count, kNamed));
    log::warn(
        fmt::format("{} of {} cases of {} could not be prepared and are left out: {}{}; repair "
                    "them, or take them out of the data set",
                    count,
                    count + data.dataset.cases.size(),
                    data.dataset.name,
                    join(names, ", "),
                    count > kNamed ? ", ..." : ""));
  }
}

void warn_of_copies(const VolumeStore& store, std::span<const std::int64_t> training) {
  std::map<std::uint64_t, std::int64_t> known;
  for (const std::int64_t index : training) {
    known.emplace(store.voxel_checksum(index), index);
  }
  std::int64_t held_out = 0;
  std::vector<std::string> copies;
  for (std::int64_t index = 0; index < store.size(); ++index) {
    const StoredCase& one = store.info(index);
    if (one.split != "validation" && one.split != "test") {
      continue;
    }
    ++held_out;
    const auto original = known.find(store.voxel_checksum(index));
    if (original != known.end() && original->second != index) {
      copies.push_back(
          fmt::format("{} is {}", printable(one.key), printable(store.info(original->second).key)));
    }
  }
  if (!copies.empty()) {
    log::warn(fmt::format(
        "{} of {} cases of validation and test have the same voxels as a training case of another "
        "name ({}{}): their scores will be too good; take them out of one part",
        copies.size(),
        held_out,
        copies.front(),
        copies.size() > 1 ? ", ..." : ""));
  }
}

std::vector<std::int64_t> store_cases(const VolumeStore& store,
                                      const std::vector<std::string>& keys) {
  std::vector<std::int64_t> cases;
  for (const std::string& key : keys) {
    const std::int64_t index = store.find(key);
    if (index < 0) {
      throw Error(
          ErrorCode::kNothingFound,
          "the case \"" + key +
              "\" is not among the prepared cases; it was refused when the data set was prepared");
    }
    cases.push_back(index);
  }
  return cases;
}

std::vector<std::string> split_keys(const Dataset& dataset, const std::string& split) {
  std::vector<std::string> keys;
  for (const Case& item : dataset.cases) {
    if (item.split == split) {
      keys.push_back(item.key);
    }
  }
  return keys;
}

}  // namespace marrow
