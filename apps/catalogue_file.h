#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "core/records.h"
#include "io/catalogue/catalogue.h"
#include "io/scan/scan.h"

namespace marrow {

struct CommandContext;

[[nodiscard]] std::filesystem::path catalogue_path(const CommandContext& context);

// The catalogue of --work for reading. Throws Error{kNothingFound} that names `marrow scan` when
// there is none.
[[nodiscard]] Catalogue open_work_catalogue(const CommandContext& context);

// With the context's threads and progress.
[[nodiscard]] ScanOptions scan_options(const CommandContext& context, bool use_derived);

// Scans into the catalogue of --work, with the context's threads, progress and memory.
[[nodiscard]] ScanResult scan_into_work(std::span<const std::filesystem::path> archives,
                                        const CommandContext& context,
                                        bool use_derived);

// "512x512x301" and "0.70x0.70x1.25 mm"; "-" without a grid.
[[nodiscard]] std::string size_text(const SeriesRecord& record);
[[nodiscard]] std::string spacing_text(const SeriesRecord& record);

// One JSON object a line (issue_json), atomically. Removes the file when there are none.
void write_issues(const std::filesystem::path& file, std::span<const Issue> issues);

}  // namespace marrow
