// The volume store: index, case files and packed blocks. Checksums guard all of them, so that
// changed bytes would never get far: the first byte also chooses whether they are made to fit.

#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "core/digest.h"
#include "tests/fuzz/fuzz_input.h"
#include "volumes/store/block_codec.h"
#include "volumes/store/case_file.h"
#include "volumes/store/store_index.h"

namespace marrow::fuzzing {
namespace {

constexpr std::size_t kMostBlocks = 64;  // read one by one; check_all reads every block

void read_index_text(std::string_view text) {
  const MemoryFile file(text);
  refusing([&] { static_cast<void>(index_to_text(read_index(file.path()))); });
}

// `store`: what the index says, to be wrapped with a checksum that fits as it stands.
void read_wrapped_index(std::string_view store) {
  const std::string text(store);
  read_index_text(
      fmt::format(R"({{"format":"marrow-volume-store","version":1,"checksum":"{:016x}",)"
                  R"("store":{}}})",
                  xxh3(std::as_bytes(std::span(text))),
                  text));
}

void read_case(std::span<const std::byte> bytes) {
  const MemoryFile file(bytes);
  refusing([&] {
    const CaseFile one(file.path(), "case");
    for (std::int64_t channel = 0; channel < one.header().channels; ++channel) {
      static_cast<void>(one.quantisation(channel));
    }
    for (std::int64_t value = 0; value < 4; ++value) {
      static_cast<void>(one.positions(value));
    }
    refusing([&] { static_cast<void>(metadata_from_text(one.metadata(), "case")); });
    one.check_all();
  });
}

std::uint64_t sum_of(std::span<const std::byte> bytes, std::uint64_t offset, std::uint64_t count) {
  return offset <= bytes.size() && count <= bytes.size() - offset
             ? xxh3(bytes.subspan(offset, count))
             : 0;
}

// Makes the checksums of the blocks, the three sections and the header fit.
std::vector<std::byte> repaired(std::span<const std::byte> given) {
  std::vector<std::byte> bytes(given.begin(), given.end());
  CaseHeader header;
  if (bytes.size() < sizeof header) {
    return bytes;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  header.file_bytes = bytes.size();
  const std::uint64_t entries =
      header.table_offset + sizeof(Quantisation) * std::uint64_t{header.channels};
  for (std::size_t block = 0; block < kMostBlocks; ++block) {
    const std::uint64_t at = entries + block * sizeof(BlockEntry);
    if (at < entries || at > bytes.size() || bytes.size() - at < sizeof(BlockEntry) ||
        at + sizeof(BlockEntry) > header.positions_offset) {
      break;
    }
    BlockEntry entry;
    std::memcpy(&entry, bytes.data() + at, sizeof entry);
    entry.checksum =
        entry.length == 0 ? 0 : sum_of(bytes, header.payload_offset + entry.offset, entry.length);
    std::memcpy(bytes.data() + at, &entry, sizeof entry);
  }
  header.metadata_checksum = sum_of(bytes, sizeof header, header.metadata_bytes);
  header.table_checksum =
      sum_of(bytes, header.table_offset, header.positions_offset - header.table_offset);
  header.positions_checksum = sum_of(bytes, header.positions_offset, header.positions_bytes);
  header.header_checksum =
      xxh3(std::as_bytes(std::span(&header, 1)).first(offsetof(CaseHeader, header_checksum)));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

template <class T>
void unpack(FuzzInput input) {
  const auto codec = static_cast<BlockCodec>(input.take_byte());
  BlockSize size{};
  std::size_t count = 1;
  for (std::int64_t& edge : size) {
    edge = 1 + input.take_byte() % kBlockEdge;
    count *= static_cast<std::size_t>(edge);
  }
  // Exactly as long as the block, so that a write past it is seen.
  std::vector<T> values(count);
  const GuardedCopy packed(input.bytes());
  if (!unpack_block(codec, packed.bytes(), size, std::span<T>(values))) {
    return;
  }
  const PackedBlock again = pack_block(std::span<const T>(values), size);
  if (again.codec != BlockCodec::kConstant) {
    std::vector<T> back(count);
    MARROW_CHECK(unpack_block(again.codec, again.bytes, size, std::span<T>(back)));
    MARROW_CHECK(back == values);
  }
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace marrow::fuzzing;
  FuzzInput input(data, size);
  switch (input.take_byte() % 7) {
    case 0:
      read_index_text(input.text());
      break;
    case 1:
      read_wrapped_index(input.text());
      break;
    case 2:
      read_case(input.bytes());
      break;
    case 3:
      read_case(repaired(input.bytes()));
      break;
    case 4:
      unpack<std::int16_t>(input);
      break;
    case 5:
      unpack<std::uint8_t>(input);
      break;
    default:
      refusing([&] { static_cast<void>(marrow::metadata_from_text(input.text(), "case")); });
  }
  return 0;
}
