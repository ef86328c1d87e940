#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/case.h"
#include "core/geometry.h"
#include "core/volume.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {

// A half-open box of voxels: start (i, j, k) and size.
struct Box {
  std::array<std::int64_t, 3> start{0, 0, 0};
  Size3 size{1, 1, 1};
};

// One case in the store.
struct StoredCase {
  std::string key;
  std::string patient;
  std::string split;
  Geometry geometry;  // the prepared grid
  Geometry source;    // the grid of the input
  std::int64_t channels = 1;
  bool has_labels = false;
  std::vector<double> targets;
  // Share of voxels per label value 1, 2, ... ; empty without labels.
  std::vector<double> label_fractions;
};

// Prepared volumes in compressed blocks, memory-mapped, read by crop without decoding a whole
// volume. The file format is docs/formats/volume_store.md. Const members are thread-safe.
class VolumeStore {
 public:
  // Throws Error{kNothingFound} when there is no store at `folder`, Error{kUnreadable} when it is
  // damaged.
  explicit VolumeStore(const std::filesystem::path& folder);
  ~VolumeStore();
  VolumeStore(const VolumeStore&) = delete;
  VolumeStore& operator=(const VolumeStore&) = delete;

  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] const StoredCase& info(std::int64_t index) const;
  // -1 when there is none.
  [[nodiscard]] std::int64_t find(std::string_view key) const;
  [[nodiscard]] const RecipeOptions& recipe() const;
  // Digest over keys, geometries and block checksums: what a checkpoint records as its data.
  [[nodiscard]] const std::string& fingerprint() const;
  // The same for cases that have the same stored voxels, those of their labels among them.
  [[nodiscard]] std::uint64_t voxel_checksum(std::int64_t index) const;

  // Normalised intensities of `box` (clipped to nothing: the box may reach outside, where `outside`
  // is written), i fastest, into `out` of box voxels. Throws Error{kUnreadable} naming the case
  // when a block fails its checksum.
  void read_image(std::int64_t index,
                  std::int64_t channel,
                  const Box& box,
                  float outside,
                  std::span<float> out) const;
  void read_labels(std::int64_t index, const Box& box, std::span<std::uint8_t> out) const;

  // Voxels of class `value` (>= 1), or the body mask for value = 0: a stratified sample of at most
  // 4096 positions stored with the case, for samplers. Packed (i, j, k).
  [[nodiscard]] std::span<const std::array<std::int32_t, 3>> positions(std::int64_t index,
                                                                       std::int64_t value) const;

  // Checks every block; returns one sentence per damaged case.
  [[nodiscard]] std::vector<std::string> verify() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Adds cases to a store, one file each; a store interrupted at any moment goes on where it stopped,
// and ends with the same bytes.
class VolumeStoreWriter {
 public:
  // Throws Error{kRefused} when the folder holds a store of another recipe, naming the difference.
  VolumeStoreWriter(const std::filesystem::path& folder, const RecipeOptions& recipe);
  ~VolumeStoreWriter();
  VolumeStoreWriter(const VolumeStoreWriter&) = delete;
  VolumeStoreWriter& operator=(const VolumeStoreWriter&) = delete;

  [[nodiscard]] bool has(std::string_view key) const;
  // What is known of a case that is already there; null when there is none. Valid until `key` is
  // added again.
  [[nodiscard]] const StoredCase* stored(std::string_view key) const;
  // `channels`: prepared volumes on one grid. `labels`: null when there are none. `info` needs key,
  // patient, split, source and targets; the rest is taken from the volumes. A case that is there
  // already is replaced. Thread-safe. Throws Error{kUnsupported} on a label value over 255,
  // Error{kResources} when the disk is full.
  void add(const StoredCase& info, std::span<const Volume> channels, const LabelMap* labels);
  // Writes the index; without it the folder is not a store.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace marrow
