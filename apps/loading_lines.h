#pragma once

#include <string>
#include <string_view>

#include "core/config/config.h"

namespace marrow {

// Lines of Python that make the other tool's network of an exported encoder and load its weights
// there, for the README beside them. `encoder`: its section of the configuration; `names`: as
// --names. Empty when no other tool has this network.
[[nodiscard]] std::string loading_lines(const ConfigSection& encoder, std::string_view names);

}  // namespace marrow
