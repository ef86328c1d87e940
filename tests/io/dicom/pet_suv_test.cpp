#include "io/dicom/pet_suv.h"

#include <cmath>
#include <functional>
#include <map>
#include <string>

#include <gmock/gmock.h>

#include "core/text.h"
#include "io/dicom/dcmtk_session.h"
#include "tests/support/dicom_made.h"

namespace marrow {

namespace {

using testing::put_text;

constexpr double kHalfLife = 6586.2;  // fluorine-18, s

// 70 kg, 300 MBq at 10:00, scan at 11:00, corrected to its start.
struct PetFacts {
  std::map<std::string, std::string> top{{"Units", "BQML"},
                                         {"CorrectedImage", "DECY\\ATTN\\SCAT"},
                                         {"DecayCorrection", "START"},
                                         {"PatientWeight", "70"},
                                         {"SeriesDate", "20240309"},
                                         {"SeriesTime", "110000"},
                                         {"AcquisitionDate", "20240309"},
                                         {"AcquisitionTime", "110500.5"}};
  std::map<std::string, std::string> dose{{"RadionuclideTotalDose", "300000000"},
                                          {"RadionuclideHalfLife", "6586.2"},
                                          {"RadiopharmaceuticalStartTime", "100000"}};
};

DicomHeader read_facts(const PetFacts& facts, const std::function<void(DcmDataset&)>& change = {}) {
  prepare_dcmtk();
  DcmDataset data;
  const auto put = [](DcmItem& item, const std::string& keyword, const std::string& value) {
    DcmTag tag;
    EXPECT_TRUE(DcmTag::findTagFromName(keyword.c_str(), tag).good()) << keyword;
    put_text(item, tag, value);
  };
  for (const auto& [keyword, value] : facts.top) {
    put(data, keyword, value);
  }
  DcmItem& dose = testing::add_item(data, DCM_RadiopharmaceuticalInformationSequence);
  for (const auto& [keyword, value] : facts.dose) {
    put(dose, keyword, value);
  }
  if (change) {
    change(data);
  }
  DicomHeader header;
  read_suv(data, header);
  return header;
}

double factor_of(const DicomHeader& header) {
  EXPECT_EQ(header.traits.count("suv_problem"), 0U) << header.traits.at("suv_problem");
  return parse_decimal(header.traits.at("suv_factor")).value_or(0);
}

double expected_factor(double delay_s) {
  return 70'000 / (3e8 * std::pow(0.5, delay_s / kHalfLife));
}

void expect_factor(const DicomHeader& header, double expected) {
  EXPECT_NEAR(factor_of(header) / expected, 1, 1e-3);
}

TEST(PetSuv, DecaysTheDoseToTheStartOfTheScan) {
  expect_factor(read_facts({}), expected_factor(3600));
}

TEST(PetSuv, LeavesTheDoseAsItIsWhereTheImageIsCorrectedToTheInjection) {
  PetFacts facts;
  facts.top["DecayCorrection"] = "ADMIN";
  expect_factor(read_facts(facts), expected_factor(0));
}

TEST(PetSuv, TakesAnInjectionLaterInTheDayForOneOfTheDayBefore) {
  PetFacts facts;
  facts.top["SeriesTime"] = "003000";
  facts.top["AcquisitionTime"] = "003100";
  facts.dose["RadiopharmaceuticalStartTime"] = "233000";
  expect_factor(read_facts(facts), expected_factor(3600));
}

TEST(PetSuv, PrefersTheDateAndTimeOfTheInjection) {
  PetFacts facts;
  facts.dose["RadiopharmaceuticalStartDateTime"] = "20240309103000.00";
  expect_factor(read_facts(facts), expected_factor(1800));
}

TEST(PetSuv, TakesTheVendorsScanTimeWhereTheSeriesWasMadeLater) {
  PetFacts facts;
  facts.top["SeriesTime"] = "150000";
  const DicomHeader header = read_facts(facts, [](DcmDataset& data) {
    put_text(data, DcmTagKey(0x0009, 0x0010), "GEMS_PETD_01");
    const DcmTag tag(0x0009, 0x100D, EVR_DT);
    EXPECT_TRUE(data.putAndInsertString(tag, "20240309110000.00").good());
  });
  expect_factor(header, expected_factor(3600));
}

TEST(PetSuv, GoesBackFromTheFramesReferenceTimeWhereNothingElseSaysTheStart) {
  PetFacts facts;
  facts.top["SeriesTime"] = "150000";
  facts.top["AcquisitionTime"] = "111000";
  facts.top["ActualFrameDuration"] = "120000";
  // The frame begins 600 s after the scan; the average count rate falls a little before its middle.
  const double rate = std::log(2) / kHalfLife;
  const double average = std::log(rate * 120 / (1 - std::exp(-rate * 120))) / rate;
  facts.top["FrameReferenceTime"] = testing::ds(1000 * (600 + average));
  expect_factor(read_facts(facts), expected_factor(3600));
}

TEST(PetSuv, TakesUnitsThatAreSuvAlreadyAndThoseOfOneVendor) {
  PetFacts facts;
  facts.top["Units"] = "GML";
  expect_factor(read_facts(facts), 1);
  facts.top["SUVType"] = "LBM";
  EXPECT_THAT(read_facts(facts).traits.at("suv_problem"), ::testing::HasSubstr("SUVType"));

  facts = {};
  facts.top["Units"] = "CNTS";
  EXPECT_THAT(read_facts(facts).traits.at("suv_problem"), ::testing::HasSubstr("CNTS"));
  const DicomHeader philips = read_facts(facts, [](DcmDataset& data) {
    put_text(data, DcmTagKey(0x7053, 0x0010), "Philips PET Private Group");
    const DcmTag tag(0x7053, 0x1000, EVR_DS);
    EXPECT_TRUE(data.putAndInsertString(tag, "0.000731").good());
  });
  expect_factor(philips, 0.000731);
}

TEST(PetSuv, NamesTheAttributeThatIsMissing) {
  const std::map<std::string, std::string> said{
      {"Units", "Units"},
      {"CorrectedImage", "CorrectedImage"},
      {"DecayCorrection", "DecayCorrection"},
      {"PatientWeight", "PatientWeight"},
      {"SeriesTime", "SeriesTime"},
      {"RadionuclideTotalDose", "RadionuclideTotalDose"},
      {"RadionuclideHalfLife", "RadionuclideHalfLife"},
      {"RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartTime"}};
  for (const auto& [missing, name] : said) {
    PetFacts facts;
    facts.top.erase(missing);
    facts.dose.erase(missing);
    const DicomHeader header = read_facts(facts);
    EXPECT_EQ(header.traits.count("suv_factor"), 0U) << missing;
    EXPECT_THAT(header.traits.at("suv_problem"), ::testing::HasSubstr(name));
  }
  PetFacts weightless;
  weightless.top["PatientWeight"] = "0";
  EXPECT_EQ(read_facts(weightless).traits.at("suv_problem"), "PatientWeight");
}

TEST(PetSuv, RefusesADoseInAnotherUnitAndAWeightInGrams) {
  for (const auto& [name, value] : {std::pair("RadionuclideTotalDose", "300"),
                                    {"RadionuclideTotalDose", "8.1"},
                                    {"PatientWeight", "70000"}}) {
    PetFacts facts;
    (name == std::string("PatientWeight") ? facts.top : facts.dose)[name] = value;
    const DicomHeader header = read_facts(facts);
    EXPECT_EQ(header.traits.count("suv_factor"), 0U) << name;
    EXPECT_THAT(header.traits.at("suv_problem"), ::testing::HasSubstr(name));
  }
}

TEST(PetSuv, KeepsTheWeightToItself) {
  const DicomHeader header = read_facts({});
  for (const auto& [name, value] : header.traits) {
    EXPECT_NE(value, "70") << name;
  }
  EXPECT_TRUE(header.facts.empty());
}

}  // namespace

}  // namespace marrow
