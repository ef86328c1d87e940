#include "volumes/store/case_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr std::array<char, 8> kCaseMagic{'M', 'R', 'W', 'V', 'O', 'L', '\x1a', '\n'};
constexpr std::size_t kHeaderChecked = offsetof(CaseHeader, header_checksum);
constexpr std::uint64_t kMostCaseVoxels = std::uint64_t{1} << 31;
constexpr std::uint32_t kMostCaseChannels = 1024;

std::uint64_t block_count(const CaseHeader& header) {
  std::uint64_t blocks = 1;
  for (const std::uint32_t count : header.size) {
    blocks *= (std::uint64_t{count} + kBlockEdge - 1) / kBlockEdge;
  }
  return blocks * (header.channels + (header.has_labels != 0 ? 1 : 0));
}

std::uint64_t header_checksum(const CaseHeader& header) {
  return xxh3(std::as_bytes(std::span(&header, 1)).first(kHeaderChecked));
}

template <class T>
void append(std::vector<std::byte>& bytes, std::span<const T> values) {
  const std::span<const std::byte> raw = std::as_bytes(values);
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

void pad(std::vector<std::byte>& bytes) {
  bytes.resize((bytes.size() + 7) / 8 * 8);
}

// Packs the blocks of one map in plain order, appending to the table and the payload.
template <class T, class Value>
void encode_blocks(const Size3& size,
                   Value&& value,
                   std::vector<BlockEntry>& table,
                   std::vector<std::byte>& payload) {
  const std::array<std::int64_t, 3> blocks = blocks_along(size);
  std::vector<T> values;
  for (std::int64_t bk = 0; bk < blocks[2]; ++bk) {
    for (std::int64_t bj = 0; bj < blocks[1]; ++bj) {
      for (std::int64_t bi = 0; bi < blocks[0]; ++bi) {
        const BlockSize edge = block_size(size, {bi, bj, bk});
        values.clear();
        for (std::int64_t k = 0; k < edge[2]; ++k) {
          for (std::int64_t j = 0; j < edge[1]; ++j) {
            const std::int64_t row =
                bi * kBlockEdge + size[0] * (bj * kBlockEdge + j + size[1] * (bk * kBlockEdge + k));
            for (std::int64_t i = 0; i < edge[0]; ++i) {
              values.push_back(value(static_cast<std::size_t>(row + i)));
            }
          }
        }
        const PackedBlock packed = pack_block(std::span<const T>(values), edge);
        BlockEntry entry;
        entry.offset = payload.size();
        entry.checksum = packed.bytes.empty() ? 0 : xxh3(packed.bytes);
        entry.length = static_cast<std::uint32_t>(packed.bytes.size());
        entry.min = packed.min;
        entry.max = packed.max;
        entry.codec = static_cast<std::uint8_t>(packed.codec);
        table.push_back(entry);
        payload.insert(payload.end(), packed.bytes.begin(), packed.bytes.end());
      }
    }
  }
}

std::vector<std::byte> encode_positions(std::span<const PositionSet> sets) {
  std::vector<std::byte> bytes;
  for (const PositionSet& set : sets) {
    const std::array<std::uint32_t, 2> head{set.value,
                                            static_cast<std::uint32_t>(set.voxels.size())};
    append<std::uint32_t>(bytes, head);
    append<std::array<std::int32_t, 3>>(bytes, set.voxels);
    pad(bytes);
  }
  return bytes;
}

}  // namespace

std::array<std::int64_t, 3> blocks_along(const Size3& size) {
  return {(size[0] + kBlockEdge - 1) / kBlockEdge,
          (size[1] + kBlockEdge - 1) / kBlockEdge,
          (size[2] + kBlockEdge - 1) / kBlockEdge};
}

BlockSize block_size(const Size3& size, const std::array<std::int64_t, 3>& block) {
  return {std::min(kBlockEdge, size[0] - block[0] * kBlockEdge),
          std::min(kBlockEdge, size[1] - block[1] * kBlockEdge),
          std::min(kBlockEdge, size[2] - block[2] * kBlockEdge)};
}

