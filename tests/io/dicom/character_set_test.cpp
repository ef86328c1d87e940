#include "io/dicom/character_set.h"

#include <string>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/grouping.h"
#include "io/patient_key.h"
#include "tests/support/dicom_made.h"

namespace marrow {

namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class CharacterSets : public ::testing::Test {
 protected:
  // The name of the patient as it is read from a file that states `set`.
  DicomHeader header(const std::string& set, const std::string& name) {
    DcmFileFormat format;
    DcmDataset& data = *format.getDataset();
    testing::start_image(data, 2, 2, ++count_);
    if (!set.empty()) {
      testing::put_text(data, DCM_SpecificCharacterSet, set);
    }
    testing::put_text(data, DCM_PatientName, name);
    testing::put_text(data, DCM_PatientID, "");
    testing::put_text(data, DCM_ImagePositionPatient, "0\\0\\" + std::to_string(count_));
    testing::put_text(data, DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
    testing::put_text(data, DCM_PixelSpacing, "1\\1");
    testing::put_pixels(data, {1, 2, 3, static_cast<Uint16>(count_)});
    return read_dicom_header(
        testing::save_image(format, folder_.path() / (std::to_string(count_) + ".dcm")));
  }

  std::string name(const std::string& set, const std::string& bytes) {
    const DicomHeader read = header(set, bytes);
    EXPECT_EQ(read.traits.count("texts_replaced"), 0U);
    return read.patient_name;
  }

  TemporaryFolder folder_;
  int count_ = 0;
};

// The examples of PS3.5, annexes H to J, where there is one.
TEST_F(CharacterSets, ComeOutAsUtf8) {
  EXPECT_EQ(name("ISO_IR 100", "Buc^J\xe9r\xf4me"), "Buc^Jérôme");
  EXPECT_EQ(name("ISO_IR 101", "W\xb3odarczyk"), "Włodarczyk");
  EXPECT_EQ(name("ISO_IR 144",
                 "\xbb\xee\xda"
                 "ceMba\xd1yp\xd3"),
            "ЛюкceMbaбypг");
  EXPECT_EQ(name("ISO_IR 126", "\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2"), "Διονυσιος");
  EXPECT_EQ(name("ISO_IR 192", "Wang^XiaoDong=王^小东"), "Wang^XiaoDong=王^小东");
  EXPECT_EQ(name("GB18030", "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab"), "Wang^XiaoDong=王^小东");
  EXPECT_EQ(name("\\ISO 2022 IR 87",
                 "Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B=\033$B$d$^$@\033(B^\033$B$?$m$&"
                 "\033(B"),
            "Yamada^Tarou=山田^太郎=やまだ^たろう");
  EXPECT_EQ(name("\\ISO 2022 IR 149",
                 "Hong^Gildong=\033$)C\xfb\xf3^\033$)C\xd1\xce\xd4\xd7=\033$)C\xc8\xab^\033$)C\xb1"
                 "\xe6\xb5\xbf"),
            "Hong^Gildong=洪^吉洞=홍^길동");
}

TEST_F(CharacterSets, MakeOnePatientOfOneName) {
  EXPECT_EQ(patient_key(header("ISO_IR 100", "M\xfcller^Zo\xeb")),
            patient_key(header("ISO_IR 192", "Müller^Zoë")));
}

TEST_F(CharacterSets, ThatDoNotHoldTheBytesAreWarnedOf) {
  const DicomHeader none = header("", "M\xfcller");
  const DicomHeader wrong = header("ISO_IR 192", "M\xfcller");

  EXPECT_EQ(none.patient_name, "M\xEF\xBF\xBDller");
  EXPECT_EQ(none.traits.at("texts_replaced"), "ASCII");
  EXPECT_EQ(wrong.patient_name, none.patient_name);
  EXPECT_THAT(group_dicom({wrong, header("ISO_IR 192", "M\xfcller")}).at(0).warnings,
              Contains(HasSubstr("not in its character set (ISO_IR 192)")));
  EXPECT_EQ(header("", "Müller").patient_name, "Müller");  // nobody states it, but it is UTF-8
}

}  // namespace

}  // namespace marrow
