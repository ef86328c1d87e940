#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/geometry.h"
#include "io/byte_fields.h"
#include "io/dicom/label_object.h"
#include "io/dicom/plain_stack.h"
#include "io/worker/file_facts.h"

// What travels between the program and its parsing child, as the bytes of io/byte_fields.h. What
// the child sends is not trusted: every function that reads checks types, ranges and lengths and
// throws Error where they do not hold.
namespace marrow {

// The child's first message; another one is another version's.
inline constexpr std::string_view kWorkerHello = "marrow-worker 5";

enum class WorkerOperation : std::uint8_t {
  kInspect = 1,
  kVolume = 2,
  kLabels = 3,
  kGeometry = 4,
  kLabelObject = 5,
  kNpzLabels = 6  // `volume`: which part
};

struct WorkerRequest {
  WorkerOperation operation = WorkerOperation::kInspect;
  std::int64_t volume = -1;           // -1: the only one
  std::optional<LabelTarget> target;  // of kLabels: where the labels of label objects go
  bool memory_file = false;           // voxels are to come in a memory file
  std::vector<std::string> files;
};

[[nodiscard]] std::string request_bytes(WorkerOperation operation,
                                        std::span<const std::filesystem::path> files,
                                        std::int64_t volume = -1,
                                        const LabelTarget* target = nullptr,
                                        bool memory_file = false);
[[nodiscard]] WorkerRequest read_request(std::string_view bytes);

// The answer to all but kInspect. Voxels stay in the child's memory until the next request, come in
// a memory file where that was asked for, or are to be read as `plain` says.
struct WorkerReply {
  std::optional<FileRefusal> refusal;
  Geometry geometry;  // without a refusal
  std::vector<std::string> warnings;
  std::uint64_t voxels_at = 0;        // their address in the child's memory
  std::optional<LabelObject> object;  // of kLabelObject
  std::optional<PlainStack> plain;    // of kVolume; its geometry is the one above
};

[[nodiscard]] std::string reply_bytes(const WorkerReply& reply);
[[nodiscard]] WorkerReply read_reply(std::string_view bytes);

// One message of answers to kInspect, to be followed by others until every file has its answer:
// this, and behind it the facts of `count` files.
struct AnswersHead {
  std::uint64_t count = 0;
  // The file after those is read next and by itself: if no answer comes, it is to blame.
  bool next_is_alone = false;
};

void write_answers_head(const AnswersHead& head, std::string& bytes);
[[nodiscard]] AnswersHead read_answers_head(ByteReader& reader);

}  // namespace marrow
