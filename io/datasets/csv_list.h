#pragma once

#include <filesystem>

#include "core/case.h"

namespace marrow {

// A CSV list with the columns image, label, mask, patient, split, report, case (image alone is
// needed, others may be there and are not looked at). Paths are relative to the list. Patients are
// kept as digests. Cases without a split word have none yet, but those without labels are
// "unlabelled".
[[nodiscard]] Dataset read_csv_list(const std::filesystem::path& file);

}  // namespace marrow
