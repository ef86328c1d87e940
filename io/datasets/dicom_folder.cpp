#include "io/datasets/dicom_folder.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/text.h"
#include "io/datasets/dataset_checks.h"
#include "io/datasets/dataset_json.h"
#include "io/datasets/nnunet_folder.h"
#include "io/dicom/grouping.h"
#include "io/dicom/sop_classes.h"
#include "io/file_error.h"
#include "io/patient_key.h"
#include "io/worker/worker_client.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReasonsShown = 3;
constexpr const char* kDigestSalt = "dicom folder";
constexpr const char* kClassesFile = "classes.json";

// Regular files below `folder`, sorted, without hidden ones and DICOMDIR.
std::vector<fs::path> dicom_folder_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failure;
  fs::recursive_directory_iterator at(folder, failure);
  while (!failure && at != fs::recursive_directory_iterator()) {
    const std::string name = at->path().filename().string();
    std::error_code unknown;
    if (name.starts_with('.')) {
      at.disable_recursion_pending();
    } else if (name != "DICOMDIR" && at->is_regular_file(unknown)) {
      files.push_back(at->path());
    }
    at.increment(failure);
  }
  if (failure) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: the folder cannot be listed: {}; make all of it readable",
                            shown_path(folder),
                            failure.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool begins_as_dicom(const fs::path& file) {
  std::array<char, 132> head{};
  std::ifstream stream(file, std::ios::binary);
  stream.read(head.data(), static_cast<std::streamsize>(head.size()));
  return stream.gcount() == static_cast<std::streamsize>(head.size()) &&
         is_dicom(std::as_bytes(std::span(head)));
}

std::string patient_of_folder(const DicomHeader& header) {
  const std::string patient = patient_key(header);
  return keyed_digest(kDigestSalt,
                      patient.empty() ? "study " + header.study_uid : "patient " + patient);
}

struct FoundLabels {
  fs::path file;
  LabelObject object;
};

bool shares_entry(const std::vector<std::string>& sorted, const std::string& value) {
  return std::binary_search(sorted.begin(), sorted.end(), value);
}

class DicomFolderReader {
 public:
  explicit DicomFolderReader(const fs::path& folder) : folder_(folder) {}

  DicomFolder read() {
    read_choices();
    inspect();
    match();
    choose_classes();
    refuse_spellings();
    for (const auto& [stack, labels] : labels_of_stack_) {
      add_case(stacks_[stack], labels);
    }
    refuse_empty();
    list_missing_classes();
    result_.dataset.name = fs::weakly_canonical(folder_).filename().string();
    result_.dataset.root = folder_;
    result_.dataset.channel_names = {channel_name()};
    sort_cases(result_.dataset, shown_path(folder_));
    return std::move(result_);
  }

 private:
  void issue(const fs::path& file,
             const std::string& reason_code,
             const std::string& reason,
             const std::string& advice = {}) {
    result_.issues.push_back({file, ErrorCode::kRefused, reason_code, reason, advice});
  }

  void issue(const fs::path& file, const Error& error) {
    const auto* const known = dynamic_cast<const FileError*>(&error);
    result_.issues.push_back(
        {file, error.code(), known == nullptr ? "" : known->reason_code(), error.what(), {}});
  }

  void read_choices() {
    const fs::path choices = folder_ / kClassesFile;
    std::error_code failure;
    if (!fs::is_regular_file(choices, failure)) {
      return;
    }
    chosen_ = read_dataset_classes(choices);
    const nlohmann::json description = read_json_file(choices);
    if (!description.is_object() || !description.contains("leave_out")) {
      return;
    }
    for (const nlohmann::json& name : description.at("leave_out")) {
      if (!name.is_string() || !fs::is_regular_file(folder_ / name.get<std::string>(), failure)) {
        throw Error(ErrorCode::kInvalidArgument,
                    fmt::format("{}: expected \"leave_out\" to list files of the folder, found {}; "
                                "correct the name",
                                shown_path(choices),
                                printable(name.dump(), 200)));
      }
      left_out_.insert((folder_ / name.get<std::string>()).lexically_normal());
    }
  }

