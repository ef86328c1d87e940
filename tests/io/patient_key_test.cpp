#include "io/patient_key.h"

#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(PatientKey, MeetsHoweverTheIdWasTyped) {
  DicomHeader header;
  header.patient_id = " ab 12^ ";
  header.patient_name = "Doe^Jane";

  EXPECT_EQ(patient_key(header), "AB12");
}

TEST(PatientKey, IsTheNameWhereTheIdIsBlank) {
  DicomHeader header;
  header.patient_id = " ^ ";
  header.patient_name = "Doe^Jane ";

  EXPECT_EQ(patient_key(header), "DOEJANE");
}

TEST(PatientKey, IsEmptyWhereBothAre) {
  EXPECT_EQ(patient_key(DicomHeader()), "");
}

}  // namespace
}  // namespace marrow
