#include "io/catalogue/acquisition_json.h"

#include <array>

#include <nlohmann/json.hpp>

#include "core/text.h"

namespace marrow {

namespace {

enum class FactKind { kText, kNumber, kMilliseconds, kYes };

struct BidsField {
  const char* fact;
  const char* name;
  FactKind kind;
};

constexpr std::array kBidsFields{
    BidsField{"manufacturer", "Manufacturer", FactKind::kText},
    BidsField{"model", "ManufacturersModelName", FactKind::kText},
    BidsField{"body_part", "BodyPart", FactKind::kText},
    BidsField{"patient_position", "PatientPosition", FactKind::kText},
    BidsField{"field_strength_t", "MagneticFieldStrength", FactKind::kNumber},
    BidsField{"te_ms", "EchoTime", FactKind::kMilliseconds},
    BidsField{"tr_ms", "RepetitionTime", FactKind::kMilliseconds},
    BidsField{"ti_ms", "InversionTime", FactKind::kMilliseconds},
    BidsField{"flip_degrees", "FlipAngle", FactKind::kNumber},
    BidsField{"scanning_sequence", "ScanningSequence", FactKind::kText},
    BidsField{"sequence_variant", "SequenceVariant", FactKind::kText},
    BidsField{"sequence", "SequenceName", FactKind::kText},
    BidsField{"acquisition_type", "MRAcquisitionType", FactKind::kText},
    BidsField{"thickness_mm", "SliceThickness", FactKind::kNumber},
    BidsField{"slice_step_mm", "SpacingBetweenSlices", FactKind::kNumber},
    BidsField{"kernel", "ConvolutionKernel", FactKind::kText},
    BidsField{"kvp", "KVP", FactKind::kNumber},
    BidsField{"b_value", "DiffusionBValue", FactKind::kNumber},
    BidsField{"units", "Units", FactKind::kText},
    BidsField{"contrast", "ContrastAgent", FactKind::kYes},
    BidsField{"lossy", "LossyImageCompression", FactKind::kYes}};

}  // namespace

nlohmann::json acquisition_json(const SeriesRecord& record) {
  nlohmann::json object = nlohmann::json::object();
  if (const std::string_view modality = modality_name(record.modality); !modality.empty()) {
    object["Modality"] = modality;
  }
  for (const BidsField& field : kBidsFields) {
    const auto fact = record.facts.find(field.fact);
    if (fact == record.facts.end()) {
      continue;
    }
    const std::optional<double> number = parse_decimal(fact->second);
    if (field.kind == FactKind::kText) {
      object[field.name] = fact->second;
    } else if (field.kind == FactKind::kYes) {
      object[field.name] = fact->second == "yes";
    } else if (number) {
      object[field.name] = field.kind == FactKind::kMilliseconds ? *number / 1000 : *number;
    }
  }
  if (const auto type = record.facts.find("image_type"); type != record.facts.end()) {
    object["ImageType"] = split_words(type->second, '/');
  }
  object["ConversionSoftware"] = "Marrow";
  object["ConversionSoftwareVersion"] = MARROW_VERSION;
  return object;
}

}  // namespace marrow
