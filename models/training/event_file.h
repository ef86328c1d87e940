#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace marrow {

// A TensorBoard event file, events.out.tfevents.<time>.marrow: TFRecord framing (length, masked
// CRC-32C, data) around the Event messages of tensorboard/compat/proto/event.proto. A failed write
// never ends a run.
class EventFile {
 public:
  explicit EventFile(const std::filesystem::path& folder);

  void scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& values);

 private:
  void append(const std::string& event) const;

  std::filesystem::path file_;
};

// CRC-32C (Castagnoli) as TFRecord masks it.
[[nodiscard]] std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace marrow
