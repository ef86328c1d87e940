#include "io/phantom/archive.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/parallel_jobs.h"
#include "core/progress.h"
#include "core/rng.h"
#include "core/text.h"
#include "io/dicom/dicom_writer.h"
#include "io/phantom/archive_plan.h"
#include "io/phantom/labelled_set.h"

namespace marrow {
namespace {

constexpr std::string_view kNote =
    "This folder holds synthetic images of invented people. This file is not an image, and a scan "
    "should say so.\n";

struct WrittenSeries {
  Geometry geometry;
  std::int64_t files = 0;
  std::string study_uid;
};

DicomSeriesAttributes archive_attributes(const PhantomOptions& options,
                                         const PlannedSeries& series,
                                         const PhantomAnatomy& anatomy,
                                         const PhantomProtocol& protocol) {
  const PhantomScanner& scanner = phantom_scanners(options.kind)[series.scanner];
  const PhantomPerson person = phantom_person(options.seed, series.patient, anatomy.sex());
  DicomSeriesAttributes attributes;
  attributes.modality = options.kind == PhantomKind::kCt ? Modality::kCt : Modality::kMr;
  attributes.patient_id = person.id;
  attributes.patient_name = person.name;
  attributes.patient_birth_date = person.birth_date;
  attributes.patient_sex = anatomy.sex();
  attributes.study_name = fmt::format("{}", series.study + 1);
  attributes.study_uid = uid_from_name(
      fmt::format("{}/{}/{}", person.id, phantom_kind_name(options.kind), series.study));
  attributes.series_uid = uid_from_name(fmt::format("{}/{}", attributes.study_uid, series.number));
  attributes.frame_of_reference_uid = uid_from_name(attributes.study_uid + "/frame");
  attributes.series_number = series.number;
  attributes.study_date = fmt::format(
      "2024{:02}{:02}", 1 + series.patient % 12, 1 + (series.patient + 9 * series.study) % 28);
  attributes.study_description = "Upper abdomen";
  attributes.series_description = protocol.sequence;
  attributes.body_part = "ABDOMEN";
  attributes.manufacturer = scanner.manufacturer;
  attributes.model = scanner.model;
  attributes.elements = phantom_dicom_elements(scanner, protocol);
  if (options.kind == PhantomKind::kCt) {
    attributes.intercept = -1024;
    attributes.signed_values = false;
  } else {
    attributes.bits_stored = 12;
    attributes.signed_values = false;
  }
  return attributes;
}

// Three slices far apart, as a scout in three positions gives.
Volume archive_scout(const Volume& volume) {
  const Size3& size = volume.geometry.size;
  Geometry grid = volume.geometry;
  const std::int64_t step = std::max<std::int64_t>(1, size[2] / 4);
  grid.size[2] = 3;
  grid.spacing[2] *= static_cast<double>(step);
  std::vector<float> voxels;
  for (std::int64_t n = 0; n < 3; ++n) {
    const auto first = volume.voxels.begin() + size[0] * size[1] * std::min(n * step, size[2] - 1);
    voxels.insert(voxels.end(), first, first + size[0] * size[1]);
  }
  return make_grid(grid, std::move(voxels));
}

Volume archive_first_slice(const Volume& volume) {
  Geometry grid = volume.geometry;
  grid.size[2] = 1;
  const auto end = volume.voxels.begin() + grid.size[0] * grid.size[1];
  return make_grid(grid, VoxelVector<float>(volume.voxels.begin(), end));
}

WrittenSeries archive_write_series(const std::filesystem::path& archive,
                                   const PhantomOptions& options,
                                   const PlannedSeries& series) {
  const PhantomAnatomy anatomy(options.seed, static_cast<std::uint64_t>(series.patient));
  PhantomProtocol protocol;
  protocol.kind = options.kind;
  protocol.sequence = series.sequence;
  protocol.nominal_size = options.size;
  protocol.seed = derive_seed(options.seed,
                              "phantom.series",
                              {static_cast<std::uint64_t>(series.patient),
                               static_cast<std::uint64_t>(series.study),
                               static_cast<std::uint64_t>(series.number)});
  Volume volume =
      take_phantom_image(anatomy, phantom_scanners(options.kind)[series.scanner], protocol).volume;
  DicomSeriesAttributes attributes = archive_attributes(options, series, anatomy, protocol);
  const std::int64_t slices = volume.geometry.size[2];
  switch (series.trap) {
    case PhantomTrap::kNone:
      break;
    case PhantomTrap::kLocalizer:
      volume = archive_scout(volume);
      attributes.image_type = {"ORIGINAL", "PRIMARY", "LOCALIZER"};
      attributes.series_description = "scout";
      break;
    case PhantomTrap::kMissingSlice:
      attributes.dropped_slices = {slices / 3};
      break;
    case PhantomTrap::kReversedNumbers:
      attributes.reverse_instance_numbers = true;
      break;
    case PhantomTrap::kDuplicateFile:
      attributes.duplicated_slices = {slices / 2};
      break;
    case PhantomTrap::kCutFile:
      volume = archive_first_slice(volume);
      break;
  }
  const std::vector<std::filesystem::path> files =
      write_dicom_series(archive / planned_folder(series), volume, attributes);
  if (series.trap == PhantomTrap::kCutFile) {
    std::filesystem::resize_file(files.front(), std::filesystem::file_size(files.front()) * 6 / 10);
  }
  return {volume.geometry, static_cast<std::int64_t>(files.size()), attributes.study_uid};
}

std::string_view archive_trap_name(PhantomTrap trap) {
  switch (trap) {
    case PhantomTrap::kLocalizer:
      return "localizer";
    case PhantomTrap::kMissingSlice:
      return "missing-slices";
    case PhantomTrap::kReversedNumbers:
      return "reversed-instance-numbers";
    case PhantomTrap::kDuplicateFile:
      return "duplicate-file";
    case PhantomTrap::kCutFile:
      return "cut-file";
    case PhantomTrap::kNone:
      break;
  }
  return "";
}

bool archive_is_used(PhantomTrap trap) {
  return trap == PhantomTrap::kNone || trap == PhantomTrap::kReversedNumbers ||
         trap == PhantomTrap::kDuplicateFile;
}

nlohmann::ordered_json archive_truth(const PhantomOptions& options,
                                     const std::vector<PlannedSeries>& plan,
                                     const std::vector<WrittenSeries>& written,
                                     PhantomSummary& summary) {
  nlohmann::ordered_json series_list = nlohmann::ordered_json::array();
  nlohmann::ordered_json refused_files = nlohmann::ordered_json::array({"README.txt", "EMPTY.dcm"});
  nlohmann::ordered_json refused_series = nlohmann::ordered_json::array();
  std::map<std::pair<std::int64_t, std::int64_t>, int> studies;
  summary.files = 2;
  for (std::size_t n = 0; n < plan.size(); ++n) {
    const PlannedSeries& series = plan[n];
    const WrittenSeries& done = written[n];
    studies[{series.patient, series.study}] += 1;
    summary.files += done.files;
    summary.traps += series.trap == PhantomTrap::kNone ? 0 : 1;
    if (series.trap == PhantomTrap::kCutFile) {
      refused_files.push_back(planned_folder(series) + "/IM00000.dcm");
      continue;
    }
    const bool used = archive_is_used(series.trap);
    summary.series += used ? 1 : 0;
    const Geometry& grid = done.geometry;
    nlohmann::ordered_json entry = {
        {"folder", planned_folder(series)},
        {"sequence", series.sequence},
        {"verdict", used ? "use" : "refuse"},
        {"trap", archive_trap_name(series.trap)},
        {"size", grid.size},
        {"spacing_mm", {grid.spacing[0], grid.spacing[1], grid.spacing[2]}},
        {"files", done.files}};
    if (!used) {
      refused_series.push_back(
          {{"folder", planned_folder(series)}, {"reason", archive_trap_name(series.trap)}});
    }
    series_list.push_back(std::move(entry));
  }
  summary.traps += 2;
  summary.patients = options.patients;
  summary.studies = static_cast<std::int64_t>(studies.size());
  summary.labelled = options.labelled;
  return {{"version", 1},
          {"kind", phantom_kind_name(options.kind)},
          {"seed", options.seed},
          {"patients", summary.patients},
          {"studies", summary.studies},
          {"files", summary.files},
          {"expected",
           {{"use", summary.series},
            {"refused_series", refused_series},
            {"refused_files", refused_files}}},
          {"labelled", options.labelled},
          {"series", series_list}};
}

void archive_write_reports(const std::filesystem::path& folder,
                           const PhantomOptions& options,
                           const std::vector<PlannedSeries>& plan,
                           const std::vector<WrittenSeries>& written) {
  std::map<std::string, std::int64_t> patient_of_study;
  for (std::size_t n = 0; n < plan.size(); ++n) {
    patient_of_study[written[n].study_uid] = plan[n].patient;
  }
  std::string text = "study_uid,report\n";
  for (const auto& [uid, patient] : patient_of_study) {
    const PhantomAnatomy anatomy(options.seed, static_cast<std::uint64_t>(patient));
    text += csv_field(uid) + "," + csv_field(anatomy.findings()) + "\n";
  }
  write_atomically(folder / "reports.csv", text);
}

}  // namespace

void check_phantom_options(const PhantomOptions& options) {
  if (options.patients < 1 || options.patients > 9999) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("--patients: expected 1 to 9999, but found {}", options.patients));
  }
  if (options.labelled != 0 && (options.labelled < 4 || options.labelled > 999)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("--labelled: expected 0 or 4 to 999, but found {}", options.labelled));
  }
  for (const std::int64_t length : options.size) {
    if (length < 16 || length > 512) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format(
              "--size: expected three lengths of 16 to 512 voxels such as 56x48x40, but found {}",
              length));
    }
  }
}

