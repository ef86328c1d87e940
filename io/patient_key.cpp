#include "io/patient_key.h"

#include <cctype>

namespace marrow {

std::string normal_patient(std::string_view text) {
  std::string normal;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) > ' ' && c != '^') {
      normal += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return normal;
}

std::string patient_key(const DicomHeader& header) {
  std::string id = normal_patient(header.patient_id);
  return id.empty() ? normal_patient(header.patient_name) : id;
}

}  // namespace marrow
