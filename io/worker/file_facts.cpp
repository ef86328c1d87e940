#include "io/worker/file_facts.h"

#include <cstdint>

#include "io/header_fields.h"

namespace marrow {

namespace {

enum class FactsKind : std::uint8_t { kRefusal = 0, kNifti = 1, kDicom = 2, kVolumeFile = 3 };

}  // namespace

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
