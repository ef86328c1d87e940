#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/text.h"
#include "volumes/preprocess/body_mask.h"
#include "volumes/preprocess/channels.h"
#include "volumes/store/case_file.h"
#include "volumes/store/positions.h"
#include "volumes/store/store_index.h"
#include "volumes/store/volume_store.h"

namespace marrow {

namespace {

void refuse_other_recipe(const std::filesystem::path& folder,
                         const RecipeOptions& found,
                         const RecipeOptions& wanted) {
  const std::string difference = recipe_difference(found, wanted);
  if (!difference.empty()) {
    throw Error(ErrorCode::kRefused,
                "store: " + printable(folder.string(), 400) + " was prepared by another recipe (" +
                    difference + "); name another folder, or prepare with the recipe of the store");
  }
}

IndexedCase indexed_case(const StoredCase& info,
                         const std::string& file,
                         const CaseHeader& header) {
  return {info, file, header.file_bytes, header.header_checksum, header.table_checksum};
}

std::vector<std::uint8_t> narrow_labels(const LabelMap& labels, const std::string& key) {
  std::vector<std::uint8_t> result(labels.voxels.size());
  for (std::size_t at = 0; at < result.size(); ++at) {
    if (labels.voxels[at] > 255) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("store: case {} has the label value {}, and the store holds values "
                              "up to 255; renumber "
                              "the classes",
                              printable(key),
                              labels.voxels[at]));
    }
    result[at] = static_cast<std::uint8_t>(labels.voxels[at]);
  }
  return result;
}

std::array<std::int64_t, 256> count_labels(const std::vector<std::uint8_t>& labels) {
  std::array<std::int64_t, 256> counts{};
  for (const std::uint8_t label : labels) {
    ++counts[label];
  }
  return counts;
}

}  // namespace

struct VolumeStoreWriter::State {
  std::filesystem::path folder;
  RecipeOptions recipe;
  std::unique_ptr<FolderLock> lock;
  mutable std::mutex mutex;
  std::map<std::string, IndexedCase, std::less<>> cases;

  // Takes over a file of an earlier run when every byte of it is as it was written.
  void take_over(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    try {
      const CaseFile file(path, name);
      file.check_all();
      const CaseMetadata metadata = metadata_from_text(file.metadata(), name);
      refuse_other_recipe(folder, metadata.recipe, recipe);
      if (case_file_name(metadata.info.key) == name) {
        cases.insert_or_assign(metadata.info.key, indexed_case(metadata.info, name, file.header()));
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnreadable) {
        throw;
      }
      log::warn(error.what());
    }
  }
};

VolumeStoreWriter::VolumeStoreWriter(const std::filesystem::path& folder,
                                     const RecipeOptions& recipe)
    : state_(std::make_unique<State>()) {
  check_recipe(recipe);
  state_->folder = folder;
  state_->recipe = recipe;
  state_->lock = std::make_unique<FolderLock>(folder);
  if (std::filesystem::exists(folder / kIndexName)) {
    try {
      refuse_other_recipe(folder, read_index(folder / kIndexName).recipe, recipe);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnreadable) {
        throw;
      }
      // The case files say everything that the index does, and it is written anew.
      log::warn(error.what());
    }
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(std::string(kCaseFileEnding) + ".tmp")) {
      std::filesystem::remove(entry.path());  // what a killed run was writing
    } else if (name.ends_with(kCaseFileEnding)) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    state_->take_over(file);
  }
}

VolumeStoreWriter::~VolumeStoreWriter() = default;

bool VolumeStoreWriter::has(std::string_view key) const {
  return stored(key) != nullptr;
}

const StoredCase* VolumeStoreWriter::stored(std::string_view key) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->cases.find(key);
  return found == state_->cases.end() ? nullptr : &found->second.info;
}

void VolumeStoreWriter::add(const StoredCase& given,
                            std::span<const Volume> channels,
                            const LabelMap* labels) {
  if (channels.empty() || given.key.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "store: expected a case with a key and at least one channel");
  }
  StoredCase info = given;
  info.geometry = channels.front().geometry;
  info.channels = static_cast<std::int64_t>(channels.size());
  info.has_labels = labels != nullptr;
  info.label_fractions.clear();
  const Size3& size = info.geometry.size;
  for (const Volume& channel : channels) {
    MARROW_CHECK(channel.geometry.size == size &&
                 static_cast<std::int64_t>(channel.voxels.size()) == info.geometry.voxels());
    if (!std::all_of(channel.voxels.begin(), channel.voxels.end(), [](float value) {
          return std::isfinite(value);
        })) {
      throw Error(ErrorCode::kInvalidArgument,
                  "store: case " + printable(info.key) +
                      " holds values that are not finite; normalise it first");
    }
  }
  if (info.geometry.voxels() > (std::int64_t{1} << 31)) {
    throw Error(
        ErrorCode::kResources,
        fmt::format("store: case {} has {} voxels, more than 2^31; choose a coarser spacing_mm",
                    printable(info.key),
                    info.geometry.voxels()));
  }
  std::vector<PositionSet> positions{
      sample_positions(body_mask(channels.front()), size, std::uint8_t{1}, 0, info.key)};
  std::vector<std::uint8_t> narrow;
  if (labels != nullptr) {
    MARROW_CHECK(labels->geometry.size == size &&
                 static_cast<std::int64_t>(labels->voxels.size()) == info.geometry.voxels());
    narrow = narrow_labels(*labels, info.key);
    const std::array<std::int64_t, 256> counts = count_labels(narrow);
    for (std::size_t value = 1; value < counts.size(); ++value) {
      if (counts[value] > 0) {
        info.label_fractions.resize(value, 0.0);
        info.label_fractions[value - 1] =
            static_cast<double>(counts[value]) / static_cast<double>(info.geometry.voxels());
        const auto narrow_value = static_cast<std::uint8_t>(value);
        positions.push_back(sample_positions(
            narrow, size, narrow_value, static_cast<std::uint32_t>(value), info.key));
      }
    }
  }
  const std::string metadata = metadata_to_text({info, state_->recipe});
  const std::vector<std::byte> bytes =
      encode_case(metadata, channels, narrow, positions, state_->recipe);
  CaseHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::string name = case_file_name(info.key);
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->cases.erase(info.key) > 0) {
      // The index describes the file that is about to be exchanged.
      std::filesystem::remove(state_->folder / kIndexName);
    }
  }
  write_atomically(state_->folder / name, bytes);
  const std::lock_guard lock(state_->mutex);
  state_->cases.insert_or_assign(info.key, indexed_case(info, name, header));
}

void VolumeStoreWriter::finish() {
  const std::lock_guard lock(state_->mutex);
  if (state_->cases.empty()) {
    throw Error(ErrorCode::kNothingFound,
                "store: no case was added to " + printable(state_->folder.string(), 400) +
                    ", so there is no store");
  }
  StoreIndex index;
  index.recipe = state_->recipe;
  for (const auto& [key, one] : state_->cases) {
    index.cases.push_back(one);
  }
  write_atomically(state_->folder / kIndexName, index_to_text(std::move(index)));
}

}  // namespace marrow
