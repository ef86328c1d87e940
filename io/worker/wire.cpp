#include "io/worker/wire.h"

#include <cmath>
#include <limits>
#include <vector>

#include <nlohmann/json.hpp>

#include "io/header_fields.h"

namespace marrow {

namespace {

using nlohmann::json;

// JSON has no NaN and no infinity, which damaged headers do.
json wire_number(double value) {
  if (std::isfinite(value)) {
    return value;
  }
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

double number_from_wire(const json& wire) {
  if (wire.is_number()) {
    return wire.get<double>();
  }
  const auto& word = wire.get_ref<const std::string&>();
  if (word == "nan") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double infinity = std::numeric_limits<double>::infinity();
  return word == "inf" ? infinity : -infinity;
}

template <class Range>
json wire_numbers(const Range& values) {
  json list = json::array();
  for (const double value : values) {
    list.push_back(wire_number(value));
  }
  return list;
}

template <std::size_t kCount>
std::array<double, kCount> numbers_from_wire(const json& wire) {
  MARROW_CHECK(wire.is_array() && wire.size() == kCount);
  std::array<double, kCount> values{};
  for (std::size_t i = 0; i < kCount; ++i) {
    values[i] = number_from_wire(wire[i]);
  }
  return values;
}

json wire_texts(const std::vector<std::string>& texts) {
  json list = json::array();
  for (const std::string& text : texts) {
    list.push_back(to_wire_text(text));
  }
  return list;
}

std::vector<std::string> texts_from_wire(const json& wire) {
  std::vector<std::string> texts;
  texts.reserve(wire.size());
  for (const json& text : wire) {
    texts.push_back(from_wire_text(text.get_ref<const std::string&>()));
  }
  return texts;
}

class WireWriter {
 public:
  void operator()(const char* name, const std::string& value) { wire[name] = to_wire_text(value); }

  void operator()(const char* name, const std::vector<std::string>& value) {
    wire[name] = wire_texts(value);
  }

  void operator()(const char* name, double value) { wire[name] = wire_number(value); }

  void operator()(const char* name, std::int64_t value) { wire[name] = value; }

  void operator()(const char* name, int value) { wire[name] = value; }

  void operator()(const char* name, bool value) { wire[name] = value; }

  void operator()(const char* name, const Geometry& value) { wire[name] = to_wire(value); }

  template <std::size_t kCount>
  void operator()(const char* name, const std::optional<std::array<double, kCount>>& value) {
    if (value) {
      wire[name] = wire_numbers(*value);
    }
  }

  void operator()(const char* name, const std::map<std::string, std::string>& value) {
    json map = json::object();
    for (const auto& [key, text] : value) {
      map[to_wire_text(key)] = to_wire_text(text);
    }
    wire[name] = std::move(map);
  }

  void operator()(const char* name, const std::vector<DicomFrame>& value) {
    if (value.empty()) {
      return;
    }
    json list = json::array();
    for (const DicomFrame& frame : value) {
      WireWriter writer;
      visit_frame_fields(frame, writer);
      list.push_back(std::move(writer.wire));
    }
    wire[name] = std::move(list);
  }

  json wire = json::object();
};

class WireReader {
 public:
  explicit WireReader(const json& wire) : wire_(wire) {}

  void operator()(const char* name, std::string& value) {
    value = from_wire_text(wire_.at(name).get_ref<const std::string&>());
  }

  void operator()(const char* name, std::vector<std::string>& value) {
    value = texts_from_wire(wire_.at(name));
  }

  void operator()(const char* name, double& value) { value = number_from_wire(wire_.at(name)); }

  void operator()(const char* name, std::int64_t& value) {
    value = wire_.at(name).get<std::int64_t>();
  }

  void operator()(const char* name, int& value) { value = wire_.at(name).get<int>(); }

  void operator()(const char* name, bool& value) { value = wire_.at(name).get<bool>(); }

  void operator()(const char* name, Geometry& value) { value = geometry_from_wire(wire_.at(name)); }

  template <std::size_t kCount>
  void operator()(const char* name, std::optional<std::array<double, kCount>>& value) {
    if (wire_.contains(name)) {
      value = numbers_from_wire<kCount>(wire_.at(name));
    }
  }

  void operator()(const char* name, std::map<std::string, std::string>& value) {
    for (const auto& [key, text] : wire_.at(name).items()) {
      value[from_wire_text(key)] = from_wire_text(text.get_ref<const std::string&>());
    }
  }

  void operator()(const char* name, std::vector<DicomFrame>& value) {
    if (!wire_.contains(name)) {
      return;
    }
    for (const json& frame : wire_.at(name)) {
      visit_frame_fields(value.emplace_back(), WireReader(frame));
    }
  }

 private:
  const json& wire_;
};

}  // namespace

std::string to_wire_text(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xC0 | (byte >> 6));
      text += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return text;
}

std::string from_wire_text(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x80) {
      bytes += text[i];
      continue;
    }
    MARROW_CHECK((first == 0xC2 || first == 0xC3) && i + 1 < text.size());
    const auto second = static_cast<unsigned char>(text[++i]);
    bytes += static_cast<char>(((first & 0x03) << 6) | (second & 0x3F));
  }
  return bytes;
}

