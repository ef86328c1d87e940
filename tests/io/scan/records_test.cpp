#include "io/scan/records.h"

#include <string>

#include <gmock/gmock.h>

#include "io/byte_fields.h"
#include "io/header_fields.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

TEST(ScanRecords, KeepNoIdentifierOfAHeaderAsItWas) {
  DicomHeader header = testing::made_header(0);
  header.patient_id = "ID-4711";
  header.patient_name = "DOE^JANE";
  header.study_uid = "1.2.840.1.study";
  header.series_uid = "1.2.840.1.series";
  header.instance_uid = "1.2.840.1.instance";
  header.frame_of_reference_uid = "1.2.840.1.frame";
  header.image_comments = "seen by DR ROE";
  header.traits["concatenation"] = "1.2.840.1.whole";

  const auto without_identity = [&](const char* salt) {
    DicomHeader kept = header;
    IdentityRemoval remove(salt);
    remove(kept);
    return kept;
  };
  const DicomHeader kept = without_identity("salt");

  std::string bytes;
  visit_dicom_fields(kept, ByteWriter(bytes));
  for (const char* const secret : {"4711", "DOE", "JANE", "ROE", "1.2.840.1."}) {
    EXPECT_EQ(bytes.find(secret), std::string::npos) << secret;
  }
  EXPECT_EQ(kept.series_uid, without_identity("salt").series_uid);
  EXPECT_NE(kept.series_uid, without_identity("pepper").series_uid);
}

TEST(ScanRecords, NameAFileOfSeveralVolumesOnce) {
  DicomStack stack;
  for (int k = 0; k < 3; ++k) {
    DicomHeader slice = testing::made_header(0);
    slice.frame = k;
    stack.slices.push_back(slice);
  }
  stack.count = 2;
  stack.volume = 1;

  const SeriesRecord record = dicom_record(stack, "salt");

  EXPECT_EQ(record.files.size(), 1U);
  EXPECT_EQ(record.volume, 1);
}

}  // namespace

}  // namespace marrow
