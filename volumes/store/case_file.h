#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/files.h"
#include "volumes/store/block_codec.h"
#include "volumes/store/positions.h"
#include "volumes/store/quantise.h"
#include "volumes/store/volume_store.h"

namespace marrow {

// One entry of a case file's block table, as it lies on disk.
struct BlockEntry {
  std::uint64_t offset = 0;    // from the start of the payload
  std::uint64_t checksum = 0;  // XXH3 of the stored bytes; 0 when there are none
  std::uint32_t length = 0;
  std::int16_t min = 0;  // of the stored integers
  std::int16_t max = 0;
  std::uint8_t codec = 0;
  std::array<std::uint8_t, 7> reserved{};
};

static_assert(sizeof(BlockEntry) == 32);

// The first 128 bytes of a case file, as they lie on disk. docs/formats/volume_store.md explains
// every field.
struct CaseHeader {
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t block_edge = 0;
  std::array<std::uint32_t, 3> size{};
  std::uint32_t channels = 0;
  std::uint32_t has_labels = 0;
  std::uint32_t position_sets = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t metadata_bytes = 0;
  std::uint64_t table_offset = 0;
  std::uint64_t positions_offset = 0;
  std::uint64_t positions_bytes = 0;
  std::uint64_t payload_offset = 0;
  std::uint64_t payload_bytes = 0;
  std::uint64_t metadata_checksum = 0;
  std::uint64_t table_checksum = 0;
  std::uint64_t positions_checksum = 0;
  std::uint64_t header_checksum = 0;  // of the 120 bytes before it
};

static_assert(sizeof(CaseHeader) == 128);

inline constexpr std::uint32_t kCaseFileVersion = 1;

// The blocks of a grid: how many along each axis, and the size of one.
[[nodiscard]] std::array<std::int64_t, 3> blocks_along(const Size3& size);
[[nodiscard]] BlockSize block_size(const Size3& size, const std::array<std::int64_t, 3>& block);

// A whole case file in memory. `labels`: empty or one value per voxel.
[[nodiscard]] std::vector<std::byte> encode_case(const std::string& metadata,
                                                 std::span<const Volume> channels,
                                                 std::span<const std::uint8_t> labels,
                                                 std::span<const PositionSet> positions,
                                                 const RecipeOptions& recipe);

// A case file, mapped. The constructor checks the header, the block table and the positions with
// their checksums and throws Error{kUnreadable} naming `label` and the file, Error{kUnsupported}
// for another version.
class CaseFile {
 public:
  CaseFile(const std::filesystem::path& file, std::string label);

  [[nodiscard]] const CaseHeader& header() const { return header_; }

  [[nodiscard]] Size3 size() const;
  // Checked against its checksum here. Throws Error{kUnreadable}.
  [[nodiscard]] std::string_view metadata() const;
  [[nodiscard]] Quantisation quantisation(std::int64_t channel) const;
  // Number of a block in the table; the label blocks follow those of the last channel.
  [[nodiscard]] std::int64_t block_index(std::int64_t channel,
                                         const std::array<std::int64_t, 3>& block) const;
  [[nodiscard]] const BlockEntry& block(std::int64_t index) const;
  // The bytes of a block, checked. Throws Error{kUnreadable} naming the case.
  [[nodiscard]] std::span<const std::byte> block_bytes(std::int64_t index) const;
  [[nodiscard]] std::span<const std::array<std::int32_t, 3>> positions(std::int64_t value) const;

  // Everything not yet checked by the constructor: the metadata and every block, decoded. Throws
  // Error{kUnreadable}.
  void check_all() const;

  // What a reader throws about this case.
  [[noreturn]] void damaged(const std::string& what) const;

 private:
  void check_layout() const;

  std::filesystem::path path_;
  std::string label_;
  MappedFile map_;
  CaseHeader header_;
  std::span<const BlockEntry> table_;
};

}  // namespace marrow