json to_wire(const Geometry& geometry) {
  const Eigen::Matrix3d& d = geometry.direction;
  return {{"size", geometry.size},
          {"spacing", wire_numbers(geometry.spacing)},
          {"origin", wire_numbers(geometry.origin)},
          {"direction", wire_numbers(d.reshaped())}};
}

Geometry geometry_from_wire(const json& wire) {
  const auto spacing = numbers_from_wire<3>(wire.at("spacing"));
  const auto origin = numbers_from_wire<3>(wire.at("origin"));
  const auto direction = numbers_from_wire<9>(wire.at("direction"));
  Geometry geometry = make_geometry(wire.at("size").get<Size3>(),
                                    Eigen::Vector3d(spacing.data()),
                                    Eigen::Vector3d(origin.data()),
                                    Eigen::Matrix3d(direction.data()));
  return geometry;
}

json to_wire(const FileRefusal& refusal) {
  return {{"code", static_cast<int>(refusal.code)},
          {"reason_code", to_wire_text(refusal.reason_code)},
          {"sentence", to_wire_text(refusal.sentence)},
          {"advice", to_wire_text(refusal.advice)}};
}

FileRefusal refusal_from_wire(const json& wire) {
  const int code = wire.at("code").get<int>();
  MARROW_CHECK(code >= static_cast<int>(ErrorCode::kInternal) &&
               code <= static_cast<int>(ErrorCode::kInterrupted));
  FileRefusal refusal;
  refusal.code = static_cast<ErrorCode>(code);
  WireReader reader(wire);
  reader("reason_code", refusal.reason_code);
  reader("sentence", refusal.sentence);
  reader("advice", refusal.advice);
  return refusal;
}

json to_wire(const FileFacts& facts) {
  if (const FileRefusal* refusal = facts.refusal()) {
    return {{"kind", "refusal"}, {"refusal", to_wire(*refusal)}};
  }
  WireWriter writer;
  if (const NiftiHeader* nifti = facts.nifti()) {
    visit_nifti_fields(*nifti, writer);
    return {{"kind", "nifti"}, {"header", std::move(writer.wire)}};
  }
  if (const VolumeFileHeader* volume = facts.volume_file()) {
    visit_volume_file_fields(*volume, writer);
    return {{"kind", "volume"}, {"header", std::move(writer.wire)}};
  }
  visit_dicom_fields(*facts.dicom(), writer);
  return {{"kind", "dicom"}, {"header", std::move(writer.wire)}};
}

FileFacts facts_from_wire(const json& wire, const std::filesystem::path& file) {
  FileFacts facts;
  facts.file = file;
  const auto& kind = wire.at("kind").get_ref<const std::string&>();
  if (kind == "refusal") {
    facts.content = refusal_from_wire(wire.at("refusal"));
  } else if (kind == "nifti") {
    NiftiHeader header;
    visit_nifti_fields(header, WireReader(wire.at("header")));
    facts.content = std::move(header);
  } else if (kind == "volume") {
    VolumeFileHeader header;
    visit_volume_file_fields(header, WireReader(wire.at("header")));
    MARROW_CHECK(header.format == "nrrd" || header.format == "metaimage");
    facts.content = std::move(header);
  } else {
    MARROW_CHECK(kind == "dicom");
    DicomHeader header;
    header.file = file;
    visit_dicom_fields(header, WireReader(wire.at("header")));
    facts.content = std::move(header);
  }
  return facts;
}

}  // namespace marrow