std::vector<std::byte> encode_case(const std::string& metadata,
                                   std::span<const Volume> channels,
                                   std::span<const std::uint8_t> labels,
                                   std::span<const PositionSet> positions,
                                   const RecipeOptions& recipe) {
  const Size3& size = channels.front().geometry.size;
  std::vector<std::byte> table_bytes;
  std::vector<BlockEntry> table;
  std::vector<std::byte> payload;
  for (const Volume& channel : channels) {
    const Quantisation quantisation = choose_quantisation(channel.voxels, recipe);
    append<Quantisation>(table_bytes, std::span(&quantisation, 1));
    encode_blocks<std::int16_t>(
        size,
        [&](std::size_t at) { return quantised(channel.voxels[at], quantisation); },
        table,
        payload);
  }
  if (!labels.empty()) {
    encode_blocks<std::uint8_t>(
        size, [&](std::size_t at) { return labels[at]; }, table, payload);
  }
  append<BlockEntry>(table_bytes, table);
  const std::vector<std::byte> position_bytes = encode_positions(positions);
  std::string text = metadata;
  text.resize((text.size() + 7) / 8 * 8, ' ');

  CaseHeader header;
  header.magic = kCaseMagic;
  header.version = kCaseFileVersion;
  header.block_edge = static_cast<std::uint32_t>(kBlockEdge);
  header.size = {static_cast<std::uint32_t>(size[0]),
                 static_cast<std::uint32_t>(size[1]),
                 static_cast<std::uint32_t>(size[2])};
  header.channels = static_cast<std::uint32_t>(channels.size());
  header.has_labels = labels.empty() ? 0 : 1;
  header.position_sets = static_cast<std::uint32_t>(positions.size());
  header.metadata_bytes = text.size();
  header.table_offset = sizeof header + text.size();
  header.positions_offset = header.table_offset + table_bytes.size();
  header.positions_bytes = position_bytes.size();
  header.payload_offset = header.positions_offset + position_bytes.size();
  header.payload_bytes = payload.size();
  header.file_bytes = header.payload_offset + payload.size();
  header.metadata_checksum = xxh3(std::as_bytes(std::span(text)));
  header.table_checksum = xxh3(table_bytes);
  header.positions_checksum = xxh3(position_bytes);
  header.header_checksum = header_checksum(header);

  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<std::size_t>(header.file_bytes));
  append<CaseHeader>(bytes, std::span(&header, 1));
  append<char>(bytes, text);
  append<std::byte>(bytes, table_bytes);
  append<std::byte>(bytes, position_bytes);
  append<std::byte>(bytes, payload);
  return bytes;
}

CaseFile::CaseFile(const std::filesystem::path& file, std::string label)
    : path_(file), label_(std::move(label)), map_(file) {
  const std::span<const std::byte> bytes = map_.bytes();
  if (bytes.size() < sizeof header_) {
    damaged(fmt::format(
        "it has {} bytes where a header of {} was expected", bytes.size(), sizeof header_));
  }
  std::memcpy(&header_, bytes.data(), sizeof header_);
  if (header_.magic != kCaseMagic) {
    damaged("it does not begin as a case file does");
  }
  if (header_.version != kCaseFileVersion) {
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format(
            "store: {} has format version {}, and this program reads version {}; prepare the store "
            "again with this program",
            printable(path_.string(), 400),
            header_.version,
            kCaseFileVersion));
  }
  if (header_checksum(header_) != header_.header_checksum) {
    damaged("the header fails its checksum");
  }
  check_layout();
  const auto table =
      bytes.subspan(static_cast<std::size_t>(header_.table_offset),
                    static_cast<std::size_t>(header_.positions_offset - header_.table_offset));
  if (xxh3(table) != header_.table_checksum) {
    damaged("the block table fails its checksum");
  }
  const auto positions = bytes.subspan(static_cast<std::size_t>(header_.positions_offset),
                                       static_cast<std::size_t>(header_.positions_bytes));
  if (xxh3(positions) != header_.positions_checksum) {
    damaged("the positions fail their checksum");
  }
  const std::span<const std::byte> entries = table.subspan(sizeof(Quantisation) * header_.channels);
  table_ = {reinterpret_cast<const BlockEntry*>(entries.data()),
            entries.size() / sizeof(BlockEntry)};
}

// Sizes and offsets describe the file exactly, so that whatever follows stays inside the map even
// if someone made the checksums fit.
void CaseFile::check_layout() const {
  std::uint64_t voxels = 1;
  for (const std::uint32_t count : header_.size) {
    voxels = std::min(voxels * count, kMostCaseVoxels + 1);  // at most 2^31 times 2^32: no overflow
  }
  if (voxels == 0 || voxels > kMostCaseVoxels || header_.channels == 0 ||
      header_.channels > kMostCaseChannels || header_.has_labels > 1 ||
      header_.block_edge != kBlockEdge) {
    damaged("the header holds impossible sizes");
  }
  const std::uint64_t table =
      sizeof(Quantisation) * header_.channels + sizeof(BlockEntry) * block_count(header_);
  const std::uint64_t limit = map_.bytes().size();
  const bool small = header_.metadata_bytes <= limit && header_.positions_bytes <= limit &&
                     header_.payload_bytes <= limit && table <= limit;
  if (!small || header_.file_bytes != limit || header_.metadata_bytes % 8 != 0 ||
      header_.table_offset != sizeof header_ + header_.metadata_bytes ||
      header_.positions_offset != header_.table_offset + table ||
      header_.payload_offset != header_.positions_offset + header_.positions_bytes ||
      header_.file_bytes != header_.payload_offset + header_.payload_bytes) {
    damaged(
        fmt::format("it has {} bytes where its header describes {}", limit, header_.file_bytes));
  }
}

