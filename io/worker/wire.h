#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "io/worker/file_facts.h"

// Facts of files as the JSON that the catalogue keeps (io/catalogue/file_rows.h). Text and
// paths may hold any bytes: each byte is written as the character of its number. What is read is
// not trusted: every function that reads checks types and ranges, and throws std::exception
// (nlohmann's or Error{kInternal}) when they do not hold.
namespace marrow {

[[nodiscard]] std::string to_wire_text(std::string_view bytes);
[[nodiscard]] std::string from_wire_text(std::string_view text);

[[nodiscard]] nlohmann::json to_wire(const Geometry& geometry);
[[nodiscard]] Geometry geometry_from_wire(const nlohmann::json& wire);

[[nodiscard]] nlohmann::json to_wire(const FileRefusal& refusal);
[[nodiscard]] FileRefusal refusal_from_wire(const nlohmann::json& wire);

[[nodiscard]] nlohmann::json to_wire(const FileFacts& facts);
// `file` is the path that was asked about; the child's word is not taken for it.
[[nodiscard]] FileFacts facts_from_wire(const nlohmann::json& wire,
                                        const std::filesystem::path& file);

}  // namespace marrow
