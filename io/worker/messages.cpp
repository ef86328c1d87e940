#include "io/worker/messages.h"

#include <utility>

#include "core/error.h"
#include "io/header_fields.h"

namespace marrow {

namespace {

enum class FactsKind : std::uint8_t { kRefusal = 0, kNifti = 1, kDicom = 2, kVolumeFile = 3 };

void write_refusal(const FileRefusal& refusal, ByteWriter& writer) {
  writer.integer(static_cast<std::int64_t>(refusal.code));
  writer.text(refusal.reason_code);
  writer.text(refusal.sentence);
  writer.text(refusal.advice);
}

FileRefusal read_refusal(ByteReader& reader) {
  const std::int64_t code = reader.integer();
  MARROW_CHECK(code >= static_cast<std::int64_t>(ErrorCode::kInternal) &&
               code <= static_cast<std::int64_t>(ErrorCode::kInterrupted));
  FileRefusal refusal;
  refusal.code = static_cast<ErrorCode>(code);
  refusal.reason_code = reader.text();
  refusal.sentence = reader.text();
  refusal.advice = reader.text();
  return refusal;
}

}  // namespace

std::string request_bytes(WorkerOperation operation,
                          std::span<const std::filesystem::path> files,
                          std::int64_t volume,
                          const std::string& target) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.unsigned_integer(static_cast<std::uint64_t>(operation));
  writer.integer(volume);
  writer.text(target);
  writer.unsigned_integer(files.size());
  for (const std::filesystem::path& file : files) {
    writer.text(file.native());
  }
  return bytes;
}

WorkerRequest read_request(std::string_view bytes) {
  ByteReader reader(bytes);
  WorkerRequest request;
  const std::uint64_t operation = reader.unsigned_integer();
  MARROW_CHECK(operation >= static_cast<std::uint64_t>(WorkerOperation::kInspect) &&
               operation <= static_cast<std::uint64_t>(WorkerOperation::kLabelObject));
  request.operation = static_cast<WorkerOperation>(operation);
  request.volume = reader.integer();
  request.target = reader.text();
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
    writer("object", reply.object);
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
    reader("object", reply.object);
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

void write_facts(const FileFacts& facts, std::string& bytes) {
  ByteWriter writer(bytes);
  const auto kind = [&](FactsKind is) { writer.unsigned_integer(static_cast<std::uint64_t>(is)); };
  if (const FileRefusal* refusal = facts.refusal()) {
    kind(FactsKind::kRefusal);
    write_refusal(*refusal, writer);
  } else if (const NiftiHeader* nifti = facts.nifti()) {
    kind(FactsKind::kNifti);
    visit_nifti_fields(*nifti, writer);
  } else if (const VolumeFileHeader* volume = facts.volume_file()) {
    kind(FactsKind::kVolumeFile);
    visit_volume_file_fields(*volume, writer);
  } else {
    kind(FactsKind::kDicom);
    visit_dicom_fields(*facts.dicom(), writer);
  }
}

FileFacts read_facts(ByteReader& reader, const std::filesystem::path& file) {
  FileFacts facts;
  facts.file = file;
  const std::uint64_t kind = reader.unsigned_integer();
  if (kind == static_cast<std::uint64_t>(FactsKind::kRefusal)) {
    facts.content = read_refusal(reader);
  } else if (kind == static_cast<std::uint64_t>(FactsKind::kNifti)) {
    visit_nifti_fields(facts.content.emplace<NiftiHeader>(), reader);
  } else if (kind == static_cast<std::uint64_t>(FactsKind::kVolumeFile)) {
    visit_volume_file_fields(facts.content.emplace<VolumeFileHeader>(), reader);
  } else {
    MARROW_CHECK(kind == static_cast<std::uint64_t>(FactsKind::kDicom));
    DicomHeader& header = facts.content.emplace<DicomHeader>();
    header.file = file;
    visit_dicom_fields(header, reader);
  }
  return facts;
}

}  // namespace marrow
