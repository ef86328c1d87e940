#include "clinical/probes/feature_set.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/feature_sets.h"

namespace marrow {
namespace {

using testing::HasSubstr;
using testing_support::clouds;

std::string refusal_of(const FeatureSet& set) {
  try {
    check_features(set, "training features");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(FeatureSet, SaysWhichRowIsNotFinite) {
  FeatureSet set = clouds(4, 2, 3, 1, 1);
  set.features(2, 1) = std::numeric_limits<float>::quiet_NaN();

  EXPECT_THAT(refusal_of(set),
              HasSubstr("training features: row 2 has a value that is not finite"));
}

TEST(FeatureSet, SaysWhichLabelIsOutOfRange) {
  FeatureSet set = clouds(4, 2, 3, 1, 1);
  set.labels[3] = 2;

  EXPECT_THAT(refusal_of(set), HasSubstr("row 3 has the label 2, expected 0 to 1"));
}

TEST(FeatureSet, RefusesSizesThatDisagree) {
  FeatureSet fewer_labels = clouds(4, 2, 3, 1, 1);
  fewer_labels.labels.pop_back();
  FeatureSet fewer_patients = clouds(4, 2, 3, 1, 1);
  fewer_patients.patients.pop_back();
  FeatureSet fewer_keys = clouds(4, 2, 3, 1, 1);
  fewer_keys.keys.pop_back();

  EXPECT_THAT(refusal_of(fewer_labels), HasSubstr("one label for each of the 4 rows, found 3"));
  EXPECT_THAT(refusal_of(fewer_patients), HasSubstr("one patient for each"));
  EXPECT_THAT(refusal_of(fewer_keys), HasSubstr("one key for each"));
  EXPECT_THAT(refusal_of({}), HasSubstr("at least one row"));
}

TEST(FeatureSet, RefusesBothKindsOfLabelsNeitherAndKeysThatComeTwice) {
  FeatureSet both = clouds(2, 2, 3, 1, 1);
  both.findings = {{0, 1}, {1, 0}};
  FeatureSet neither = clouds(2, 2, 3, 1, 1);
  neither.labels.clear();
  FeatureSet twice = clouds(2, 2, 3, 1, 1);
  twice.keys[1] = twice.keys[0];
  FeatureSet unknown = neither;
  unknown.findings = {{0, 1}, {-1, 0}};

  EXPECT_THAT(refusal_of(both), HasSubstr("found both"));
  EXPECT_THAT(refusal_of(neither), HasSubstr("found neither"));
  EXPECT_THAT(refusal_of(twice), HasSubstr("different keys"));
  EXPECT_THAT(refusal_of(unknown), HasSubstr("row 1 must have 2 findings of 0 or 1"));
}

TEST(FeatureSet, RefusesTrainingExamplesOfOneClass) {
  FeatureSet train = clouds(4, 2, 3, 1, 1, "train");
  train.labels = {1, 1, 1, 1};
  FeatureSet findings = train;
  findings.labels.clear();
  findings.findings = {{1, 0}, {1, 0}, {1, 0}, {1, 0}};
  FeatureSet test = clouds(4, 2, 3, 1, 1, "test");

  EXPECT_THROW(check_probe_sets(train, test), Error);
  test.findings = findings.findings;
  test.labels.clear();
  EXPECT_THROW(check_probe_sets(findings, test), Error);
}

TEST(FeatureSet, RefusesAPatientInBothPartsWithoutNamingHim) {
  const FeatureSet train = clouds(4, 2, 3, 1, 1, "train");
  FeatureSet test = clouds(4, 2, 3, 1, 1, "test");
  test.patients[2] = train.patients[0];

  try {
    check_probe_sets(train, test);
    FAIL() << "expected a refusal";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kRefused);
    EXPECT_THAT(error.what(), HasSubstr("found 1 rows"));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr(train.patients[0])));
  }
}

TEST(FeatureSet, TreatsCasesWithoutAPatientAsPatientsOfTheirOwn) {
  FeatureSet set = clouds(3, 2, 3, 1, 1);
  set.patients = {"", "p", ""};

  const auto names = patient_names(set);

  EXPECT_EQ(names[1], "p");
  EXPECT_NE(names[0], names[2]);
}

}  // namespace
}  // namespace marrow
