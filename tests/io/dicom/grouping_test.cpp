#include "io/dicom/grouping.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

using ::testing::HasSubstr;
using testing::made_header;
using testing::made_series;

GroupingOptions with_pixels_equal(bool equal) {
  GroupingOptions options;
  options.same_pixels = [equal](const DicomHeader&, const DicomHeader&) { return equal; };
  return options;
}

// One stack is expected; its reason code, or "use".
std::string only_verdict(const std::vector<DicomHeader>& headers,
                         const GroupingOptions& options = with_pixels_equal(false)) {
  const std::vector<DicomStack> stacks = group_dicom(headers, options);
  EXPECT_EQ(stacks.size(), 1U);
  return stacks.front().verdict == Verdict::kUse ? "use" : stacks.front().reason_code;
}

TEST(Grouping, MakesOneGridOfARegularSeriesInAnyOrderOfItsFiles) {
  std::vector<DicomHeader> headers = made_series(6);
  std::swap(headers[0], headers[4]);
  std::swap(headers[1], headers[5]);
  headers[0].instance_number = "99";

  const std::vector<DicomStack> stacks = group_dicom(headers, with_pixels_equal(false));

  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].verdict, Verdict::kUse) << stacks[0].reason;
  ASSERT_TRUE(stacks[0].geometry.has_value());
  EXPECT_EQ(stacks[0].geometry->size, (Size3{7, 5, 6}));
  EXPECT_TRUE(stacks[0].geometry->spacing.isApprox(Eigen::Vector3d(0.75, 1.25, 2.5)));
  EXPECT_TRUE(stacks[0].geometry->origin.isApprox(Eigen::Vector3d(-10, 20, 30)));
  EXPECT_EQ(stacks[0].slices.front().position->at(2), 30.0);
}

TEST(Grouping, SortsAlongTheNormalWhereItPointsDown) {
  std::vector<DicomHeader> headers = made_series(4);
  for (DicomHeader& header : headers) {
    header.orientation = {{1, 0, 0, 0, -1, 0}};  // normal is (0, 0, -1)
  }

  const std::vector<DicomStack> stacks = group_dicom(headers, with_pixels_equal(false));

  ASSERT_TRUE(stacks[0].geometry.has_value());
  EXPECT_EQ(stacks[0].geometry->origin[2], 37.5);
  EXPECT_GT(stacks[0].geometry->direction.determinant(), 0);
}

TEST(Grouping, RefusesAMissingSliceAndNamesItsPosition) {
  std::vector<DicomHeader> headers = made_series(8);
  headers.erase(headers.begin() + 3);  // at 37.5 mm

  const std::vector<DicomStack> stacks = group_dicom(headers, with_pixels_equal(false));

  EXPECT_EQ(stacks[0].verdict, Verdict::kRefuse);
  EXPECT_EQ(stacks[0].reason_code, "missing-slices");
  EXPECT_THAT(stacks[0].reason, HasSubstr("1 slice(s) are missing, at 37.50 mm"));
  EXPECT_THAT(stacks[0].tolerance, HasSubstr("found 5.000 mm"));
  EXPECT_FALSE(stacks[0].geometry.has_value());
}

TEST(Grouping, RefusesSlicesOfWhichSomeLostTheirRescale) {
  std::vector<DicomHeader> headers = made_series(8);
  headers[4].traits["no_rescale"] = "1";

  const std::vector<DicomStack> stacks = group_dicom(headers);

  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].verdict, Verdict::kRefuse);
  EXPECT_EQ(stacks[0].reason_code, "mixed-rescale");
  for (DicomHeader& header : headers) {
    header.traits["no_rescale"] = "1";
  }
  EXPECT_EQ(group_dicom(headers)[0].verdict, Verdict::kUse) << "none has one, as in MR";
}

TEST(Grouping, RefusesAStepThatChanges) {
  std::vector<DicomHeader> headers = made_series(8);
  (*headers[7].position)[2] += 1.0;

  EXPECT_EQ(only_verdict(headers), "variable-spacing");
}