  void inspect() {
    std::vector<fs::path> files = dicom_folder_files(folder_);
    std::erase_if(files, [&](const fs::path& file) {
      return left_out_.contains(file.lexically_normal()) || file == folder_ / kClassesFile;
    });
    std::vector<DicomHeader> images;
    for (FileFacts& facts : client_.inspect(files)) {
      const DicomHeader* const header = facts.dicom();
      if (header != nullptr && dicom_kind(header->sop_class_uid) != DicomKind::kSegmentation) {
        images.push_back(*header);
      } else if (header != nullptr || may_be_labels(*facts.refusal())) {
        read_labels(facts);
      } else {
        refuse(facts);
      }
    }
    // Labels are drawn on derived series too (registered, subtracted, maps).
    stacks_ = group_dicom(std::move(images), {.use_derived = true});
  }

  // Structure sets are no images to a scan, and both kinds may have more elements than one.
  static bool may_be_labels(const FileRefusal& refusal) {
    return refusal.reason_code == "not-an-image" || refusal.reason_code == "too-many-elements";
  }

  void refuse(const FileFacts& facts) {
    if (const FileRefusal* const refusal = facts.refusal()) {
      result_.issues.push_back(
          {facts.file, refusal->code, refusal->reason_code, refusal->sentence, refusal->advice});
    } else {
      issue(facts.file,
            "not-dicom",
            shown_path(facts.file) + ": expected a DICOM file, found NIfTI",
            "take the file out, or describe the set with a CSV list");
    }
  }

  void read_labels(const FileFacts& facts) {
    try {
      labels_.push_back({facts.file, client_.label_object(facts.file)});
    } catch (const FileError& error) {
      if (error.reason_code() == "not-labels" && facts.refusal() != nullptr) {
        refuse(facts);
      } else {
        issue(facts.file, error);
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInternal) {
        throw;
      }
      issue(facts.file, error);
    }
  }

  [[nodiscard]] static bool refers_to_slices(const LabelObject& object, const DicomStack& stack) {
    return std::any_of(stack.slices.begin(), stack.slices.end(), [&](const DicomHeader& slice) {
      return shares_entry(object.referenced_instances, slice.instance_uid);
    });
  }

  // The stacks of the series that the labels name; of several those with instances that they name.
  [[nodiscard]] std::vector<std::size_t> stacks_of(const LabelObject& object) const {
    std::vector<std::size_t> of_series, of_instances;
    for (std::size_t n = 0; n < stacks_.size(); ++n) {
      const bool series =
          object.referenced_series.empty() ||
          shares_entry(object.referenced_series, stacks_[n].slices.front().series_uid);
      if (series && !object.referenced_series.empty()) {
        of_series.push_back(n);
      }
      if (series && refers_to_slices(object, stacks_[n])) {
        of_instances.push_back(n);
      }
    }
    return of_series.size() == 1 || of_instances.empty() ? of_series : of_instances;
  }

  void match() {
    for (std::size_t n = 0; n < labels_.size(); ++n) {
      const fs::path& file = labels_[n].file;
      const std::vector<std::size_t> found = stacks_of(labels_[n].object);
      if (found.empty()) {
        issue(file,
              "no-image",
              shown_path(file) +
                  ": expected the series that the labels were drawn on in the "
                  "folder, found none",
              "copy that series into the folder");
      } else if (found.size() > 1) {
        issue(file,
              "several-images",
              fmt::format("{}: expected labels of one volume, found that they refer to {}",
                          shown_path(file),
                          found.size()),
              "leave the volumes out that are not meant");
      } else if (check_match(file, labels_[n].object, stacks_[found.front()])) {
        labels_of_stack_[found.front()].push_back(n);
      }
    }
    for (std::size_t n = 0; n < stacks_.size(); ++n) {
      if (!labels_of_stack_.contains(n)) {
        issue(stacks_[n].slices.front().file,
              "no-labels",
              fmt::format("{}: expected labels for its series, found none that can be used",
                          shown_path(stacks_[n].slices.front().file)),
              "copy its segmentation or structure set into the folder");
      }
    }
  }

