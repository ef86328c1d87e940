#include "io/catalogue/file_rows.h"

#include <array>
#include <exception>
#include <span>

#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "io/worker/wire.h"

namespace marrow {

namespace {

using nlohmann::json;

// Fields of a DICOM header in which the slices of one series differ.
constexpr std::array kOwnFields{"instance_uid",
                                "position",
                                "instance_number",
                                "slope",
                                "intercept",
                                "pixel_offset",
                                "pixel_bytes",
                                "acquisition_number"};

std::string compact_json(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

FileRow pack_file(const FileFacts& facts) {
  json wire = to_wire(facts);
  FileRow row;
  row.series = facts.nifti() != nullptr || facts.volume_file() != nullptr ? "n" : "x";
  json own = json::object();
  if (const DicomHeader* const header = facts.dicom()) {
    row.series = std::string("d").append(header->series_uid);
    json& fields = wire.at("header");
    for (const char* const name : kOwnFields) {
      if (const auto field = fields.find(name); field != fields.end()) {
        own[name] = std::move(*field);
        fields.erase(field);
      }
    }
  }
  row.header = compact_json(wire);
  row.header_id = static_cast<std::int64_t>(xxh3(std::as_bytes(std::span(row.header))));
  row.own = compact_json(own);
  return row;
}

FileFacts unpack_file(const std::string& header,
                      const std::string& own,
                      const std::filesystem::path& path) {
  try {
    json wire = json::parse(header);
    if (const json fields = json::parse(own); !fields.empty()) {
      wire.at("header").update(fields);
    }
    return facts_from_wire(wire, path);
  } catch (const std::exception&) {
    throw Error(
        ErrorCode::kUnreadable,
        "catalogue: what is kept of a file is damaged; remove the catalogue and scan again");
  }
}

}  // namespace marrow
