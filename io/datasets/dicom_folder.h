#pragma once

#include <filesystem>
#include <vector>

#include "core/case.h"

namespace marrow {

// A folder of DICOM files, in any arrangement, as a labelled data set.
struct DicomFolder {
  Dataset dataset;
  std::vector<Issue> issues;  // files and series that are in no case, each with its reason
};

// Whether some file below `folder` begins as DICOM files do; nothing more of it is read.
[[nodiscard]] bool holds_dicom_files(const std::filesystem::path& folder);

// Series of CT, MR or PET with DICOM segmentations and RT structure sets -> one case for each image
// series that has labels. Files are parsed in the limited child. Series become stacks as in a scan;
// labels belong to the stack whose series (or, where they name none, whose instances) they refer
// to. Classes are the names of the segments and regions over all cases, sorted, from 1 on; or, with
// a file classes.json in the folder, those of its "labels", and other names are left out. Its
// "leave_out" lists files that are not looked at, relative to the folder.
//
// Several files of labels for one series are taken together unless they name the same class. A
// class that a series does not name is background there, and an issue of the set ("missing-class").
// Names that differ in case or separators alone are refused.
//
// Patients are kept as digests; cases are named by the digest of their series. Throws
// Error{kRefused} for two files of labels with one class for one series, Error{kNothingFound} when
// no series has labels (with the first reasons), and what read_dataset_classes throws.
[[nodiscard]] DicomFolder read_dicom_folder(const std::filesystem::path& folder);

}  // namespace marrow
