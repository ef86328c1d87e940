#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "io/worker/channel.h"
#include "io/worker/file_facts.h"

namespace marrow {

struct RequestLimits {
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;
  std::int64_t seconds = 120;
  bool test_requests =
      false;  // files named "crash.test", "spin.test", ... do what they say; for our tests only
};

// What the child does with one file of an `inspect` request; never throws for a bad file.
[[nodiscard]] FileFacts inspect_file(const std::filesystem::path& file);

// Splits the reason code off the sentence of an Error: FileErrors carry it, DICOM errors start with
// it.
[[nodiscard]] FileRefusal refusal_of(const Error& error, const std::filesystem::path& file);

// Answers one request line, each with one or more lines on `channel`: inspect with one line a file,
// in order; volume, labels and geometry with one line, and a sealed memory file with the voxels.
//
//   {"op": "inspect", "files": [PATH, ...]}
//   {"op": "volume" | "labels" | "geometry", "files": [PATH, ...], "volume": INDEX or -1}
//   {"op": "labels", "files": [PATH, ...], "target": {...}}   (label_wire.h)
//   {"op": "label-object", "files": [PATH]}
//
// False when the other side is gone.
[[nodiscard]] bool answer_request(std::string_view line,
                                  const RequestLimits& limits,
                                  Channel& channel);

}  // namespace marrow
