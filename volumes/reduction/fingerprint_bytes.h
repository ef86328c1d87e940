#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "volumes/reduction/case_fingerprint.h"

namespace marrow {

// A fingerprint as bytes for a cache: a version, its fields as they lie in memory, and XXH3 of all
// that at the end.
[[nodiscard]] std::string fingerprint_to_bytes(const CaseFingerprint& fingerprint);

// And back. Nothing for bytes of another version, for damaged ones, and for what fingerprint_case()
// never makes: another axis than 0 to 2, no slices, a slice outside the grid, a share outside 0 to
// 1, a number that is none. Then the volume is read again.
[[nodiscard]] std::optional<CaseFingerprint> fingerprint_from_bytes(std::string_view bytes);

}  // namespace marrow
