#include "io/catalogue/acquisition_json.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace marrow {

namespace {

TEST(AcquisitionJson, WritesTheHeadersFactsUnderTheNamesAndUnitsOfBids) {
  SeriesRecord record;
  record.modality = Modality::kMr;
  record.facts = {{"te_ms", "92.5"},
                  {"tr_ms", "4000"},
                  {"field_strength_t", "3"},
                  {"manufacturer", "SIEMENS"},
                  {"image_type", "ORIGINAL/PRIMARY/M"},
                  {"contrast", "yes"},
                  {"told_apart_by", "echo 2"}};

  const nlohmann::json object = acquisition_json(record);

  EXPECT_DOUBLE_EQ(object.at("EchoTime").get<double>(), 0.0925);
  EXPECT_DOUBLE_EQ(object.at("RepetitionTime").get<double>(), 4);
  EXPECT_EQ(object.at("MagneticFieldStrength"), 3);
  EXPECT_EQ(object.at("Manufacturer"), "SIEMENS");
  EXPECT_EQ(object.at("ImageType"), nlohmann::json::array({"ORIGINAL", "PRIMARY", "M"}));
  EXPECT_EQ(object.at("ContrastAgent"), true);
  EXPECT_EQ(object.at("Modality"), "MR");
  EXPECT_FALSE(object.contains("told_apart_by"));
  EXPECT_FALSE(object.contains("InversionTime"));
}

TEST(AcquisitionJson, LeavesOutWhatIsNoNumberWhereANumberBelongs) {
  SeriesRecord record;
  record.facts = {{"te_ms", "fast"}, {"kvp", "120"}};

  const nlohmann::json object = acquisition_json(record);

  EXPECT_FALSE(object.contains("EchoTime"));
  EXPECT_EQ(object.at("KVP"), 120);
}

}  // namespace

}  // namespace marrow
