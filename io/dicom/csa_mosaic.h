#pragma once

#include <string_view>

namespace marrow {

// Whether the CSA header of a Siemens image may say that the picture is made of tiles: false only
// where it certainly does not, without taking it apart.
[[nodiscard]] bool perhaps_csa_mosaic(std::string_view csa);

}  // namespace marrow
