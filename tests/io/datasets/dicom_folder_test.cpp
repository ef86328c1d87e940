#include "io/datasets/dicom_folder.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/datasets/dataset_reader.h"
#include "io/image_source.h"
#include "tests/support/dicom_series.h"
#include "tests/support/label_objects.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::MadeContour;
using testing::oblique_grid;
using testing::ramp_volume;
using ::testing::SizeIs;
using testing::write_file;

class DicomFolderTest : public ::testing::Test {
 protected:
  fs::path path(const std::string& name = "") const {
    return name.empty() ? folder_.path() : folder_.path() / name;
  }

  static DicomSeriesAttributes attributes_of(const std::string& patient) {
    DicomSeriesAttributes attributes;
    attributes.patient_id = patient;
    attributes.patient_name = patient;
    attributes.series_uid = uid_from_name("image of " + patient);
    attributes.frame_of_reference_uid = uid_from_name("space of " + patient);
    return attributes;
  }

  void write_image(const std::string& patient) const {
    write_dicom_series(path(patient), ramp_volume(oblique_grid()), attributes_of(patient));
  }

  // Two boxes of values `first` and `second`.
  static LabelMap organs(std::uint16_t first, std::uint16_t second) {
    LabelMap labels = make_grid<std::uint16_t>(oblique_grid());
    for (std::int64_t k = 1; k < 4; ++k) {
      labels.at(1, 1, k) = first;
      labels.at(2, 1, k) = second;
    }
    return labels;
  }

  void write_labels(const std::string& patient,
                    const std::map<int, std::string>& segments,
                    const std::string& name = "seg.dcm") const {
    testing::MadeSegmentation made = testing::segmentation_of(organs(1, 2), segments);
    made.series = {attributes_of(patient).series_uid};
    made.frame_of_reference = attributes_of(patient).frame_of_reference_uid;
    write_segmentation(path(patient) / name, made);
  }

  void write_contours(const std::string& patient, const std::string& region) const {
    MadeContour contour;
    for (const auto& [i, j] : {std::pair{3.5, 0.5}, {5.5, 0.5}, {5.5, 2.5}, {3.5, 2.5}}) {
      contour.points.push_back(oblique_grid().to_physical({i, j, 2}));
    }
    testing::write_structure_set(
        path(patient) / "set.dcm",
        {.regions = {{3, region, {contour}}},
         .series = {attributes_of(patient).series_uid},
         .frame_of_reference = attributes_of(patient).frame_of_reference_uid});
  }

  static std::vector<std::string> codes(const DicomFolder& found) {
    std::vector<std::string> list;
    for (const Issue& issue : found.issues) {
      list.push_back(issue.reason_code);
    }
    std::sort(list.begin(), list.end());
    return list;
  }

  static std::vector<std::string> classes(const Dataset& dataset) {
    std::vector<std::string> list;
    for (const LabelClass& one : dataset.classes) {
      list.push_back(std::to_string(one.value) + " " + one.name);
    }
    return list;
  }

  TemporaryFolder folder_;
};

TEST_F(DicomFolderTest, GivesOneNameOneValueInAllCases) {
  write_image("A");
  write_labels("A", {{1, "spleen"}, {2, "liver"}});
  write_image("B");
  write_labels("B", {{1, "liver"}});
  const DicomFolder found = read_dicom_folder(path());
  EXPECT_THAT(codes(found), ElementsAre("missing-class"));
  EXPECT_THAT(found.issues[0].reason, HasSubstr("\"spleen\" is missing in 1 of 2"));
  EXPECT_THAT(classes(found.dataset), ElementsAre("0 background", "1 liver", "2 spleen"));
  EXPECT_THAT(found.dataset.channel_names, ElementsAre("CT"));
  ASSERT_THAT(found.dataset.cases, SizeIs(2));
  const auto source = make_image_source();
  for (const Case& one : found.dataset.cases) {
    const bool is_a = one.images[0].files[0].string().find("/A/") != std::string::npos;
    EXPECT_EQ(one.modality, Modality::kCt);
    const LabelMap labels = source->labels(*one.labels);
    EXPECT_EQ(labels.voxels, (is_a ? organs(2, 1) : organs(1, 0)).voxels);
    EXPECT_EQ(geometry_difference(labels.geometry, source->volume(one.images[0]).geometry), "");
  }
}

TEST_F(DicomFolderTest, NamesCasesAndPatientsByDigestsOnly) {
  for (const char* const patient : {"SECRET1", "SECRET2"}) {
    write_image(patient);
    write_labels(patient, {{1, "liver"}});
  }
  const Dataset dataset = read_dicom_folder(path()).dataset;
  EXPECT_NE(dataset.cases[0].patient, dataset.cases[1].patient);
  for (const Case& one : dataset.cases) {
    EXPECT_THAT(one.key, ::testing::MatchesRegex("[0-9a-f]+"));
    EXPECT_THAT(one.patient, ::testing::MatchesRegex("[0-9a-f]+"));
  }
}

