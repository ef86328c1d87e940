#include "io/scan_records.h"

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

constexpr std::int64_t kFewFiles = 12;  // a folder of one patient holds few images
constexpr std::size_t kPathShown = 400;

std::string digest_or_empty(const std::string& salt, const std::string& uid) {
  return uid.empty() ? std::string() : keyed_digest(salt, uid);
}

// Name without extensions and channel number: "case_003_0001.nii.gz" -> "case_003".
std::string nifti_case(const std::filesystem::path& file) {
  std::string stem = file.filename().native();
  for (const std::string_view ending :
       {".gz", ".nii", ".hdr", ".img", ".nrrd", ".nhdr", ".mha", ".mhd"}) {
    if (stem.ends_with(ending)) {
      stem.resize(stem.size() - ending.size());
    }
  }
  const bool channel =
      stem.size() > 5 && stem[stem.size() - 5] == '_' &&
      std::all_of(stem.end() - 4, stem.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (channel) {
    stem.resize(stem.size() - 5);
  }
  return stem;
}

std::string bids_subject(const std::filesystem::path& file) {
  for (const std::filesystem::path& part : file) {
    const std::string& name = part.native();
    if (name.starts_with("sub-") && name.size() > 4) {
      return name.substr(0, name.find_first_of("_."));
    }
  }
  return {};
}

bool holds_annotations(const std::filesystem::path& file) {
  static const std::set<std::string> kFolders{
      "labelsTr", "labelsTs", "labels", "masks", "derivatives"};
  return std::any_of(file.begin(), file.end(), [](const std::filesystem::path& part) {
    return kFolders.contains(part);
  });
}

std::filesystem::path archive_of(const std::filesystem::path& file,
                                 std::span<const std::filesystem::path> roots) {
  for (const std::filesystem::path& root : roots) {
    const std::filesystem::path inside = file.lexically_relative(root);
    if (!inside.empty() && *inside.begin() != ".." && *inside.begin() != ".") {
      return root.filename() / inside;
    }
  }
  return file.filename();
}

class NiftiPatients {
 public:
  explicit NiftiPatients(std::span<const FileFacts> files) {
    for (const FileFacts& file : files) {
      folders_of_case_[nifti_case(file.file)].insert(file.file.parent_path().native());
      ++files_in_folder_[file.file.parent_path().native()];
    }
  }

  [[nodiscard]] std::string patient(const std::filesystem::path& file) const {
    if (std::string subject = bids_subject(file); !subject.empty()) {
      return subject;
    }
    const std::string name = nifti_case(file);
    const std::string folder = file.parent_path().native();
    const bool generic =
        folders_of_case_.at(name).size() > 1 && files_in_folder_.at(folder) <= kFewFiles;
    return generic ? "folder " + file.parent_path().filename().native() : name;
  }

 private:
  std::map<std::string, std::set<std::string>> folders_of_case_;
  std::map<std::string, std::int64_t> files_in_folder_;
};

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
  static const std::map<std::string, std::string> kAdvice{
      {"derived", "scan again with --use-derived if these are what you want to learn from"},
      {"secondary-capture",
       "scan again with --use-derived if these are what you want to learn from"},
      {"missing-slices", "export the series again from its source"},
      {"conflicting-copies", "keep the right one of the two files"},
      {"unsupported-syntax", "convert the files to an uncompressed transfer syntax"},
      {"multi-frame", "export the series again as classic single-frame objects"},
      {"mosaic", "export the series again with one slice a file"},
      {"gantry-tilt", "export the series again from its source"},
      {"suv-not-computable", "complete the attribute from the PET protocol and scan again"},
      {"variable-spacing", "export the parts of the series apart"}};
  const auto found = kAdvice.find(reason_code);
  return found == kAdvice.end() ? std::string() : found->second;
}

}  // namespace

DicomHeader without_identity(DicomHeader header, const std::string& salt) {
  std::string patient = patient_key(header);
  if (patient.empty()) {
    patient = "study " + header.study_uid;
  }
  header.patient_id = keyed_digest(salt, patient);
  header.patient_name.clear();
  header.image_comments.clear();
  header.study_uid = digest_or_empty(salt, header.study_uid);
  header.series_uid = digest_or_empty(salt, header.series_uid);
  header.instance_uid = digest_or_empty(salt, header.instance_uid);
  header.frame_of_reference_uid = digest_or_empty(salt, header.frame_of_reference_uid);
  if (const auto whole = header.traits.find("concatenation"); whole != header.traits.end()) {
    whole->second = digest_or_empty(salt, whole->second);
  }
  return header;
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
  // The frames of a multi-frame object and the tiles of a mosaic share one.
  std::sort(record.files.begin(), record.files.end());
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

std::vector<SeriesRecord> volume_file_records(std::span<const FileFacts> files,
                                              std::span<const std::filesystem::path> roots,
                                              const std::string& salt) {
  const NiftiPatients patients(files);
  std::set<std::string> keys;
  std::vector<SeriesRecord> records;
  for (const FileFacts& file : files) {
    const std::filesystem::path place = archive_of(file.file, roots);
    SeriesRecord record;
    take_volume_header(file, record);
    record.key = keyed_digest(salt, record.format + " " + place.native());
    for (int n = 2; !keys.insert(record.key).second;
         ++n) {  // two archives with one name and one file name
      record.key = keyed_digest(salt, fmt::format("{} {} {}", record.format, n, place.native()));
    }
    const std::string patient = patients.patient(file.file);
    record.patient = keyed_digest(salt, normal_patient(patient));
    record.study =
        keyed_digest(salt, "study of " + patient + " in " + place.parent_path().native());
    record.files = {file.file};
    if (holds_annotations(place)) {
      record.verdict = Verdict::kRefuse;
      record.reason_code = "annotation";
      record.reason = "it lies in a folder of annotations, which are not images to learn from";
    } else if (file.volume_file() != nullptr && file.volume_file()->segmentation) {
      record.verdict = Verdict::kRefuse;
      record.reason_code = "annotation";
      record.reason = "it holds segments, which are not images to learn from";
    } else if (std::count(record.geometry->size.begin(), record.geometry->size.end(), 1) > 0) {
      record.verdict = Verdict::kRefuse;
      record.reason_code = "single-slice";
      record.reason = "one slice only: a picture, not a volume";
    }
    records.push_back(std::move(record));
  }
  return records;
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
