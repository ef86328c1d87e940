#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>

#include "core/records.h"
#include "core/volume.h"

namespace marrow {

// Patients under whose names the same scan lies, as when one examination was pseudonymised twice:
// for a split they are one. Each such patient -> the one who stands for all that share scans with
// them, directly or through others (the smallest key); patients who share nothing are left out.
//
// Two series are the same scan when every voxel is equal. Only series whose grid (to 1e-3 mm) is
// also that of another patient are read, by `read` (of series of several volumes: the first); one
// that cannot be read shares nothing.
[[nodiscard]] std::map<std::string, std::string> patients_sharing_scans(
    std::span<const SeriesRecord> series, const std::function<Volume(const SeriesRecord&)>& read);

}  // namespace marrow