TEST_F(DicomFolderTest, TakesASegmentationAndAStructureSetOfOneSeriesTogether) {
  write_image("A");
  write_labels("A", {{1, "liver"}, {2, "spleen"}});
  write_contours("A", "kidney");
  const Dataset dataset = read_dicom_folder(path()).dataset;
  EXPECT_THAT(classes(dataset), ElementsAre("0 background", "1 kidney", "2 liver", "3 spleen"));
  ASSERT_THAT(dataset.cases, SizeIs(1));
  LabelMap expected = organs(2, 3);
  for (const std::int64_t i : {4, 5}) {
    for (const std::int64_t j : {1, 2}) {
      expected.at(i, j, 2) = 1;
    }
  }
  EXPECT_EQ(make_image_source()->labels(*dataset.cases[0].labels).voxels, expected.voxels);
}

TEST_F(DicomFolderTest, RefusesTwoFilesOfLabelsWithOneClassUnlessOneIsLeftOut) {
  write_image("A");
  write_labels("A", {{1, "liver"}}, "reader1.dcm");
  write_labels("A", {{1, "liver"}}, "reader2.dcm");
  const std::string refusal =
      error_of(ErrorCode::kRefused, [&] { static_cast<void>(read_dicom_folder(path())); });
  EXPECT_THAT(refusal, HasSubstr("reader1.dcm"));
  EXPECT_THAT(refusal, HasSubstr("reader2.dcm"));
  EXPECT_THAT(refusal, HasSubstr("\"liver\""));
  write_file(path("classes.json"),
             R"({"labels": {"background": 0, "liver": 1}, "leave_out": ["A/reader2.dcm"]})");
  const Dataset dataset = read_dicom_folder(path()).dataset;
  ASSERT_THAT(dataset.cases, SizeIs(1));
  EXPECT_THAT(dataset.cases[0].labels->files, ElementsAre(path("A/reader1.dcm")));
}

TEST_F(DicomFolderTest, TakesTheClassesOfClassesJson) {
  write_image("A");
  write_labels("A", {{1, "liver"}, {2, "spleen"}});
  write_file(path("classes.json"), R"({"labels": {"background": 0, "spleen": 1}})");
  const Dataset dataset = read_dicom_folder(path()).dataset;
  EXPECT_THAT(classes(dataset), ElementsAre("0 background", "1 spleen"));
  EXPECT_EQ(make_image_source()->labels(*dataset.cases[0].labels).voxels, organs(0, 1).voxels);
}

TEST_F(DicomFolderTest, ListsImagesWithoutLabelsLabelsWithoutImagesAndOtherFiles) {
  write_image("A");
  write_labels("A", {{1, "liver"}});
  write_image("B");
  fs::create_directories(path("C"));
  write_labels("C", {{1, "liver"}});
  write_file(path("notes.txt"), "notes");
  const DicomFolder found = read_dicom_folder(path());
  EXPECT_THAT(found.dataset.cases, SizeIs(1));
  EXPECT_THAT(codes(found), ElementsAre("no-image", "no-labels", "not-an-image"));
}

TEST_F(DicomFolderTest, ListsLabelsInAnotherFrameOfReference) {
  write_image("A");
  write_labels("A", {{1, "liver"}});
  testing::MadeSegmentation made = testing::segmentation_of(organs(1, 2), {{1, "spleen"}});
  made.series = {attributes_of("A").series_uid};
  made.frame_of_reference = "1.2.3";
  write_segmentation(path("A/other.dcm"), made);
  const DicomFolder found = read_dicom_folder(path());
  EXPECT_THAT(codes(found), ElementsAre("other-frame-of-reference"));
  EXPECT_THAT(classes(found.dataset), ElementsAre("0 background", "1 liver"));
}

TEST_F(DicomFolderTest, RefusesTwoSpellingsOfOneLabel) {
  write_image("A");
  write_labels("A", {{1, "Left Kidney"}});
  write_image("B");
  write_labels("B", {{1, "left_kidney"}});
  EXPECT_THAT(error_of(ErrorCode::kRefused, [&] { static_cast<void>(read_dicom_folder(path())); }),
              HasSubstr("\"Left Kidney\" and \"left_kidney\""));
}

TEST_F(DicomFolderTest, TakesDerivedSeriesThatLabelsReferTo) {
  DicomSeriesAttributes attributes = attributes_of("A");
  attributes.image_type = {"DERIVED", "SECONDARY", "REGISTERED"};
  write_dicom_series(path("A"), ramp_volume(oblique_grid()), attributes);
  write_labels("A", {{1, "liver"}});
  EXPECT_THAT(read_dicom_folder(path()).dataset.cases, SizeIs(1));
}

TEST_F(DicomFolderTest, SaysWhyNoSeriesHasLabels) {
  write_image("A");
  EXPECT_THAT(
      error_of(ErrorCode::kNothingFound, [&] { static_cast<void>(read_dicom_folder(path())); }),
      HasSubstr("expected labels for its series"));
}

TEST_F(DicomFolderTest, IsAKindOfDataSetWithAPatientSplit) {
  for (const char* const patient : {"A", "B", "C", "D", "E"}) {
    write_image(patient);
    write_labels(patient, {{1, "liver"}});
  }
  const Dataset dataset = read_dataset(path());
  ASSERT_THAT(dataset.cases, SizeIs(5));
  EXPECT_EQ(std::count_if(dataset.cases.begin(),
                          dataset.cases.end(),
                          [](const Case& one) { return one.split == "validation"; }),
            1);
}

}  // namespace
}  // namespace marrow