TEST(Grouping, AcceptsStepsWithinOnePercent) {
  std::vector<DicomHeader> headers = made_series(8);
  (*headers[3].position)[2] += 0.02;

  EXPECT_EQ(only_verdict(headers), "use");
}

TEST(Grouping, RefusesStepsOfUnderOnePercentThatAddUpToADrift) {
  std::vector<DicomHeader> headers = made_series(80);
  for (int k = 0; k < 80; ++k) {  // 0.9 % more from the middle on: 0.45 mm beside a straight line
    (*headers[static_cast<std::size_t>(k)].position)[2] += k > 40 ? 0.0225 * (k - 40) : 0;
  }

  EXPECT_EQ(only_verdict(headers), "sheared-stack");
}

TEST(Grouping, RefusesAShearThatOnlyThePositionsShow) {
  std::vector<DicomHeader> headers = made_series(6);
  for (int k = 0; k < 6; ++k) {
    (*headers[static_cast<std::size_t>(k)].position)[1] += 0.8 * k;
  }

  EXPECT_EQ(only_verdict(headers), "gantry-tilt");
}

TEST(Grouping, RefusesAStatedGantryTilt) {
  std::vector<DicomHeader> headers = made_series(6);
  headers[2].gantry_tilt_degrees = -18.5;

  EXPECT_EQ(only_verdict(headers), "gantry-tilt");
}

TEST(Grouping, RefusesASliceBesideTheGrid) {
  std::vector<DicomHeader> headers = made_series(6);
  (*headers[3].position)[0] += 0.5;

  EXPECT_EQ(only_verdict(headers), "sheared-stack");
}

TEST(Grouping, KeepsOneOfTwoCopiesWithAWarning) {
  std::vector<DicomHeader> headers = made_series(6);
  headers.push_back(made_header(2));
  headers.back().file = "/made/copy.dcm";

  const std::vector<DicomStack> stacks = group_dicom(headers, with_pixels_equal(true));

  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].verdict, Verdict::kUse);
  EXPECT_EQ(stacks[0].slices.size(), 6U);
  EXPECT_EQ(stacks[0].duplicates, std::vector<std::filesystem::path>{"/made/copy.dcm"});
  EXPECT_THAT(stacks[0].warnings, ::testing::Contains(HasSubstr("1 copies")));
}

TEST(Grouping, RefusesTwoPicturesUnderOneInstanceUid) {
  std::vector<DicomHeader> headers = made_series(6);
  headers.push_back(made_header(2));
  headers.back().file = "/made/copy.dcm";

  EXPECT_EQ(only_verdict(headers, with_pixels_equal(false)), "conflicting-copies");
}

TEST(Grouping, DropsARepeatedPositionWithEqualPixels) {
  std::vector<DicomHeader> headers = made_series(6);
  headers.push_back(made_header(2));
  headers.back().instance_uid = "1.2.3.4.99";

  EXPECT_EQ(only_verdict(headers, with_pixels_equal(true)), "use");
}

TEST(Grouping, RefusesARepeatedPositionWithOtherPixels) {
  std::vector<DicomHeader> headers = made_series(6);
  headers.push_back(made_header(2));
  headers.back().instance_uid = "1.2.3.4.99";

  EXPECT_EQ(only_verdict(headers, with_pixels_equal(false)), "repeated-positions");
}

// Two volumes at the same six positions; `mark` tells the second one apart.
template <class Mark>
std::vector<DicomStack> two_volumes(Mark mark) {
  std::vector<DicomHeader> headers = made_series(6);
  for (int k = 0; k < 6; ++k) {
    headers.push_back(made_header(k));
    headers.back().instance_uid += ".2";
    headers.back().file = "/made/second" + std::to_string(k);
    mark(headers.back());
  }
  return group_dicom(headers, with_pixels_equal(false));
}

