#include "io/worker/label_wire.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "io/worker/wire.h"

namespace marrow {

namespace {

using nlohmann::json;

json label_texts_to_wire(const std::vector<std::string>& texts) {
  json list = json::array();
  for (const std::string& text : texts) {
    list.push_back(to_wire_text(text));
  }
  return list;
}

std::string label_text(const json& wire) {
  return from_wire_text(wire.get_ref<const std::string&>());
}

std::vector<std::string> label_texts(const json& wire) {
  MARROW_CHECK(wire.is_array());
  std::vector<std::string> texts;
  texts.reserve(wire.size());
  for (const json& text : wire) {
    texts.push_back(label_text(text));
  }
  return texts;
}

std::int64_t label_number(const json& wire) {
  MARROW_CHECK(wire.is_number_integer());
  return wire.get<std::int64_t>();
}

}  // namespace

json to_wire(const LabelObject& object) {
  json regions = json::array();
  for (const LabelRegion& region : object.regions) {
    regions.push_back({region.number, to_wire_text(region.name)});
  }
  return {{"structures", object.kind == LabelObjectKind::kStructureSet},
          {"study", to_wire_text(object.study_uid)},
          {"series", to_wire_text(object.series_uid)},
          {"instance", to_wire_text(object.instance_uid)},
          {"spaces", label_texts_to_wire(object.frame_of_reference_uids)},
          {"of_series", label_texts_to_wire(object.referenced_series)},
          {"of_instances", label_texts_to_wire(object.referenced_instances)},
          {"regions", regions}};
}

LabelObject label_object_from_wire(const json& wire) {
  LabelObject object;
  object.kind = wire.at("structures").get<bool>() ? LabelObjectKind::kStructureSet
                                                  : LabelObjectKind::kSegmentation;
  object.study_uid = label_text(wire.at("study"));
  object.series_uid = label_text(wire.at("series"));
  object.instance_uid = label_text(wire.at("instance"));
  object.frame_of_reference_uids = label_texts(wire.at("spaces"));
  object.referenced_series = label_texts(wire.at("of_series"));
  object.referenced_instances = label_texts(wire.at("of_instances"));
  const json& regions = wire.at("regions");
  MARROW_CHECK(regions.is_array());
  for (const json& region : regions) {
    object.regions.push_back({label_number(region.at(0)), label_text(region.at(1))});
  }
  return object;
}

json to_wire(const LabelTarget& target) {
  std::vector<std::string> files;
  for (const std::filesystem::path& file : target.grid_files) {
    files.push_back(file.string());
  }
  json values = json::array();
  for (const auto& [name, value] : target.values) {
    values.push_back({to_wire_text(name), value});
  }
  return {{"files", label_texts_to_wire(files)},
          {"volume", target.grid_volume.value_or(-1)},
          {"values", values}};
}

LabelTarget label_target_from_wire(const json& wire) {
  LabelTarget target;
  for (const std::string& file : label_texts(wire.at("files"))) {
    target.grid_files.emplace_back(file);
  }
  if (const std::int64_t volume = label_number(wire.at("volume")); volume >= 0) {
    target.grid_volume = volume;
  }
  for (const json& pair : wire.at("values")) {
    target.values[label_text(pair.at(0))] = label_number(pair.at(1));
  }
  return target;
}

}  // namespace marrow