  bool check_match(const fs::path& file, const LabelObject& object, const DicomStack& stack) {
    const DicomHeader& first = stack.slices.front();
    if (stack.verdict == Verdict::kRefuse || !stack.geometry) {
      issue(first.file,
            stack.reason_code,
            fmt::format(
                "{}: its labels cannot be used, because {}", shown_path(first.file), stack.reason));
      return false;
    }
    if (!first.frame_of_reference_uid.empty() && !object.frame_of_reference_uids.empty() &&
        !shares_entry(object.frame_of_reference_uids, first.frame_of_reference_uid)) {
      issue(file,
            "other-frame-of-reference",
            shown_path(file) +
                ": expected the labels in the frame of reference of their series, "
                "found another one",
            "register the labels with the series");
      return false;
    }
    return true;
  }

  [[nodiscard]] bool wanted(const std::string& name) const {
    return chosen_.empty() || std::any_of(chosen_.begin(), chosen_.end(), [&](const LabelClass& c) {
             return c.value != 0 && c.name == name;
           });
  }

  void choose_classes() {
    if (!chosen_.empty()) {
      result_.dataset.classes = chosen_;
      return;
    }
    std::set<std::string> names;
    for (const auto& [stack, labels] : labels_of_stack_) {
      for (const std::size_t n : labels) {
        for (const LabelRegion& region : labels_[n].object.regions) {
          names.insert(region.name);
        }
      }
    }
    result_.dataset.classes.push_back({0, "background"});
    for (const std::string& name : names) {
      result_.dataset.classes.push_back(
          {static_cast<std::int64_t>(result_.dataset.classes.size()), name});
    }
  }

  // "Liver" and "liver" would be learnt as two organs.
  void refuse_spellings() const {
    std::map<std::string, std::string> seen;
    for (const LabelClass& c : result_.dataset.classes) {
      std::string folded;
      for (const char letter : lower_case(c.name)) {
        if (letter != ' ' && letter != '_' && letter != '-') {
          folded += letter;
        }
      }
      const auto [other, added] = seen.emplace(folded, c.name);
      if (!added) {
        throw Error(ErrorCode::kRefused,
                    fmt::format("{}: expected one spelling of each label, found \"{}\" and \"{}\"; "
                                "rename one, or list the labels that are wanted in {}",
                                shown_path(folder_),
                                printable(other->second, 64),
                                printable(c.name, 64),
                                kClassesFile));
      }
    }
  }

  [[nodiscard]] bool names_class(const std::vector<std::size_t>& labels,
                                 const std::string& name) const {
    return std::any_of(labels.begin(), labels.end(), [&](std::size_t n) {
      const std::vector<LabelRegion>& regions = labels_[n].object.regions;
      return std::any_of(regions.begin(), regions.end(), [&](const LabelRegion& region) {
        return region.name == name;
      });
    });
  }

  // Nothing tells an organ that is not there from one that nobody drew: it becomes background.
  void list_missing_classes() {
    for (const LabelClass& c : result_.dataset.classes) {
      std::vector<fs::path> without;
      for (const auto& [stack, labels] : labels_of_stack_) {
        if (c.value != 0 && !names_class(labels, c.name)) {
          without.push_back(labels_[labels.front()].file);
        }
      }
      if (!without.empty()) {
        issue(without.front(),
              "missing-class",
              fmt::format("{}: the label \"{}\" is missing in {} of {} labelled series, where all "
                          "of it is taken for background, first in {}",
                          shown_path(folder_),
                          printable(c.name, 64),
                          without.size(),
                          labels_of_stack_.size(),
                          shown_path(without.front())),
              "leave the files out where it is there and was not drawn");
      }
    }
  }

