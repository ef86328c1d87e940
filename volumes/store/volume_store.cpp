#include "volumes/store/volume_store.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "volumes/store/block_cache.h"
#include "volumes/store/block_codec.h"
#include "volumes/store/case_file.h"
#include "volumes/store/store_index.h"

namespace marrow {

namespace {

std::atomic<std::uint64_t> store_count{0};

BlockCache& cache_of_this_thread() {
  thread_local BlockCache cache;
  return cache;
}

// Where a file is opened on first use, and found without a lock afterwards.
struct LazyCaseFile {
  std::atomic<const CaseFile*> ready{nullptr};
  std::unique_ptr<const CaseFile> file;
};

}  // namespace

struct VolumeStore::State {
  std::filesystem::path folder;
  std::uint64_t number = 0;  // tells stores apart in the block caches; an address may be used again
  StoreIndex index;
  std::map<std::string, std::int64_t, std::less<>> by_key;
  std::unique_ptr<LazyCaseFile[]> files;
  std::mutex opening;

  [[nodiscard]] const IndexedCase& indexed(std::int64_t at) const {
    if (at < 0 || at >= static_cast<std::int64_t>(index.cases.size())) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("store: there is no case {} among {}", at, index.cases.size()));
    }
    return index.cases[static_cast<std::size_t>(at)];
  }

  [[nodiscard]] std::unique_ptr<const CaseFile> open(const IndexedCase& one) const {
    auto file = std::make_unique<const CaseFile>(folder / one.file, one.info.key);
    if (file->header().header_checksum != one.header_checksum ||
        file->size() != one.info.geometry.size || file->header().channels != one.info.channels ||
        (file->header().has_labels != 0) != one.info.has_labels) {
      file->damaged("it is not the file that the index was written for");
    }
    return file;
  }

  [[nodiscard]] const CaseFile& file(std::int64_t at) {
    const IndexedCase& one = indexed(at);
    LazyCaseFile& lazy = files[static_cast<std::size_t>(at)];
    const CaseFile* ready = lazy.ready.load(std::memory_order_acquire);
    if (ready == nullptr) {
      const std::lock_guard lock(opening);
      if (!lazy.file) {
        lazy.file = open(one);
        lazy.ready.store(lazy.file.get(), std::memory_order_release);
      }
      ready = lazy.file.get();
    }
    return *ready;
  }

  // The decoded values of a block, valid until this thread asks for another.
  template <class T>
  [[nodiscard]] const T* decoded(const CaseFile& file,
                                 std::int64_t at,
                                 std::int64_t block,
                                 const BlockSize& edge) const {
    BlockCache& cache = cache_of_this_thread();
    BlockCache::Slot& slot = cache.find(number, at, block);
    T* const values = reinterpret_cast<T*>(slot.values.data());
    if (slot.store == 0) {
      const auto count = static_cast<std::size_t>(edge[0] * edge[1] * edge[2]);
      const auto codec = static_cast<BlockCodec>(file.block(block).codec);
      if (!unpack_block(codec, file.block_bytes(block), edge, std::span<T>(values, count))) {
        file.damaged(fmt::format("block {} cannot be decoded", block));
      }
      cache.keep(slot, number, at, block);
    }
    return values;
  }

  // Copies the part of `box` that lies inside the grid, converted value by value.
  template <class T, class Out, class Convert>
  void read(std::int64_t at, std::int64_t map, const Box& box, Out* out, const Convert& convert) {
    const CaseFile& one = file(at);
    const Size3 size = one.size();
    std::array<std::int64_t, 3> low{};
    std::array<std::int64_t, 3> high{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      low[axis] = std::max<std::int64_t>(0, box.start[axis]);
      high[axis] = std::min(size[axis], box.start[axis] + box.size[axis]);
      if (low[axis] >= high[axis]) {
        return;
      }
    }
    for (std::int64_t bk = low[2] / kBlockEdge; bk * kBlockEdge < high[2]; ++bk) {
      for (std::int64_t bj = low[1] / kBlockEdge; bj * kBlockEdge < high[1]; ++bj) {
        for (std::int64_t bi = low[0] / kBlockEdge; bi * kBlockEdge < high[0]; ++bi) {
          const std::array<std::int64_t, 3> corner{
              bi * kBlockEdge, bj * kBlockEdge, bk * kBlockEdge};
          const BlockSize edge = block_size(size, {bi, bj, bk});
          const std::int64_t block = one.block_index(map, {bi, bj, bk});
          const BlockEntry& entry = one.block(block);
          const bool constant = entry.codec == static_cast<std::uint8_t>(BlockCodec::kConstant);
          const T* const values = constant ? nullptr : decoded<T>(one, at, block, edge);
          const Out same = convert(static_cast<T>(entry.min));
          const std::int64_t first = std::max(low[0], corner[0]);
          const std::int64_t count = std::min(high[0], corner[0] + edge[0]) - first;
          for (std::int64_t k = std::max(low[2], corner[2]);
               k < std::min(high[2], corner[2] + edge[2]);
               ++k) {
            for (std::int64_t j = std::max(low[1], corner[1]);
                 j < std::min(high[1], corner[1] + edge[1]);
                 ++j) {
              Out* const row =
                  out + (first - box.start[0]) +
                  box.size[0] * ((j - box.start[1]) + box.size[1] * (k - box.start[2]));
              if (constant) {
                std::fill_n(row, count, same);
                continue;
              }
              const T* const from = values + (first - corner[0]) +
                                    edge[0] * ((j - corner[1]) + edge[1] * (k - corner[2]));
              for (std::int64_t i = 0; i < count; ++i) {
                row[i] = convert(from[i]);
              }
            }
          }
        }
      }
    }
  }
};

