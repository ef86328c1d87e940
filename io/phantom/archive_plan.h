#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/phantom/archive.h"

namespace marrow {

// What is wrong on purpose with a series.
enum class PhantomTrap {
  kNone,
  kLocalizer,
  kMissingSlice,
  kReversedNumbers,
  kDuplicateFile,
  kCutFile
};

// One DICOM series of the archive.
struct PlannedSeries {
  std::int64_t patient = 0;  // 0, 1, ...
  std::int64_t study = 0;    // of the patient
  std::int64_t number = 1;   // SeriesNumber
  std::size_t scanner = 0;   // in phantom_scanners(kind)
  std::string sequence;      // PhantomProtocol::sequence
  PhantomTrap trap = PhantomTrap::kNone;
};

// Every series of the archive, traps last but in the folders of ordinary patients. Depends on the
// options alone.
[[nodiscard]] std::vector<PlannedSeries> plan_phantom_archive(const PhantomOptions& options);

// "P0001/ST1/SE2", relative to archive/.
[[nodiscard]] std::string planned_folder(const PlannedSeries& series);

// What the headers say of an invented person.
struct PhantomPerson {
  std::string id;
  std::string name;  // FAMILY^GIVEN
  std::string birth_date;
};

[[nodiscard]] PhantomPerson phantom_person(std::uint64_t seed,
                                           std::int64_t patient,
                                           const std::string& sex);

}  // namespace marrow