TEST(Grouping, SplitsByBValue) {
  const std::vector<DicomStack> stacks =
      two_volumes([](DicomHeader& header) { header.b_value = "400"; });

  ASSERT_EQ(stacks.size(), 2U);
  EXPECT_EQ(stacks[0].verdict, Verdict::kSplit);
  EXPECT_EQ(stacks[1].reason_code, "split");
  EXPECT_THAT(stacks[1].told_apart_by, HasSubstr("b-value 400"));
  EXPECT_EQ(stacks[1].slices.size(), 6U);
  EXPECT_EQ(stacks[1].number, 2);
  EXPECT_EQ(stacks[1].count, 2);
}

TEST(Grouping, SplitsByEchoAcquisitionTimeAndTriggerTime) {
  for (const auto mark : {+[](DicomHeader& h) { h.echo = "2"; },
                          +[](DicomHeader& h) { h.temporal_position = "2"; },
                          +[](DicomHeader& h) { h.acquisition_number = "2"; },
                          +[](DicomHeader& h) { h.facts["te_ms"] = "80"; },
                          +[](DicomHeader& h) { h.traits["trigger_time_ms"] = "120"; }}) {
    const std::vector<DicomStack> stacks = two_volumes(mark);

    ASSERT_EQ(stacks.size(), 2U);
    EXPECT_EQ(stacks[0].verdict, Verdict::kSplit) << stacks[0].reason;
    EXPECT_EQ(stacks[1].geometry->size, (Size3{7, 5, 6}));
  }
}

TEST(Grouping, SplitsTimePointsByInstanceNumbersThatRunVolumeByVolume) {
  const std::vector<DicomStack> stacks = two_volumes(
      [](DicomHeader& h) { h.instance_number = std::to_string(6 + std::stoi(h.instance_number)); });

  ASSERT_EQ(stacks.size(), 2U);
  EXPECT_EQ(stacks[1].verdict, Verdict::kSplit);
  EXPECT_EQ(stacks[1].slices.front().instance_number, "7");
}

TEST(Grouping, DoesNotBelieveInstanceNumbersThatRepeat) {
  const std::vector<DicomStack> stacks = two_volumes([](DicomHeader&) {});

  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].reason_code, "repeated-positions");
}

TEST(Grouping, DoesNotBelieveAFieldThatGivesUnequalVolumes) {
  std::vector<DicomHeader> headers = made_series(6);
  for (int k = 0; k < 5; ++k) {
    headers.push_back(made_header(k));
    headers.back().instance_uid += ".2";
    headers.back().acquisition_number = "2";
  }

  EXPECT_EQ(only_verdict(headers), "repeated-positions");
}

TEST(Grouping, CutsASeriesByDirectionSizeSpacingAndFrameOfReference) {
  for (const auto mark : {+[](DicomHeader& h) {
                            h.orientation = {{0, 1, 0, 0, 0, -1}};
                          },
                          +[](DicomHeader& h) {
                            h.orientation = {{1, 0, 0, 0, 0.99999998, 2e-4}};
                          },
                          +[](DicomHeader& h) {
                            h.pixel_spacing = {{1.25, 0.8}};
                          },
                          +[](DicomHeader& h) {
                            h.rows = 7;
                            h.columns = 5;
                          },
                          +[](DicomHeader& h) { h.frame_of_reference_uid = "1.2.10"; },
                          +[](DicomHeader& h) { h.facts["kernel"] = "B70f"; },
                          +[](DicomHeader& h) { h.image_type[2] = "P"; },
                          +[](DicomHeader& h) { h.study_uid = "1.2.77"; },
                          +[](DicomHeader& h) { h.pixel_representation = 1; }}) {
    std::vector<DicomHeader> headers = made_series(8);
    for (std::size_t k = 4; k < 8; ++k) {
      (*headers[k].position)[0] =
          10.0 * static_cast<double>(k);  // so that the sagittal ones are a stack, too
      (*headers[k].position)[2] = 30;
      mark(headers[k]);
    }

    EXPECT_EQ(group_dicom(headers, with_pixels_equal(false)).size(), 2U);
  }
}