namespace {

void check_box(const Box& box, std::size_t out) {
  std::uint64_t voxels = 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    constexpr std::int64_t kFar = std::int64_t{1} << 31;
    if (box.size[axis] < 1 || box.size[axis] > kFar || box.start[axis] < -kFar ||
        box.start[axis] > kFar) {
      throw Error(ErrorCode::kInvalidArgument,
                  "store: expected a box of at least one voxel near the grid");
    }
    // Kept small enough not to overflow on the next axis.
    voxels = std::min(voxels * static_cast<std::uint64_t>(box.size[axis]), std::uint64_t{out} + 1);
  }
  if (voxels != out) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("store: a box of {}x{}x{} voxels was to be read into room for {}",
                            box.size[0],
                            box.size[1],
                            box.size[2],
                            out));
  }
}

// Whether the whole box lies inside, so that nothing is left to fill.
bool covered(const Box& box, const Size3& size) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (box.start[axis] < 0 || box.start[axis] + box.size[axis] > size[axis]) {
      return false;
    }
  }
  return true;
}

}  // namespace

VolumeStore::VolumeStore(const std::filesystem::path& folder) : state_(std::make_unique<State>()) {
  const std::filesystem::path file = folder / kIndexName;
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kNothingFound,
                "store: there is no finished store in " + printable(folder.string(), 400) +
                    " (no index.json); run prepare, which goes on where an earlier run stopped");
  }
  state_->folder = folder;
  state_->number = ++store_count;
  state_->index = read_index(file);
  state_->files = std::make_unique<LazyCaseFile[]>(state_->index.cases.size());
  std::int64_t at = 0;
  for (const IndexedCase& one : state_->index.cases) {
    state_->by_key.emplace(one.info.key, at++);
  }
}

VolumeStore::~VolumeStore() = default;

std::int64_t VolumeStore::size() const {
  return static_cast<std::int64_t>(state_->index.cases.size());
}

const StoredCase& VolumeStore::info(std::int64_t index) const {
  return state_->indexed(index).info;
}

std::uint64_t VolumeStore::voxel_checksum(std::int64_t index) const {
  return state_->indexed(index).table_checksum;
}

std::int64_t VolumeStore::find(std::string_view key) const {
  const auto found = state_->by_key.find(key);
  return found == state_->by_key.end() ? -1 : found->second;
}

const RecipeOptions& VolumeStore::recipe() const {
  return state_->index.recipe;
}

const std::string& VolumeStore::fingerprint() const {
  return state_->index.fingerprint;
}

void VolumeStore::read_image(std::int64_t index,
                             std::int64_t channel,
                             const Box& box,
                             float outside,
                             std::span<float> out) const {
  const StoredCase& info = state_->indexed(index).info;
  check_box(box, out.size());
  if (channel < 0 || channel >= info.channels) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("store: case {} has no channel {}", printable(info.key), channel));
  }
  if (!covered(box, info.geometry.size)) {
    std::fill(out.begin(), out.end(), outside);
  }
  const Quantisation quantisation = state_->file(index).quantisation(channel);
  state_->read<std::int16_t>(index, channel, box, out.data(), [quantisation](std::int16_t value) {
    return dequantised(value, quantisation);
  });
}

void VolumeStore::read_labels(std::int64_t index,
                              const Box& box,
                              std::span<std::uint8_t> out) const {
  const StoredCase& info = state_->indexed(index).info;
  check_box(box, out.size());
  if (!info.has_labels) {
    throw Error(ErrorCode::kInvalidArgument,
                "store: case " + printable(info.key) + " has no labels");
  }
  if (!covered(box, info.geometry.size)) {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
  }
  state_->read<std::uint8_t>(
      index, info.channels, box, out.data(), [](std::uint8_t value) { return value; });
}

std::span<const std::array<std::int32_t, 3>> VolumeStore::positions(std::int64_t index,
                                                                    std::int64_t value) const {
  return state_->file(index).positions(value);
}

std::vector<std::string> VolumeStore::verify() const {
  std::vector<std::string> sentences;
  for (const IndexedCase& one : state_->index.cases) {
    try {
      // Mapped anew, so that a file exchanged since it was opened is seen as it is now.
      const std::unique_ptr<const CaseFile> file = state_->open(one);
      file->check_all();
    } catch (const Error& error) {
      sentences.emplace_back(error.what());
    }
  }
  return sentences;
}

}  // namespace marrow