std::int64_t phantom_pictures(const PhantomOptions& options) {
  return static_cast<std::int64_t>(plan_phantom_archive(options).size()) + options.labelled;
}

PhantomSummary write_phantom(const std::filesystem::path& folder,
                             const PhantomOptions& options,
                             Progress& progress) {
  check_phantom_options(options);
  const std::filesystem::path archive = folder / "archive";
  const std::vector<PlannedSeries> plan = plan_phantom_archive(options);
  std::vector<WrittenSeries> written(plan.size());
  parallel_jobs(static_cast<std::int64_t>(plan.size()),
                options.threads,
                "writing the phantom",
                [&](std::int64_t n) {
                  const auto index = static_cast<std::size_t>(n);
                  written[index] = archive_write_series(archive, options, plan[index]);
                  progress.advance();
                });
  write_atomically(archive / "README.txt", kNote);
  write_atomically(archive / "EMPTY.dcm", std::string_view{});
  archive_write_reports(folder, options, plan, written);
  if (options.labelled > 0) {
    write_phantom_labelled(folder / "labelled", options, progress);
  }
  PhantomSummary summary;
  const nlohmann::ordered_json truth = archive_truth(options, plan, written, summary);
  write_atomically(folder / "truth.json", truth.dump(1) + "\n");
  return summary;
}

}  // namespace marrow
