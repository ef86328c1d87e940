#include "core/records.h"

namespace marrow {

std::string_view modality_name(Modality modality) {
  switch (modality) {
    case Modality::kCt:
      return "CT";
    case Modality::kMr:
      return "MR";
    case Modality::kPet:
      return "PT";
    case Modality::kOther:
      return "OT";
    case Modality::kUnknown:
      return "";
  }
  return "";
}

Modality modality_from_name(std::string_view name) {
  if (name.empty()) {
    return Modality::kUnknown;
  }
  if (name == "CT" || name == "ct") {
    return Modality::kCt;
  }
  if (name == "MR" || name == "mr" || name == "MRI") {
    return Modality::kMr;
  }
  if (name == "PT" || name == "PET") {
    return Modality::kPet;
  }
  return Modality::kOther;
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUse:
      return "use";
    case Verdict::kSplit:
      return "split";
    case Verdict::kResample:
      return "resample";
    case Verdict::kRefuse:
      return "refuse";
  }
  return "refuse";
}

Verdict verdict_from_name(std::string_view name) {
  for (const Verdict verdict :
       {Verdict::kUse, Verdict::kSplit, Verdict::kResample, Verdict::kRefuse}) {
    if (name == verdict_name(verdict)) {
      return verdict;
    }
  }
  throw Error(
      ErrorCode::kInvalidArgument,
      "verdict: expected use, split, resample or refuse, found \"" + std::string(name) + "\"");
}

}  // namespace marrow