TEST(Grouping, KeepsPatientsApartThatShareASeriesUid) {
  std::vector<DicomHeader> headers = made_series(8);
  for (std::size_t k = 4; k < 8; ++k) {
    headers[k].patient_id = "P2";
  }

  const std::vector<DicomStack> stacks = group_dicom(headers, with_pixels_equal(false));

  ASSERT_EQ(stacks.size(), 2U);
  EXPECT_EQ(stacks[0].slices.size(), 4U);
  EXPECT_THAT(stacks[0].reason, Not(HasSubstr("P1")));
}

TEST(Grouping, RefusesOneSliceAlone) {
  EXPECT_EQ(only_verdict(made_series(1)), "single-slice");
}

TEST(Grouping, WarnsWhenPositionsContradictTheStatedThickness) {
  std::vector<DicomHeader> headers = made_series(5);
  for (DicomHeader& header : headers) {
    header.facts["thickness_mm"] = "5";
  }

  const std::vector<DicomStack> stacks = group_dicom(headers, with_pixels_equal(false));

  EXPECT_EQ(stacks[0].verdict, Verdict::kUse);
  EXPECT_EQ(stacks[0].geometry->spacing[2], 2.5);
  EXPECT_THAT(stacks[0].warnings,
              ::testing::Contains(HasSubstr("2.5 mm apart, the header states 5 mm")));
}

struct Trap {
  const char* code;
  void (*set)(DicomHeader&);
};

class SliceTrap : public ::testing::TestWithParam<Trap> {};

TEST_P(SliceTrap, IsRefusedWithItsCode) {
  std::vector<DicomHeader> headers = made_series(5);
  for (DicomHeader& header : headers) {
    GetParam().set(header);
  }

  const std::vector<DicomStack> stacks = group_dicom(headers, with_pixels_equal(false));

  for (const DicomStack& stack : stacks) {
    EXPECT_EQ(stack.verdict, Verdict::kRefuse);
    EXPECT_EQ(stack.reason_code, GetParam().code);
    EXPECT_FALSE(stack.reason.empty());
  }
}

TEST_P(SliceTrap, IsRefusedWhenOneSliceOfMiddleHasIt) {
  std::vector<DicomHeader> headers = made_series(5);
  GetParam().set(headers[2]);

  for (const DicomStack& stack : group_dicom(headers, with_pixels_equal(false))) {
    EXPECT_EQ(stack.verdict, Verdict::kRefuse) << stack.reason;
  }
}

const double kNan = std::numeric_limits<double>::quiet_NaN();

