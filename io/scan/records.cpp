#include "io/scan/records.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/text.h"
#include "io/patient_key.h"

namespace marrow {

namespace {

constexpr std::size_t kPathShown = 400;

bool holds_annotations(const std::filesystem::path& file) {
  static const std::set<std::string> kFolders{
      "labelsTr", "labelsTs", "labels", "masks", "derivatives"};
  return std::any_of(file.begin(), file.end(), [](const std::filesystem::path& part) {
    return kFolders.contains(part);
  });
}

// What the header of a volume file says, into the record.
void take_volume_header(const FileFacts& file, SeriesRecord& record) {
  const auto take = [&](const auto& header) {
    record.geometry = header.geometry;
    record.volumes = header.volumes;
    if (!header.warnings.empty()) {
      record.facts["warnings"] = join(header.warnings, "\n");
    }
  };
  if (const NiftiHeader* const nifti = file.nifti()) {
    take(*nifti);
    record.format = "nifti";
    record.facts["transform"] = nifti->transform;
    return;
  }
  take(*file.volume_file());
  record.format = file.volume_file()->format;
}

std::string series_advice(const std::string& reason_code) {
  static const std::string kExportAgain = "export the series again from its source";
  static const std::string kUseDerived =
      "scan again with --use-derived if these are what you want to learn from";
  static const std::string kLeave = "nothing to do unless these are needed as volumes";
  static const std::map<std::string, std::string> kAdvice{
      {"derived", kUseDerived},
      {"secondary-capture", kUseDerived},
      {"not-a-volume",
       "pictures such as radiographs are read where a CSV list given with --data names them"},
      {"localizer", kLeave},
      {"screen-save", kLeave},
      {"dose-report", kLeave},
      {"projection", kLeave},
      {"single-slice", kLeave},
      {"rt-dose", kLeave},
      {"annotation", "give the folder that holds images and labels with --data"},
      {"segmentation-object", "give the folder that holds images and labels with --data"},
      {"colour", "export the grey images of the series"},
      {"palette", "export the grey images of the series"},
      {"missing-slices", kExportAgain},
      {"mixed-rescale", kExportAgain},
      {"mixed-series", kExportAgain},
      {"incomplete-object", kExportAgain},
      {"gantry-tilt", kExportAgain},
      {"sheared-stack", kExportAgain},
      {"repeated-positions", kExportAgain},
      {"no-position", kExportAgain},
      {"no-spacing", kExportAgain},
      {"bad-orientation", kExportAgain},
      {"bad-attribute", kExportAgain},
      {"bad-rescale", kExportAgain},
      {"bad-bits", kExportAgain},
      {"bad-size", kExportAgain},
      {"pixel-size-mismatch", kExportAgain},
      {"no-series-uid", kExportAgain},
      {"too-large", "export the series in parts"},
      {"conflicting-copies", "keep the right one of the two files"},
      {"unsupported-syntax", "convert the files to an uncompressed transfer syntax"},
      {"multi-frame", "export the series again as classic single-frame objects"},
      {"mosaic", "export the series again with one slice a file"},
      {"suv-not-computable", "complete the attribute from the PET protocol and scan again"},
      {"variable-spacing", "export the parts of the series apart"}};
  const auto found = kAdvice.find(reason_code);
  return found == kAdvice.end() ? std::string() : found->second;
}

}  // namespace

void IdentityRemoval::replace(std::string& text, Remembered& last) const {
  if (text.empty()) {
    return;
  }
  if (last.text != text) {
    last = {text, digest_(text)};
  }
  text = last.digest;
}

void IdentityRemoval::operator()(DicomHeader& header) {
  std::string patient = patient_key(header);
  if (patient.empty()) {
    patient = "study " + header.study_uid;
  }
  replace(patient, patient_);
  header.patient_id = std::move(patient);
  header.patient_name.clear();
  header.image_comments.clear();
  replace(header.study_uid, study_);
  replace(header.series_uid, series_);
  replace(header.frame_of_reference_uid, frame_of_reference_);
  if (!header.instance_uid.empty()) {
    header.instance_uid = digest_(header.instance_uid);
  }
  if (const auto whole = header.traits.find("concatenation"); whole != header.traits.end()) {
    whole->second = digest_(whole->second);
  }
}

SeriesRecord dicom_record(const DicomStack& stack, const std::string& salt) {
  const DicomHeader& first = stack.slices.front();
  SeriesRecord record;
  const std::string series = first.series_uid.empty()
                                 ? keyed_digest(salt, "file " + first.file.native())
                                 : first.series_uid;
  record.key =
      stack.count == 1 ? series : keyed_digest(salt, fmt::format("{}#{}", series, stack.number));
  record.study =
      first.study_uid.empty() ? keyed_digest(salt, "no study " + series) : first.study_uid;
  record.patient = first.patient_id;
  record.modality = modality_from_name(first.modality);
  record.format = "dicom";
  for (const DicomHeader& slice : stack.slices) {
    record.files.push_back(slice.file);
  }
  std::sort(record.files.begin(), record.files.end(), [](const auto& a, const auto& b) {
    return a.native() < b.native();
  });
  // The frames of a multi-frame object and the tiles of a mosaic share one.
  record.files.erase(std::unique(record.files.begin(), record.files.end()), record.files.end());
  record.volume = stack.volume;
  record.geometry = stack.geometry;
  record.verdict = stack.verdict;
  record.reason_code = stack.reason_code;
  record.reason = stack.reason;
  record.facts = first.facts;
  if (!first.image_type.empty()) {
    record.facts["image_type"] = printable(join(first.image_type, "/"), 120);
  }
  if (!first.b_value.empty()) {
    record.facts["b_value"] = printable(first.b_value, 32);
  }
  if (stack.count > 1) {
    record.facts["series"] = series;
    record.facts["told_apart_by"] = stack.told_apart_by;
    record.facts["stack"] = fmt::format("{} of {}", stack.number, stack.count);
  }
  if (!stack.warnings.empty()) {
    record.facts["warnings"] = join(stack.warnings, "\n");
  }
  if (!stack.duplicates.empty()) {
    record.facts["duplicates"] = std::to_string(stack.duplicates.size());
  }
  return record;
}

SeriesRecord volume_file_record(const KnownVolumeFile& file, const std::string& salt) {
  SeriesRecord record;
  take_volume_header(file.facts, record);
  record.key = keyed_digest(
      salt,
      file.copy == 1 ? record.format + " " + file.place.native()
                     : fmt::format("{} {} {}", record.format, file.copy, file.place.native()));
  record.patient = keyed_digest(salt, normal_patient(file.patient));
  record.study =
      keyed_digest(salt, "study of " + file.patient + " in " + file.place.parent_path().native());
  record.files = {file.facts.file};
  const VolumeFileHeader* const volume = file.facts.volume_file();
  if (holds_annotations(file.place)) {
    record.verdict = Verdict::kRefuse;
    record.reason_code = "annotation";
    record.reason = "it lies in a folder of annotations, which are not images to learn from";
  } else if (volume != nullptr && volume->segmentation) {
    record.verdict = Verdict::kRefuse;
    record.reason_code = "annotation";
    record.reason = "it holds segments, which are not images to learn from";
  } else if (std::count(record.geometry->size.begin(), record.geometry->size.end(), 1) > 0) {
    record.verdict = Verdict::kRefuse;
    record.reason_code = "single-slice";
    record.reason = "one slice only: a picture, not a volume";
  }
  return record;
}

Issue issue_of(const SeriesRecord& refused) {
  const std::filesystem::path& first = refused.files.front();
  return {first,
          ErrorCode::kUnsupported,
          refused.reason_code,
          fmt::format("series {} ({} file(s), the first {}): {}",
                      refused.key,
                      refused.files.size(),
                      printable(first.native(), kPathShown),
                      refused.reason),
          series_advice(refused.reason_code)};
}

Issue issue_of(const FileFacts& refused) {
  const FileRefusal& refusal = *refused.refusal();
  return {refused.file, refusal.code, refusal.reason_code, refusal.sentence, refusal.advice};
}

}  // namespace marrow
