#include "io/worker/messages.h"

#include <utility>

#include "core/error.h"

namespace marrow {

namespace {

void write_files(std::span<const std::filesystem::path> files, ByteWriter& writer) {
  writer.unsigned_integer(files.size());
  for (const std::filesystem::path& file : files) {
    writer.text(file.native());
  }
}

// Visits the fields that are the same for writing and reading.
template <class Object, class Visitor>
void visit_object_texts(Object& object, Visitor& visit) {
  visit("study_uid", object.study_uid);
  visit("series_uid", object.series_uid);
  visit("instance_uid", object.instance_uid);
  visit("frame_of_reference_uids", object.frame_of_reference_uids);
  visit("referenced_series", object.referenced_series);
  visit("referenced_instances", object.referenced_instances);
}

void write_object_fields(const LabelObject& object, ByteWriter& writer) {
  writer("structures", object.kind == LabelObjectKind::kStructureSet);
  visit_object_texts(object, writer);
  writer.unsigned_integer(object.regions.size());
  for (const LabelRegion& region : object.regions) {
    writer.integer(region.number);
    writer.text(region.name);
  }
}

LabelObject read_object_fields(ByteReader& reader) {
  LabelObject object;
  bool structures = false;
  reader("structures", structures);
  object.kind = structures ? LabelObjectKind::kStructureSet : LabelObjectKind::kSegmentation;
  visit_object_texts(object, reader);
  for (std::uint64_t left = reader.unsigned_integer(); left > 0; --left) {
    const std::int64_t number = reader.integer();
    object.regions.push_back({number, reader.text()});
  }
  return object;
}

void write_target_fields(const LabelTarget& target, ByteWriter& writer) {
  write_files(target.grid_files, writer);
  writer.integer(target.grid_volume.value_or(-1));
  writer.unsigned_integer(target.values.size());
  for (const auto& [name, value] : target.values) {
    writer.text(name);
    writer.integer(value);
  }
}

LabelTarget read_target_fields(ByteReader& reader) {
  LabelTarget target;
  std::vector<std::string> files;
  reader("grid_files", files);
  target.grid_files.assign(files.begin(), files.end());
  if (const std::int64_t volume = reader.integer(); volume >= 0) {
    target.grid_volume = volume;
  }
  for (std::uint64_t left = reader.unsigned_integer(); left > 0; --left) {
    std::string name = reader.text();
    target.values[std::move(name)] = reader.integer();
  }
  return target;
}

// Of writing and reading.
template <class Slice, class Visitor>
void visit_plain_slice(Slice& slice, Visitor& visit) {
  auto& layout = slice.coding.layout;
  visit("bits_allocated", layout.bits_allocated);
  visit("bits_stored", layout.bits_stored);
  visit("high_bit", layout.high_bit);
  visit("is_signed", layout.is_signed);
  visit("slope", slice.coding.scale.slope);
  visit("intercept", slice.coding.scale.intercept);
  visit("inverted", slice.coding.scale.inverted);
  visit("offset", slice.offset);
  visit("row_bytes", slice.row_bytes);
}

void write_optional(const std::optional<std::int64_t>& value, ByteWriter& writer) {
  writer("present", value.has_value());
  writer.integer(value.value_or(0));
}

std::optional<std::int64_t> read_optional(ByteReader& reader) {
  bool present = false;
  reader("present", present);
  const std::int64_t value = reader.integer();
  return present ? std::optional(value) : std::nullopt;
}

void write_plain_fields(const PlainStack& stack, ByteWriter& writer) {
  writer("is_ct", stack.is_ct);
  writer.unsigned_integer(stack.slices.size());
  for (const PlainSlice& slice : stack.slices) {
    writer.unsigned_integer(slice.file);
    visit_plain_slice(slice, writer);
    write_optional(slice.coding.padding.value, writer);
    write_optional(slice.coding.padding.limit, writer);
  }
}

PlainStack read_plain_fields(const Geometry& geometry, ByteReader& reader) {
  PlainStack stack;
  stack.geometry = geometry;
  reader("is_ct", stack.is_ct);
  for (std::uint64_t left = reader.unsigned_integer(); left > 0; --left) {
    PlainSlice slice;
    slice.file = reader.unsigned_integer();
    visit_plain_slice(slice, reader);
    slice.coding.padding.value = read_optional(reader);
    slice.coding.padding.limit = read_optional(reader);
    stack.slices.push_back(slice);
  }
  return stack;
}

}  // namespace

std::string request_bytes(WorkerOperation operation,
                          std::span<const std::filesystem::path> files,
                          std::int64_t volume,
                          const LabelTarget* target,
                          bool memory_file) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.unsigned_integer(static_cast<std::uint64_t>(operation));
  writer.integer(volume);
  writer("targeted", target != nullptr);
  if (target != nullptr) {
    write_target_fields(*target, writer);
  }
  writer("memory_file", memory_file);
  write_files(files, writer);
  return bytes;
}

WorkerRequest read_request(std::string_view bytes) {
  ByteReader reader(bytes);
  WorkerRequest request;
  const std::uint64_t operation = reader.unsigned_integer();
  MARROW_CHECK(operation >= static_cast<std::uint64_t>(WorkerOperation::kInspect) &&
               operation <= static_cast<std::uint64_t>(WorkerOperation::kNpzLabels));
  request.operation = static_cast<WorkerOperation>(operation);
  request.volume = reader.integer();
  bool targeted = false;
  reader("targeted", targeted);
  if (targeted) {
    request.target = read_target_fields(reader);
  }
  reader("memory_file", request.memory_file);
  reader("files", request.files);
  MARROW_CHECK(!request.files.empty() && reader.rest().empty());
  return request;
}

std::string reply_bytes(const WorkerReply& reply) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer("refused", reply.refusal.has_value());
  if (reply.refusal) {
    write_refusal(*reply.refusal, writer);
  } else {
    writer("geometry", reply.geometry);
    writer("warnings", reply.warnings);
    writer.unsigned_integer(reply.voxels_at);
    writer("described", reply.object.has_value());
    if (reply.object) {
      write_object_fields(*reply.object, writer);
    }
    writer("plain", reply.plain.has_value());
    if (reply.plain) {
      write_plain_fields(*reply.plain, writer);
    }
  }
  return bytes;
}

WorkerReply read_reply(std::string_view bytes) {
  ByteReader reader(bytes);
  WorkerReply reply;
  bool refused = false;
  reader("refused", refused);
  if (refused) {
    reply.refusal = read_refusal(reader);
  } else {
    reader("geometry", reply.geometry);
    reader("warnings", reply.warnings);
    reply.voxels_at = reader.unsigned_integer();
    bool described = false;
    reader("described", described);
    if (described) {
      reply.object = read_object_fields(reader);
    }
    bool plain = false;
    reader("plain", plain);
    if (plain) {
      reply.plain = read_plain_fields(reply.geometry, reader);
    }
  }
  MARROW_CHECK(reader.rest().empty());
  return reply;
}

void write_answers_head(const AnswersHead& head, std::string& bytes) {
  ByteWriter writer(bytes);
  writer("next_is_alone", head.next_is_alone);
  writer.unsigned_integer(head.count);
}

AnswersHead read_answers_head(ByteReader& reader) {
  AnswersHead head;
  reader("next_is_alone", head.next_is_alone);
  head.count = reader.unsigned_integer();
  return head;
}

}  // namespace marrow