INSTANTIATE_TEST_SUITE_P(
    All,
    SliceTrap,
    ::testing::Values(
        Trap{"multi-frame",
             [](DicomHeader& h) { h.sop_class_uid = "1.2.840.10008.5.1.4.1.1.4.1"; }},
        Trap{"multi-frame", [](DicomHeader& h) { h.frames = 12; }},
        Trap{"mosaic", [](DicomHeader& h) { h.image_type.emplace_back("MOSAIC"); }},
        Trap{"mosaic", [](DicomHeader& h) { h.traits["mosaic_tiles"] = "36"; }},
        Trap{"mosaic", [](DicomHeader& h) { h.image_type.emplace_back("VFRAME"); }},
        Trap{"palette", [](DicomHeader& h) { h.photometric = "PALETTE COLOR"; }},
        Trap{"colour",
             [](DicomHeader& h) {
               h.photometric = "RGB";
               h.samples_per_pixel = 3;
             }},
        Trap{"suv-not-computable", [](DicomHeader& h) { h.modality = "PT"; }},
        Trap{"bad-attribute", [](DicomHeader& h) { h.traits["bad_attribute"] = "PixelSpacing"; }},
        Trap{"bad-rescale", [](DicomHeader& h) { h.slope = 0; }},
        Trap{"bad-rescale", [](DicomHeader& h) { h.slope = kNan; }},
        Trap{"bad-rescale", [](DicomHeader& h) { h.intercept = kNan; }},
        Trap{"bad-bits", [](DicomHeader& h) { h.bits_allocated = 12; }},
        Trap{"bad-bits", [](DicomHeader& h) { h.bits_stored = 17; }},
        Trap{"bad-bits", [](DicomHeader& h) { h.high_bit = 9; }},
        Trap{"bad-size", [](DicomHeader& h) { h.rows = 40'000; }},
        Trap{"pixel-size-mismatch", [](DicomHeader& h) { h.pixel_bytes = 140; }},
        Trap{"unsupported-syntax",
             [](DicomHeader& h) { h.transfer_syntax_uid = "1.2.840.10008.1.2.4.201"; }},
        Trap{"no-position", [](DicomHeader& h) { h.position.reset(); }},
        Trap{"no-position", [](DicomHeader& h) { h.orientation.reset(); }},
        Trap{"no-spacing", [](DicomHeader& h) { h.pixel_spacing.reset(); }},
        Trap{"no-spacing",
             [](DicomHeader& h) {
               h.pixel_spacing = {{0, 1}};
             }},
        Trap{"bad-orientation",
             [](DicomHeader& h) {
               h.orientation = {{1, 0, 0, 0.1, 1, 0}};
             }},
        Trap{"no-series-uid", [](DicomHeader& h) { h.series_uid.clear(); }},
        Trap{"not-a-volume",
             [](DicomHeader& h) { h.sop_class_uid = "1.2.840.10008.5.1.4.1.1.1.1"; }},
        Trap{"not-a-volume", [](DicomHeader& h) { h.modality = "US"; }},
        Trap{"segmentation-object",
             [](DicomHeader& h) { h.sop_class_uid = "1.2.840.10008.5.1.4.1.1.66.4"; }},
        Trap{"rt-dose", [](DicomHeader& h) { h.sop_class_uid = "1.2.840.10008.5.1.4.1.1.481.2"; }},
        Trap{"localizer", [](DicomHeader& h) { h.image_type[2] = "LOCALIZER"; }},
        Trap{"screen-save",
             [](DicomHeader& h) {
               h.image_type = {"DERIVED", "SECONDARY", "SCREEN SAVE"};
             }},
        Trap{"dose-report",
             [](DicomHeader& h) {
               h.image_type = {"DERIVED", "SECONDARY", "DOSE_INFO"};
             }},
        Trap{"projection",
             [](DicomHeader& h) {
               h.image_type = {"DERIVED", "SECONDARY", "PROJECTION IMAGE"};
             }},
        Trap{"derived", [](DicomHeader& h) { h.image_type[0] = "DERIVED"; }},
        Trap{"secondary-capture",
             [](DicomHeader& h) { h.sop_class_uid = "1.2.840.10008.5.1.4.1.1.7"; }}));

TEST(Grouping, NamesASegmentationThatIsAlsoDerived) {
  std::vector<DicomHeader> headers = made_series(3);
  for (DicomHeader& header : headers) {
    header.image_type[0] = "DERIVED";
    header.sop_class_uid = "1.2.840.10008.5.1.4.1.1.66.4";
  }

  EXPECT_EQ(only_verdict(headers), "segmentation-object");
}

TEST(Grouping, KeepsTheGridOfADerivedSeriesAndUsesItOnRequest) {
  std::vector<DicomHeader> headers = made_series(5);
  for (DicomHeader& header : headers) {
    header.image_type[0] = "DERIVED";
  }
  GroupingOptions use = with_pixels_equal(false);
  use.use_derived = true;

  EXPECT_TRUE(group_dicom(headers, with_pixels_equal(false))[0].geometry.has_value());
  EXPECT_EQ(only_verdict(headers, use), "use");
}

}  // namespace

}  // namespace marrow