  // The files of labels that name a wanted class; two may not name the same one.
  std::vector<fs::path> label_files(const std::vector<std::size_t>& labels) const {
    std::map<std::string, fs::path> owners;
    std::vector<fs::path> files;
    for (const std::size_t n : labels) {
      bool any = false;
      for (const LabelRegion& region : labels_[n].object.regions) {
        if (!wanted(region.name)) {
          continue;
        }
        any = true;
        const auto [owner, added] = owners.emplace(region.name, labels_[n].file);
        if (!added && owner->second != labels_[n].file) {
          throw Error(ErrorCode::kRefused,
                      fmt::format("{} and {}: expected one of them to label \"{}\" of their "
                                  "series, found both; list the other one as \"leave_out\" in {}",
                                  shown_path(owner->second),
                                  shown_path(labels_[n].file),
                                  printable(region.name, 64),
                                  kClassesFile));
        }
      }
      if (any) {
        files.push_back(labels_[n].file);
      }
    }
    return files;
  }

  void add_case(const DicomStack& stack, const std::vector<std::size_t>& labels) {
    const DicomHeader& first = stack.slices.front();
    ImageRef annotation;
    annotation.files = label_files(labels);
    if (annotation.files.empty()) {
      issue(first.file,
            "no-labels",
            fmt::format("{}: expected labels of the classes in {}, found others only",
                        shown_path(first.file),
                        kClassesFile),
            "add their names to " + std::string(kClassesFile));
      return;
    }
    Case one;
    one.key =
        keyed_digest(kDigestSalt, fmt::format("series {}#{}", first.series_uid, stack.number));
    one.patient = patient_of_folder(first);
    one.modality = modality_from_name(first.modality);
    ImageRef image;
    image.key = one.key;
    for (const DicomHeader& slice : stack.slices) {
      image.files.push_back(slice.file);
    }
    std::sort(image.files.begin(), image.files.end());
    image.files.erase(std::unique(image.files.begin(), image.files.end()), image.files.end());
    image.volume = stack.volume;
    annotation.key = keyed_digest(kDigestSalt, "labels of " + one.key);
    annotation.grid_files = image.files;
    annotation.volume = stack.volume;
    for (const LabelClass& c : result_.dataset.classes) {
      if (c.value != 0) {
        annotation.label_values[c.name] = c.value;
      }
    }
    one.images = {std::move(image)};
    one.labels = std::move(annotation);
    result_.dataset.cases.push_back(std::move(one));
  }

  [[nodiscard]] std::string channel_name() const {
    const Modality modality = result_.dataset.cases.front().modality;
    const bool same = std::all_of(result_.dataset.cases.begin(),
                                  result_.dataset.cases.end(),
                                  [&](const Case& one) { return one.modality == modality; });
    return same ? std::string(modality_name(modality)) : "image";
  }

  void refuse_empty() const {
    if (!result_.dataset.cases.empty()) {
      return;
    }
    std::string reasons;
    for (std::size_t n = 0; n < std::min(kReasonsShown, result_.issues.size()); ++n) {
      reasons += "; " + result_.issues[n].reason;
    }
    throw Error(ErrorCode::kNothingFound,
                fmt::format("{}: expected DICOM series with segmentations or structure sets, found "
                            "no series with labels that can be used{}",
                            shown_path(folder_),
                            reasons));
  }

  fs::path folder_;
  WorkerClient client_;
  std::vector<LabelClass> chosen_;  // of classes.json
  std::set<fs::path> left_out_;
  std::vector<DicomStack> stacks_;
  std::vector<FoundLabels> labels_;
  std::map<std::size_t, std::vector<std::size_t>> labels_of_stack_;
  DicomFolder result_;
};

}  // namespace

bool holds_dicom_files(const fs::path& folder) {
  const std::vector<fs::path> files = dicom_folder_files(folder);
  return std::any_of(files.begin(), files.end(), begins_as_dicom);
}

DicomFolder read_dicom_folder(const fs::path& folder) {
  return DicomFolderReader(folder).read();
}

}  // namespace marrow
