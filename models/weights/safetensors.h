#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace marrow {

// Named tensors and text, as the safetensors format holds them: no code, no pickle.
struct TensorFile {
  std::vector<std::pair<std::string, at::Tensor>> tensors;  // in the order of the file
  std::map<std::string, std::string> metadata;

  // Undefined when there is none.
  [[nodiscard]] at::Tensor find(const std::string& name) const;
};

// Writes contiguous CPU copies, sorted by dtype alignment then name as the reference implementation
// does, atomically. A checksum of the data section goes into the metadata under "marrow.data_xxh3".
// Throws Error{kInvalidArgument} on a duplicate or reserved name or an unsupported dtype,
// Error{kResources} when the disk is full.
void write_safetensors(const std::filesystem::path& file, const TensorFile& content);

// Strict: refuses (Error{kUnreadable}, naming the file and what is wrong) a header longer than the
// file or 100 MB, anything but the documented keys, duplicate names, sizes that do not match dtype
// x shape, offsets that overlap or leave gaps, bytes left over, and a data section that does not
// match its checksum where one is given. F32, F64, F16, BF16, I64, I32, I16, I8, U8 and BOOL are
// read; other dtypes are Error{kUnsupported}.
[[nodiscard]] TensorFile read_safetensors(const std::filesystem::path& file);
// Metadata only; the data section is checked for length, not for its checksum.
[[nodiscard]] std::map<std::string, std::string> read_safetensors_metadata(
    const std::filesystem::path& file);

}  // namespace marrow
