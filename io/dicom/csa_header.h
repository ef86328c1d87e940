#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace marrow {

// What Siemens scanners keep about an image in the private element CSA Image Header Info
// (0029,xx10): named lists of texts, empty ones left out. Both layouts, with and without "SV10" in
// front. Bytes that are no such header give what was understood up to there; nothing is read or
// allocated past the end.
[[nodiscard]] std::map<std::string, std::vector<std::string>> parse_csa_header(
    std::span<const std::byte> bytes);

}  // namespace marrow