Size3 CaseFile::size() const {
  return {header_.size[0], header_.size[1], header_.size[2]};
}

std::string_view CaseFile::metadata() const {
  const auto bytes =
      map_.bytes().subspan(sizeof header_, static_cast<std::size_t>(header_.metadata_bytes));
  if (xxh3(bytes) != header_.metadata_checksum) {
    damaged("the metadata fails its checksum");
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Quantisation CaseFile::quantisation(std::int64_t channel) const {
  MARROW_CHECK(channel >= 0 && channel < header_.channels);
  Quantisation result;
  std::memcpy(&result,
              map_.bytes().data() + header_.table_offset +
                  static_cast<std::size_t>(channel) * sizeof result,
              sizeof result);
  return result;
}

std::int64_t CaseFile::block_index(std::int64_t channel,
                                   const std::array<std::int64_t, 3>& block) const {
  const std::array<std::int64_t, 3> blocks = blocks_along(size());
  return block[0] + blocks[0] * (block[1] + blocks[1] * (block[2] + blocks[2] * channel));
}

const BlockEntry& CaseFile::block(std::int64_t index) const {
  MARROW_CHECK(index >= 0 && index < static_cast<std::int64_t>(table_.size()));
  return table_[static_cast<std::size_t>(index)];
}

std::span<const std::byte> CaseFile::block_bytes(std::int64_t index) const {
  const BlockEntry& entry = block(index);
  if (entry.offset > header_.payload_bytes || entry.length > header_.payload_bytes - entry.offset) {
    damaged(fmt::format("block {} lies outside the file", index));
  }
  const auto bytes = map_.bytes().subspan(
      static_cast<std::size_t>(header_.payload_offset + entry.offset), entry.length);
  if (xxh3(bytes) != entry.checksum) {
    damaged(fmt::format("block {} fails its checksum", index));
  }
  return bytes;
}

std::span<const std::array<std::int32_t, 3>> CaseFile::positions(std::int64_t value) const {
  using Position = std::array<std::int32_t, 3>;
  std::span<const std::byte> left =
      map_.bytes().subspan(static_cast<std::size_t>(header_.positions_offset),
                           static_cast<std::size_t>(header_.positions_bytes));
  for (std::uint32_t set = 0; set < header_.position_sets; ++set) {
    std::array<std::uint32_t, 2> head{};
    if (left.size() < sizeof head) {
      damaged("the positions are cut short");
    }
    std::memcpy(head.data(), left.data(), sizeof head);
    left = left.subspan(sizeof head);
    const std::size_t bytes = head[1] * sizeof(Position);
    const std::size_t padded = (bytes + 7) / 8 * 8;
    if (left.size() < padded) {
      damaged("the positions are cut short");
    }
    if (head[0] == value) {
      return {reinterpret_cast<const Position*>(left.data()), head[1]};
    }
    left = left.subspan(padded);
  }
  return {};
}

void CaseFile::check_all() const {
  static_cast<void>(metadata());
  const std::array<std::int64_t, 3> blocks = blocks_along(size());
  const std::int64_t per_map = blocks[0] * blocks[1] * blocks[2];
  std::vector<std::int16_t> values(kBlockVoxels);
  std::vector<std::uint8_t> labels(kBlockVoxels);
  std::uint64_t end = 0;
  for (std::int64_t index = 0; index < static_cast<std::int64_t>(table_.size()); ++index) {
    const BlockEntry& entry = block(index);
    if (entry.offset != end) {
      damaged(fmt::format("block {} does not follow the one before it", index));
    }
    end += entry.length;
    const auto codec = static_cast<BlockCodec>(entry.codec);
    if (codec == BlockCodec::kConstant) {
      if (entry.length != 0) {
        damaged(fmt::format("block {} is constant but has bytes", index));
      }
      continue;
    }
    const std::span<const std::byte> bytes = block_bytes(index);
    const std::int64_t place = index % per_map;
    const BlockSize edge = block_size(
        size(),
        {place % blocks[0], place / blocks[0] % blocks[1], place / (blocks[0] * blocks[1])});
    const auto count = static_cast<std::size_t>(edge[0] * edge[1] * edge[2]);
    const bool good = index / per_map < header_.channels
                          ? unpack_block(codec, bytes, edge, std::span(values).first(count))
                          : unpack_block(codec, bytes, edge, std::span(labels).first(count));
    if (!good) {
      damaged(fmt::format("block {} cannot be decoded", index));
    }
  }
  if (end != header_.payload_bytes) {
    damaged("the blocks do not fill the payload");
  }
}

void CaseFile::damaged(const std::string& what) const {
  throw Error(
      ErrorCode::kUnreadable,
      fmt::format(
          "store: case {} is damaged: {} ({}); run prepare again, which redoes this case alone",
          printable(label_),
          what,
          printable(path_.string(), 400)));
}

}  // namespace marrow
