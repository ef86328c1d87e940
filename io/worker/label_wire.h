#pragma once

#include <nlohmann/json_fwd.hpp>

#include "io/dicom/label_object.h"

// How label objects and what is wanted of them travel to and from the parsing child, by the rules
// of wire.h.
namespace marrow {

[[nodiscard]] nlohmann::json to_wire(const LabelObject& object);
[[nodiscard]] LabelObject label_object_from_wire(const nlohmann::json& wire);

[[nodiscard]] nlohmann::json to_wire(const LabelTarget& target);
[[nodiscard]] LabelTarget label_target_from_wire(const nlohmann::json& wire);

}  // namespace marrow
