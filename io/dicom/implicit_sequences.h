#pragma once

#include <cstdint>

namespace marrow {

// Whether DCMTK's dictionary takes an attribute (group in the upper half, element in the lower) for
// a sequence of items, which implicit files do not say; of a private one, whether it does so for
// any owner of that number. Throws Error{kInternal} when the dictionary is missing.
[[nodiscard]] bool perhaps_sequence(std::uint32_t tag);

}  // namespace marrow
